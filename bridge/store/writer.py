"""One writer, group commit: whatever queued while the last commit ran is the next transaction.

No timer: waiting adds latency and saves nothing. A caller's future is resolved only after the
commit that holds its change. If a shared transaction fails, each of its changes is tried alone,
so that one that cannot be written harms nobody else.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.errors import DatabaseFailed
from bridge.store.changes import Change

ResultT = TypeVar("ResultT")

#: The most changes in one transaction: bounds how long a reader of the result may wait.
_MOST = 512


@dataclass(frozen=True, slots=True)
class _Request:
    change: Change[Any]
    result: "asyncio.Future[Any]"


class Writer:
    """The only one who writes; `run` is its task."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._queue: asyncio.Queue[_Request | None] = asyncio.Queue()

    async def write(self, change: Change[ResultT]) -> ResultT:
        """Commit `change`, together with whatever else is waiting.

        Raises:
            DatabaseFailed: it is not written.
        """
        result: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Request(change, result))
        # A caller that is cancelled must not cancel the future the writer will resolve.
        return await asyncio.shield(result)

    async def run(self) -> None:
        """Serve until `close`; everything queued before it is written first."""
        async with self._engine.connect() as connection:
            while True:
                batch, closing = self._take(await self._queue.get())
                if batch:
                    outcomes = await connection.run_sync(_commit, [r.change for r in batch])
                    for request, outcome in zip(batch, outcomes, strict=True):
                        _resolve(request.result, outcome)
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
    try:
        return _transaction(connection, changes)
    except Exception:
        if len(changes) == 1:
            return [_attempt(connection, changes[0])]
    return [_attempt(connection, change) for change in changes]


def _transaction(connection: Connection, changes: list[Change[Any]]) -> list[Any]:
    with connection.begin():
        return [change.apply(connection) for change in changes]


def _attempt(connection: Connection, change: Change[Any]) -> object:
    try:
        return _transaction(connection, [change])[0]
    except SQLAlchemyError as error:
        return database_failed("The database did not take a change", error)
    except Exception as error:
        return error


def _resolve(result: "asyncio.Future[Any]", outcome: object) -> None:
    if result.done():
        return
    if isinstance(outcome, Exception):
        result.set_exception(outcome)
    else:
        result.set_result(outcome)


def database_failed(what: str, error: SQLAlchemyError) -> DatabaseFailed:
    """The driver's words without the statement and its parameters, which hold people's text."""
    cause = getattr(error, "orig", None) or type(error).__name__
    failed = DatabaseFailed(
        f"{what}: {cause}", remedy="check the file, its permissions and the free space on its disk"
    )
    failed.__cause__ = None
    return failed
