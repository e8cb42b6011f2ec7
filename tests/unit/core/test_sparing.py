"""Where nothing that stands there can be changed, people are told what is new, and little of it."""

from datetime import timedelta

import pytest

from bridge.core import events as e
from bridge.core.effects import Owe
from bridge.core.handoff_rules import HandoffRule
from bridge.core.terms import Shows, Terms
from bridge.model import frames as f
from bridge.model.delivery import Announce, Ask, Post
from bridge.model.messages import Attachment, AttachmentKind, CallAction, Suggestion
from bridge.plugin import notice_text, text_of
from bridge.testing.builders import ANN, Talk, piece, said

NOTHING = Shows(**dict.fromkeys(Shows.__struct_fields__, False))
TERMS = Terms(shows=NOTHING, worded=notice_text)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
MAP = Attachment(AttachmentKind.LINK, "https://x/map", "Map")


def shown(talk: Talk) -> list[str]:
    """What the last event told the thread: nothing but new messages."""
    bodies = [owe.body for owe in talk.of(Owe) if not isinstance(owe.body, Ask)]
    assert all(isinstance(body, Post) for body in bodies)
    return [text_of(content) for content in talk.contents]


def test_a_late_attachment_is_told_alone() -> None:
    talk = Talk(TERMS).joined().hear(said("Here we are", "m1"))
    talk.hear(f.AgentMessage("m1", attachments=(MAP,)))
    assert shown(talk) == ["Map (https://x/map)"]
    assert talk.hear(f.AgentMessage("m1", attachments=(MAP,))).effects == ()


def test_a_late_attachment_of_a_message_with_lines_is_told_alone_too() -> None:
    first = Attachment(AttachmentKind.LINK, "https://x/first", "First")
    call = CallAction("Ring us", "112")
    begun = f.AgentMessage("m1", "Here", attachments=(first,), call_actions=(call,))
    talk = Talk(TERMS).joined().hear(begun)
    talk.hear(f.AgentMessage("m1", attachments=(MAP,)))
    assert shown(talk) == ["Map (https://x/map)"]


def test_where_links_are_shown_a_late_one_comes_alone_too() -> None:
    shows = Shows(edits=False)
    talk = Talk(Terms(shows=shows)).joined().hear(said("Here we are", "m1", "thanks"))
    talk.hear(f.AgentMessage("m1", attachments=(MAP,)))
    (reply,) = talk.contents
    assert (getattr(reply, "text"), getattr(reply, "attachments")) == ("", (MAP,))  # noqa: B009
    assert talk.conversation.offered is not None, "what is pressed there is still live"


def test_the_rest_of_what_was_said_is_told_alone() -> None:
    talk = Talk(TERMS).joined().hear(piece("Our hours are", 1))
    talk.wait(MINUTE)
    assert shown(talk) == ["Our hours are"]
    talk.hear(piece(" nine to five.", 2, complete=True))
    assert shown(talk) == ["nine to five."]


def test_a_word_that_was_cut_is_told_whole() -> None:
    talk = Talk(TERMS).joined().hear(piece("Open from ni", 1))
    talk.wait(MINUTE)
    assert shown(talk.hear(piece("ne to five", 2))) == []
    talk.wait(MINUTE)
    assert shown(talk) == ["nine to five"]
    assert shown(talk.hear(piece(".", 3, complete=True))) == ["five."]


def test_a_word_without_an_end_is_told_on() -> None:
    talk = Talk(TERMS).joined().hear(said("四" * 40, "m1")).hear(said("四" * 40 + "五", "m1"))
    assert shown(talk) == ["五"]


def test_what_is_changed_in_the_middle_is_told_anew_once() -> None:
    talk = Talk(TERMS).joined().hear(said("Open at nin.", "m1")).hear(said("Open at nine.", "m1"))
    assert shown(talk) == ["Open at nine."]
    assert talk.hear(said("Open at nine.", "m1")).effects == ()


def test_what_is_taken_back_is_said_with_what_stands() -> None:
    talk = Talk(TERMS).joined().hear(said("Yes. No.", "m1")).hear(said("Yes.", "m1"))
    assert shown(talk) == [
        "The agent took a part of its message back, which now reads:",
        "Yes.",
    ]


def test_what_is_taken_back_altogether_is_said_alone() -> None:
    talk = Talk(TERMS).joined().hear(said("Yes.", "m1")).hear(said("<br>", "m1"))
    assert shown(talk) == ["The agent took this part of its message back."]


def test_suggestions_that_come_late_are_offered_with_their_numbers() -> None:
    talk = Talk(TERMS).joined().hear(said("Which?", "m1"))
    talk.hear(said("Which?", "m1", "red", "blue"))
    assert shown(talk) == ["Reply with a number:\n1. red\n2. blue"]
    assert talk.say("2").sent == ["blue"]


def test_whatever_is_added_to_a_message_its_numbers_count() -> None:
    talk = Talk(TERMS).joined().hear(said("Which one?", "m1", "red", "blue"))
    for place in ("a", "b"):
        late = Attachment(AttachmentKind.LINK, f"https://x/{place}", place)
        talk.hear(f.AgentMessage("m1", attachments=(late,)))
    talk.hear(said("Which", "m1", "red", "blue"))
    assert shown(talk) == ["The agent took a part of its message back, which now reads:", "Which"]
    assert talk.say("2").sent == ["blue"]


def test_suggestions_of_a_message_that_others_followed_are_not_offered_again() -> None:
    talk = Talk(TERMS).joined().hear(said("Which?", "m1")).hear(said("Well?", "m2"))
    late = f.AgentMessage("m1", attachments=(MAP,), suggestions=(Suggestion("red"),))
    assert shown(talk.hear(late)) == ["Map (https://x/map)"]
    assert talk.say("1").sent == ["1"]


def test_nothing_is_begun_that_could_not_be_ended() -> None:
    talk = Talk(TERMS).joined().hear(piece("A long enough beginning of a message", 1))
    assert talk.effects == ()


def test_a_message_without_words_is_not_told() -> None:
    assert shown(Talk(TERMS).joined().hear(said("<br>", "m1"))) == []


def test_a_place_in_a_queue_is_told_once_a_minute_at_most() -> None:
    talk = Talk(TERMS).joined().hear(f.HandoffAccepted("Sales"))
    assert len(shown(talk)) == 1
    talk.now += SECOND
    assert "number 5" in shown(talk.hear(f.QueueMoved("Sales", 5)))[0], "the first is told at once"
    talk.now += SECOND
    assert shown(talk.hear(f.QueueMoved("Sales", 4, 120))) == []
    assert shown(talk.hear(f.QueueMoved("Sales", 3, 60))) == []
    assert talk.due == talk.now - SECOND + MINUTE
    (text,) = shown(talk.wait(MINUTE))
    assert "number 3" in text
    assert text.endswith("Reply 0 to stop waiting.")
    assert shown(talk.wait(MINUTE)) == []


def test_what_only_the_estimate_says_is_not_told() -> None:
    talk = Talk(TERMS).joined().hear(f.QueueMoved("Sales", 5, 300))
    talk.now += 2 * MINUTE
    assert shown(talk.hear(f.QueueMoved("Sales", 5, 60))) == []


def test_the_end_of_a_wait_is_told_by_who_comes() -> None:
    talk = Talk(TERMS).joined().hear(f.QueueMoved("Sales", 5))
    assert shown(talk.hear(f.LiveAgentJoined("a1", "Jo"))) == ["Jo has joined the conversation."]
    assert talk.session.place_told_at is None


def test_that_the_agent_came_back_in_place_of_a_person_is_told() -> None:
    talk = Talk(TERMS).joined().hear(f.QueueMoved("Sales", 5))
    assert shown(talk.hear(f.AgentJoined("Poly"))) == ["The wait for a person is over."]
    assert talk.say("0").sent == ["0"]
    assert shown(talk.hear(f.AgentJoined("Poly"))) == []


@pytest.mark.parametrize("limit", [64, 200])
def test_a_call_for_help_is_one_message_however_short(limit: int) -> None:
    rule = HandoffRule(queue_name="Sales", place="C9")
    terms = Terms(shows=NOTHING, worded=notice_text, handoffs=(rule,), text_limit=limit)
    talk = Talk(terms).joined()
    talk.hear(f.HandoffElsewhere(queue="Sales", reason="because " * 30))
    (call,) = [owe.body for owe in talk.of(Owe) if isinstance(owe.body, Announce)]
    assert len(text_of(call.content)) <= limit


def test_nothing_is_taken_away_where_it_was_said_in_words() -> None:
    talk = Talk(TERMS).joined().hear(said("Which?", "m1", "red"))
    assert shown(talk.say("hello")) == []
    assert shown(talk.take(e.StartRequested(ANN))) == []
