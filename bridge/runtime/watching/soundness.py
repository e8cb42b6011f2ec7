"""Is the database sound? Who is failed by it tells here, and who waits for it is noticed.

While changes are taken nothing more is needed to prove it. When none was for a while, one is
written: a disk that has failed, is full or hangs would else be found out by the first person who
says something. It costs one sync in five seconds of an idle bridge, some 80 MB of writing a day,
and in a busy one nothing.
"""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from bridge.errors import DatabaseFailed
from bridge.runtime.watching.status import Status
from bridge.runtime.world import World
from bridge.store import Prove, Store

#: How often it is looked whether a change was taken.
LOOK = timedelta(seconds=1)
#: After so long without one, or after a failure, one is written to find out.
QUIET = timedelta(seconds=5)
#: A disk that hangs reports no failure: so long a change may take. With the quiet before it, a
#: trouble is told within 12 s of its beginning.
PATIENCE = timedelta(seconds=6)


class Soundness:
    """What `/ready` says of the database."""

    def __init__(self, store: Store, world: World, status: Status) -> None:
        self._store = store
        self._world = world
        self._status = status
        self._failed = False
        self._taken = store.taken
        self._taken_at = world.clock.now()
        store.failed = self._fails

    def _fails(self, error: DatabaseFailed) -> None:
        self._status.database(str(error))
        self._status.metrics.database_failed()
        self._failed = True

    async def watch(self) -> None:
        """For ever: sound again is what took a change after the last failure of anybody."""
        tried_at = self._world.clock.now()
        while True:
            await self._world.clock.sleep(LOOK)
            now = self._world.clock.now()
            if max(self._noticed(now), tried_at) + QUIET > now:
                continue
            self._failed = False
            await self._try()
            tried_at = self._world.clock.now()
            if not self._failed:
                self._status.database(None)

    def _noticed(self, now: datetime) -> datetime:
        """When a change was taken last, to the next look; what is failing proves nothing."""
        if self._store.taken != self._taken and not self._failed:
            self._taken_at = now
        self._taken = self._store.taken
        return self._taken_at

    async def _try(self) -> None:
        """Have a change taken, however long that takes."""
        taken = asyncio.create_task(self._prove(), name="soundness-try")
        late = asyncio.create_task(self._world.clock.sleep(PATIENCE), name="soundness-late")
        try:
            await asyncio.wait((taken, late), return_when=asyncio.FIRST_COMPLETED)
            if not taken.done():
                self._status.database(
                    f"it has taken no change for {PATIENCE.total_seconds():.0f} s: its disk hangs,"
                    " another process holds it, or its file is just written anew"
                )
            await taken
        finally:
            late.cancel()
            taken.cancel()

    async def _prove(self) -> None:
        with suppress(DatabaseFailed):
            await self._store.write(Prove(self._world.clock.now()))
