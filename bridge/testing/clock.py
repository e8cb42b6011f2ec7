"""What if time obeyed? A clock that moves only when a test winds it."""

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

#: When every pretended story begins.
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)

#: How many turns of the loop a chain of tasks is given to come to rest. A task can only be seen
#: to rest by giving it its turn; no chain of ours is this long.
_TURNS = 50


class FakeClock:
    """Implements `bridge.clock.Clock`: an hour of waiting takes no time at all."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._count = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The instant the clock was last wound to."""
        return self._now

    @property
    def sleepers(self) -> int:
        """How many are asleep."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    async def sleep(self, duration: timedelta) -> None:
        """Return once the clock has been wound on by `duration`; at once if not positive."""
        if duration <= timedelta(0):
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + duration, next(self._count), woken))
        await woken

    async def advance(self, by: timedelta) -> None:
        """Wind on: sleepers wake in the order they are due, each at its own instant.

        Between any two, whatever can run is run, and may go to sleep again within `by`.
        """
        until = self._now + by
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            due, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                self._now = due
                woken.set_result(None)
                await self.settle()
        self._now = until
        await self.settle()

    async def settle(self) -> None:
        """Let everything run that can run at this instant."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)
