"""Is this line one too many? Of one event beyond a burst only each so-many-th is written.

Pure: instants are seconds, passed in.
"""

from dataclasses import dataclass
from typing import Final

from bridge.core.rates import Rate

#: So many events are told apart; what comes beyond is one.
_DIFFERENT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Sampling:
    """What is written: the first `burst` of an event in a period, then each `sample`-th."""

    burst: Rate | None = None  #: None: everything
    sample: int = 100


@dataclass(slots=True)
class _Period:
    ends: float
    seen: int = 0
    left_out: int = 0


class Sampler:
    """How often each event came in its present period."""

    def __init__(self) -> None:
        self.rule = Sampling()
        self._periods: dict[str, _Period] = {}
        self._over: dict[str, int] = {}  #: what periods that are over have left out

    def lets(self, event: str, now: float) -> bool:
        """Whether this one is written."""
        burst = self.rule.burst
        if burst is None:
            return True
        if event not in self._periods and len(self._periods) >= _DIFFERENT:
            event = ""
        period = self._periods.get(event)
        if period is None or now >= period.ends:
            self._end(event)
            period = self._periods[event] = _Period(now + burst.per.total_seconds())
        period.seen += 1
        if period.seen <= burst.count or (period.seen - burst.count) % self.rule.sample == 0:
            return True
        period.left_out += 1
        return False

    def left_out(self, now: float) -> dict[str, int]:
        """How many of each event were left out in periods that are over; each is told once."""
        for event in [event for event, period in self._periods.items() if now >= period.ends]:
            self._end(event)
        over, self._over = self._over, {}
        return over

    def _end(self, event: str) -> None:
        period = self._periods.pop(event, None)
        if period is not None and period.left_out:
            self._over[event] = self._over.get(event, 0) + period.left_out
