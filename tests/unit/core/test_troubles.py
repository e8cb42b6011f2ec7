"""What becomes of a conversation when PolyAI says that something is wrong."""

from datetime import timedelta

import pytest

from bridge.core import events as e
from bridge.core.effects import ForgetSession, Note, Owe, Recycle, Settle
from bridge.core.state import Handoff, Wish
from bridge.model import frames as f
from bridge.model.delivery import DeliveryState
from bridge.model.ids import DeliveryId
from bridge.model.messages import Control, Notice, NoticeKind
from bridge.testing.builders import ANN, Talk, piece, said

OURS = {"client_event_id": "c1.1"}
SECOND = timedelta(seconds=1)
HIGH_LOAD = "Our system is experiencing high load. Please try again in a moment."
NO_START = "Sorry, I'm unable to start a conversation right now. Please try again later."
NO_RESPONSE = "Sorry, I'm having trouble responding right now. Please try again."
STREAM_ERROR = "Sorry, I encountered an error. Please try again."


def system(text: str, level: str = "error") -> f.SystemMessage:
    return f.SystemMessage(level, text)


def problem(text: str, *, controls: tuple[Control, ...] = ()) -> Notice:
    return Notice(NoticeKind.AGENT_PROBLEM, {"message": text}, controls=controls)


def asking(text: str = "hello") -> Talk:
    return Talk().joined().say(text)


def asked(text: str = "hello") -> Talk:
    return asking(text).echo(text, "c1.1")


def test_polyais_own_words_are_shown_when_a_person_can_use_them() -> None:
    talk = Talk().joined().hear(system("We are busy", "warning"))
    assert talk.contents == [problem("We are busy")]
    assert talk.hear(system("Event type not allowed: X")).contents == []
    assert talk.hear(system("All is well", "info")).effects == ()


def test_the_operator_is_told_by_a_name_and_never_the_text() -> None:
    talk = Talk().joined()
    talk.hear(system("Event type not allowed: X"), 9)
    fields = {"meaning": "forbidden_event", "event_id": talk.of(Note)[0].fields["event_id"]}
    note = Note("agent.fault", "error", {**fields, "sequence": "9"})
    assert talk.of(Note) == [note]
    talk.hear(system("Secret words"))
    assert "Secret" not in str(talk.of(Note))


def test_an_overload_is_told_only_if_it_does_not_pass() -> None:
    talk = asked().hear(system(HIGH_LOAD))
    assert talk.contents == []
    assert talk.wait(2 * SECOND).contents == []
    assert talk.wait(SECOND).contents == [problem(HIGH_LOAD, controls=(Control.RETRY,))]
    assert talk.wait(9 * SECOND).contents == []


@pytest.mark.parametrize("answer", [said("Here I am", "m1"), piece("He", 1), f.AgentJoined()])
def test_an_overload_that_passes_is_nobodys_business(answer: f.FrameBody) -> None:
    talk = asked().hear(system(HIGH_LOAD)).hear(answer)
    assert NoticeKind.AGENT_PROBLEM not in talk.wait(9 * SECOND).notices


def test_an_overload_waits_through_a_crash() -> None:
    talk = asked().hear(system(HIGH_LOAD))
    assert talk.conversation.essence().session is not None
    assert talk.conversation.essence().session.grace is not None  # type: ignore[union-attr]
    talk.lost().ready()
    assert talk.wait(9 * SECOND).notices == [NoticeKind.AGENT_PROBLEM]


def test_a_person_may_send_again_what_the_agent_could_not_answer() -> None:
    talk = asked().hear(system(NO_RESPONSE))
    (notice,) = talk.of(Owe)
    assert talk.contents == [problem(NO_RESPONSE, controls=(Control.RETRY,))]
    talk.take(e.RetryRequested(notice.id, ANN))
    assert talk.sent == ["hello"]
    again = Notice(NoticeKind.AGENT_PROBLEM, {"message": NO_RESPONSE, "again": "yes"})
    assert again in talk.contents, "offered no longer"
    assert talk.take(e.RetryRequested(notice.id, ANN)).effects == (), "a double click sends once"


def test_without_a_message_there_is_nothing_to_send_again() -> None:
    assert Talk().joined().hear(system(NO_RESPONSE)).contents == [problem(NO_RESPONSE)]


def test_a_stream_that_broke_is_shown_before_its_error() -> None:
    talk = asked().hear(piece("Half of i", 1)).hear(system(STREAM_ERROR))
    assert talk.texts == ["Half of i"]
    assert talk.contents[-1] == problem(STREAM_ERROR, controls=(Control.RETRY,))
    assert talk.session.streams == ()


def test_polyai_may_ask_for_another_join_but_not_for_ever() -> None:
    talk = Talk().joined()
    assert talk.hear(system("Error: Conversation not found")).sent == ["join"]
    talk.hear(f.JoinEchoed()).hear(f.AgentJoined())
    assert talk.hear(system("Error: Conversation not found")).sent == [], "not in a hurry"
    assert talk.wait(3 * SECOND).sent == ["join"]
    talk.hear(f.JoinEchoed()).hear(f.AgentJoined())
    talk.hear(system("Error: Conversation not found"))
    assert talk.of(ForgetSession) == [ForgetSession(1)]


def test_an_agent_that_cannot_start_is_asked_again_a_little_later() -> None:
    talk = Talk().say("hello").opened().ready()
    assert talk.hear(system(NO_START)).contents == [problem(NO_START)]
    assert talk.sent == []
    assert talk.wait(3 * SECOND).sent == ["join"]
    assert talk.hear(system(NO_START)).contents == [], "told once"
    assert talk.wait(3 * SECOND).sent == ["join"]
    talk.hear(system(NO_START))
    assert talk.of(ForgetSession) == [ForgetSession(1)], "then another session is tried"
    assert talk.conversation.wish is Wish.SESSION
    assert [w.text for w in talk.conversation.waiting] == ["hello"]


def test_an_agent_that_starts_after_all_hears_what_was_said() -> None:
    talk = Talk().say("hello").opened().ready().hear(system(NO_START)).wait(3 * SECOND)
    assert talk.hear(f.JoinEchoed()).hear(f.AgentJoined()).sent == ["hello"]


def test_a_session_polyai_does_not_find_is_lost() -> None:
    talk = Talk().joined().hear(system("Error: Session not found"))
    assert talk.of(ForgetSession) == [ForgetSession(1)]
    assert talk.say("hello").opened().notices == [NoticeKind.NEW_CONVERSATION]


def test_a_lookup_that_failed_is_tried_again_with_the_same_message() -> None:
    talk = asking().hear(system("Error: Unable to retrieve session"), custom=OURS)
    assert talk.of(Settle) == []
    assert talk.wait(2 * SECOND).effects == ()
    assert talk.wait(SECOND).effects == (Recycle(1),)
    assert talk.lost().ready().sent == ["hello"]
    talk.hear(system("Error: Unable to retrieve session"), custom=OURS).wait(3 * SECOND)
    talk.lost().ready()
    talk.hear(system("Error: Unable to retrieve session"), custom=OURS)
    assert talk.of(ForgetSession) == [ForgetSession(1)], "it persists"
    assert [w.text for w in talk.conversation.waiting] == ["hello"]


def test_a_lookup_that_works_again_starts_the_count_anew() -> None:
    talk = Talk().joined()
    for number in range(5):
        talk.hear(system("Error: Unable to retrieve session")).hear(said("x", f"m{number}"))
        assert talk.of(ForgetSession) == []


def test_a_connector_that_is_gone_is_told_once_and_not_tried_in_a_loop() -> None:
    talk = asking().hear(system("Error: Connector not found"), custom=OURS)
    assert talk.notices == [NoticeKind.UNAVAILABLE]
    assert talk.of(Note)[0].level == "error"
    assert talk.conversation.wish is Wish.NOTHING
    assert [w.text for w in talk.conversation.waiting] == ["hello"]
    assert talk.wait(timedelta(minutes=5)).conversation.wish is Wish.SESSION


def test_a_message_the_live_agent_did_not_get_can_be_sent_again() -> None:
    talk = asking().hear(system("Failed to forward message to live agent"), custom=OURS)
    assert [s.state for s in talk.of(Settle)] == [DeliveryState.DEAD]
    told = Notice(NoticeKind.NOT_DELIVERED, {"text": "hello"}, controls=(Control.RETRY,))
    assert talk.contents == [told]
    notice = next(owe.id for owe in talk.of(Owe))
    assert talk.take(e.RetryRequested(notice, ANN)).sent == ["hello"]


def test_a_failure_to_forward_that_names_nothing_offers_what_was_said_last() -> None:
    talk = asked().hear(system("Failed to forward message to live agent"))
    told = Notice(NoticeKind.UNANSWERED, {"text": "hello"}, controls=(Control.RETRY,))
    assert talk.contents == [told]
    words = "Failed to forward message to live agent"
    assert Talk().joined().hear(system(words)).contents == [problem(words)]


def test_while_another_message_is_under_way_nothing_is_offered_again() -> None:
    talk = asked("one").say("two").hear(system(NO_RESPONSE))
    assert talk.contents == [problem(NO_RESPONSE)]


def test_what_was_answered_is_not_offered_again() -> None:
    talk = asked().hear(said("Hello to you", "m1")).hear(system(NO_RESPONSE))
    assert talk.contents == [problem(NO_RESPONSE)]


@pytest.mark.parametrize(
    "words",
    [
        "Sorry, we could not connect you to an agent. Please try again.",
        "Sorry, handoff could not be initiated.",
    ],
)
def test_where_nobody_comes_the_wait_is_over(words: str) -> None:
    talk = Talk().joined().hear(f.HandoffTriggered()).hear(system(words))
    assert talk.contents == [Notice(NoticeKind.HANDOFF_FOUND), problem(words)]
    assert talk.session.handoff is Handoff.BROKEN
    assert talk.hear(f.HandoffBroke()).effects == (), "told already"


def test_a_conversation_that_is_gone_while_a_message_is_under_way_is_joined_before_it() -> None:
    talk = asking().hear(system("Error: Conversation not found"))
    assert talk.of(Recycle) == [Recycle(1)], "a replay tells whether it was received before"
    assert talk.lost().ready().sent == ["join"]
    assert talk.hear(f.JoinEchoed()).hear(f.AgentJoined()).sent == ["hello"]


def test_a_message_received_before_its_conversation_was_gone_is_offered_again() -> None:
    talk = asked().hear(system("Error: Conversation not found"))
    assert talk.notices == [NoticeKind.UNANSWERED]
    assert talk.sent == ["join"]


@pytest.mark.parametrize("step", [f.HandoffTriggered(), f.LiveAgentJoined("a1", "Jo")])
def test_the_agent_is_not_called_back_among_people(step: f.FrameBody) -> None:
    talk = Talk().joined().hear(step)
    assert talk.hear(system("Error: Conversation not found")).contents == []
    assert talk.sent == []
    talk.say("hello")
    delivery = talk.of(Owe)[0].id
    talk.hear(system("Error: Conversation not found"), custom={"local_id": delivery})
    assert talk.notices == [NoticeKind.NOT_DELIVERED]


def test_a_retry_after_the_end_starts_a_new_session() -> None:
    talk = asked().hear(system(NO_RESPONSE))
    notice = talk.of(Owe)[0].id
    talk.hear(f.SessionEnded()).take(e.RetryRequested(notice, ANN))
    assert talk.conversation.wish is Wish.SESSION
    assert [w.text for w in talk.conversation.waiting] == ["hello"]


def test_a_control_nobody_knows_is_declined() -> None:
    assert Talk().take(e.RetryRequested(DeliveryId("c1.9"), ANN)).notices == [NoticeKind.STALE]


def test_the_message_that_is_named_is_the_one_offered_again() -> None:
    talk = asked("one").say("two").echo("two", "c1.2")
    talk.hear(system(NO_RESPONSE), custom={"local_id": "c1.1"})
    notice = talk.of(Owe)[0].id
    assert talk.take(e.RetryRequested(notice, ANN)).sent == ["one"]


def test_a_named_message_is_told_though_another_is_under_way() -> None:
    talk = asked("one").say("two")
    talk.hear(system("Error: Conversation not found"), custom={"local_id": "c1.1"})
    told = Notice(NoticeKind.UNANSWERED, {"text": "one"}, controls=(Control.RETRY,))
    assert talk.contents == [told]


def test_one_text_is_offered_once() -> None:
    talk = asked().hear(system(NO_RESPONSE)).hear(system(STREAM_ERROR), custom=OURS)
    assert talk.contents == [problem(STREAM_ERROR)]


def test_a_question_that_dies_with_its_session_is_told() -> None:
    talk = asked().gone()
    told = Notice(NoticeKind.UNANSWERED, {"text": "hello"}, controls=(Control.RETRY,))
    assert talk.contents == [told]
    assert asked().hear(said("Hi")).gone().contents == [], "it was answered"
    talk = asked()
    talk.now += timedelta(minutes=3)
    assert talk.gone().contents == [], "nobody expects an answer any more"


def test_a_connector_that_is_gone_promises_only_what_is_kept() -> None:
    assert asked().hear(system("Error: Connector not found")).notices == [NoticeKind.UNANSWERED]
    talk = Talk().joined().hear(system("Error: Connector not found"))
    assert talk.contents == [Notice(NoticeKind.UNAVAILABLE)]
    talk = asking().hear(system("Error: Connector not found"))
    assert talk.contents == [Notice(NoticeKind.UNAVAILABLE, {"kept": "yes"})]


def test_each_question_that_dies_with_its_session_is_told() -> None:
    talk = asked("one").say("two").echo("two", "c1.2").gone()
    told = [c.details["text"] for c in talk.contents if isinstance(c, Notice)]
    assert told == ["one", "two"]


def test_a_trouble_that_was_told_is_not_told_again_with_the_session() -> None:
    assert asked().hear(system(NO_RESPONSE)).gone().contents == []


def test_the_same_error_about_the_same_message_is_told_once() -> None:
    talk = asked().hear(system("Failed to forward message to live agent"), custom=OURS)
    assert talk.hear(system("Failed to forward message to live agent"), custom=OURS).contents == []
