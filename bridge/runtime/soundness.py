"""Is the database sound? Whoever it fails tells here; from then on it is tried until it works."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from bridge.errors import DatabaseFailed
from bridge.runtime.status import Status
from bridge.runtime.world import World
from bridge.store import Prove, Store

#: How long after a failure the database is tried: nobody else might write for hours.
AGAIN = timedelta(seconds=5)


class Soundness:
    """What `/ready` says of the database."""

    def __init__(self, store: Store, world: World, status: Status) -> None:
        self._store = store
        self._world = world
        self._status = status
        self._failed = asyncio.Event()
        store.failed = self._fails

    def _fails(self, error: DatabaseFailed) -> None:
        self._status.database(str(error))
        self._failed.set()

    async def watch(self) -> None:
        """For ever: sound again is what took a change after the last failure of anybody."""
        while True:
            await self._failed.wait()
            await self._world.clock.sleep(AGAIN)
            self._failed.clear()
            with suppress(DatabaseFailed):
                await self._store.write(Prove(self._world.clock.now()))
            if not self._failed.is_set():
                self._status.database(None)
