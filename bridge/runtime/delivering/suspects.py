"""Who is to blame when an adapter's process ends? Only what was alone with it, three times.

All that was under way then is suspect, and goes one by one from then on, each with a process that
has lived for a while without it: what falls victim to a neighbour, or to an adapter that ends of
itself again and again, must not be given up for it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, TypeVar

from bridge.model.ids import AdapterName
from bridge.plugin import Adapter
from bridge.runtime.adapters.supervisor import Adapters
from bridge.runtime.delivering.outcomes import DEATHS, deadly, endless
from bridge.runtime.world import World

T = TypeVar("T")

#: How long an adapter must have been connected before a suspect is tried with it.
_PROBATION: Final = timedelta(seconds=3)


class Room:
    """What is under way with one adapter."""

    def __init__(self, name: AdapterName, adapters: Adapters, world: World) -> None:
        self._name = name
        self._adapters = adapters
        self._world = world
        self._waits = world.progress.waits
        self._turn = asyncio.Lock()
        self._sound: Adapter | None = None  #: it has passed its probation
        self.open = asyncio.Event()  #: no suspect is at work
        self.open.set()
        self.under_way = 0
        self.begun = 0

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """For a suspect: its turn, with an adapter that is sound; nothing new begins beside it."""
        with self._waits():
            await self._turn.acquire()
        try:
            self.open.clear()
            await self._probation()
            yield
        finally:
            self.open.set()
            self._turn.release()

    async def opened(self) -> None:
        """Return when no suspect is at work."""
        with self._waits():
            await self.open.wait()

    async def _probation(self) -> None:
        while True:
            with self._waits():
                adapter = await self._adapters.connected(self._name)
            if adapter is self._sound:
                return
            await self._world.rest(_PROBATION)
            if self._adapters.now(self._name) is adapter:
                self._sound = adapter


class Case:
    """One delivery, and how often the adapter's process ended over it alone."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._deaths = 0
        self._alone = False

    @property
    def closed(self) -> bool:
        """Whether it is to blame."""
        return self._deaths >= DEATHS

    async def tried(self, act: Callable[[], Awaitable[T]]) -> T:
        """What `act` comes to, beside the others or, for a suspect, alone."""
        if self._deaths:
            async with self._room.alone():
                return await self._watched(act)
        while not self._room.open.is_set():
            await self._room.opened()
        return await self._watched(act)

    async def _watched(self, act: Callable[[], Awaitable[T]]) -> T:
        room = self._room
        others, begun = room.under_way, room.begun + 1
        room.under_way, room.begun = others + 1, begun
        try:
            return await act()
        finally:
            room.under_way -= 1
            self._alone = not others and room.begun == begun

    def note(self, outcome: object) -> None:
        """It came out so: a death counts if it was the first, or nobody else can be to blame."""
        if endless(outcome):
            self._deaths = 0  # the process lives, and nobody is to wait for it alone
        elif deadly(outcome) and (self._alone or not self._deaths):
            self._deaths += 1


class Suspects:
    """The rooms of all adapters."""

    def __init__(self, adapters: Adapters, world: World) -> None:
        self._adapters = adapters
        self._world = world
        self._rooms: dict[AdapterName, Room] = {}

    def case(self, adapter: AdapterName) -> Case:
        """Of a delivery that is about to be tried."""
        room = self._rooms.get(adapter)
        if room is None:
            room = self._rooms[adapter] = Room(adapter, self._adapters, self._world)
        return Case(room)
