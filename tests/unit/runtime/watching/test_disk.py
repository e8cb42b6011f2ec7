"""A disk with too little room is told before it is full, and one that says nothing as well."""

import asyncio
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.runtime.watching.disk import LOOK, PATIENCE, Disk, Floor, Space, judged, space_at
from bridge.runtime.watching.trouble import Dependency
from bridge.testing.clock import FakeClock

MB = 10**6
FLOOR = Floor(free=200 * MB, inodes=1000)
ROOMY = Space(500 * MB, 100_000)


@pytest.mark.parametrize(
    ("space", "told"),
    [
        (ROOMY, None),
        (Space(500 * MB, None), None),  # a file system that counts no inodes
        (Space(200 * MB, 1000), None),
        (
            Space(199 * MB, 100_000),
            "199 MB are free for the database, less than 200 MB",
        ),
        (Space(0, 100_000), "0 bytes are free for the database, less than 200 MB"),
        (Space(500 * MB, 999), "999 inodes are free for the database, less than 1000"),
    ],
)
def test_too_little_is_less_than_the_floor(space: Space, told: str | None) -> None:
    assert judged(space, FLOOR, low=False) == told


def test_once_it_was_low_it_takes_a_little_more_to_be_well() -> None:
    assert judged(Space(210 * MB, 100_000), FLOOR, low=True)
    assert judged(Space(220 * MB, 1050), FLOOR, low=True)
    assert judged(Space(220 * MB, 1100), FLOOR, low=True) is None


def test_noughts_ask_for_nothing() -> None:
    assert judged(Space(0, 0), Floor(0, 0), low=False) is None


def test_what_is_free_here_can_be_read(tmp_path: Path) -> None:
    space = space_at(tmp_path)
    assert space.free > 0
    assert space.inodes is None or space.inodes > 0


class Read:
    """What the system says, each time it is asked."""

    def __init__(self) -> None:
        self.said: Space | OSError = ROOMY
        self.goes_on = threading.Event()
        self.goes_on.set()

    def __call__(self, _: Path) -> Space:
        self.goes_on.wait(10)
        if isinstance(self.said, OSError):
            raise self.said
        return self.said


async def until(clock: FakeClock, disk: Disk, *, trouble: bool) -> str:
    """Time passes until it is told, or over; what is told."""
    for _ in range(500):
        if bool(list(disk.troubles())) is trouble:
            return "".join(str(one) for one in disk.troubles())
        await asyncio.sleep(0.002)
        await clock.advance(timedelta(seconds=1))
    raise AssertionError("never seen")


async def test_it_is_told_while_it_lasts() -> None:
    clock, read = FakeClock(), Read()
    disk = Disk(Path("/anywhere"), FLOOR, clock, read)
    watching = asyncio.create_task(disk.watch())
    await until(clock, disk, trouble=False)
    read.said = Space(1 * MB, 100_000)
    assert await until(clock, disk, trouble=True) == (
        "disk: 1000 KB are free for the database, less than 200 MB"
    )
    (trouble,) = disk.troubles()
    assert (trouble.dependency, trouble.name) == (Dependency.DISK, "")
    read.said = ROOMY
    await until(clock, disk, trouble=False)
    read.said = OSError(5, "Input/output error")
    told = await until(clock, disk, trouble=True)
    assert told == "disk: it cannot be looked at: Input/output error"
    watching.cancel()


async def test_one_that_does_not_answer_is_told_and_asked_no_second_time() -> None:
    clock, read = FakeClock(), Read()
    read.goes_on.clear()
    disk = Disk(Path("/anywhere"), FLOOR, clock, read)
    watching = asyncio.create_task(disk.watch())
    assert await until(clock, disk, trouble=True) == "disk: it has not answered for 5 s"
    read.goes_on.set()
    await until(clock, disk, trouble=False)
    assert disk.space == ROOMY
    watching.cancel()
    worst = LOOK + PATIENCE
    assert worst < timedelta(seconds=15)
