"""Do Slack's events still come? What is posted comes back, and every socket gets its share.

A connection may be open, its pings regular, and yet carry no events. Nothing that Slack says tells
so; these two notice. Pure: instants are passed in.
"""

import enum
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import TypeVar

from adapters.slack.doors.sockets import Link

#: How long an own message may take to come back as an event.
ECHO_TIME = timedelta(seconds=30)

_MISSES = 3
_MOST = 2000
#: So many events on the others, and none on this one, in a life no shorter than this.
_SHARE = 30
_LIFE = timedelta(minutes=10)

_Spot = tuple[str, str]
_Key = TypeVar("_Key")
_Kept = TypeVar("_Kept")


class Suspicion(enum.Enum):
    """What the canary thinks of our hearing."""

    NONE = enum.auto()
    DEAF = enum.auto()  #: news: several messages in a row have not come back
    STILL_DEAF = enum.auto()  #: news: nor have those that followed


class Canary:
    """Waits for our own messages to come back; only where one has come back before."""

    def __init__(self) -> None:
        self._echoing: OrderedDict[str, None] = OrderedDict()
        self._early: OrderedDict[_Spot, None] = OrderedDict()
        self._awaited: OrderedDict[_Spot, datetime] = OrderedDict()
        self._misses = 0
        self._suspicions = 0
        self.proved_at: datetime | None = None  #: when a message came back last

    @property
    def deaf(self) -> bool:
        """Whether a suspicion is not refuted yet, though the sockets were renewed."""
        return self._suspicions > 1

    @property
    def suspicious(self) -> bool:
        """Whether a suspicion is not refuted yet."""
        return self._suspicions > 0

    def posted(self, channel: str, ts: str, now: datetime) -> None:
        """We posted there; the echo may have been quicker than the answer to the post."""
        if (channel, ts) in self._early:
            del self._early[channel, ts]
        elif channel in self._echoing:
            _add(self._awaited, (channel, ts), now)

    def came_back(self, channel: str, ts: str, now: datetime) -> bool:
        """A message of our own came as an event; whether that refutes a suspicion."""
        _add(self._echoing, channel, None)
        self._echoing.move_to_end(channel)
        if self._awaited.pop((channel, ts), None) is None:
            _add(self._early, (channel, ts), None)
        refuted, self._misses, self._suspicions = self.suspicious, 0, 0
        self.proved_at = now
        return refuted

    def excuse(self) -> None:
        """What is awaited now may have gone astray for a reason that is known."""
        self._awaited.clear()
        self._misses = 0

    def judge(self, now: datetime) -> Suspicion:
        """What there is to think, each time anew."""
        for spot, at in tuple(self._awaited.items()):
            if now - at >= ECHO_TIME:
                del self._awaited[spot]
                self._misses += 1
        if self._misses < _MISSES:
            return Suspicion.NONE
        self._misses = 0
        self._awaited.clear()  # posted by way of the sockets that are suspected
        self._suspicions += 1
        return {1: Suspicion.DEAF, 2: Suspicion.STILL_DEAF}.get(self._suspicions, Suspicion.NONE)


class Shares:
    """Notices a socket that gets nothing while the others get plenty.

    Slack promises no pattern by which it spreads events, so this is a guess; a renewal is cheap.
    """

    def __init__(self) -> None:
        self._total = 0
        #: By socket: its events at the last look; the total, when it last had one; since when.
        self._known: dict[Link, tuple[int, int, datetime]] = {}

    def passed_over(self, links: list[Link], now: datetime) -> list[Link]:
        """Those that are suspected."""
        before = self._known
        for link in links:
            self._total += link.events - before.get(link, (0, 0, now))[0]
        self._known = {link: self._entry(link, before.get(link), now) for link in links}
        return [
            link
            for link, (_, total, since) in self._known.items()
            if self._total - total >= _SHARE and now - since >= _LIFE
        ]

    def since(self, link: Link) -> datetime | None:
        """When the socket was last seen to get something, or was new."""
        entry = self._known.get(link)
        return entry[2] if entry else None

    def _entry(
        self, link: Link, before: tuple[int, int, datetime] | None, now: datetime
    ) -> tuple[int, int, datetime]:
        if before is None or link.events != before[0]:
            return link.events, self._total, now
        return before


def _add(kept: "OrderedDict[_Key, _Kept]", key: _Key, value: _Kept) -> None:
    kept[key] = value
    if len(kept) > _MOST:
        kept.popitem(last=False)
