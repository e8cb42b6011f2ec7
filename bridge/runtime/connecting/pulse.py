"""Is the other side of a socket still there? Our signs of life, and the wait for theirs.

Heartbeats go out as often as the session asks for, protocol pings where it wants none. Whatever
comes in is a sign of life; too long without any, and the socket is taken for dead. This says when
what is due; it sends nothing and waits for nothing.
"""

import enum
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from bridge.clock import Clock

#: Seconds between heartbeats unless the session says otherwise (S-ws).
_HEARTBEAT: Final = 30
#: No session is asked for a sign of life less often, whatever it says.
_SLOWEST_HEARTBEAT: Final = 600
#: So many intervals without any sign of life, and the socket is taken for dead.
_PATIENCE: Final = 2.5
_MOMENT: Final = timedelta(seconds=1)


class Sign(enum.Enum):
    """What is to be done about the life of a socket."""

    NOTHING = enum.auto()  #: yet
    BEAT = enum.auto()  #: a heartbeat is to be sent
    PING = enum.auto()  #: a protocol ping is
    GONE = enum.auto()  #: there was no sign of life for too long


def heartbeat_interval(named: int | None) -> timedelta | None:
    """A session's own interval, within reason; None if it wants no heartbeats (capability 0)."""
    if named == 0:
        return None
    seconds = named if named is not None and named > 0 else _HEARTBEAT
    return timedelta(seconds=min(seconds, _SLOWEST_HEARTBEAT))


class Pulse:
    """The signs of life of one socket. `named` is the interval its session asks for at present.

    Within it (`with pulse:`), what came is being followed.
    """

    __slots__ = ("_beat_at", "_busy", "_clock", "_felt_at")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._felt_at = clock.now()
        self._beat_at: datetime | None = None  #: None: it has not begun
        self._busy = False

    def felt(self) -> None:
        """There was a sign of life."""
        self._felt_at = self._clock.now()

    @property
    def quiet_since(self) -> datetime | None:
        """When there was a sign of life last; None while what came is being followed."""
        return None if self._busy or self._beat_at is None else self._felt_at

    def __enter__(self) -> None:
        """While what came is being followed nothing else is read: that is not their silence."""
        self._busy = True

    def __exit__(self, *_: object) -> None:
        """What came was a sign of life."""
        self._busy = False
        self.felt()

    def begin(self, named: int | None, part: float) -> None:
        """Send signs of life from now on, the first after `part` of an interval.

        By chance: out of step with everybody else's.
        """
        if self._beat_at is None:
            self._beat_at = self._clock.now() + _usual(named) * part

    def due(self, named: int | None) -> datetime | None:
        """When to look next; None before it has begun."""
        if self._beat_at is None:
            return None
        silent = self._felt_at + _usual(named) * _PATIENCE
        if self._busy:
            silent = max(silent, self._clock.now() + _MOMENT)
        return min(self._beat_at, silent)

    def look(self, named: int | None) -> Sign:
        """What is due now. Once it is a heartbeat or a ping, the next has an interval's time."""
        now = self._clock.now()
        if self._beat_at is None:
            return Sign.NOTHING
        if now >= self._felt_at + _usual(named) * _PATIENCE and not self._busy:
            return Sign.GONE
        if now < self._beat_at:
            return Sign.NOTHING
        self._beat_at = now + _usual(named)
        return Sign.PING if heartbeat_interval(named) is None else Sign.BEAT


@lru_cache(maxsize=16)
def _usual(named: int | None) -> timedelta:
    """The interval of signs of life, where no heartbeats are wanted that of pings."""
    return heartbeat_interval(named) or timedelta(seconds=_HEARTBEAT)
