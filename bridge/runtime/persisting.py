"""How long is the database asked to take what must not be lost? Until it does.

What people said waits in the inbox meanwhile, PolyAI keeps its journal, and deliveries wait.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from bridge.errors import ChangeRefused, DatabaseFailed
from bridge.runtime.world import World
from bridge.store import Store
from bridge.store.changes import Change

ResultT = TypeVar("ResultT")
#: How often a change is tried that the database refuses for what it is, while it takes others.
REFUSALS: Final = 3


class Persistence:
    """Writes and reads for somebody who cannot go on without."""

    def __init__(
        self, store: Store, world: World, failed: Callable[[DatabaseFailed], None]
    ) -> None:
        """`failed` is told of the first failure of each."""
        self._store = store
        self._world = world
        self._failed = failed

    async def write(self, change: Change[ResultT]) -> ResultT:
        """Returns when it is; raises ChangeRefused if the database takes anything but this."""
        return await self._until(lambda: self._store.write(change))

    async def read(self, question: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Returns what the database answers."""
        return await self._until(question)

    async def _until(self, asked: Callable[[], Awaitable[ResultT]]) -> ResultT:
        failures = 0
        while True:
            try:
                with self._world.progress.waits():
                    return await asked()
            except DatabaseFailed as error:
                if isinstance(error, ChangeRefused) and failures >= REFUSALS:
                    raise
                if failures == 0:
                    self._failed(error)
            failures += 1
            await self._world.pause(failures)
