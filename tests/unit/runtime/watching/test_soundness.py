"""A database in trouble is told while it lasts, and is sound again when it takes a change."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.errors import DatabaseFailed
from bridge.model.ids import AdapterName
from bridge.runtime.watching.soundness import LOOK, PATIENCE, QUIET, Soundness
from bridge.runtime.watching.status import Status
from bridge.store import Discard, Prove
from bridge.testing.clock import NOON
from tests.unit.runtime.house import House, lived_in

MOMENT = timedelta(seconds=1)


class Watched:
    """A store that is watched."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.status = Status()
        soundness = Soundness(house.store, house.world, self.status)
        house.tasks.create_task(soundness.watch())

    def break_it(self) -> None:
        """From now on nothing is taken."""
        self.house.damage("ALTER TABLE facts RENAME TO lost")

    def mend_it(self) -> None:
        self.house.damage("ALTER TABLE lost RENAME TO facts")

    async def write(self) -> None:
        """Somebody writes, and is refused."""
        with pytest.raises(DatabaseFailed):
            await self.house.store.write(Prove(NOON))

    async def tried(self) -> None:
        """Time passes until the database was tried once more."""
        await self.house.clock.advance(QUIET + LOOK)
        await self.house.quiet()
        # A slow machine's disk may still be at it: the clock's sleepers alone would not tell.
        await self.house.until(lambda: "soundness-try" not in _under_way())
        await self.house.quiet()


def _under_way() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks()}


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    async with lived_in(tmp_path) as house:
        yield Watched(house)


async def test_a_failure_is_a_trouble_with_its_cause(watched: Watched) -> None:
    await watched.house.quiet()
    assert watched.status.causes == []
    watched.break_it()

    await watched.write()

    (trouble,) = watched.status.causes
    assert trouble.startswith("database: The database did not take a change: no such table")
    assert "free space" in trouble


async def test_it_stays_one_while_the_database_fails_and_nobody_writes(watched: Watched) -> None:
    watched.break_it()
    await watched.write()

    for _ in range(3):
        await watched.tried()
        assert watched.status.causes


async def test_it_passes_by_itself_when_the_database_takes_a_change(watched: Watched) -> None:
    watched.break_it()
    await watched.write()
    await watched.tried()
    watched.mend_it()

    await watched.house.quiet()
    assert watched.status.causes
    await watched.tried()

    assert watched.status.causes == []
    assert watched.house.rows("SELECT count(*) FROM facts WHERE name = 'proved_at'") == [(1,)]


async def test_what_cannot_be_read_is_a_trouble_too(watched: Watched) -> None:
    watched.house.damage("ALTER TABLE deliveries RENAME TO lost")

    with pytest.raises(DatabaseFailed):
        await watched.house.store.census()

    assert "could not be read" in watched.status.causes[0]


@pytest.mark.parametrize("busy", [True, False])
async def test_a_disk_that_hangs_is_a_trouble_until_it_goes_on(
    watched: Watched, busy: bool
) -> None:
    """It reports no failure: who waits for it is the only sign, and we wait if nobody does."""
    house = watched.house
    with contextlib.closing(sqlite3.connect(house.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waits = [house.store.write(Prove(NOON))] if busy else []
        waiting = asyncio.gather(*waits)
        await house.clock.advance(QUIET + PATIENCE - MOMENT)
        assert watched.status.causes == []
        await house.clock.advance(LOOK + MOMENT)
        (trouble,) = watched.status.causes
        assert trouble.startswith("database: it has taken no change for 6 s")
        other.execute("ROLLBACK")
    await waiting
    await house.until(lambda: not watched.status.causes)
    worst = QUIET + LOOK + PATIENCE
    assert worst < timedelta(seconds=15)


async def test_a_broken_disk_is_found_out_before_anybody_says_something(watched: Watched) -> None:
    watched.break_it()
    await watched.tried()
    assert watched.status.causes[0].startswith("database: The database did not take a change")


async def test_while_changes_are_taken_none_is_written_to_find_out(watched: Watched) -> None:
    house = watched.house
    for _ in range(10):
        await house.store.write(Discard(adapter=AdapterName("slack"), key="nothing"))
        await house.clock.advance(LOOK * 3)
    assert house.rows("SELECT count(*) FROM facts WHERE name = 'proved_at'") == [(0,)]


async def test_each_trouble_is_told_once_with_its_end(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(2):
        watched.break_it()
        for _ in range(3):
            await watched.write()
        watched.mend_it()
        await watched.tried()

    told = [r.msg["event"] for r in caplog.records if isinstance(r.msg, dict)]
    assert told == ["database.failing", "database.working"] * 2
