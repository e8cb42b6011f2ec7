"""How fast may we connect? A process-wide pace, so that thousands of sessions are not in step."""

from datetime import datetime, timedelta

from bridge.clock import Clock


class Pace:
    """Lets callers through at most `per_second`, in the order they came."""

    def __init__(self, clock: Clock, per_second: float) -> None:
        self._clock = clock
        self._gap = timedelta(seconds=1 / per_second)
        self._next: datetime | None = None

    async def turn(self) -> None:
        """Return when it is the caller's turn."""
        now = self._clock.now()
        mine = max(now, self._next or now)
        self._next = mine + self._gap
        if mine > now:
            await self._clock.sleep(mine - now)
