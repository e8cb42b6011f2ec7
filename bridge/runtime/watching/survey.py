"""How much is there, how old, how big, how late? Looked at every few seconds, in nobody's way."""

import asyncio
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from bridge.clock import Clock
from bridge.core.standing import stage
from bridge.core.state import Conversation
from bridge.errors import DatabaseFailed
from bridge.runtime.reporting.metrics import Metrics
from bridge.store import DIRECTIONS, Census, Store

#: How often the database is asked and its files are looked at.
LOOK: Final = timedelta(seconds=10)
#: How often it is felt whether the loop turns in time.
_TURN: Final = timedelta(seconds=1)
_FILES: Final = {"main": "", "wal": "-wal"}
_NONE: Final = timedelta()
#: For how long deaths count that nobody has looked at.
_UNSEEN: Final = timedelta(days=1)

Figures = Mapping[tuple[str, ...], float]


class Survey:
    """What the metrics say of the backlog, the database's size and the event loop."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        *,
        database: Path,
        conversations: Callable[[], Iterable[Conversation]],
    ) -> None:
        """`conversations` are those in memory."""
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._database = database
        self._conversations = conversations
        self._census = Census()
        self._unseen = 0
        self._sizes: Figures = {}
        self._free: Figures = {}
        metrics.watch_each("owed", lambda: _by_direction(self._census.owed))
        metrics.watch_each("oldest_owed_seconds", self._ages)
        metrics.watch_each("dead_letters", lambda: _by_direction(self._census.dead))
        metrics.watch("dead_letters_unseen", lambda: self._unseen)
        metrics.watch_each("sessions", self._sessions)
        metrics.watch_each("database_bytes", lambda: self._sizes)
        metrics.watch_each("disk_free_bytes", lambda: self._free)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Look, in tasks of that group."""
        tasks.create_task(self.watch(), name="survey")
        tasks.create_task(self.feel(), name="lag")

    async def watch(self) -> None:
        """Look for ever. What fails leaves the figures as they were: it is told elsewhere."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK)

    async def look(self) -> None:
        """Ask the database once, and look at its files off the loop: a disk may hang."""
        with suppress(DatabaseFailed):
            self._census = await self._store.census()
            self._unseen = await self._store.unseen_dead(self._clock.now() - _UNSEEN)
        self._sizes, self._free = await asyncio.to_thread(_sizes, self._database)

    async def feel(self) -> None:
        """For ever: by how much a turn of the loop comes late."""
        while True:
            slept_at = self._clock.now()
            await self._clock.sleep(_TURN)
            late = self._clock.now() - slept_at - _TURN
            self._metrics.lagged(max(_NONE, late).total_seconds())

    def _ages(self) -> Figures:
        now, oldest = self._clock.now(), self._census.oldest
        ages = {way: max(_NONE, now - oldest.get(way, now)) for way in DIRECTIONS}
        return {(way,): age.total_seconds() for way, age in ages.items()}

    def _sessions(self) -> Figures:
        """By stage; those that are quiet are mostly not in memory."""
        stages = Counter(stage(one) for one in self._conversations())
        del stages["closed"]
        return {(name,): number for name, number in {**stages, "quiet": self._census.quiet}.items()}


def _by_direction(counted: Mapping[str, int]) -> Figures:
    """The noughts are told, too: an alarm needs them."""
    return {(way,): counted.get(way, 0) for way in DIRECTIONS}


def _sizes(database: Path) -> tuple[Figures, Figures]:
    """Of its files, by name; and what is free for them. What cannot be looked at is left out."""
    sizes: dict[tuple[str, ...], float] = {}
    free: dict[tuple[str, ...], float] = {}
    for name, suffix in _FILES.items():
        with suppress(OSError):
            sizes[name,] = database.with_name(database.name + suffix).stat().st_size
    with suppress(OSError):
        free[()] = shutil.disk_usage(database.absolute().parent).free
    return sizes, free
