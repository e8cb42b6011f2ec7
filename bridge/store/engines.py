"""How is SQLite opened? One connection writes, durably; readers have their own and cannot write."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

_WAIT = "PRAGMA busy_timeout = 5000"
_WRITER = (
    _WAIT,
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # never traded for speed: an acknowledged message is on the disk
    "PRAGMA foreign_keys = ON",
)
_READER = (_WAIT, "PRAGMA query_only = ON", "PRAGMA foreign_keys = ON")


@asynccontextmanager
async def writing_engine(path: Path) -> AsyncIterator[AsyncEngine]:
    """An engine with exactly one connection; each transaction takes the write lock at once.

    A transaction that only upgrades to writing later fails with "database is locked" whatever the
    timeout, so it is never begun otherwise.
    """
    engine = _engine(path, connections=1, pragmas=_WRITER)
    event.listen(engine.sync_engine, "begin", _begin_immediate)
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def reading_engine(path: Path) -> AsyncIterator[AsyncEngine]:
    """An engine that cannot write."""
    engine = _engine(path, connections=4, pragmas=_READER)
    event.listen(engine.sync_engine, "begin", _begin)
    try:
        yield engine
    finally:
        await engine.dispose()


def _engine(path: Path, *, connections: int, pragmas: tuple[str, ...]) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,  # they hold people's words
    )

    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
        # The driver's habit of opening transactions by itself is switched off: `begin` does it.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    event.listen(engine.sync_engine, "connect", prepare)
    return engine


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
