"""Is there room on the database's disk? Looked at every few seconds, off the loop.

A disk that is nearly full still takes what is written; so it is told while there is time to act.
One that has stopped answering altogether (a network's) is told as well.
"""

import asyncio
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from bridge.clock import Clock
from bridge.runtime.watching.outages import Outages
from bridge.runtime.watching.trouble import Dependency, Trouble

#: How often it is looked.
LOOK: Final = timedelta(seconds=5)
#: How long the system may take to say.
PATIENCE: Final = timedelta(seconds=5)
#: What must be free beyond the floor for the trouble to end, one part in so many of it: or it would
#: flicker.
_MARGIN: Final = 10


@dataclass(frozen=True, slots=True)
class Space:
    """What is free for us: bytes, and inodes; None where the file system does not count them."""

    free: int
    inodes: int | None


@dataclass(frozen=True, slots=True)
class Floor:
    """Below this there is too little; noughts ask for nothing."""

    free: int
    inodes: int


def space_at(path: Path) -> Space:
    """What is free where `path` is. It may wait for the disk: not to be called on the loop."""
    told = os.statvfs(path)
    return Space(told.f_bavail * told.f_frsize, told.f_favail if told.f_files else None)


def judged(space: Space, floor: Floor, *, low: bool) -> str | None:
    """What is wrong; once it was `low`, it takes a little more than the floor to be well."""
    if space.free < floor.free + low * floor.free // _MARGIN:
        return f"{_size(space.free)} are free for the database, less than {_size(floor.free)}"
    if space.inodes is not None and space.inodes < floor.inodes + low * floor.inodes // _MARGIN:
        return f"{space.inodes} inodes are free for the database, less than {floor.inodes}"
    return None


class Disk:
    """Watches the disk under one directory."""

    def __init__(
        self, directory: Path, floor: Floor, clock: Clock, read: Callable[[Path], Space] = space_at
    ) -> None:
        self._directory = directory
        self._floor = floor
        self._clock = clock
        self._read = read
        self._trouble: str | None = None
        self._outages = Outages()
        self.space: Space | None = None  #: as it was seen last

    def troubles(self) -> Iterable[Trouble]:
        """What is wrong with it."""
        return [Trouble(Dependency.DISK, "", self._trouble)] if self._trouble else []

    async def watch(self) -> None:
        """Look for ever. A reading that does not return is waited for, and no second one begun."""
        while True:
            reading = asyncio.ensure_future(asyncio.to_thread(self._read, self._directory))
            late = asyncio.ensure_future(self._clock.sleep(PATIENCE))
            try:
                await asyncio.wait((reading, late), return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    self._tell(f"it has not answered for {PATIENCE.total_seconds():.0f} s")
                self._tell(await self._seen(reading))
            finally:
                late.cancel()
            await self._clock.sleep(LOOK)

    def _tell(self, trouble: str | None) -> None:
        self._trouble = trouble
        self._outages.note(self.troubles())

    async def _seen(self, reading: "asyncio.Future[Space]") -> str | None:
        try:
            self.space = await reading
        except OSError as error:
            return f"it cannot be looked at: {error.strerror}"
        return judged(self.space, self._floor, low=self._trouble is not None)


def _size(number: int) -> str:
    """As the configuration writes it, in a unit that leaves a few digits."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if number >= 10 * size:
            return f"{number // size} {unit}"
    return f"{number} bytes"
