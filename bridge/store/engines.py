"""How is SQLite opened? One connection writes, durably; readers have their own and cannot write."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

from bridge.store.digests import OF_NAME, OF_WORDS, Digests

#: How many pages of 4 KB the log beside the database takes before a commit copies them over.
LOG_PAGES = 4_000
_WAIT = "PRAGMA busy_timeout = 5000"
_WRITER = (
    _WAIT,
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # never traded for speed: an acknowledged message is on the disk
    "PRAGMA foreign_keys = ON",
    # SQLite's own 1,000 would be full twice a second under load, and the commit that copies them
    # holds up all behind it; of more pages more are the same ones, which are copied once.
    f"PRAGMA wal_autocheckpoint = {LOG_PAGES}",
    # What is deleted is written over with zeros: words that are gone must not stay in the file.
    "PRAGMA secure_delete = ON",
)
_READER = (_WAIT, "PRAGMA query_only = ON", "PRAGMA foreign_keys = ON")


@contextmanager
def writing_engine(path: Path, digests: Digests | None = None) -> Iterator[Engine]:
    """An engine with exactly one connection; each transaction takes the write lock at once.

    It is a plain engine for one thread of its own: a transaction is then one hop between threads,
    where the asynchronous driver makes three for every statement. A transaction that only upgrades
    to writing later fails with "database is locked" whatever the timeout, so none is begun so.
    """
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        hide_parameters=True,  # they hold people's words
        connect_args={"check_same_thread": False},  # opened, used and closed one after the other
    )
    event.listen(engine, "connect", _preparation(_WRITER))
    event.listen(engine, "connect", _digesting(digests or Digests()))
    event.listen(engine, "begin", _begin_immediate)
    try:
        yield engine
    finally:
        engine.dispose()


@asynccontextmanager
async def reading_engine(path: Path) -> AsyncIterator[AsyncEngine]:
    """An engine that cannot write."""
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=4,
        max_overflow=0,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "connect", _preparation(_READER))
    event.listen(engine.sync_engine, "begin", _begin)
    try:
        yield engine
    finally:
        await engine.dispose()


def _preparation(pragmas: tuple[str, ...]) -> Callable[[Any, object], None]:
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
        # The driver's habit of opening transactions by itself is switched off: `begin` does it.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    return prepare


def _digesting(digests: Digests) -> Callable[[Any, object], None]:
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
        connection.create_function(OF_WORDS, 1, digests.of_words, deterministic=True)
        connection.create_function(OF_NAME, 2, digests.of_name, deterministic=True)

    return prepare


def _begin_immediate(connection: Connection) -> None:
    driver: Any = connection.connection.dbapi_connection
    if not driver.in_transaction:  # the writer begins by the driver
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
