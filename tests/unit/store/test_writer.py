"""One writer: batches, order, and who hears of a failure."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, insert, select, text

from bridge.errors import DatabaseFailed
from bridge.store import tables as t
from bridge.store.changes import Change
from bridge.store.engines import writing_engine
from bridge.store.writer import Writer
from tests.unit.store.given import made


@dataclass(frozen=True)
class Note(Change[str]):
    """Writes one fact; `hold` keeps the transaction open, `breaks` fails after writing."""

    name: str
    hold: threading.Event | None = field(default=None, compare=False)
    breaks: Exception | None = None

    def apply(self, connection: Connection) -> str:
        connection.execute(insert(t.facts).values(name=self.name, value="x"))
        if self.hold is not None:
            self.hold.wait(5)
        if self.breaks is not None:
            raise self.breaks
        return self.name


class Desk:
    """A writer at work, and what its connection was asked to do."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.writer = Writer(engine)
        self.commits = 0
        self.task = asyncio.create_task(self.writer.run())
        event.listen(engine, "checkout", self._traced)

    def _traced(self, driver: sqlite3.Connection, *_: object) -> None:
        driver.set_trace_callback(self._asked)

    def _asked(self, statement: str) -> None:
        self.commits += statement == "COMMIT"

    async def facts(self) -> list[str]:
        """The facts that another connection would see, in the order they were written."""
        self.writer.close()
        await self.task
        with self.engine.connect() as connection:
            query = select(t.facts.c.name).where(t.facts.c.name != "salt")
            return list(connection.execute(query.order_by(text("rowid"))).scalars())


@asynccontextmanager
async def writing(path: Path, *, patience_ms: int = 5000) -> AsyncIterator[Desk]:
    """A writer on a new database; `patience_ms` is how long it waits for another's lock."""
    made(path.parent)
    with writing_engine(path) as engine:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {patience_ms}")
        desk = Desk(engine)
        try:
            yield desk
        finally:
            desk.writer.close()
            async with asyncio.timeout(5):
                await desk.task


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with writing(tmp_path / "bridge.db") as desk:
        yield desk


@contextmanager
def holding() -> Iterator[threading.Event]:
    """A transaction can be kept open with this; at the end it is let go in any case."""
    hold = threading.Event()
    try:
        yield hold
    finally:
        hold.set()


async def turn() -> None:
    """Let every task run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_queues_during_a_commit_is_the_next_transaction(desk: Desk) -> None:
    with holding() as hold:
        first = asyncio.create_task(desk.writer.write(Note("first", hold)))
        await turn()
        rest = [asyncio.create_task(desk.writer.write(Note(f"{n}"))) for n in range(200)]
        await turn()
        hold.set()
        answers = await asyncio.gather(first, *rest)

    assert desk.commits == 2
    assert answers == ["first", *(f"{n}" for n in range(200))]
    assert await desk.facts() == answers


async def test_a_transaction_is_bounded(desk: Desk) -> None:
    with holding() as hold:
        writes = [asyncio.create_task(desk.writer.write(Note("first", hold)))]
        await turn()
        writes += [asyncio.create_task(desk.writer.write(Note(f"{n}"))) for n in range(1025)]
        await turn()
        hold.set()
        await asyncio.gather(*writes)

    assert desk.commits == 4


async def test_a_lone_write_does_not_wait_for_others(desk: Desk) -> None:
    await desk.writer.write(Note("a"))
    await desk.writer.write(Note("b"))

    assert desk.commits == 2


async def test_a_writer_is_answered_only_after_the_commit(desk: Desk) -> None:
    with holding() as hold:
        write = asyncio.create_task(desk.writer.write(Note("a", hold)))
        await turn()
        assert not write.done()
        assert desk.commits == 0
        hold.set()
        await write
    assert desk.commits == 1


async def test_a_failure_is_told_to_its_own_caller_and_leaves_nothing(desk: Desk) -> None:
    with holding() as hold:
        writes = [asyncio.create_task(desk.writer.write(Note("first", hold)))]
        await turn()
        batch = [Note("a"), Note("b", breaks=ValueError("odd")), Note("first"), Note("c")]
        writes += [asyncio.create_task(desk.writer.write(note)) for note in batch]
        await turn()
        hold.set()
        first, a, b, again, c = await asyncio.gather(*writes, return_exceptions=True)

    assert (first, a, c) == ("first", "a", "c")
    assert isinstance(b, ValueError)
    assert isinstance(again, DatabaseFailed)
    assert await desk.facts() == ["first", "a", "c"]


class Orphan(Change[None]):
    """Refers to what is not there, so that SQLite refuses its COMMIT and leaves it open."""

    def apply(self, connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        connection.exec_driver_sql("INSERT INTO child VALUES (99)")


async def test_a_commit_that_fails_leaves_no_transaction_in_the_way(desk: Desk) -> None:
    with contextlib.closing(sqlite3.connect(str(desk.engine.url.database))) as other:
        other.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        other.execute("CREATE TABLE child (parent REFERENCES parent)")
    changes: list[Change[Any]] = [Note("a"), Orphan(), Note("b")]
    a, orphan, b = await asyncio.gather(*map(desk.writer.write, changes), return_exceptions=True)

    assert (a, b) == ("a", "b")
    assert "FOREIGN KEY" in str(orphan)
    assert await desk.facts() == ["a", "b"]


async def test_a_caller_who_leaves_before_the_commit_harms_nobody(desk: Desk) -> None:
    """What was asked for is still written, whole; the others are answered; the writer goes on."""
    with holding() as hold:
        first = asyncio.create_task(desk.writer.write(Note("first", hold)))
        await turn()
        gone = asyncio.create_task(desk.writer.write(Note("gone")))
        stays = asyncio.create_task(desk.writer.write(Note("stays")))
        await turn()
        gone.cancel()
        first.cancel()
        await turn()
        hold.set()
        assert await stays == "stays"

    assert gone.cancelled()
    assert first.cancelled()
    assert await desk.writer.write(Note("after")) == "after"
    assert await desk.facts() == ["first", "gone", "stays", "after"]


async def test_a_failure_whose_caller_has_left_is_nobodys_trouble(desk: Desk) -> None:
    with holding() as hold:
        gone = asyncio.create_task(desk.writer.write(Note("a", hold, ValueError("odd"))))
        await turn()
        gone.cancel()
        await turn()
        hold.set()
        assert await desk.writer.write(Note("b")) == "b"


async def test_closing_writes_what_was_queued_before(desk: Desk) -> None:
    writes = [asyncio.create_task(desk.writer.write(Note(f"{n}"))) for n in range(600)]
    await turn()

    assert len(await desk.facts()) == 600
    assert len(await asyncio.gather(*writes)) == 600


async def test_a_write_after_the_end_is_refused_and_does_not_hang(desk: Desk) -> None:
    desk.writer.close()
    await desk.task

    with pytest.raises(DatabaseFailed, match="closed"):
        async with asyncio.timeout(1):
            await desk.writer.write(Note("late"))


async def test_another_processs_lock_fails_the_whole_batch_once(tmp_path: Path) -> None:
    """Not change by change: each would wait its full patience, one after the other."""
    path = tmp_path / "bridge.db"
    async with writing(path, patience_ms=50) as desk:
        with writing_engine(path) as other, other.begin():
            begun = asyncio.get_running_loop().time()
            outcomes = await asyncio.gather(
                *(desk.writer.write(Note(f"{n}")) for n in range(40)), return_exceptions=True
            )
            lasted = asyncio.get_running_loop().time() - begun

        assert all(isinstance(outcome, DatabaseFailed) for outcome in outcomes)
        assert "locked" in str(outcomes[0])
        assert lasted < 1
        assert await desk.writer.write(Note("after")) == "after"
        assert await desk.facts() == ["after"]


async def test_a_full_disk_writes_nothing_by_halves_and_can_be_freed(tmp_path: Path) -> None:
    async with writing(tmp_path / "bridge.db") as desk:
        await _limit(desk, pages=1)
        big = "x" * 300_000
        outcomes = await asyncio.gather(
            *(desk.writer.write(Note(f"{n}{big}")) for n in range(3)), return_exceptions=True
        )
        assert all(isinstance(outcome, DatabaseFailed) for outcome in outcomes)
        assert "full" in str(outcomes[0])

        await _limit(desk, pages=1_000_000)
        assert await desk.writer.write(Note("after")) == "after"
        assert await desk.facts() == ["after"]


async def _limit(desk: Desk, *, pages: int) -> None:
    """Let the database grow to so many pages, and no further than it is already."""

    class Limit(Change[None]):
        def apply(self, connection: Connection) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    await desk.writer.write(Limit())
