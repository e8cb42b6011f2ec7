"""Did a post of ours arrive? Its thread, or its channel, read back once for all who doubt.

A reading is bounded, and goes on where it was interrupted: distributed apps outside Slack's
Marketplace get one page of 15 messages a minute (docs.slack.dev/changelog, 2025-05-29).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.slack import ids
from adapters.slack.marks import delivery_of, is_marked, ours
from adapters.slack.rendering.flowing import alike, flowing
from adapters.slack.workspaces import Workspace
from bridge.clock import Clock
from bridge.errors import MaybeDelivered
from bridge.model.delivery import Outbound
from bridge.model.ids import DeliveryId
from bridge.model.messages import AgentReply

# Slack's clock and ours may differ, by a step of the wall clock even much: a post of ours is
# recognised by its mark, and its time only spares us the older part of a long thread.
_CLOCKS_APART: Final = timedelta(hours=2)
# A stream bears no mark until it ends, so its time must do; it cannot live for longer than this.
_STREAM_LIFE: Final = timedelta(minutes=5)
_PAGE: Final = 200
#: What stands on more pages is not read: 2,000 messages; 150, and ten minutes, of a reduced quota.
_MOST_PAGES: Final = 10
#: For so long a finished reading serves others who doubt something older than it.
_FRESH: Final = timedelta(seconds=10)
_MOST_PLACES: Final = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is looked: the thread of `root`, or with "" the top of the channel."""

    team: str
    channel: str
    root: str


@dataclass(slots=True)
class Reading:
    """What was seen of our posts in one place, so far."""

    begun_at: datetime
    oldest: datetime  #: nothing from before was asked for
    cursor: str | None = None
    pages: int = 0
    whole: bool = False
    marked: dict[DeliveryId, list[str]] = field(default_factory=dict)  #: where, the oldest first
    newest: dict[str, Any] = field(default_factory=dict)  #: our newest message there

    def add(self, workspace: Workspace, message: object) -> None:
        """Take notice of a message, if it is one of ours."""
        if not isinstance(message, dict) or not ours(workspace.bot, message):
            return
        if not ids.is_ts(message.get("ts")):
            return
        if (delivery := delivery_of(message)) is not None:
            known = {*self.marked.get(delivery, ()), message["ts"]}
            self.marked[delivery] = sorted(known, key=ids.order_of)
        before = self.newest.get("ts")
        if not before or ids.order_of(message["ts"]) > ids.order_of(before):
            self.newest = message

    def spots(
        self, place: Place, outbound: Outbound, since: datetime, growing: Container[ids.Spot]
    ) -> list[ids.Spot]:
        """Where `outbound` stands, the oldest first; more than one if it was posted twice.

        It is known by its mark. What began as a stream has none yet (chat.startStream takes neither
        metadata nor blocks): it is the newest message of ours in the thread, as deliveries of one
        thread are serial; begins with the same words; is not older than the attempt, but for what
        our clocks may differ; and is none of the `growing`, whose receipts are known.
        """
        if found := self.marked.get(outbound.id):
            return [ids.Spot(place.channel, ts) for ts in found]
        if place.root and self.whole and self.newest and _began(self.newest, outbound, since):
            spot = ids.Spot(place.channel, self.newest["ts"])
            return [spot] if spot not in growing else []
        return []


@dataclass(slots=True)
class _Shelf:
    """The latest reading of one place, and whose turn it is to go on with it."""

    reading: Reading | None = None
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)


class Readings:
    """Every place that is read back, at most once at a time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shelves: OrderedDict[Place, _Shelf] = OrderedDict()

    async def of(
        self,
        workspace: Workspace,
        place: Place,
        wanted: DeliveryId,
        *,
        since: datetime,
        begun: datetime,
    ) -> Reading:
        """A reading of what stands there since then, begun at `begun` or later.

        It goes on to the end unless it shows the mark of `wanted` before.

        Raises:
            Refusal: Slack does not let us read it, or not now; a later call goes on with it.
            MaybeDelivered: there is more than is read.
        """
        shelf = self._shelves.setdefault(place, _Shelf())
        self._shelves.move_to_end(place)
        async with shelf.busy:
            # To the hour, so that one reading serves many whose attempts differ a little.
            oldest = (since - _CLOCKS_APART).replace(minute=0, second=0, microsecond=0)
            reading, now = shelf.reading, self._clock.now()
            if reading is None or not _serves(reading, now, oldest, begun):
                reading = shelf.reading = Reading(now, oldest)
            await _read(workspace, place, reading, wanted)
        while len(self._shelves) > _MOST_PLACES:
            self._shelves.popitem(last=False)
        return reading


def _serves(reading: Reading, now: datetime, oldest: datetime, begun: datetime) -> bool:
    """Whether it tells what is asked. A reading from the future is of a clock that was set back."""
    age = now - reading.begun_at
    young = age <= _FRESH if reading.whole else reading.pages < _MOST_PAGES
    return young and age >= timedelta() and reading.oldest <= oldest and reading.begun_at >= begun


async def _read(workspace: Workspace, place: Place, reading: Reading, wanted: DeliveryId) -> None:
    """Go on, page by page, until it is seen or all is."""
    while not (reading.whole or wanted in reading.marked):
        if reading.pages == _MOST_PAGES:
            raise MaybeDelivered("there are too many messages to look through")
        page = await _page(workspace, place, reading)
        reading.pages += 1
        for message in page.get("messages") or []:
            reading.add(workspace, message)
        reading.cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
        reading.whole = reading.cursor is None


async def _page(workspace: Workspace, place: Place, reading: Reading) -> dict[str, Any]:
    calls = workspace.calls
    bounds: dict[str, Any] = {
        "oldest": f"{reading.oldest.timestamp():.6f}",
        "include_all_metadata": True,
        "limit": _PAGE,
        "cursor": reading.cursor,
    }
    if place.root:
        replies = calls.web.conversations_replies
        return await calls.ask(replies, channel=place.channel, ts=place.root, **bounds)
    return await calls.ask(calls.web.conversations_history, channel=place.channel, **bounds)


def _began(message: dict[str, Any], outbound: Outbound, since: datetime) -> bool:
    """Whether a message that bears no mark can be the stream that this delivery began."""
    content, text = outbound.content, message.get("text")
    if not (isinstance(content, AgentReply) and content.unfinished):
        return False  # what is whole is never streamed
    if not isinstance(text, str) or is_marked(message):
        return False
    late = ids.instant_of(message["ts"]) >= since - _STREAM_LIFE
    return late and alike(text, flowing(content.text))
