"""How is the database opened? Once, by one process, to serve it; by anybody to look into it."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.errors import BridgeError, DatabaseFailed, DatabaseHeld
from bridge.store import tables as t
from bridge.store.digests import Digests
from bridge.store.engines import reading_engine, writing_engine
from bridge.store.schema import bring_up_to_date
from bridge.store.secluding import create_private, give_to_owner_of
from bridge.store.store import Store
from bridge.store.writer import Writer, database_failed


@asynccontextmanager
async def open_store(url: str, *, auto_migrate: bool = True, key: str = "") -> AsyncIterator[Store]:
    """Open the database for the daemon: alone, up to date, with a writer.

    `key` is the secret by which digests are made of what is not kept.

    Raises:
        DatabaseHeld: another process serves it.
        DatabaseFailed: it cannot be opened, is no database, or is from a newer version.
        MigrationNeeded: it is older and `auto_migrate` is off.
    """
    path = database_path(url)
    with held(path):
        _create_private(path)
        digests = Digests()
        with writing_engine(path, digests) as writing:
            await asyncio.to_thread(_checked, writing, auto_migrate=auto_migrate)
            async with reading_engine(path) as reading, _serving(writing) as writer:
                salt = await _salt(reading)
                digests.keyed(key, salt)
                yield Store(reading, writer, salt)


@asynccontextmanager
async def look_into(url: str) -> AsyncIterator[Store]:
    """Open an existing database beside its daemon: to read, or to leave it a request.

    Raises:
        DatabaseFailed: there is none, or it cannot be read.
        MigrationNeeded: its schema is not this version's.
    """
    path = database_path(url)
    try:
        path.stat()
    except FileNotFoundError:
        raise DatabaseFailed(
            f"There is no database at {path}", remedy="start the bridge once, or check database.url"
        ) from None
    except OSError as error:
        raise _not_openable(path, error) from None
    with writing_engine(path) as writing:
        await asyncio.to_thread(_checked, writing, auto_migrate=False)
        async with reading_engine(path) as reading, _serving(writing) as writer:
            yield Store(reading, writer, await _salt(reading))


@asynccontextmanager
async def _serving(engine: Engine) -> AsyncIterator[Writer]:
    """A writer at work; everything given to it is written before this is left."""
    writer = Writer(engine)
    task = asyncio.create_task(writer.run(), name="store.writer")
    try:
        yield writer
    finally:
        writer.close()
        await task


def database_path(url: str) -> Path:
    """The file of a `sqlite+aiosqlite:///` address.

    Raises:
        DatabaseFailed: it names no file.
    """
    try:
        database = make_url(url).database
    except ArgumentError:
        database = None
    if not database or database == ":memory:":
        raise DatabaseFailed(
            "The database must be a file", remedy="set database.url to sqlite+aiosqlite:///NAME.db"
        )
    return Path(database)


def migrate(url: str) -> str:
    """Bring the database up to date, alone; the revision it came from, "" if it was empty.

    Raises:
        DatabaseHeld: another process serves it.
        DatabaseFailed: it cannot be opened or is from a newer version.
    """
    path = database_path(url)
    with held(path):
        _create_private(path)
        with writing_engine(path) as engine:
            return _checked(engine, auto_migrate=True)


def schema_of(url: str) -> str:
    """The schema of the database, "" if there is none; changes nothing.

    Raises:
        DatabaseFailed: it cannot be read, or is none of ours.
    """
    path = database_path(url)
    if not path.exists():
        return ""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise database_failed("The database cannot be used", error) from None
    return str(found[0]) if found else ""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the file against every other process, under whichever name it is opened.

    Raises:
        DatabaseHeld: another process serves it.
        DatabaseFailed: its directory cannot be used.
    """
    try:
        path.parent.stat()  # the lock would make a missing directory; a wrong address must be told
        lock = _locked(Path(os.path.realpath(path)))
    except Timeout:
        raise DatabaseHeld(
            f"Another process serves {path}",
            remedy="stop it first, or give this one a database of its own (database.url)",
        ) from None
    except OSError as error:
        raise _not_openable(path, error) from None
    try:
        yield
    finally:
        lock.release()


def _locked(path: Path) -> FileLock:
    lock = Path(f"{path}.lock")
    fresh = not lock.exists()
    taken = FileLock(lock, timeout=0, mode=0o600)
    taken.acquire()
    if fresh:
        descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            give_to_owner_of(path.parent, descriptor)
        finally:
            os.close(descriptor)
    return taken


def _create_private(path: Path) -> None:
    try:
        create_private(path)
    except OSError as error:
        raise _not_openable(path, error) from None


def _not_openable(path: Path, error: OSError) -> DatabaseFailed:
    return DatabaseFailed(
        f"The database {path} cannot be opened: {error.strerror}",
        remedy="check database.url, the directory and its permissions",
    )


def _checked(engine: Engine, *, auto_migrate: bool) -> str:
    try:
        with engine.connect() as connection:
            return bring_up_to_date(connection, allowed=auto_migrate)
    except BridgeError:
        raise
    except SQLAlchemyError as error:
        raise database_failed("The database cannot be used", error) from None


async def _salt(engine: AsyncEngine) -> str:
    query = select(t.facts.c.value).where(t.facts.c.name == "salt")
    try:
        async with engine.connect() as connection:
            return str((await connection.execute(query)).scalar_one())
    except SQLAlchemyError as error:
        raise database_failed("The database has lost its salt", error) from None
