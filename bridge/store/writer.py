"""One writer, group commit: whatever queued while the last commit ran is the next transaction.

No timer: waiting adds latency and saves nothing. A caller's future is resolved only after the
commit that holds its change. If a shared transaction fails, each of its changes is tried alone,
so that one that cannot be written harms nobody else.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from bridge.clock import elapsed
from bridge.errors import ChangeRefused, DatabaseFailed
from bridge.store.changes import Change
from bridge.store.executor import OneThread
from bridge.store.noting import Notes
from bridge.store.upkeep import Scour

ResultT = TypeVar("ResultT")

#: The most changes in one transaction: bounds how long a reader of the result may wait.
_MOST = 512
#: What a constraint or a value is to blame for, and no disk.
_OF_THE_CHANGE = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError)
_NOT_TAKEN = "The database did not take a change"


class _Request(NamedTuple):
    change: Change[Any]
    result: "asyncio.Future[Any]"


class Writer:
    """The only one who writes; `run` is its task."""

    def __init__(self, engine: Engine) -> None:
        self.notes = Notes()  #: ride with the next commit
        self._engine = engine
        self._queue: asyncio.Queue[_Request | None] = asyncio.Queue()
        self._over = False
        #: Told of each commit: how many changes it held, and how many seconds it took.
        self.committed: Callable[[int, float], None] = lambda _changes, _seconds: None

    async def write(self, change: Change[ResultT]) -> ResultT:
        """Commit `change`, together with whatever else is waiting.

        Raises:
            DatabaseFailed: it is not written.
        """
        if self._over:
            raise _closed()
        result: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Request(change, result))
        return await result  # a caller that leaves harms nobody: see `_resolve`

    async def run(self) -> None:
        """Serve until `close`; everything queued before it is written first, later comers refused.

        However it ends, nobody is left waiting.
        """
        try:
            await self._serve()
        finally:
            self._over = True
            while not self._queue.empty():
                request = self._queue.get_nowait()
                if request is not None:
                    _resolve(request.result, _closed())

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        with OneThread("store.writer") as thread, self._engine.connect() as connection:
            while True:
                batch, closing = self._take(await self._queue.get())
                changes: list[Change[Any]] = [request.change for request in batch]
                noted = self.notes.taken() if batch or closing else None
                if noted is not None:
                    changes.append(noted)
                if changes:
                    began = elapsed()
                    outcomes = await loop.run_in_executor(thread, _commit, connection, changes)
                    self.committed(len(batch), elapsed() - began)
                    for request, outcome in zip(batch, outcomes, strict=False):
                        _resolve(request.result, outcome)
                    if noted is not None and outcomes[-1] is not None:
                        self.notes.back(noted)
                if closing:
                    return

    def close(self) -> None:
        """Ask `run` to return once the queue is written."""
        self._queue.put_nowait(None)

    def _take(self, first: _Request | None) -> tuple[list[_Request], bool]:
        batch: list[_Request] = []
        request = first
        with suppress(asyncio.QueueEmpty):
            while request is not None:
                batch.append(request)
                if len(batch) == _MOST:
                    return batch, False
                request = self._queue.get_nowait()
            return batch, True
        return batch, False


def _commit(connection: Connection, changes: list[Change[Any]]) -> list[Any]:
    if any(isinstance(change, Scour) for change in changes):
        return [_attempt(connection, change) for change in changes]
    begun = False
    try:
        with _transaction(connection):
            begun = True
            return [change.apply(connection) for change in changes]
    except Exception as error:
        if not begun and isinstance(error, sqlite3.Error):
            # Another holds the lock. Tried one by one, each would wait its full patience again.
            return [database_failed(_NOT_TAKEN, error) for _ in changes]
        return [_attempt(connection, change) for change in changes]


def _attempt(connection: Connection, change: Change[Any]) -> object:
    try:
        if isinstance(change, Scour):
            return change.apply(connection)
        with _transaction(connection):
            return change.apply(connection)
    except (SQLAlchemyError, sqlite3.Error) as error:
        return database_failed(_NOT_TAKEN, error)
    except Exception as error:
        return error


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    """Begun and ended by the driver, at a fifth of what SQLAlchemy takes; raises sqlite3.Error.

    A change may use SQLAlchemy all the same: it joins (see `engines`). Whatever happens, nothing
    stays open, neither there nor in SQLite, which keeps what a COMMIT could not write for another
    try (sqlite.org/lang_transaction.html); none else could begin.
    """
    driver: Any = connection.connection.dbapi_connection
    driver.execute("BEGIN IMMEDIATE")
    try:
        yield
        driver.execute("COMMIT")
    finally:
        connection.rollback()
        if driver.in_transaction:
            driver.rollback()


def _resolve(result: "asyncio.Future[Any]", outcome: object) -> None:
    if result.done():
        return  # its caller was cancelled, and the future with it; what was asked for is done
    if isinstance(outcome, Exception):
        result.set_exception(outcome)
    else:
        result.set_result(outcome)


def _closed() -> DatabaseFailed:
    return DatabaseFailed("The database is closed", remedy="the bridge is stopping; start it again")


def database_failed(what: str, error: SQLAlchemyError | sqlite3.Error) -> DatabaseFailed:
    """The driver's words without the statement and its parameters, which hold people's text."""
    words = error if isinstance(error, sqlite3.Error) else getattr(error, "orig", None)
    cause = words or type(error).__name__
    kind = ChangeRefused if _is_of_the_change(words) else DatabaseFailed
    failed = kind(
        f"{what}: {cause}", remedy="check the file, its permissions and the free space on its disk"
    )
    failed.__cause__ = None
    return failed


def _is_of_the_change(error: object) -> bool:
    """But for a trigger: none of those is ours, so that one is the database's own trouble."""
    if not isinstance(error, _OF_THE_CHANGE):
        return False
    return getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_CONSTRAINT_TRIGGER
