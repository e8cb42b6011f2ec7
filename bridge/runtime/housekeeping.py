"""When is what nobody needs any more deleted? Once an hour, in small pieces."""

from datetime import timedelta
from typing import Final

from bridge import log
from bridge.config import Settings
from bridge.errors import DatabaseFailed
from bridge.runtime.process import Thaw
from bridge.runtime.world import World
from bridge.store import Forget, Store
from bridge.store.retention import FIRST, Keeping, Place, Tidy
from bridge.store.upkeep import Scour

_log = log.get("app")
#: How often it is done.
_EVERY: Final = timedelta(hours=1)
#: Between two pieces: whoever waits for the disk comes first.
_PAUSE: Final = timedelta(milliseconds=20)


class Housekeeping:
    """Deletes what is over its time, and empties the log beside the database of it."""

    def __init__(self, store: Store, world: World, keeping: Keeping) -> None:
        self._store = store
        self._world = world
        self._keeping = keeping

    async def run(self) -> None:
        """For ever; what is frozen in memory has its turn as well."""
        thaw = Thaw()
        while True:
            await self.tidy()
            await self._world.clock.sleep(_EVERY)
            thaw.if_grown()  # not at the start: to count them takes as long as to look at some

    async def tidy(self) -> None:
        """Once through; what the database does not take now is left to the next time."""
        at = self._world.clock.now()
        try:
            await self._store.write(Forget(at))
            place: Place | None = FIRST
            while place is not None:
                place = await self._store.write(Tidy(at=at, keeping=self._keeping, place=place))
                await self._world.clock.sleep(_PAUSE)
            # What was emptied or deleted leaves the file here, and the log with it.
            await self._store.write(Scour())
        except DatabaseFailed as error:
            _log.warning("housekeeping.failed", error=str(error))


def keeping_of(settings: Settings) -> Keeping:
    """How long the configuration says."""
    return Keeping(
        usual=settings.privacy.keep,
        dead=settings.privacy.keep_dead,
        adapters={name: one.keep for name, one in settings.adapters.items() if one.keep},
        agents={name: one.keep for name, one in settings.agents.items() if one.keep},
    )
