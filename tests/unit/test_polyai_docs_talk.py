"""Does the page on PolyAI say what a thread sees? Its conversations are played, row by row."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from bridge.core import events as e
from bridge.core.effects import ForgetSession, Note, Recycle, Settle
from bridge.core.handoff_rules import HandoffRule
from bridge.core.once import DOUBLE_CLICK
from bridge.core.system_messages import CATALOGUE
from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.delivery import Announce, DeliveryState, Post
from bridge.model.ids import DeliveryId
from bridge.model.messages import AgentReply, Control, Notice, NoticeKind
from bridge.plugin import notice_text
from bridge.polyai import bodies
from bridge.testing.builders import ANN, Talk, piece, said
from bridge.testing.clock import NOON
from tests.unit.polyai_page import PAGE, Row, cases, quoted, table, words

OURS = {"client_event_id": "c1.1"}

# -- system messages ------------------------------------------------------------------------------


def asking() -> Talk:
    """A message is sent, and its receipt has not come."""
    return Talk().joined().say("hello")


def asked() -> Talk:
    return asking().echo("hello", "c1.1")


SITUATIONS: dict[str, Callable[[], Talk]] = {
    "no_start": lambda: Talk().say("hello").opened().ready().hear(f.JoinEchoed()),
    "stream_error": lambda: asked().hear(piece("Half of i", 1)),
    "session_not_retrieved": asking,
}
OTHERS = {
    "any other error": ("error", "The weather is broken."),
    "any warning": ("warning", "The weather may change."),
    "any information": ("info", "The weather is fine."),
}


def spoken(row: Row) -> f.SystemMessage:
    """The system message that a row is about."""
    level, text = OTHERS.get(row[0]) or ("error", words(row[0])[0])
    return f.SystemMessage(level, text)


def reaction(talk: Talk, *, late: bool) -> Iterator[str]:
    """What the last event came to, in the page's words."""
    for content in talk.contents:
        if isinstance(content, AgentReply):
            yield "show what came"
        else:
            yield "offer" if content.controls == (Control.RETRY,) else "tell"
    if talk.of(Recycle):
        yield "look again"
    if talk.sent == ["join"]:
        yield "rejoin"
    if talk.of(ForgetSession):
        yield "new session"
    if talk.conversation.parked_at == talk.now:
        yield "park"
    if talk.of(Note) and len(talk.effects) == 1 and not due_soon(talk) and not late:
        yield "log"


def due_soon(talk: Talk) -> bool:
    return talk.due is not None and talk.due <= talk.now + talk.terms.trouble_timeout


def played(talk: Talk, message: f.SystemMessage) -> tuple[list[str], list[Note], list[Notice]]:
    """What the bridge did at once and within the wait, what the log and the thread were told."""
    talk.hear(message)
    done, notes = list(reaction(talk, late=False)), talk.of(Note)
    contents = list(talk.contents)
    if due_soon(talk):
        talk.wait(talk.terms.trouble_timeout)
        done += ["wait", *reaction(talk, late=True)]
        contents += talk.contents
    return done or ["nothing"], notes, [c for c in contents if isinstance(c, Notice)]


@pytest.mark.parametrize("row", cases("## System messages"))
def test_a_system_message_does_what_its_row_says(row: Row) -> None:
    _, does, sees, log, remedy = row
    message = spoken(row)
    known = next((k.name for k in CATALOGUE if k.words in message.text.lower()), "")
    talk = SITUATIONS.get(known, asked)()

    done, notes, notices = played(talk, message)

    promised, _, at_last = does.partition(";")
    assert sorted(done) == sorted(words(promised))
    told = [f"{note.level}: `{note.event}`, `{note.fields['meaning']}`" for note in notes]
    assert told == ([log] if log else [])
    assert bool(remedy) == bool(log)
    if at_last:
        talk.ready().hear(message).hear(message)
        done = list(reaction(talk, late=True))
        assert done == words(at_last)
    if "new session" in done and not talk.conversation.parked_at:
        notices += noticed(talk.say("and now?").opened())
    own = [notice_text(n) for n in notices if n.kind is not NoticeKind.AGENT_PROBLEM]
    assert own == quoted(sees)
    theirs = [n for n in notices if n.kind is NoticeKind.AGENT_PROBLEM]
    assert [notice_text(n) for n in theirs] == [theirs_in_full(message)] * sees.count(
        "*PolyAI's words*"
    )
    assert any(n.controls for n in notices) == ("*Try again*" in sees)


def theirs_in_full(message: f.SystemMessage) -> str:
    return notice_text(Notice(NoticeKind.AGENT_PROBLEM, {"message": message.text}))


def noticed(talk: Talk) -> list[Notice]:
    return [content for content in talk.contents if isinstance(content, Notice)]


def test_every_known_system_message_has_its_row_in_both_tables() -> None:
    first = [row[0] for row in table("## System messages")]
    texts = [words(cell)[0].lower() for cell in first if cell not in OTHERS]

    assert [next(k for k in CATALOGUE if k.words in text) for text in texts] == list(CATALOGUE)
    assert first[-3:] == list(OTHERS)
    assert [row[0] for row in table("### What becomes of the message it names")] == first


@pytest.mark.parametrize("row", cases("### What becomes of the message it names"))
def test_the_message_that_is_named_comes_to_what_its_row_says(row: Row) -> None:
    talk = asking().hear(spoken(row), custom=OURS)

    assert words(row[1]) == [fate(talk)]


def fate(talk: Talk) -> str:
    """What became of the message that was in flight."""
    after = talk.conversation
    settled = [settle.state for settle in talk.of(Settle)]
    if settled:
        told = NoticeKind.NOT_DELIVERED in talk.notices
        assert told == (settled == [DeliveryState.DEAD])
        return "not delivered" if told else "received"
    if after.session is None:
        assert [waiting.carried for waiting in after.waiting] == [True]
        return "carried"
    if after.in_flight is not None and after.in_flight.message is not None:
        assert talk.wait(after.in_flight.sent_at + talk.terms.echo_timeout - talk.now).of(Recycle)
        assert talk.lost().ready().sent == ["hello"]
        return "looked for"
    if talk.sent != ["join"]:
        assert talk.wait(talk.terms.trouble_timeout).sent == ["join"]
    assert talk.hear(f.JoinEchoed()).hear(f.AgentJoined()).sent == ["hello"]
    return "sent after the join"


def test_a_message_too_long_for_polyai_is_told_once_its_receipt_is_missing() -> None:
    talk = asking().take(e.SocketLost(1, too_big=True)).ready()
    told = quoted(PAGE.partition("After 1009")[2])[0]

    assert talk.sent == []
    assert [notice_text(notice) for notice in noticed(talk)] == [told]


# -- endings --------------------------------------------------------------------------------------


def leaving_the_queue() -> Talk:
    talk = asked().hear(f.HandoffTriggered())
    ((delivery, _),) = talk.thread[-1:]
    talk.take(e.CancelRequested(delivery)).hear(f.EndEchoed())
    return talk.hear(f.SessionEnded("REASON_USER_END"))


def with_a_dying_token() -> Talk:
    talk = Talk()
    talk.take(e.StartRequested()).take(e.SessionOpened(1, NOON + timedelta(hours=24))).ready()
    talk.hear(f.JoinEchoed()).hear(f.AgentJoined(name="Ava")).hear(said("Hello", "m1"))
    return talk.wait(timedelta(minutes=20)).say("hm?").echo("hm?").wait(timedelta(hours=24))


def asked_to_end() -> Talk:
    return asked().take(e.EndRequested()).wait(Terms().end_timeout)


def after_a_call() -> Talk:
    """Helpers were called into the thread."""
    talk = Talk(Terms(handoffs=(HandoffRule(place="C0123456789"),))).joined()
    return talk.hear(f.HandoffElsewhere()).hear(f.SessionEnded("REASON_NATURAL_END"))


def left_quiet() -> Talk:
    talk = asked().wait(Terms().idle_timeout)
    assert talk.session.released
    return talk


ENDINGS: dict[str, Callable[[], Talk]] = {
    "`REASON_": lambda: asked(),
    "any other": lambda: asked().hear(f.SessionEnded("REASON_OF_ITS_OWN")),
    "a message": lambda: asked().hear(said("Goodbye", "m9", ends=True)),
    "any of these": after_a_call,
    "closed with": lambda: asked().gone(ended=True),
    "the end was": asked_to_end,
    "*Cancel": leaving_the_queue,
    "the session is lost": lambda: asked().gone(),
    "a person was awaited": lambda: Talk().joined().hear(f.HandoffTriggered()).gone(),
    "its access token": with_a_dying_token,
    "quiet for": left_quiet,
}


@pytest.mark.parametrize("row", cases("## Endings"))
def test_an_ending_is_told_as_its_row_says(row: Row) -> None:
    how, sees = row
    (begin,) = (play for start, play in ENDINGS.items() if how.startswith(start))
    talk = begin()
    if how.startswith("`REASON_"):
        talk.hear(f.SessionEnded(words(how)[0]))
    # In the order of the thread: what stands for the wait is changed where it stands.
    told = [notice_text(n) for n in sorted(noticed(talk), key=lambda n: n.kind is NoticeKind.ENDED)]
    if sees.startswith("nothing") and not quoted(sees):
        assert told == []
    elif "next session" in sees:
        offered = [] if sees.startswith("nothing") else [(Control.RETRY,)]
        assert [n.controls for n in noticed(talk)] == offered
        told += [notice_text(n) for n in noticed(talk.say("and now?").opened())]
    else:
        (end,) = (n for n in noticed(talk) if n.kind is NoticeKind.ENDED)
        assert end.controls == (Control.START,)

    assert told == quoted(sees)


def test_an_end_that_is_followed_by_a_new_session_says_so() -> None:
    talk = asked().hear(f.SessionEnded("REASON_NATURAL_END")).say("one more thing")

    assert [notice_text(n) for n in noticed(talk)] == [
        "The conversation has ended. A new one follows."
    ]


def test_who_starts_again_is_told_that_a_new_session_follows() -> None:
    talk = asked().take(e.StartRequested(ANN)).hear(f.SessionEnded("REASON_USER_END"))

    (told,) = noticed(talk)
    assert notice_text(told) in quoted(PAGE.partition("### How things stand")[0])


# -- what people ask for --------------------------------------------------------------------------


def parked() -> Talk:
    talk = Talk().say("hello")
    for _ in range(Terms().opening_limit):
        talk.opened().gone()
    return talk


def in_a_queue() -> Talk:
    return asked().hear(f.HandoffTriggered()).hear(f.QueueMoved(position=2))


def called() -> Talk:
    return Talk(Terms(handoffs=(HandoffRule(place="C0123456789"),))).joined()


def met() -> Talk:
    return Talk().joined("Ava")


STANDINGS: dict[str, Callable[[], Talk]] = {
    "before anything was said": Talk,
    "before the agent has come": lambda: Talk().say("hello").opened().ready(),
    "while the agent listens": met,
    "after a handoff": lambda: met().hear(f.HandoffTriggered()),
    "in a queue": in_a_queue,
    "while a person is there": lambda: met().hear(f.LiveAgentJoined("s1", "Sam")),
    "after helpers were called": lambda: called().hear(f.HandoffElsewhere()),
    "after a link or a number was told": lambda: met().hear(f.HandoffElsewhere()),
    "while the end is awaited": lambda: met().take(e.EndRequested(ANN)),
    "after the end": lambda: met().hear(f.SessionEnded()),
    "while PolyAI is out of reach": parked,
}


@pytest.mark.parametrize("row", cases("### How things stand"))
def test_how_things_stand_is_told_as_its_row_says(row: Row) -> None:
    when, told, offered = row
    before = STANDINGS[when]().conversation
    talk = Talk()
    talk.conversation = before
    talk.take(e.StatusRequested(ANN))

    (notice,) = noticed(talk)
    assert [notice_text(notice)] == quoted(told)
    assert [control.value for control in notice.controls] == words(offered)
    assert [body.only_for for _, body in talk.thread if isinstance(body, Post)] == [ANN.id]


LATE: dict[str, e.Event] = {
    "a suggestion": e.ChoiceAccepted(DeliveryId("c1.1"), 0, ANN),
    "*Try again*": e.RetryRequested(DeliveryId("c1.1"), ANN),
    "*Cancel waiting*": e.CancelRequested(DeliveryId("c1.1"), ANN),
    "*Start again* below an end, when a new session is open": e.StartRequested(
        ANN, DeliveryId("c1.1")
    ),
    "an end, when no session is open": e.EndRequested(ANN),
}


@pytest.mark.parametrize("row", cases("### Pressed too late"))
def test_what_is_pressed_too_late_is_declined_once_as_its_row_says(row: Row) -> None:
    what, told = row
    talk = Talk().joined().hear(f.SessionEnded())
    if not what.startswith("an end"):
        talk.say("").opened()
    talk.take(LATE[what])

    assert [notice_text(notice) for notice in noticed(talk)] == quoted(told)
    assert talk.take(LATE[what]).effects == ()
    assert noticed(talk.wait(DOUBLE_CLICK).take(LATE[what]))


def test_who_writes_too_fast_is_told() -> None:
    talk = Talk().joined().take(e.TooFastWritten(ANN, 7))

    assert [notice_text(notice) for notice in noticed(talk)] == quoted(
        PAGE.partition("Who writes faster")[2]
    )[:1]


CORRECTIONS: dict[str, e.Event] = {
    "changed": e.MessageEdited("m1", "helo", ANN),
    "taken back": e.MessageDeleted("m1", ANN),
}


@pytest.mark.parametrize("row", cases("### Changed or taken back"))
def test_a_correction_comes_to_what_its_row_says(row: Row) -> None:
    how, unsent, ignored, corrected = row

    talk = Talk().take(e.MessageAccepted("hello", ANN, origin="m1")).take(CORRECTIONS[how])
    assert [waiting.text for waiting in talk.conversation.waiting] == words(unsent)
    sending = {"ignore": ignored, "correct": corrected}
    for edits, cell in sending.items():
        talk = Talk(msgspec.structs.replace(Terms(), edits=edits)).joined()
        talk.take(e.MessageAccepted("hello", ANN, origin="m1")).echo("hello", "c1.1")
        assert talk.take(CORRECTIONS[how]).sent == words(cell)


# -- handoffs -------------------------------------------------------------------------------------

SAM = {"agent": {"id": "s1", "name": "Sam"}}
PAYLOADS: dict[str, dict[str, Any]] = {
    "`POLY_AGENT_TRIGGERED_HANDOFF`": {},
    "`POLY_AGENT_LEFT`": {},
    "`HANDOFF_ACCEPTED`": {"queue_name": "Billing"},
    "`HANDOFF_QUEUE_STATUS`": {"position_in_queue": 2, "estimated_wait_seconds": 180},
    "`HANDOFF_QUEUE_STATUS`, with words of its own": {"display_message": "Sam is nearly there"},
    "`LIVE_AGENT_JOINED`": SAM,
    "`LIVE_AGENT_MESSAGE`": {"message_id": "m7", "agent_id": "s1", "text": "Hi"},
    "`LIVE_AGENT_LEFT`": {"agent_id": "s1"},
    "`HANDOFF_QUEUE_STATUS`, for a second person": {"queue_name": "Billing", "position": 1},
    "`HANDOFF_FAILED`": {"reason": "all lines busy"},
    "`HANDOFF_TIMEOUT`, in another wait": {},
}


def test_a_handoff_is_told_row_by_row() -> None:
    talk = asked()
    for event, sees in table("### PolyAI finds the person"):
        if "another wait" in event:
            talk.hear(f.HandoffTriggered())
        talk.hear(bodies.read_body(bodies.PREFIX + words(event)[0], PAYLOADS[event]))

        assert [notice_text(notice) for notice in noticed(talk)] == quoted(sees), event
        replies = [c for c in talk.contents if isinstance(c, AgentReply)]
        assert [r.author.name for r in replies] == (["Sam"] if "Sam's name" in sees else [])


RULES = {
    "nothing that matches": HandoffRule(queue_name="Sales", link="https://sales.example"),
    "`link` and `number`": HandoffRule(link="https://help.example", number="+1 555 0100"),
    "`channel`": HandoffRule(queue_name="billing", place="C0123456789"),
    "`channel`, `link` and `number`": HandoffRule(
        place="C0123456789", link="https://help.example", number="+1 555 0100"
    ),
}
ASKED = {"queue_name": "Billing", "reason": "COMPLEX_QUERY"}


@pytest.mark.parametrize("row", cases("### The bridge finds the person"))
def test_a_handoff_that_the_bridge_manages_is_told_as_its_row_says(row: Row) -> None:
    has, sees = row
    rules = (RULES[has],) if has in RULES else ()
    asks = ASKED if rules else {"route": "https://desk.example"}
    talk = Talk(Terms(handoffs=rules)).joined().say("help").echo("help", "c1.1")
    talk.hear(bodies.read_body(bodies.PREFIX + "CLIENT_HANDOFF_REQUIRED", asks))

    assert [notice_text(notice) for notice in noticed(talk)] == quoted(sees)
    calls = [body.content for _, body in talk.thread if isinstance(body, Announce)]
    assert [notice_text(call) for call in calls if isinstance(call, Notice)] == (
        ["Ann needs a person to help (Billing): the question is a complex one."]
        if has.startswith("`channel`")
        else []
    )
