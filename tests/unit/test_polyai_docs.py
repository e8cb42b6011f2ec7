"""Does the operator's page on PolyAI say what the bridge does? Each of its rows is played."""

import importlib
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.core import events as e
from bridge.core.effects import ForgetSession, Note, Recycle, Settle
from bridge.core.handoff_rules import HandoffRule
from bridge.core.state import Terms
from bridge.core.system_messages import CATALOGUE
from bridge.model import frames as f
from bridge.model.delivery import Announce, DeliveryState
from bridge.model.messages import AgentReply, Control, Notice, NoticeKind
from bridge.plugin import notice_text
from bridge.polyai import bodies, wire
from bridge.polyai.answers import Answer
from bridge.polyai.handshake import Refusal, kind_of
from bridge.polyai.refusals import TryLater, session_refused, token_refused
from bridge.polyai.socket import SocketClosed
from bridge.runtime.reconnecting import Reconnects, Verdict
from bridge.simulators.polyai_control import VERBS
from bridge.simulators.polyai_frames import CLIENT_TYPES
from bridge.simulators.polyai_options import Options
from bridge.testing.builders import Talk, piece, said
from bridge.testing.clock import NOON
from tests.unit.polyai.rows import DOCUMENTED

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "polyai.md").read_text("utf-8")
SECOND = timedelta(seconds=1)
OURS = {"client_event_id": "c1.1"}

Row = list[str]


def table(heading: str) -> list[Row]:
    """The data rows of the first table below a heading."""
    below = PAGE.partition(f"\n{heading}\n")[2]
    found = re.search(r"(^\|.*\n)+", below, re.MULTILINE)
    assert found, f"no table below {heading}"
    _, _, *rows = found.group().splitlines()
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def cases(heading: str) -> list[Any]:
    """The same, each a case of its own for a test."""
    return [pytest.param(row, id=" ".join(row[:2]).replace("`", "")) for row in table(heading)]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def quoted(text: str) -> list[str]:
    """The exact words of a thread, in double quotes, outside of code."""
    return re.findall(r'"([^"]+)"', re.sub(r"`[^`]*`", "", text))


# -- the page itself ---------------------------------------------------------------------------


def anchors() -> set[str]:
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in headings}


def test_every_link_within_the_page_leads_to_a_heading() -> None:
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors()


EXPLAINED = "## What the bridge does: the words used below"
#: Each table that says what the bridge does, and the columns that do.
DOES = {
    "## No access token": [2],
    "## No session": [2],
    "## No socket": [2],
    "## Any other status": [1, 2, 3],
    "### The platform's codes": [2, 3],
    "## A socket is closed": [1, 2],
    "## System messages": [1],
}


def test_what_the_bridge_does_is_said_in_words_that_are_explained() -> None:
    used = {
        word
        for heading, columns in DOES.items()
        for row in table(heading)
        for column in columns
        for word in words(row[column])
    }
    explained = [words(row[0])[0] for row in table(EXPLAINED)]

    assert used == set(explained)
    assert len(explained) == len(set(explained))


def legend() -> dict[str, str]:
    text = (DOCS / "logging.md").read_text("utf-8")
    return dict(re.findall(r"^\| `([\w.]+)` \| (\w+) \|", text, re.MULTILINE))


def test_every_log_event_on_the_page_is_in_the_legend() -> None:
    named = set(re.findall(r"`((?:agent|sessions?|socket|frame)\.[a-z_]+)`", PAGE))
    levelled = re.findall(r"(info|warning|error): `([a-z_.]+)`", PAGE)

    assert named <= set(legend())
    assert {event: level for level, event in levelled}.items() <= legend().items()


HANDED = {"queue": "Billing", "since": NOON.isoformat()}
#: One of everything the bridge can say, with details as the page has them.
SAYINGS = [
    Notice(NoticeKind.NEW_CONVERSATION),
    *(
        Notice(NoticeKind.ENDED, {"reason": reason})
        for reason in ("REASON_USER_END", "REASON_USER_ABANDONED", "LEFT_QUEUE", "")
    ),
    Notice(NoticeKind.ENDED, {"resumed": "yes"}),
    Notice(NoticeKind.ENDED, {"called": "yes"}),
    Notice(NoticeKind.HANDOFF_WAITING, {"since": NOON.isoformat()}),
    Notice(NoticeKind.HANDOFF_WAITING, HANDED),
    Notice(NoticeKind.HANDOFF_WAITING, HANDED | {"position": "2", "wait_seconds": "180"}),
    Notice(NoticeKind.HANDOFF_WAITING, HANDED | {"position": "1"}),
    Notice(NoticeKind.HANDOFF_WAITING, HANDED | {"message": "Sam is nearly there"}),
    Notice(NoticeKind.HANDOFF_FOUND),
    Notice(NoticeKind.HANDOFF_JOINED, {"name": "Sam"}),
    Notice(NoticeKind.HANDOFF_LEFT, {"name": "Sam"}),
    Notice(NoticeKind.HANDOFF_FAILED, {"reason": "all lines busy"}),
    Notice(NoticeKind.HANDOFF_FAILED),
    Notice(NoticeKind.HANDOFF_FAILED, {"timed_out": "yes"}),
    Notice(NoticeKind.HANDOFF_ELSEWHERE, {"queue": "Billing"}),
    Notice(
        NoticeKind.HANDOFF_ELSEWHERE,
        {"queue": "Billing", "link": "https://help.example", "number": "+1 555 0100"},
    ),
    Notice(NoticeKind.HANDOFF_ELSEWHERE, {"queue": "Billing", "called": "yes"}),
    Notice(NoticeKind.HANDOFF_ELSEWHERE, {"route": "https://desk.example"}),
    Notice(
        NoticeKind.HANDOFF_CALL, {"person": "Ann", "queue": "Billing", "reason": "COMPLEX_QUERY"}
    ),
    Notice(NoticeKind.UNAVAILABLE),
    Notice(NoticeKind.NOT_DELIVERED, {"text": "hello"}, control=Control.RETRY),
    Notice(NoticeKind.NOT_DELIVERED, {"text": "hello", "again": "yes"}),
    Notice(NoticeKind.TOO_LONG),
    Notice(NoticeKind.TOO_LONG, {"limit_bytes": "131072"}),
    Notice(NoticeKind.WITHDRAWN),
]


def test_the_page_has_the_bridges_own_words_exactly_and_all_of_them() -> None:
    again = notice_text(Notice(NoticeKind.AGENT_PROBLEM, {"message": "X.", "again": "yes"}))
    own = again.removeprefix("X. ")  # the rest is PolyAI's

    assert set(quoted(PAGE)) == {notice_text(notice) for notice in SAYINGS} | {own}
    assert {notice.kind for notice in SAYINGS} == set(NoticeKind) - {NoticeKind.AGENT_PROBLEM}


# -- events ------------------------------------------------------------------------------------


def test_every_event_from_polyai_has_its_row_and_there_are_no_others() -> None:
    rows = table("## Events from PolyAI")
    named = [bodies.PREFIX + words(row[0])[0] for row in rows]
    ignored = {kind for kind, row in zip(named, rows, strict=True) if "ignores it" in row[2]}

    assert sorted(named) == sorted({*bodies._READERS, *bodies.IGNORED, wire._BATCH})
    assert ignored == set(bodies.IGNORED)
    assert all(row[1] and row[2] for row in rows)


def test_every_event_to_polyai_has_its_row_and_there_are_no_others() -> None:
    rows = {bodies.PREFIX + words(row[0])[0]: row[1] for row in table("## Events to PolyAI")}
    sent = (wire.encode_join(), wire.encode_message("x", "y"), wire.encode_end())
    encoded = {json.loads(text)["type"] for text in (*sent, wire.encode_heartbeat())}

    assert set(rows) == CLIENT_TYPES
    assert {kind for kind, when in rows.items() if not when.startswith("never:")} == encoded


# -- calls and handshakes ----------------------------------------------------------------------


def answer(status: int, text: str) -> Answer:
    return Answer(status, {}, json.dumps({"error": {"message": text}}).encode())


def token_call(status: int, text: str) -> list[str]:
    raised = token_refused(answer(status, text), "default", NOON)
    return ["retry"] if isinstance(raised, TryLater) else ["hold"]


def session_call(status: int, text: str) -> list[str]:
    raised = session_refused(answer(status, text), "default", NOON)
    # That a 401 is tried once more is shown where the calls are counted: in test_refusals.
    first = ["new token"] if status == 401 else []
    return first + (["retry"] if isinstance(raised, TryLater) else ["hold"])


HANDSHAKES = {
    Refusal.SESSION_GONE: ["new session"],
    Refusal.BUSY: ["reconnect"],
    Refusal.AWAY: ["reconnect"],
    Refusal.BAD_CURSOR: ["next form"],
    Refusal.BROKEN: ["park"],
}


def handshake(status: int, text: str) -> list[str]:
    return HANDSHAKES[kind_of(answer(status, text), text)]


CALLS = {
    "## No access token": ("access-token", token_call),
    "## No session": ("sessions", session_call),
    "## No socket": ("ws", handshake),
}


@pytest.mark.parametrize("heading", CALLS)
def test_every_documented_refusal_has_its_row(heading: str) -> None:
    call, play = CALLS[heading]
    rows = [(words(row[0])[0], int(row[1])) for row in table(heading)]

    assert rows == [(row.text, row.status) for row in DOCUMENTED if row.call == call]
    for (text, status), row in zip(rows, table(heading), strict=True):
        assert words(row[2]) == play(status, text)
        assert row[-1], "something for whoever reads it"


def test_only_a_token_refused_for_a_session_is_made_anew() -> None:
    repeated = {row.text for row in DOCUMENTED if row.call == "sessions" and row.calls == 4}
    told = {words(row[0])[0] for row in table("## No session") if "new token" in row[2]}

    assert told == repeated


@pytest.mark.parametrize("row", cases("## Any other status"))
def test_a_status_alone_means_what_its_row_says(row: Row) -> None:
    status, *cells = row
    plays = (token_call, session_call, handshake)

    assert [words(cell) for cell in cells] == [play(int(status), "") for play in plays]


@pytest.mark.parametrize("row", cases("### The platform's codes"))
def test_a_code_means_what_its_status_does(row: Row) -> None:
    code, status, token, session, remedy = row

    assert words(token) == token_call(int(status), words(code)[0])
    assert words(session) == session_call(int(status), words(code)[0])
    assert remedy


# -- sockets -----------------------------------------------------------------------------------

VERDICTS = {
    Verdict.AGAIN: "reconnect",
    Verdict.VERIFY: "verify",
    Verdict.ENDED: "end",
    Verdict.GONE: "new session",
}


@pytest.mark.parametrize("row", cases("## A socket is closed"))
def test_a_close_code_means_what_its_row_says(row: Row) -> None:
    code, first, next_one, _ = row
    # Libraries hand on no code where there was no farewell, or where it was no legal one.
    heard = None if int(code) in (408, 1005, 1006) else int(code)
    closing = SocketClosed(heard, clean=heard is not None).means
    reconnects = Reconnects(number=1)

    assert words(first) == [VERDICTS[reconnects.closed(closing, proved=True)]]
    assert words(next_one) == [VERDICTS[reconnects.closed(closing, proved=False)]]


def test_a_message_too_long_for_polyai_is_told_once_its_receipt_is_missing() -> None:
    talk = asking().take(e.SocketLost(1, too_big=True)).ready()
    told = quoted(PAGE.partition("After 1009")[2])[0]

    assert talk.sent == []
    assert [notice_text(notice) for notice in noticed(talk)] == [told]


def test_every_close_code_has_its_row() -> None:
    told = {int(row[0]) for row in table("## A socket is closed")}

    assert told == {408, 1000, 1001, 1005, 1006, 1008, 1009, 1011, 1012, 1013, *range(4000, 4004)}


# -- system messages ---------------------------------------------------------------------------


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
            yield "offer" if content.control is Control.RETRY else "tell"
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
    assert any(n.control for n in theirs) == ("*Try again*" in sees)


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


# -- endings -----------------------------------------------------------------------------------


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
    if sees.startswith("nothing"):
        assert told == []
        talk.say("and now?")
        told = [notice_text(n) for n in noticed(talk.opened())] if quoted(sees) else []
    else:
        (end,) = (n for n in noticed(talk) if n.kind is NoticeKind.ENDED)
        assert end.control is Control.START

    assert told == quoted(sees)


def test_an_end_that_is_followed_by_a_new_session_says_so() -> None:
    talk = asked().hear(f.SessionEnded("REASON_NATURAL_END")).say("one more thing")

    assert [notice_text(n) for n in noticed(talk)] == [
        "The conversation has ended. A new one follows."
    ]


# -- handoffs ----------------------------------------------------------------------------------

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
    "`HANDOFF_TIMEOUT`": {},
}


def test_a_handoff_is_told_row_by_row() -> None:
    talk = asked()
    for event, sees in table("### PolyAI finds the person"):
        talk.hear(bodies.read_body(bodies.PREFIX + words(event)[0], PAYLOADS[event]))

        assert [notice_text(notice) for notice in noticed(talk)] == quoted(sees), event
        replies = [c for c in talk.contents if isinstance(c, AgentReply)]
        assert [r.author.name for r in replies] == (["Sam"] if "Sam's name" in sees else [])


RULES = {
    "nothing that matches": HandoffRule(queue_name="Sales", link="https://sales.example"),
    "`link` and `number`": HandoffRule(link="https://help.example", number="+1 555 0100"),
    "`channel`": HandoffRule(queue_name="billing", place="C0123456789"),
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
        if has == "`channel`"
        else []
    )


# -- limits and conflicts ----------------------------------------------------------------------

UNITS = {"": 1.0, "bytes": 1.0, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


def in_code(path: str) -> float:
    """The number at a path such as `core.state.Terms.join_limit`, durations in seconds."""
    module, *names = re.split(r"\.(?=_?[A-Z])", f"bridge.{path}")
    found: Any = importlib.import_module(module)
    owner, *field = [part for name in names for part in name.split(".")]
    found = getattr(found, owner)
    for name in field:
        found = getattr(found(), name)
    found = getattr(found, "total", found)  # aiohttp's timeout
    return found.total_seconds() if isinstance(found, timedelta) else float(found)


@pytest.mark.parametrize("row", cases("## Limits and timers"))
def test_a_limit_is_the_number_in_the_code(row: Row) -> None:
    what, value, place = row
    number, _, unit = value.partition(" ")

    assert what
    assert float(number) * UNITS[unit] == in_code(words(place)[0])


def test_no_patience_of_the_core_is_left_out() -> None:
    told = {words(row[2])[0].rpartition(".")[2] for row in table("## Limits and timers")}
    # The platform's limits and the operator's rules; how a frame is measured is no number.
    others = {"text_limit", "suggestion_limit", "handoffs", "frame_size"}

    assert set(Terms.__struct_fields__) - others <= told


def test_each_disagreement_of_polyais_sources_can_be_played() -> None:
    rows = table("## Where PolyAI's sources disagree")
    named = {word for row in rows for word in words(row[3])}

    assert [int(row[0]) for row in rows] == list(range(1, 27))
    assert named <= set(Options.__dataclass_fields__) | VERBS
    # Secrecy, addresses and where tokens come from are nothing that a server could play.
    assert [row[0] for row in rows if not row[3]] == ["15", "23", "25"]
