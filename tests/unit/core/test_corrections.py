"""What was said is changed or taken back: before the agent was sent it, or after."""

from typing import Literal

import msgspec
import pytest

from bridge.core import events as e
from bridge.core.effects import Owe, Settle, Withdraw
from bridge.core.handoff_rules import HandoffRule
from bridge.core.state import Wish
from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.delivery import Ask, DeliveryState, Post, Replace
from bridge.model.ids import DeliveryId
from bridge.model.messages import NoticeKind
from bridge.plugin import text_of
from bridge.testing.builders import ANN, BOB, Talk

CORRECT = Terms(edits="correct")
FORGET = Terms(deletions="forget")
TAKEN_BACK = "I take back my message: secret"


def say(talk: Talk, text: str, origin: str) -> Talk:
    return talk.take(e.MessageAccepted(text, ANN, origin=origin))


def edit(talk: Talk, origin: str, text: str) -> Talk:
    return talk.take(e.MessageEdited(origin, text, ANN))


def delete(talk: Talk, origin: str) -> Talk:
    return talk.take(e.MessageDeleted(origin, ANN))


def heard(terms: Terms, text: str = "helo") -> Talk:
    """`m1` was sent and received."""
    return say(Talk(terms).joined(), text, "m1").echo(text, "c1.1")


def test_what_waits_is_changed_in_its_place() -> None:
    talk = say(say(Talk(), "won", "m1"), "two", "m2")
    edit(talk, "m1", "one")
    assert talk.of(Settle) == [
        Settle(DeliveryId("c1.1"), DeliveryState.DROPPED, "changed before it was sent")
    ]
    assert talk.of(Owe) == [Owe(DeliveryId("c1.3"), Ask("one", ANN))]
    assert [waiting.text for waiting in talk.conversation.waiting] == ["one", "two"]
    talk.opened().ready().hear(f.JoinEchoed())
    assert talk.hear(f.AgentJoined()).sent == ["one"]


def test_an_edit_that_changes_nothing_changes_nothing() -> None:
    talk = say(Talk(), "one", "m1")
    assert edit(talk, "m1", "one").effects == ()
    assert edit(heard(CORRECT), "m1", "helo").effects == ()


@pytest.mark.parametrize("empty", ["", " \n"])
def test_what_waits_is_dropped_when_nothing_is_left_of_it(empty: str) -> None:
    talk = edit(say(Talk(), "one", "m1"), "m1", empty)
    assert [settle.state for settle in talk.of(Settle)] == [DeliveryState.DROPPED]
    assert talk.conversation.wish is Wish.NOTHING
    assert talk.notices == []


def test_what_waits_is_dropped_when_it_is_taken_back() -> None:
    talk = delete(say(say(Talk(), "one", "m1"), "two", "m2"), "m1")
    assert [settle.id for settle in talk.of(Settle)] == ["c1.1"]
    assert [waiting.text for waiting in talk.conversation.waiting] == ["two"]


def test_an_edit_that_is_too_long_is_told_and_neither_text_is_sent() -> None:
    talk = edit(say(Talk(), "one", "m1"), "m1", "x" * 140_000)
    assert talk.notices == [NoticeKind.TOO_LONG]
    assert talk.conversation.waiting == ()
    assert [settle.state for settle in talk.of(Settle)] == [DeliveryState.DROPPED]


@pytest.mark.parametrize("event", [edit, lambda talk, origin, _: delete(talk, origin)])
def test_what_was_sent_stands(event: object) -> None:
    assert callable(event)
    talk = say(Talk().joined(), "helo", "m1")
    assert event(talk, "m1", "hello").effects == ()
    assert event(heard(Terms()), "m1", "hello").effects == ()


@pytest.mark.parametrize("origin", ["m9", ""])
def test_what_was_never_heard_is_not_corrected(origin: str) -> None:
    talk = heard(CORRECT)
    talk.say("without an origin")
    assert edit(talk, origin, "x").effects == ()
    assert delete(talk, origin).effects == ()


def test_the_agent_may_be_told_of_a_change() -> None:
    talk = edit(heard(CORRECT), "m1", "hello")
    assert talk.sent == ["Correction: hello"]
    assert edit(talk, "m1", "hello").effects == (), "told already"
    talk.echo("Correction: hello", "c1.2")
    assert edit(talk, "m1", "hello").effects == (), "heard already"
    assert edit(talk, "m1", "helo").sent == ["Correction: helo"], "changed back"


def test_a_correction_that_waits_is_changed_in_its_place() -> None:
    talk = say(Talk(CORRECT).joined(), "helo", "m1")
    edit(talk, "m1", "hallo")
    edit(talk, "m1", "hello")
    assert [waiting.text for waiting in talk.conversation.waiting] == ["Correction: hello"]
    assert [settle.state for settle in talk.of(Settle)] == [DeliveryState.DROPPED]


def test_the_agent_may_be_told_that_something_is_taken_back() -> None:
    talk = delete(heard(CORRECT), "m1")
    assert talk.sent == ["I take back my message: helo"]
    assert delete(talk, "m1").effects == (), "once"
    assert edit(talk, "m1", "hello").effects == ()


def test_what_is_in_flight_is_taken_back_once() -> None:
    talk = delete(say(Talk(CORRECT).joined(), "helo", "m1"), "m1")
    assert [waiting.text for waiting in talk.conversation.waiting] == [
        "I take back my message: helo"
    ]
    assert delete(talk, "m1").effects == ()


def test_a_long_message_is_taken_back_in_part() -> None:
    (sent,) = delete(heard(CORRECT, "x" * 300), "m1").sent
    assert sent == f"I take back my message: {'x' * 199}…"


def test_what_is_taken_back_takes_its_waiting_correction_along() -> None:
    talk = say(Talk(CORRECT).joined(), "helo", "m1")
    delete(edit(talk, "m1", "hello"), "m1")
    assert [waiting.text for waiting in talk.conversation.waiting] == [
        "I take back my message: helo"
    ]
    assert len(talk.of(Settle)) == 1


def test_a_correction_wakes_a_quiet_conversation() -> None:
    talk = heard(CORRECT).wait(Terms().idle_timeout)
    assert talk.conversation.wish is Wish.NOTHING
    assert edit(talk, "m1", "hello").conversation.wish is Wish.SOCKET


def test_no_session_is_opened_for_a_correction() -> None:
    ended = heard(CORRECT).hear(f.SessionEnded())
    assert edit(ended, "m1", "hello").effects == ()
    ending = heard(CORRECT).take(e.EndRequested(ANN))
    assert edit(ending, "m1", "hello").effects == ()


def test_people_among_themselves_correct_nothing() -> None:
    talk = heard(Terms(edits="correct", handoffs=(HandoffRule(place="C9"),)))
    talk.hear(f.HandoffElsewhere())
    assert edit(talk, "m1", "hello").effects == ()
    assert talk.conversation.call is not None


def test_words_keep_their_author_whoever_changed_them() -> None:
    talk = say(Talk(), "one", "m1").take(e.MessageEdited("m1", "won", BOB))
    assert [owe.body for owe in talk.of(Owe)] == [Ask("won", ANN)]


def carried_with_its_correction() -> Talk:
    """`m1` was in flight, and corrected, when its session was lost: both wait for the next one."""
    talk = edit(say(Talk(CORRECT).joined(), "helo", "m1"), "m1", "hello")
    talk.take(e.SessionLost(1))
    assert [waiting.text for waiting in talk.conversation.waiting] == ["helo", "Correction: hello"]
    return talk


def test_what_is_taken_back_is_not_carried_without_its_correction() -> None:
    talk = delete(carried_with_its_correction(), "m1")
    assert talk.conversation.waiting == ()
    assert len(talk.of(Settle)) == 2


@pytest.mark.parametrize("text", ["good day", "helo"])
def test_what_is_carried_is_changed_in_its_place_and_needs_no_correction(text: str) -> None:
    talk = edit(carried_with_its_correction(), "m1", text)
    assert [waiting.text for waiting in talk.conversation.waiting] == [text]


def test_what_could_not_be_redacted_is_a_dead_letter_without_words_and_is_told() -> None:
    talk = Talk().joined().take(e.MessageAccepted("", ANN, withheld=True))

    (ask, notice) = talk.of(Owe)
    assert ask.body == Ask("", ANN)
    assert [(one.id, one.state) for one in talk.of(Settle)] == [(ask.id, DeliveryState.DEAD)]
    assert talk.notices == [NoticeKind.NOT_DELIVERED]
    assert isinstance(notice.body, Post)
    assert text_of(notice.body.content).startswith("A message did not reach the agent.")
    assert talk.sent == []


def test_a_change_that_could_not_be_redacted_takes_the_old_words_back() -> None:
    talk = Talk().take(e.MessageAccepted("old", ANN, origin="m1"))

    talk.take(e.MessageEdited("m1", "", ANN, withheld=True))

    assert talk.conversation.waiting == ()
    assert NoticeKind.NOT_DELIVERED in talk.notices


def lost(terms: Terms | None = None) -> tuple[Talk, DeliveryId]:
    """What was said as m1 never reached the agent; the notice that says so offers it again."""
    talk = say(Talk(terms or FORGET).joined(), "secret", "m1")
    talk.take(e.SocketLost(1)).take(e.SessionLost(1))
    talk.take(e.SessionOpened(2)).take(e.SocketReady(2)).take(e.SessionLost(2))
    (retry,) = talk.conversation.retries
    return talk, retry.delivery


def test_what_is_taken_back_is_offered_no_more_and_its_dead_letter_is_emptied() -> None:
    talk, notice = lost()

    delete(talk, "m1")

    assert talk.conversation.retries == ()
    (change,) = [one.body for one in talk.of(Owe) if isinstance(one.body, Replace)]
    assert change.target == notice
    assert "secret" not in text_of(change.content)
    assert talk.of(Withdraw) == [Withdraw(DeliveryId("c1.1"))]
    assert b"secret" not in msgspec.json.encode(talk.conversation)


def test_it_is_kept_where_that_is_wanted() -> None:
    talk, _ = lost(Terms(deletions="keep"))

    delete(talk, "m1")

    assert [one.text for one in talk.conversation.retries] == ["secret"]


@pytest.mark.parametrize("edits", ["ignore", "correct"])
def test_what_the_agent_heard_is_not_remembered_once_it_is_taken_back(
    edits: Literal["ignore", "correct"],
) -> None:
    terms = Terms(edits=edits, deletions="forget")
    talk = say(Talk(terms).joined(), "secret", "m1").hear(f.MessageEchoed(text="secret"))

    delete(talk, "m1")

    assert [one.text for one in talk.conversation.heard] == [""]
    talk.hear(f.MessageEchoed(text=TAKEN_BACK))
    assert b"secret" not in msgspec.json.encode(talk.conversation)


@pytest.mark.parametrize("edits", ["ignore", "correct"])
def test_what_is_taken_back_while_it_is_sent_is_forgotten_with_its_receipt(
    edits: Literal["ignore", "correct"],
) -> None:
    talk = say(Talk(Terms(edits=edits, deletions="forget")).joined(), "secret", "m1")

    delete(talk, "m1")
    talk.hear(f.MessageEchoed(text="secret")).hear(f.MessageEchoed(text=TAKEN_BACK))

    assert b"secret" not in msgspec.json.encode(talk.conversation)


def test_what_is_taken_back_while_it_is_sent_and_never_arrives_is_not_offered() -> None:
    talk = say(Talk(FORGET).joined(), "secret", "m1")

    delete(talk, "m1")
    talk.take(e.SocketLost(1)).take(e.SessionLost(1))
    talk.take(e.SessionOpened(2)).take(e.SocketReady(2)).take(e.SessionLost(2))

    assert talk.conversation.retries == ()
    assert NoticeKind.NOT_DELIVERED in talk.notices
    assert b"secret" not in msgspec.json.encode(talk.conversation)


def test_a_trouble_about_what_was_taken_back_offers_it_to_nobody() -> None:
    talk = say(Talk(FORGET).joined(), "secret", "m1").hear(f.MessageEchoed(text="secret"))
    talk.hear(f.SystemMessage(level="error", text="We are experiencing high load"))
    session = talk.conversation.session
    assert session is not None
    assert session.grace is not None
    assert session.grace.about is not None

    delete(talk, "m1")

    assert b"secret" not in msgspec.json.encode(talk.conversation)


def test_what_was_changed_is_remembered_as_it_reads_now() -> None:
    terms = Terms(edits="correct", deletions="forget")
    talk = say(Talk(terms).joined(), "secret", "m1").hear(f.MessageEchoed(text="secret"))

    edit(talk, "m1", "better")

    assert b"secret" not in msgspec.json.encode(talk.conversation)
    assert "Correction: better" in talk.sent
