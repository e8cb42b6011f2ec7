"""The machine's own decisions: opening, talking, waiting, idling, parking, ending."""

from datetime import timedelta

import msgspec
import pytest

from bridge.core import events as e
from bridge.core.effects import ForgetSession, Owe, Recycle, Settle
from bridge.core.state import Wish
from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.delivery import Ask, DeliveryState, Retire
from bridge.model.ids import DeliveryId
from bridge.model.messages import Choice, NoticeKind, Person
from bridge.testing.builders import ANN, BOB, Talk, said
from bridge.testing.clock import NOON

MINUTE = timedelta(minutes=1)


def test_a_new_conversation_wishes_for_nothing() -> None:
    assert Talk().conversation.wish is Wish.NOTHING
    assert Talk().due is None


def test_a_message_wishes_for_a_session_and_is_owed_to_the_agent() -> None:
    talk = Talk().say("hello")
    assert talk.conversation.wish is Wish.SESSION
    assert talk.of(Owe) == [Owe(DeliveryId("c1.1"), Ask("hello", ANN))]
    assert talk.sent == []


def test_an_empty_message_only_opens_a_session() -> None:
    talk = Talk().say("  \n ")
    assert talk.conversation.wish is Wish.SESSION
    assert talk.effects == ()
    talk.opened().ready()
    assert talk.sent == ["join"]


def test_an_empty_message_during_a_session_asks_for_nothing() -> None:
    talk = Talk().joined().say("")
    assert talk.effects == ()
    assert not talk.conversation.wanted


def test_the_agent_is_asked_to_join_once_and_only_after_the_history() -> None:
    talk = Talk().say("hello").opened()
    assert talk.sent == []
    assert talk.conversation.wish is Wish.SOCKET
    assert talk.ready().sent == ["join"]
    assert talk.hear(f.JoinEchoed()).sent == []
    assert talk.hear(f.AgentJoined()).sent == ["hello"]
    assert talk.lost().ready().sent == ["hello"], "a join is for life"


def test_messages_wait_until_the_agent_has_joined_and_go_one_at_a_time() -> None:
    talk = Talk().joined().say("one")
    assert talk.sent == ["one"]
    assert talk.say("two").sent == []
    assert talk.echo("one", "c1.1").sent == ["two"]
    assert talk.of(Settle) == [Settle(DeliveryId("c1.1"), DeliveryState.SENT, "3")]


def test_the_agent_joining_without_its_echo_is_joined_all_the_same() -> None:
    talk = Talk().say("hello").opened().ready().hear(f.AgentJoined())
    assert talk.sent == ["hello"]


def test_a_message_too_long_for_the_session_is_told_and_not_sent() -> None:
    talk = Talk().joined()
    talk.hear(f.SessionStarted(f.Capabilities(max_message_bytes=1024)))
    assert talk.say("x" * 900).notices == [NoticeKind.TOO_LONG]
    assert talk.sent == []
    assert talk.conversation.waiting == ()


def test_a_message_is_measured_again_once_the_session_says_how_much_it_takes() -> None:
    talk = Talk().say("x" * 900).say("short").opened().ready()
    talk.hear(f.SessionStarted(f.Capabilities(max_message_bytes=1024)))
    talk.hear(f.JoinEchoed()).hear(f.AgentJoined())
    assert talk.notices == [NoticeKind.TOO_LONG]
    assert talk.of(Settle)[0].state is DeliveryState.DEAD
    assert talk.sent == ["short"]


def test_the_frame_is_measured_as_it_would_be_sent() -> None:
    asked: list[tuple[str, str, Person | None]] = []

    def size(text: str, delivery: str, person: Person | None) -> int:
        asked.append((text, delivery, person))
        return 131_073 if text == no else 131_072

    no, yes = "n" * 65_000, "y" * 65_000
    talk = Talk(Terms(frame_size=size)).joined()
    assert talk.say(no).notices == [NoticeKind.TOO_LONG]
    assert asked == [(no, "c1.1", ANN)]
    assert talk.say(yes).sent == [yes]


def test_a_short_text_needs_no_measuring() -> None:
    def size(*_: object) -> int:
        raise AssertionError

    assert Talk(Terms(frame_size=size)).joined().say("a" * 20_000).sent == ["a" * 20_000]


def test_without_a_limit_of_its_own_a_session_takes_what_polyai_documents() -> None:
    talk = Talk().joined().hear(f.SessionStarted(f.Capabilities(max_message_bytes=0)))
    assert talk.say("x" * 130_000).notices == []
    assert talk.say("x" * 131_000).notices == [NoticeKind.TOO_LONG]


def test_a_larger_limit_of_a_session_does_not_lift_polyais() -> None:
    talk = Talk().joined().hear(f.SessionStarted(f.Capabilities(max_message_bytes=9_999_999)))
    assert talk.say("x" * 131_000).notices == [NoticeKind.TOO_LONG]


def offering() -> Talk:
    return Talk().joined().hear(said("Which?", "m1", "red", "blue"))


def test_a_click_sends_the_text_and_names_who_chose() -> None:
    talk = offering()
    (delivery, _) = talk.thread[-1]
    talk.click(delivery, 1, BOB)
    retire, ask = talk.of(Owe)
    assert isinstance(retire.body, Retire)
    assert (retire.body.target, retire.body.chosen) == (delivery, Choice("blue", BOB))
    assert ask.body == Ask("blue", BOB)
    assert talk.sent == ["blue"]


def test_the_first_click_wins() -> None:
    talk = offering()
    (delivery, _) = talk.thread[-1]
    talk.click(delivery, 0)
    assert talk.click(delivery, 1, BOB).notices == [NoticeKind.STALE]
    assert talk.sent == []


@pytest.mark.parametrize(("delivery", "index"), [("c1.1", 2), ("c1.1", -1), ("c1.9", 0)])
def test_a_click_on_what_was_not_offered_is_declined(delivery: str, index: int) -> None:
    talk = offering().click(DeliveryId(delivery), index)
    assert talk.notices == [NoticeKind.STALE]
    assert talk.conversation.waiting == ()


def test_typing_retires_the_suggestions() -> None:
    talk = offering()
    (delivery, _) = talk.thread[-1]
    talk.say("green")
    retire = next(owe.body for owe in talk.of(Owe) if isinstance(owe.body, Retire))
    assert (retire.target, retire.chosen) == (delivery, None)
    assert retire.content is not None
    assert retire.content.text == "Which?", "what was posted is not kept until then"
    assert talk.click(delivery, 0).notices == [NoticeKind.STALE]


def test_the_agents_next_words_retire_the_suggestions() -> None:
    talk = offering()
    (delivery, _) = talk.thread[-1]
    talk.hear(said("Never mind", "m2"))
    retire = next(owe.body for owe in talk.of(Owe))
    assert isinstance(retire, Retire)
    assert (retire.target, retire.chosen) == (delivery, None)


def test_a_click_after_the_session_was_lost_still_counts() -> None:
    talk = offering()
    (delivery, _) = talk.thread[-1]
    talk.gone().click(delivery, 0)
    assert talk.conversation.wish is Wish.SESSION
    assert [waiting.text for waiting in talk.conversation.waiting] == ["red"]


def test_a_click_after_the_end_is_declined() -> None:
    talk = offering()
    (delivery, _) = talk.thread[-1]
    talk.hear(f.SessionEnded())
    assert talk.click(delivery, 0).notices == [NoticeKind.STALE]


def test_a_missing_echo_is_looked_up_before_anything_is_repeated() -> None:
    talk = Talk().joined().say("one")
    assert talk.wait(timedelta(seconds=9)).effects == ()
    assert talk.wait(timedelta(seconds=1)).effects == (Recycle(1),)
    assert talk.due == NOON + timedelta(seconds=75), "only the sign of life is due"
    talk.lost()
    talk.hear(f.MessageEchoed(text="one"), replayed=True, custom={"local_id": "c1.1"})
    assert talk.of(Settle)
    assert talk.ready().sent == []


def test_without_an_echo_in_the_replay_the_same_message_is_sent_again() -> None:
    talk = Talk().joined().say("one").wait(timedelta(seconds=10)).lost()
    assert talk.ready().sent == ["one"]
    assert talk.conversation.in_flight is not None
    assert talk.conversation.in_flight.attempts == 2
    assert talk.conversation.in_flight.message is not None
    assert talk.conversation.in_flight.message.delivery == "c1.1"


def test_after_four_sends_a_message_is_given_up_and_told_and_the_next_one_goes() -> None:
    talk = Talk().joined().say("one").say("two")
    for _ in range(3):
        assert talk.lost().ready().sent == ["one"]
    talk.lost().ready()
    assert talk.notices == [NoticeKind.NOT_DELIVERED]
    (outcome,) = talk.of(Settle)
    assert (outcome.id, outcome.state) == ("c1.1", DeliveryState.DEAD)
    assert talk.sent == ["two"]


def test_a_join_that_is_never_echoed_costs_the_session() -> None:
    talk = Talk().say("hello").opened().ready()
    for _ in range(3):
        assert talk.lost().ready().sent == ["join"]
    assert talk.lost().ready().of(ForgetSession) == [ForgetSession(1)]
    assert talk.conversation.wish is Wish.SESSION


def test_an_agent_that_does_not_come_is_asked_again_and_then_given_up() -> None:
    talk = Talk().say("hello").opened().ready().hear(f.JoinEchoed())
    for _ in range(2):
        assert talk.wait(timedelta(seconds=44)).effects == ()
        assert talk.wait(timedelta(seconds=1)).of(Recycle) == [Recycle(1)]
        assert talk.lost().ready().sent == ["join"]  # a replay had no word of its joining
        talk.hear(f.JoinEchoed())
    assert talk.wait(timedelta(seconds=45)).of(ForgetSession) == [ForgetSession(1)]


def test_a_quiet_conversation_lets_go_of_its_socket_and_a_message_resumes_it() -> None:
    talk = Talk().joined()
    assert talk.wait(timedelta(minutes=29)).conversation.wish is Wish.SOCKET
    assert talk.wait(MINUTE).conversation.wish is Wish.NOTHING
    assert talk.due is None
    assert talk.wait(MINUTE).effects == ()
    talk.lost()
    assert talk.say("still there?").conversation.wish is Wish.SOCKET
    assert talk.ready().sent == ["still there?"]


def test_an_agents_message_keeps_the_socket() -> None:
    talk = Talk().joined()
    talk.now += timedelta(minutes=20)
    talk.hear(said("Hello?", "m1"))
    assert talk.wait(timedelta(minutes=20)).conversation.wish is Wish.SOCKET


def test_a_conversation_is_not_idle_while_something_waits() -> None:
    talk = Talk().joined().say("one").lost()
    assert talk.wait(timedelta(hours=2)).conversation.wish is Wish.SOCKET


def test_the_end_is_asked_for_after_what_was_said_before_it() -> None:
    talk = Talk().joined().say("one").say("two").take(e.EndRequested())
    assert talk.sent == []
    assert talk.echo("one", "c1.1").sent == ["two"]
    assert talk.echo("two", "c1.2").sent == ["end"]
    assert talk.hear(f.EndEchoed()).sent == []
    talk.hear(f.SessionEnded("REASON_USER_END"))
    assert talk.notices == [NoticeKind.ENDED]
    assert talk.conversation.wish is Wish.NOTHING


def test_an_end_that_polyai_does_not_confirm_is_an_end_all_the_same() -> None:
    talk = Talk().joined().take(e.EndRequested()).hear(f.EndEchoed())
    assert talk.wait(timedelta(seconds=10)).notices == [NoticeKind.ENDED]
    assert talk.of(ForgetSession) == [ForgetSession(1)]


def test_an_end_is_asked_for_again_if_its_echo_is_not_in_the_replay() -> None:
    talk = Talk().joined().take(e.EndRequested())
    assert talk.lost().ready().sent == ["end"]
    assert talk.lost().ready().sent == ["end"]
    assert talk.lost().ready().sent == ["end"]
    assert talk.lost().ready().notices == [NoticeKind.ENDED]


def test_asking_twice_for_the_end_does_not_put_it_off() -> None:
    talk = Talk().joined().take(e.EndRequested())
    talk.now += timedelta(seconds=9)
    talk.take(e.EndRequested())
    assert talk.effects == ()
    assert talk.wait(timedelta(seconds=1)).notices == [NoticeKind.ENDED]


def test_an_end_wakes_a_conversation_that_let_go_of_its_socket() -> None:
    talk = Talk().joined().wait(timedelta(minutes=30)).take(e.EndRequested())
    assert talk.conversation.wish is Wish.SOCKET


def test_an_end_before_any_session_tells_what_was_not_delivered() -> None:
    talk = Talk().say("one").say("two").take(e.EndRequested())
    assert talk.notices == [NoticeKind.NOT_DELIVERED] * 2
    assert talk.conversation.wish is Wish.NOTHING
    assert [outcome.state for outcome in talk.of(Settle)] == [DeliveryState.DEAD] * 2


def test_starting_again_takes_back_the_offer_to_do_so() -> None:
    talk = Talk().joined().hear(f.SessionEnded())
    (notice, _) = talk.thread[-1]
    assert talk.conversation.restart_notice == notice
    talk.take(e.StartRequested())
    assert talk.notices == [NoticeKind.ENDED]
    assert not talk.conversation.restart_notice
    assert talk.conversation.wish is Wish.SESSION
    assert talk.opened().conversation.sessions == 2


def test_writing_after_an_end_starts_again() -> None:
    talk = Talk().joined().hear(f.SessionEnded()).say("one more thing")
    assert talk.conversation.wish is Wish.SESSION
    assert talk.conversation.restart_notice is None


def test_starting_by_nobody_during_a_session_changes_nothing() -> None:
    talk = Talk().joined().take(e.StartRequested())
    assert talk.effects == ()
    assert not talk.conversation.wanted


def test_a_second_session_for_one_wish_is_let_go_of() -> None:
    talk = Talk().joined()
    before = talk.session
    assert talk.opened().effects == (ForgetSession(2),)
    assert talk.session == before
    assert talk.take(e.SessionOpened(1)).effects == (), "the one we have"


def test_that_no_session_can_be_opened_is_told_once() -> None:
    talk = Talk().say("hello").take(e.SessionUnavailable())
    assert talk.notices == [NoticeKind.UNAVAILABLE]
    assert talk.take(e.SessionUnavailable()).notices == []
    talk.opened().ready().gone().take(e.SessionUnavailable())
    assert talk.notices == [NoticeKind.UNAVAILABLE], "it was reached in between"


@pytest.mark.parametrize(
    "stale",
    [
        e.SocketReady(7),
        e.SocketLost(7),
        e.SessionLost(7),
        e.FrameArrived(7, f.Frame(sequence=9, body=f.SessionEnded())),
    ],
)
def test_news_of_another_session_mean_nothing(stale: e.Event) -> None:
    talk = Talk().joined()
    before = talk.conversation
    assert talk.take(stale).effects == ()
    assert talk.conversation == before


def test_waking_without_a_session_does_nothing() -> None:
    talk = Talk().say("hello")
    before = talk.conversation
    talk.wait(timedelta(hours=1))
    assert talk.conversation == before


def test_a_step_can_be_taken_again() -> None:
    one, other = Talk().joined(), Talk().joined()
    assert one.say("hello").effects == other.say("hello").effects
    assert one.conversation == other.conversation


def test_a_conversation_survives_the_store() -> None:
    talk = offering().say("one").say("two")
    talk.hear(f.LiveAgentJoined("a1", "Jo", "https://x/y.png"))
    kept = msgspec.json.encode(talk.conversation)
    assert msgspec.json.decode(kept, type=type(talk.conversation)) == talk.conversation


def test_patience_is_the_callers() -> None:
    talk = Talk(Terms(echo_timeout=timedelta(seconds=1))).joined().say("one")
    assert talk.wait(timedelta(seconds=1)).effects == (Recycle(1),)


def test_a_session_that_comes_after_nobody_wants_it_is_let_go_of() -> None:
    talk = Talk().say("hello").take(e.EndRequested()).opened()
    assert talk.of(ForgetSession) == [ForgetSession(1)]
    assert talk.conversation.wish is Wish.NOTHING
    assert talk.say("and yet").opened().conversation.sessions == 2


def test_a_session_opened_for_what_was_carried_takes_back_the_offer_to_start_again() -> None:
    talk = Talk().joined().say("one").hear(f.SessionEnded()).opened()
    assert talk.notices == [NoticeKind.ENDED]
    assert talk.conversation.restart_notice is None


def test_a_parked_call_without_words_is_tried_again() -> None:
    talk = Talk().say("")
    for _ in range(3):
        talk.opened().gone()
    assert talk.conversation.live
    assert talk.due is not None
    assert talk.wait(timedelta(minutes=5)).conversation.wish is Wish.SESSION
