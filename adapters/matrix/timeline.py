"""What happened in a room since we last knew? Its timeline, with what a sync leaves out."""

import logging
from collections.abc import Sequence
from typing import Any

from adapters.matrix import endpoints
from adapters.matrix.calls import Calls
from adapters.matrix.reading import Event
from bridge.errors import Rejected

_log = logging.getLogger("polyai_bridge.matrix")

#: What is read of a room: what people say, who comes and goes, and whether it becomes encrypted.
TYPES = [
    "m.room.message",
    "m.room.redaction",
    "m.reaction",
    "m.room.member",
    "m.room.encryption",
    "m.room.encrypted",
]
#: How many events one answer holds; a server may give fewer (Synapse: 100).
PAGE = 50
#: How many pages are read to fill one gap.
_MOST_PAGES = 400


async def whole(calls: Calls, room: str, section: Event, since: str, me: str) -> list[Event]:
    """Every event after `since`, in the room's order; none from before we were called there.

    Raises:
        RetryLater, Unreachable, CredentialsRefused: it cannot be read now.
    """
    timeline = section.get("timeline")
    told = timeline if isinstance(timeline, dict) else {}
    events = events_in(told.get("events"))
    if told.get("limited") is True and not _called_in(events, me):
        start = told.get("prev_batch")
        end = "" if _call(events, me) is not None else since
        events = await _missed(calls, room, str(start or ""), end, me) + events
    return _since_called(events, me)


def at_hand(section: Event, me: str) -> list[Event]:
    """The same, of what the section itself holds."""
    timeline = section.get("timeline")
    return _since_called(
        events_in(timeline.get("events") if isinstance(timeline, dict) else ()), me
    )


def events_in(value: object) -> list[Event]:
    """The events of a list; what is none is left out."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


async def _missed(calls: Calls, room: str, start: str, end: str, me: str) -> list[Event]:
    """What stands between `end` and `start`, read backwards, the oldest first.

    Where we came by an invitation, it is read on until that is found, though it stand before `end`.
    """
    found: list[Event] = []
    for _ in range(_MOST_PAGES):
        try:
            page = await _page(calls, room, start, end)
        except Rejected as error:
            _log.error("matrix.gap", extra={"room": room, "error": error.message})
            return found[::-1]
        newest_first = events_in(page.get("chunk"))
        found += newest_first
        start = str(page.get("end") or "")
        if not start or _called_in(newest_first[::-1], me):
            return found[::-1]
        end = "" if _call(newest_first[::-1], me) is not None else end
    _log.error("matrix.gap", extra={"room": room, "error": "too much happened to be read"})
    return found[::-1]


async def _page(calls: Calls, room: str, start: str, end: str) -> dict[str, Any]:
    only = {"types": TYPES}
    return await calls.ask(endpoints.history(room, start, end, limit=PAGE, only=only))


def _called_in(events: Sequence[Event], me: str) -> bool:
    """Whether it is among these events how we were called, and nothing before is for us."""
    call = _call(events, me)
    if call is None:
        return False
    now, before = _membership(events[call].get("content")), _membership(_before(events[call]))
    return now == "invite" or before != "invite"


def _since_called(events: list[Event], me: str) -> list[Event]:
    """Without what was said before we were called: that is history, and not meant for us."""
    call = _call(events, me)
    return events if call is None else events[call:]


def _call(events: Sequence[Event], me: str) -> int | None:
    """Where we were invited last, else where we came without an invitation."""
    came = None
    for place in range(len(events) - 1, -1, -1):
        event = events[place]
        if event.get("type") != "m.room.member" or event.get("state_key") != me:
            continue
        now, before = _membership(event.get("content")), _membership(_before(event))
        if now == "invite":
            return place
        if now == "join" and before != "join":
            came = place if came is None else came
            if before == "leave":
                return came
    return came


def _before(event: Event) -> object:
    unsigned = event.get("unsigned")
    return unsigned.get("prev_content") if isinstance(unsigned, dict) else None


def _membership(content: object) -> str:
    return str(content.get("membership", "")) if isinstance(content, dict) else ""
