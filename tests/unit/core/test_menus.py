"""Where nothing can be pressed, a number is an answer for exactly as long as it can be one."""

import re
from datetime import timedelta

import msgspec
import pytest

from bridge.core import events as e
from bridge.core.effects import Owe
from bridge.core.handoff_rules import HandoffRule
from bridge.core.state import Conversation, Handoff
from bridge.core.terms import Shows, Terms
from bridge.model import frames as f
from bridge.model.messages import AgentReply, NoticeKind
from bridge.plugin import notice_text, text_of
from bridge.testing.builders import ANN, BOB, Talk, said

NOTHING = Shows(**dict.fromkeys(Shows.__struct_fields__, False))
TERMS = Terms(shows=NOTHING, worded=notice_text)
HELP = HandoffRule(queue_name="Sales", place="C9")


def shown(talk: Talk) -> list[str]:
    """What the last event told the thread."""
    return [text_of(content) for content in talk.contents]


def asked() -> Talk:
    """The agent has offered three colours."""
    return Talk(TERMS).joined().hear(said("Which?", "m1", "red", "blue", "green"))


def waiting() -> Talk:
    return Talk(TERMS).joined().hear(f.HandoffAccepted("Sales"))


def test_suggestions_are_a_list_and_its_number_is_exactly_the_suggestion() -> None:
    talk = asked()
    assert shown(talk) == ["Which?\nReply with a number:\n1. red\n2. blue\n3. green"]

    assert talk.say("2").sent == ["blue"]
    assert talk.contents == [], "nothing needs to be changed"


@pytest.mark.parametrize("number", ["3.", "3)", "(3)", "#3", " 3 ", "\uff13", "٣", "3️⃣", "\u200f3"])
def test_it_may_be_written_as_people_do(number: str) -> None:
    assert asked().say(number).sent == ["green"]


def test_anybody_in_the_thread_may_answer_and_the_first_counts() -> None:
    talk = asked().say("1", BOB)
    assert talk.sent == ["red"]
    delivery = talk.conversation.in_flight
    assert delivery is not None
    assert delivery.message is not None
    assert delivery.message.person == BOB
    talk.echo("red", delivery.message.delivery)
    assert talk.say("2", ANN).sent == ["Ann: 2"]


@pytest.mark.parametrize("words", ["4", "0", "red", "2 please", "02"])
def test_what_is_no_number_of_the_list_is_words(words: str) -> None:
    talk = asked().say(words)
    assert talk.sent == [words]
    assert talk.conversation.menu is None


@pytest.mark.parametrize(
    "offered", [("2", "1"), ("2 nights", "3 nights"), ("table 2", "table 3"), ("0", "1")]
)
def test_where_a_number_could_mean_two_things_suggestions_are_not_numbered(
    offered: tuple[str, ...],
) -> None:
    talk = Talk(TERMS).joined().hear(said("Which?", "m1", *offered))
    listed = "".join(f"\n- {text}" for text in offered)
    assert shown(talk) == [f"Which?\nReply with one of these:{listed}"]
    assert talk.say("2").sent == ["2"]


def test_nor_is_one_chosen_by_a_sign_that_stands_for_a_number() -> None:
    talk = Talk(TERMS).joined().hear(said("Which?", "m1", "2", "1"))
    talk.take(e.ChoiceAccepted(talk.of(Owe)[0].id, 0, ANN))
    assert (talk.sent, talk.notices) == ([], [NoticeKind.STALE])


@pytest.mark.parametrize("offered", [("1", "2", "10"), ("10:00", "11:30"), ("Route 66", "A2")])
def test_where_it_cannot_they_are(offered: tuple[str, ...]) -> None:
    talk = Talk(TERMS).joined().hear(said("Which?", "m1", *offered))
    assert talk.say("2").sent == [offered[1]]


def test_a_zero_that_the_agent_suggests_is_no_way_out_of_the_queue() -> None:
    talk = waiting().hear(said("How many children?", "m9", "0", "more"))
    assert talk.say("0").sent == ["0"]
    assert not talk.session.leaves_queue


def test_a_number_that_crosses_with_a_newer_list_chooses_nothing_of_it() -> None:
    talk = asked().hear(said("Delete it?", "m2", "yes", "no"))
    talk.now += timedelta(seconds=1)
    talk.say("1")
    assert talk.sent == []
    assert talk.notices == [NoticeKind.STALE]
    talk.now += timedelta(seconds=9)
    assert talk.say("1").sent == ["yes"]


def test_a_number_that_only_the_newer_list_has_is_of_that() -> None:
    talk = Talk(TERMS).joined().hear(said("So?", "m1", "yes"))
    assert talk.hear(said("Which?", "m2", "red", "blue")).say("2").sent == ["blue"]


def test_what_is_offered_once_more_can_be_asked_for_though_something_newer_came() -> None:
    talk = Talk(TERMS).joined().say("hello")
    talk.echo("hello", _flying(talk))
    talk.hear(f.SystemMessage("error", "I'm having trouble responding"))
    talk.hear(said("Which?", "m2", "red", "blue"))
    assert talk.say("1").sent == ["hello"]


def test_numbers_given_before_a_restart_count_though_things_can_be_pressed_by_now() -> None:
    talk = asked()
    talk.terms = Terms()
    assert talk.say("2").sent == ["blue"]
    assert talk.conversation.menu is None


def test_whatever_is_said_ends_the_numbers() -> None:
    talk = asked().say("wait")
    talk.echo("wait", _flying(talk))
    assert talk.say("2").sent == ["2"]


def after(talk: Talk, seconds: float) -> Talk:
    talk.now += timedelta(seconds=seconds)
    return talk


def test_what_the_agent_adds_before_anybody_can_have_read_the_list_ends_nothing() -> None:
    talk = after(asked(), 2.9).hear(said("Welcome.", "m2"))
    assert shown(talk) == ["Welcome."]
    assert after(talk, 60).say("2").sent == ["blue"]
    assert (talk.conversation.menu, talk.conversation.offered) == (None, None)


def test_the_answer_to_what_was_said_before_the_greeting_leaves_its_numbers() -> None:
    talk = Talk(TERMS).joined().say("hello")
    talk.hear(said("I am Poly.", "m1", "red", "blue"))
    after(talk, 1).echo("hello", _flying(talk))
    talk.hear(said("Good morning.", "m2"))
    assert after(talk, 60).say("2").sent == ["blue"]


def test_the_moment_begins_with_the_list_and_is_not_prolonged() -> None:
    talk = after(asked(), 2).hear(said("Welcome.", "m2"))
    after(talk, 0.5).hear(said("Which one?", "m1", "red", "blue", "green"))
    after(talk, 0.5).hear(said("So?", "m3"))
    assert after(talk, 60).say("2").sent == ["2"]


def test_a_clock_that_was_set_back_gives_no_moment() -> None:
    assert after(asked(), -1).hear(said("So?", "m2")).say("2").sent == ["2"]


def test_a_newer_list_takes_the_place_of_one_that_something_was_added_to() -> None:
    talk = after(asked(), 1).hear(said("Welcome.", "m2")).hear(said("Sure?", "m3", "yes", "no"))
    assert after(talk, 60).say("2").sent == ["no"]


@pytest.mark.parametrize("edits", [True, False])
def test_so_does_one_that_comes_later_in_what_was_added(edits: bool) -> None:
    shows = Shows(**dict.fromkeys(Shows.__struct_fields__, False) | {"edits": edits})
    talk = Talk(Terms(shows=shows, worded=notice_text)).joined()
    talk.hear(said("Which?", "m1", "red", "blue")).hear(said("Welcome.", "m2"))
    talk.hear(said("Welcome. Sure?", "m2"))
    assert after(copied(talk), 60).say("2").sent == ["blue"]
    talk.hear(said("Welcome. Sure?", "m2", "yes", "no"))
    assert after(talk, 60).say("2").sent == ["no"]
    talk.hear(said("Which? Any.", "m1", "red", "blue"))
    assert talk.conversation.offered is None, "it was overtaken"


@pytest.mark.parametrize("edits", [True, False])
def test_more_of_what_was_added_ends_the_numbers_later(edits: bool) -> None:
    shows = Shows(**dict.fromkeys(Shows.__struct_fields__, False) | {"edits": edits})
    talk = Talk(Terms(shows=shows, worded=notice_text)).joined()
    talk.hear(said("Which?", "m1", "red", "blue")).hear(said("Welcome.", "m2"))
    after(talk, 5).hear(said("Welcome. How many?", "m2"))
    assert (talk.conversation.menu, talk.conversation.offered) == (None, None)
    assert talk.say("2").sent == ["2"]


def test_what_is_added_after_anybody_said_anything_ends_the_numbers() -> None:
    crossed = after(asked().hear(said("Sure?", "m2", "yes", "no")), 1).say("1")
    assert crossed.notices == [NoticeKind.STALE]
    assert after(crossed.hear(said("Well?", "m3")), 60).say("2").sent == ["2"]
    hasty = asked().take(e.TooFastWritten(BOB)).hear(said("Well?", "m2"))
    assert after(hasty, 60).say("2").sent == ["2"]


def test_what_is_added_in_another_session_ends_the_numbers() -> None:
    talk = asked().gone().take(e.StartRequested(None)).opened().ready()
    talk.hear(f.AgentJoined(name="Poly")).hear(said("Hello.", "m9"))
    assert after(talk, 60).say("2").sent == ["2"]


def test_a_session_that_opens_by_itself_is_another() -> None:
    talk = Talk(TERMS).joined().say("hello").hear(said("Which?", "m1", "red", "blue"))
    talk.gone().opened()
    assert talk.conversation.menu is None or talk.conversation.menu.shown_at is None


def test_what_a_live_agent_adds_ends_the_numbers() -> None:
    talk = asked().hear(f.LiveAgentMessage(agent_id="a1", message_id="l1", text="1 or 2?"))
    assert talk.say("1").sent == ["1"]


def test_with_a_live_agent_what_the_agent_adds_ends_the_numbers() -> None:
    talk = Talk(TERMS).joined().hear(f.LiveAgentJoined("a1", "Jo"))
    talk.hear(said("Which?", "m1", "red", "blue")).hear(said("Well?", "m2"))
    assert talk.say("1").sent == ["1"]


def test_what_is_told_with_numbers_by_us_is_ended_by_what_the_agent_says() -> None:
    talk = Talk(TERMS).joined().take(e.StatusRequested(ANN)).hear(said("Well?", "m2"))
    assert talk.say("3").sent == ["3"]


def test_a_handoff_ends_the_numbers_whatever_the_agent_adds() -> None:
    talk = asked().hear(f.HandoffAccepted("Sales")).hear(said("One moment.", "m2"))
    assert talk.say("2").sent == ["2"]


def test_the_moment_survives_a_crash_and_what_is_replayed_after_it_ends_the_numbers() -> None:
    talk = asked()
    stored = msgspec.json.decode(
        msgspec.json.encode(talk.conversation.essence()), type=Conversation
    )
    soon, late = copied(talk, stored), copied(talk, stored)
    for again, seconds, sent in ((soon, 1, "blue"), (late, 20, "2")):
        again.lost().ready()
        after(again, seconds).hear(said("Welcome.", "m2"), replayed=True)
        assert shown(again) == ["Welcome."]
        known = again.conversation
        after(again, 20).hear(said("Welcome.", "m2"), replayed=True)
        assert (again.conversation.menu, shown(again)) == (known.menu, [])
        assert again.say("2").sent == [sent]


def test_numbers_of_an_older_release_have_no_moment() -> None:
    talk = asked()
    assert talk.conversation.menu is not None
    old = msgspec.structs.replace(talk.conversation.menu, shown_at=None)
    talk.conversation = msgspec.structs.replace(talk.conversation, menu=old)
    assert talk.hear(said("Well?", "m2")).say("2").sent == ["2"]


def copied(talk: Talk, stored: Conversation | None = None) -> Talk:
    one = Talk(talk.terms)
    one.now, one.conversation = talk.now, stored or talk.conversation
    return one


def test_whatever_is_shown_ends_the_numbers() -> None:
    assert after(asked(), 3).hear(said("One moment.", "m2")).say("2").sent == ["2"]
    talk = asked().hear(f.SystemMessage("warning", "Oh dear")).say("2")
    assert talk.sent == ["2"]


def test_more_of_the_same_message_ends_nothing() -> None:
    talk = asked().hear(said("Which? Any is fine.", "m1", "red", "blue", "green"))
    assert shown(talk) == ["Any is fine."]
    assert talk.say("2").sent == ["blue"]


def test_what_one_person_alone_is_told_ends_nothing() -> None:
    talk = asked().take(e.TooFastWritten(BOB))
    assert talk.notices == [NoticeKind.TOO_FAST]
    assert talk.say("2").sent == ["blue"]


def test_what_one_person_alone_was_offered_is_theirs_to_answer() -> None:
    talk = Talk(TERMS).joined().take(e.StatusRequested(ANN))
    assert shown(talk)[0].splitlines()[1:] == [
        "Reply with a number:",
        "1. Talk to a person",
        "2. Start again",
        "3. End the conversation",
    ]
    other = Talk(TERMS).joined().take(e.StatusRequested(ANN)).say("3", BOB)
    assert other.sent == ["3"]
    assert talk.say("3").session.end_wanted_at is not None


def test_a_number_means_the_words_of_the_control() -> None:
    assert Talk(TERMS).joined().take(e.StatusRequested(ANN)).say("1").sent == [TERMS.person_words]
    again = Talk(TERMS).joined().take(e.StatusRequested(ANN)).say("2")
    assert again.session.starts_again


def test_an_end_offers_a_start() -> None:
    talk = Talk(TERMS).joined().hear(f.SessionEnded("REASON_USER_END"))
    assert shown(talk) == [
        "The conversation was ended, as asked. Write here, or reply 1, to start a new one."
    ]
    talk.say("1")
    assert talk.conversation.wanted
    assert talk.conversation.waiting == (), "nobody said 1 to an agent"
    assert talk.contents == []


def test_notices_of_one_step_are_numbered_on() -> None:
    talk = Talk(TERMS).joined().say("one").say("two").take(e.EndRequested(ANN))
    talk.wait(timedelta(minutes=1))

    assert [re.findall(r"eply (\d)", text) for text in shown(talk)] == [["1"], ["2"], ["3"]]
    assert talk.say("2").conversation.waiting[-1].text == "two"


def test_what_did_not_arrive_is_sent_again_by_number() -> None:
    talk = Talk(TERMS).joined().say("hello")
    talk.echo("hello", _flying(talk))
    talk.hear(f.SystemMessage("error", "I'm having trouble responding"))
    assert shown(talk) == ["I'm having trouble responding. Reply 1 to send it again."]
    assert talk.say("1").sent == ["hello"]
    assert talk.contents == []


def test_the_way_out_of_a_queue_stays_open_while_one_waits() -> None:
    talk = waiting()
    assert shown(talk)[0].endswith("Reply 0 to stop waiting.")
    talk.say("are you there?")
    talk.hear(said("Somebody will come.", "m9", "fine"))
    assert talk.say("0").session.leaves_queue


def test_a_number_said_in_a_queue_is_words_unless_it_was_offered() -> None:
    talk = waiting()
    assert talk.say("1").sent == ["1"]


def test_a_one_said_to_a_live_agent_reaches_the_live_agent() -> None:
    talk = asked().hear(f.HandoffAccepted("Sales")).hear(f.LiveAgentJoined("a1", "Jo"))
    assert talk.session.handoff is Handoff.LIVE
    assert talk.say("1").sent == ["1"]
    talk.echo("1", _flying(talk))
    assert talk.say("0").sent == ["0"]


def test_among_helpers_a_number_calls_the_agent_only_at_once() -> None:
    called = Talk(Terms(shows=NOTHING, worded=notice_text, handoffs=(HELP,))).joined()
    called.hear(f.HandoffElsewhere(queue="Sales", reason="POLICY"))
    assert shown(called)[-1].endswith("Reply 1 to start again.")
    called.say("what is it about?", BOB)
    before = called.conversation
    assert called.say("1", BOB).conversation == before, "people talk to each other"


def test_a_lost_thread_offers_nothing() -> None:
    talk = asked().take(e.ThreadLost())
    assert talk.conversation.menu is None


def test_where_things_are_pressed_a_number_is_words() -> None:
    talk = Talk().joined().hear(said("Which?", "m1", "red", "blue"))
    assert talk.conversation.menu is None
    assert talk.say("2").sent == ["2"]


def test_in_a_place_that_edits_the_list_stands_and_what_it_waits_for_is_changed() -> None:
    shows = Shows(suggestions=False)
    talk = Talk(Terms(shows=shows, worded=notice_text)).joined()
    talk.hear(said("Which?", "m1", "red", "blue")).say("2")
    assert talk.sent == ["blue"]
    assert talk.contents == []
    talk.hear(f.HandoffAccepted("Sales")).hear(f.QueueMoved("Sales", 2))
    assert "number 2" in shown(talk)[0]
    assert shown(talk)[0].endswith("Reply 0 to stop waiting.")


def test_numbers_are_known_after_a_crash() -> None:
    talk = asked()
    assert talk.conversation.essence().menu == talk.conversation.menu
    assert talk.conversation.menu is not None


def _flying(talk: Talk) -> str:
    flight = talk.conversation.in_flight
    assert flight is not None
    assert flight.message is not None
    return flight.message.delivery


def test_what_a_live_agent_says_begins_with_their_name() -> None:
    talk = Talk(TERMS).joined().hear(f.LiveAgentJoined("a1", "Jo"))
    talk.hear(f.LiveAgentMessage(agent_id="a1", message_id="l1", text="**Hello**"))
    (reply,) = talk.contents
    assert isinstance(reply, AgentReply)
    assert reply.text == "Jo: Hello"
