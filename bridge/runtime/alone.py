"""What can be done while no bridge runs? Letters, on the database alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.config import Settings
from bridge.runtime.adapters.configured import configured_adapters
from bridge.runtime.connecting.doors import doors
from bridge.runtime.connecting.pace import Pace
from bridge.runtime.letters import Letters
from bridge.runtime.outward import http_session
from bridge.runtime.tasks import cancelled_at_end
from bridge.runtime.terms import KnownTerms
from bridge.runtime.worker import Worker
from bridge.runtime.world import World
from bridge.store import open_store

#: Nobody is called here.
_NEVER = 1.0


@asynccontextmanager
async def letters_alone(settings: Settings, world: World) -> AsyncIterator[Letters]:
    """What can be done about letters where no bridge serves the database.

    Raises:
        BridgeError: it cannot be opened, or another process has it.
    """
    adapters = configured_adapters(settings)
    migrate, key = settings.database.auto_migrate, settings.database.digest_key
    async with (
        open_store(settings.database.url, auto_migrate=migrate, key=key) as store,
        http_session() as http,
        cancelled_at_end() as tasks,
    ):
        pace = Pace(world.clock, world.chance, _NEVER)
        agents = doors(settings, store, http, world, pace)
        worker = Worker(store, world, KnownTerms(settings, agents, adapters).of, tasks)
        yield Letters(store, worker, world.clock)
