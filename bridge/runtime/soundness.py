"""Is the database sound? Who is failed by it tells here, and who waits for it is noticed.

From then on it is tried until it works.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

from bridge.errors import DatabaseFailed
from bridge.runtime.status import Status
from bridge.runtime.world import World
from bridge.store import Prove, Store

#: How often it is looked whether the database failed somebody, or lets somebody wait.
AGAIN = timedelta(seconds=5)
#: A disk that hangs reports no failure: so long a change may take.
PATIENCE = timedelta(seconds=10)


class Soundness:
    """What `/ready` says of the database."""

    def __init__(self, store: Store, world: World, status: Status) -> None:
        self._store = store
        self._world = world
        self._status = status
        self._failed = False
        store.failed = self._fails

    def _fails(self, error: DatabaseFailed) -> None:
        self._status.database(str(error))
        self._failed = True

    async def watch(self) -> None:
        """For ever: sound again is what took a change after the last failure of anybody."""
        while True:
            await self._world.clock.sleep(AGAIN)
            if self._failed or self._store.writing:
                self._failed = False
                await self._try()
                if not self._failed:
                    self._status.database(None)

    async def _try(self) -> None:
        """Have a change taken, however long that takes."""
        taken = asyncio.create_task(self._prove(), name="soundness-try")
        late = asyncio.create_task(self._world.clock.sleep(PATIENCE), name="soundness-late")
        try:
            await asyncio.wait((taken, late), return_when=asyncio.FIRST_COMPLETED)
            if not taken.done():
                self._status.database(
                    f"it has taken no change for {PATIENCE.total_seconds():.0f} s: its disk hangs,"
                    " or another process holds it"
                )
            await taken
        finally:
            late.cancel()
            taken.cancel()

    async def _prove(self) -> None:
        with suppress(DatabaseFailed):
            await self._store.write(Prove(self._world.clock.now()))
