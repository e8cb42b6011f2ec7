"""Does the operator's page on PolyAI say what the bridge does? Each of its rows is played."""

import importlib
import json
import re
from datetime import timedelta
from typing import Any

import pytest

from bridge.core.terms import Terms
from bridge.model.messages import Control, Notice, NoticeKind
from bridge.plugin import notice_text
from bridge.polyai import bodies, wire
from bridge.polyai.answers import Answer
from bridge.polyai.handshake import Refusal, kind_of
from bridge.polyai.refusals import TryLater, session_refused, token_refused
from bridge.polyai.socket import SocketClosed
from bridge.runtime.connecting.reconnecting import Reconnects, Verdict
from bridge.simulators.polyai_control import VERBS
from bridge.simulators.polyai_frames import CLIENT_TYPES
from bridge.simulators.polyai_options import Options
from bridge.testing.clock import NOON
from tests.unit.polyai.rows import DOCUMENTED
from tests.unit.polyai_page import DOCS, PAGE, Row, cases, quoted, table, words

# -- the page itself ------------------------------------------------------------------------------


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
#: How things may stand.
STANDINGS = [
    *({"state": state} for state in ("none", "opening", "ending", "ended", "unreachable")),
    *({"state": state} for state in ("called", "elsewhere")),
    {"state": "open", "agent": "Ava", "since": NOON.isoformat()},
    {"state": "waiting", "since": NOON.isoformat()},
    {"state": "waiting", "since": NOON.isoformat(), "position": "2"},
    {"state": "live", "name": "Sam"},
]
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
    Notice(NoticeKind.HANDOFF_ELSEWHERE, {"queue": "Billing", "reason": "COMPLEX_QUERY"}),
    Notice(
        NoticeKind.HANDOFF_ELSEWHERE,
        {
            "queue": "Billing",
            "reason": "COMPLEX_QUERY",
            "link": "https://help.example",
            "number": "+1 555 0100",
        },
    ),
    Notice(
        NoticeKind.HANDOFF_ELSEWHERE,
        {"queue": "Billing", "reason": "COMPLEX_QUERY", "called": "yes"},
    ),
    Notice(
        NoticeKind.HANDOFF_ELSEWHERE,
        {
            "queue": "Billing",
            "reason": "COMPLEX_QUERY",
            "link": "https://help.example",
            "number": "+1 555 0100",
            "called": "yes",
        },
    ),
    Notice(NoticeKind.HANDOFF_ELSEWHERE, {"route": "https://desk.example"}),
    Notice(
        NoticeKind.HANDOFF_CALL, {"person": "Ann", "queue": "Billing", "reason": "COMPLEX_QUERY"}
    ),
    Notice(NoticeKind.UNAVAILABLE),
    Notice(NoticeKind.UNAVAILABLE, {"kept": "yes"}),
    Notice(NoticeKind.UNANSWERED, {"text": "hello"}, controls=(Control.RETRY,)),
    Notice(NoticeKind.UNANSWERED, {"text": "hello", "again": "yes"}),
    Notice(NoticeKind.NOT_DELIVERED, {"text": "hello"}, controls=(Control.RETRY,)),
    Notice(NoticeKind.NOT_DELIVERED, {"text": "hello", "again": "yes"}),
    Notice(NoticeKind.ALERT),
    Notice(NoticeKind.NOT_SHOWN),
    Notice(NoticeKind.NOT_TAKEN),
    Notice(NoticeKind.TOO_LONG),
    Notice(NoticeKind.TOO_LONG, {"limit_bytes": "131072"}),
    Notice(NoticeKind.WITHDRAWN),
    Notice(NoticeKind.ENDED, {"reason": "REASON_USER_END", "resumed": "yes"}),
    *(Notice(NoticeKind.STATUS, details) for details in STANDINGS),
    *(
        Notice(NoticeKind.STALE, {"what": what})
        for what in ("choice", "retry", "cancel", "start", "end")
    ),
    Notice(NoticeKind.TOO_FAST, {"seconds": "7"}),
]


def test_the_page_has_the_bridges_own_words_exactly_and_all_of_them() -> None:
    again = notice_text(Notice(NoticeKind.AGENT_PROBLEM, {"message": "X.", "again": "yes"}))
    own = again.removeprefix("X. ")  # the rest is PolyAI's

    assert set(quoted(PAGE)) == {notice_text(notice) for notice in SAYINGS} | {own}
    assert {notice.kind for notice in SAYINGS} == set(NoticeKind) - {NoticeKind.AGENT_PROBLEM}


# -- events ---------------------------------------------------------------------------------------


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


# -- calls and handshakes -------------------------------------------------------------------------


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


# -- sockets --------------------------------------------------------------------------------------

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


def test_every_close_code_has_its_row() -> None:
    told = {int(row[0]) for row in table("## A socket is closed")}

    assert told == {408, 1000, 1001, 1005, 1006, 1008, 1009, 1011, 1012, 1013, *range(4000, 4004)}


# -- limits and conflicts -------------------------------------------------------------------------

UNITS = {"": 1.0, "bytes": 1.0, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


def in_code(path: str) -> float:
    """The number at a path such as `core.terms.Terms.join_limit`, durations in seconds."""
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
    others = {"text_limit", "suggestion_limit", "streaming", "handoffs", "frame_size"}
    others |= {"shows", "worded"}
    others |= {"person_words", "edits", "deletions", "speakers", "speaker_format"}

    assert set(Terms.__struct_fields__) - others <= told


def test_each_disagreement_of_polyais_sources_can_be_played() -> None:
    rows = table("## Where PolyAI's sources disagree")
    named = {word for row in rows for word in words(row[3])}

    assert [int(row[0]) for row in rows] == list(range(1, 27))
    assert named <= set(Options.__dataclass_fields__) | VERBS
    # Secrecy, addresses and where tokens come from are nothing that a server could play.
    assert [row[0] for row in rows if not row[3]] == ["15", "23", "25"]
