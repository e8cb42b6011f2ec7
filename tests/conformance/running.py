"""The real daemon as a task that can be started, drained, and killed as abruptly as a task can."""

import asyncio
import itertools
import random
from pathlib import Path

import aiohttp

from bridge.app import Daemon
from bridge.config import load
from bridge.runtime.adapters.configured import configured_adapters
from bridge.runtime.world import POINTS, World
from bridge.store import Entry, Store, open_store
from bridge.store.changes import Change
from bridge.testing.virtual import LoopClock, VirtualLoop


class Counted:
    """Names that are counted up, never given twice in one test."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._numbers = itertools.count(1)

    def new(self) -> str:
        return f"{self._prefix}{next(self._numbers)}"


class MortalStore(Store):
    """The store of a process that may die: what it writes after its death is never written.

    It looks for an operator's requests only where the scenario has an operator: a look every second
    would be most of what an hour costs.
    """

    dead = False
    operated = False

    async def requests(self, after: int = 0) -> list[Entry]:
        return await super().requests(after) if self.operated else []

    async def write(self, change: Change[object]) -> object:  # type: ignore[override]
        if self.dead:
            # Nor does anybody wait for it, be they shielded: all tasks go with their process.
            raise asyncio.CancelledError
        return await super().write(change)


class RunningBridge:
    """One configured bridge; it may be started again after every end."""

    def __init__(self, config: Path, loop: VirtualLoop, seed: int) -> None:
        self.config = config
        self.failure: BaseException | None = None  #: why it ended, if not by our wish
        self._loop = loop
        self._ids = Counted("b")
        self._chance = random.Random(seed)  # noqa: S311 - a die, not a secret
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._store: MortalStore | None = None
        self._operated = False
        self._death: tuple[str, int] | None = None

    @property
    def dead(self) -> bool:
        """Whether it is not running."""
        return self._task is None or self._task.done()

    def start(self) -> None:
        """Begin; returns at once."""
        assert self.dead, "it runs already"
        self._stop = asyncio.Event()
        self._loop.unreachable.clear()
        self._task = asyncio.create_task(self._serve(), name="bridge")

    async def stop(self) -> None:
        """What SIGTERM does: drain, then end."""
        self._stop.set()
        await self._ended()

    async def crash(self) -> None:
        """`kill -9`, as near as a task comes to it: nothing more is written, nothing more sent.

        What was already given to the database's thread is committed, as it may be in a real death.
        """
        self._die()
        await self._ended()

    def expect_operator(self) -> None:
        """From now on commands may be given beside the bridge."""
        self._operated = True
        if self._store is not None:
            self._store.operated = True

    def die_at(self, point: str, passing: int = 1) -> None:
        """Die in the middle of things: at the `passing`-th time a point of `POINTS` is passed."""
        assert point in POINTS, point
        self._death = (point, passing)

    async def _ended(self) -> None:
        assert self._task is not None
        await asyncio.wait((self._task,))
        self._loop.unreachable.clear()

    def _die(self) -> None:
        assert self._task is not None
        if self._store is not None:
            self._store.dead = True
        refused = ConnectionRefusedError(111, "this process is dead")
        self._loop.unreachable = dict.fromkeys(range(65_536), refused)
        self._loop.cut_clients()
        self._task.cancel()

    def _reached(self, point: str) -> None:
        if self._death is None or point != self._death[0]:
            return
        left = self._death[1] - 1
        self._death = (point, left) if left else None
        if not left:
            self._die()

    async def _serve(self) -> None:
        world = World(clock=LoopClock(), ids=self._ids, chance=self._chance, reached=self._reached)
        try:
            settings = load(self.config, {})
            adapters = configured_adapters(settings)
            async with (
                open_store(settings.database.url) as store,
                aiohttp.ClientSession() as http,
            ):
                mortal = MortalStore(store._reader, store._writer, store._salt)
                mortal.operated = self._operated
                self._store = mortal
                await Daemon(settings, adapters, mortal, http, world).run(self._stop)
        except Exception as error:
            self.failure = error
