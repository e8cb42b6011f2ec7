"""How fast may we connect and call? One pace for the process, so that sessions are not in step.

PolyAI publishes no limit; what is likely its front end takes 500 new connections a second for all
its customers (polyai-messaging §4.4).
"""

from datetime import datetime, timedelta
from typing import Final

from bridge.clock import Chance, Clock

#: How many may go at once after a quiet time.
_BURST: Final = 10


class Pace:
    """Lets callers through at most `per_second`, in the order they came; a few at once at first.

    Whoever has to wait waits a little longer, by chance, for up to the time of one turn.
    """

    def __init__(
        self, clock: Clock, chance: Chance, per_second: float, *, burst: int = _BURST
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._gap = timedelta(seconds=1 / per_second)
        self._allowance = self._gap * (burst - 1)
        self._next: datetime | None = None

    async def turn(self) -> None:
        """Return when it is the caller's turn."""
        now = self._clock.now()
        regular = max(now, self._next or now)
        self._next = regular + self._gap
        wait = regular - self._allowance - now
        if wait > timedelta(0):
            await self._clock.sleep(wait + self._gap * self._chance.random())
