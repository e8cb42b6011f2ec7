"""How fast may we connect and call, and who goes first? One pace for the process.

Nobody for whom somebody waits stands behind ten thousand quiet sessions that come back.

PolyAI publishes no limit; what is likely its front end takes 500 new connections a second for all
its customers (polyai-messaging §4.4).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from bridge.clock import Chance, Clock
from bridge.model.ids import ConversationId

#: How many may go at once after a quiet time.
BURST: Final = 10
#: So many patient ones connect at once; more makes nothing faster, and each handshake slower.
_AT_ONCE: Final = 100


class Pace:
    """Lets callers through at most `per_second`, in the order they came; a few at once at first.

    Whoever has to wait waits a little longer, by chance, for up to the time of one turn.
    """

    def __init__(
        self, clock: Clock, chance: Chance, per_second: float, *, burst: int = BURST
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


class Gate:
    """Where those pass who connect: some in a hurry, the others in a line beside it.

    The line asks the pace for one turn at a time, so whoever hurries has the next.
    """

    def __init__(self, pace: Pace, *, at_once: int = _AT_ONCE) -> None:
        self._pace = pace
        self._places = at_once
        self._turning = False  #: the first of the line waits for its turn
        #: In their order; the answer is whether somebody hurried it.
        self._line: dict[ConversationId, asyncio.Future[bool]] = {}

    @asynccontextmanager
    async def passing(self, who: ConversationId, *, hurried: bool) -> AsyncIterator[None]:
        """Wait for one's turn; the body connects."""
        if hurried or await self._called(who):
            await self._pace.turn()
            yield
            return
        try:
            try:
                await self._pace.turn()
            finally:
                self._turning = False
            self._call()
            yield
        finally:
            self._places += 1
            self._call()

    def hurry(self, who: ConversationId) -> None:
        """Somebody waits for it now: it leaves the line, if it stands there."""
        called = self._line.pop(who, None)
        if called is not None and not called.done():
            called.set_result(True)

    async def _called(self, who: ConversationId) -> bool:
        """Stand in the line; True if hurried out of it, else it has a place and the next turn."""
        called: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._line[who] = called
        self._call()
        try:
            return await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled() and not called.result():
                self._places += 1
                self._turning = False
            if self._line.get(who) is called:
                del self._line[who]
            self._call()
            raise

    def _call(self) -> None:
        while self._line and self._places and not self._turning:
            called = self._line.pop(next(iter(self._line)))
            if called.cancelled():
                continue  # at our own end all of a long line are
            self._places -= 1
            self._turning = True
            called.set_result(False)
