"""The store: opened once, by one process, for writing; read by anybody."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from filelock import FileLock, Timeout
from sqlalchemy import Engine, Row, Select, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.core.state import Conversation
from bridge.errors import BridgeError, DatabaseFailed, DatabaseHeld
from bridge.model.delivery import Announce, Ask, DeliveryState, Post, Receipt, Replace, Retire
from bridge.model.ids import AdapterName, ConversationId, DeliveryId, EntryId, ThreadKey
from bridge.store import tables as t
from bridge.store.changes import Change, read_inbound
from bridge.store.engines import reading_engine, writing_engine
from bridge.store.records import ConversationRow, DeliveryRow, Entry, SessionRecord, ThreadDelivery
from bridge.store.schema import bring_up_to_date
from bridge.store.sealing import Sealer
from bridge.store.writer import Writer, database_failed

ResultT = TypeVar("ResultT")
_OPEN = (DeliveryState.PENDING, DeliveryState.SENDING)
_BODY: type[Any] = Post | Replace | Retire | Announce | Ask  # type: ignore[assignment]  # msgspec takes unions


class Store:
    """Everything we remember, behind verbs. Made by `open_store`."""

    def __init__(self, reader: AsyncEngine, writer: Writer, salt: str) -> None:
        self._reader = reader
        self._writer = writer
        self._salt = salt

    def sealer(self, secret: str) -> Sealer:
        """Seals tokens with a key made of `secret` and this database's own salt."""
        return Sealer(secret, self._salt)

    async def write(self, change: Change[ResultT]) -> ResultT:
        """Commit `change` (see `changes`); returns after the commit.

        Raises:
            DatabaseFailed: it is not written.
        """
        return await self._writer.write(change)

    async def conversation(self, conversation: ConversationId) -> Conversation | None:
        """One conversation."""
        query = select(t.conversations.c.state).where(t.conversations.c.id == conversation)
        rows = await self._rows(query)
        return _conversation(rows[0].state) if rows else None

    async def live_conversations(self) -> list[Conversation]:
        """Those that a restart has to take up."""
        query = select(t.conversations.c.state).where(t.conversations.c.live)
        return [_conversation(row.state) for row in await self._rows(query)]

    async def open_entries(self, *, origin: str | None = None, after: int = 0) -> list[Entry]:
        """Inbox entries whose step has not committed, in the order they were said."""
        query = (
            select(t.inbox.c.id, t.inbox.c.conversation, t.inbox.c.body)
            .where(t.inbox.c.done_at.is_(None), t.inbox.c.conversation.is_not(None))
            .where(t.inbox.c.id > after)
            .order_by(t.inbox.c.conversation, t.inbox.c.sort, t.inbox.c.id)
        )
        if origin is not None:
            query = query.where(t.inbox.c.origin == origin)
        return [
            Entry(
                id=EntryId(row.id),
                conversation=ConversationId(row.conversation),
                inbound=read_inbound(row.body),
            )
            for row in await self._rows(query)
        ]

    async def owed_to_threads(self) -> list[ThreadDelivery]:
        """Everything owed to threads, each conversation's in its order."""
        query = (
            _thread_deliveries()
            .where(t.deliveries.c.state.in_(_OPEN), t.deliveries.c.target == "thread")
            .order_by(t.deliveries.c.conversation, t.deliveries.c.number)
        )
        return [_thread_delivery(row) for row in await self._rows(query)]

    async def thread_delivery(self, delivery: DeliveryId) -> ThreadDelivery | None:
        """One delivery to a thread."""
        rows = await self._rows(_thread_deliveries().where(t.deliveries.c.id == delivery))
        return _thread_delivery(rows[0]) if rows else None

    async def session(
        self, conversation: ConversationId, number: int, sealer: Sealer
    ) -> SessionRecord | None:
        """One session with its token, if that can still be unsealed."""
        query = select(t.sessions).where(
            t.sessions.c.conversation == conversation, t.sessions.c.number == number
        )
        rows = await self._rows(query)
        return _session(rows[0], sealer) if rows else None

    async def sessions(self, conversation: ConversationId) -> list[SessionRecord]:
        """The sessions of a conversation, without their tokens."""
        query = (
            select(t.sessions)
            .where(t.sessions.c.conversation == conversation)
            .order_by(t.sessions.c.number)
        )
        return [_session(row, None) for row in await self._rows(query)]

    async def list_conversations(self, *, everything: bool = False) -> list[ConversationRow]:
        """Conversations with what they owe, the last touched first; or the live ones alone."""
        owed = (
            select(t.deliveries.c.conversation, t.deliveries.c.target, func.count().label("owed"))
            .where(t.deliveries.c.state.in_(_OPEN))
            .group_by(t.deliveries.c.conversation, t.deliveries.c.target)
        )
        counts = {(row.conversation, row.target): int(row.owed) for row in await self._rows(owed)}
        query = select(t.conversations.c.state).order_by(t.conversations.c.touched_at.desc())
        rows = await self._rows(query if everything else query.where(t.conversations.c.live))
        found = [_conversation(row.state) for row in rows]
        return [
            ConversationRow(
                conversation=conversation,
                owed_to_thread=counts.get((conversation.id, "thread"), 0),
                owed_to_agent=counts.get((conversation.id, "agent"), 0),
            )
            for conversation in found
        ]

    async def list_deliveries(self, conversation: ConversationId) -> list[DeliveryRow]:
        """What a conversation owes and has sent, oldest first."""
        query = (
            select(t.deliveries)
            .where(t.deliveries.c.conversation == conversation)
            .order_by(t.deliveries.c.number)
        )
        return [_delivery_row(row) for row in await self._rows(query)]

    async def owed_count(self) -> dict[str, int]:
        """How many deliveries are open, by target."""
        query = (
            select(t.deliveries.c.target, func.count().label("owed"))
            .where(t.deliveries.c.state.in_(_OPEN))
            .group_by(t.deliveries.c.target)
        )
        return {row.target: int(row.owed) for row in await self._rows(query)}

    async def _rows(self, query: Select[Any]) -> list[Row[Any]]:
        try:
            async with self._reader.connect() as connection:
                return list(await connection.execute(query))
        except SQLAlchemyError as error:
            raise database_failed("The database could not be read", error) from None


@asynccontextmanager
async def open_store(url: str, *, auto_migrate: bool = True) -> AsyncIterator[Store]:
    """Open the database for the daemon: alone, up to date, with a writer.

    Raises:
        DatabaseHeld: another process serves it.
        DatabaseFailed: it cannot be opened, is no database, or is from a newer version.
        MigrationNeeded: it is older and `auto_migrate` is off.
    """
    path = database_path(url)
    with _held(path):
        _create_private(path)
        with writing_engine(path) as writing:
            await asyncio.to_thread(_checked, writing, auto_migrate=auto_migrate)
            async with reading_engine(path) as reading, _serving(writing) as writer:
                yield Store(reading, writer, await _salt(reading))


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
    with _held(path):
        _create_private(path)
        with writing_engine(path) as engine:
            return _checked(engine, auto_migrate=True)


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold the file against every other process, under whichever name it is opened."""
    try:
        path.parent.stat()  # the lock would make a missing directory; a wrong address must be told
        lock = FileLock(f"{os.path.realpath(path)}.lock", timeout=0, mode=0o600)
        lock.acquire()
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


def _create_private(path: Path) -> None:
    """The file holds people's words: nobody else may read it."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        with suppress(PermissionError):
            os.fchmod(descriptor, 0o600)
        os.close(descriptor)
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


def _conversation(state: str) -> Conversation:
    return msgspec.json.decode(state, type=Conversation)


def _thread_deliveries() -> Select[Any]:
    return select(t.deliveries, t.conversations.c.adapter, t.conversations.c.thread).join(
        t.conversations
    )


def _thread_delivery(row: Row[Any]) -> ThreadDelivery:
    return ThreadDelivery(
        id=DeliveryId(row.id),
        conversation=ConversationId(row.conversation),
        adapter=AdapterName(row.adapter),
        thread=ThreadKey(row.thread),
        body=msgspec.json.decode(row.body, type=_BODY),
        state=DeliveryState(row.state),
        attempts=row.attempts,
        owed_at=row.owed_at,
        attempted_at=row.attempted_at,
        receipt=Receipt(row.reference) if row.reference else None,
    )


def _delivery_row(row: Row[Any]) -> DeliveryRow:
    return DeliveryRow(
        id=DeliveryId(row.id),
        target=row.target,
        kind=msgspec.json.decode(row.body)["type"],
        state=DeliveryState(row.state),
        attempts=row.attempts,
        owed_at=row.owed_at,
        settled_at=row.settled_at,
        reason=row.reason,
    )


def _session(row: Row[Any], sealer: Sealer | None) -> SessionRecord:
    sealed = row.sealed_token
    return SessionRecord(
        conversation=ConversationId(row.conversation),
        number=row.number,
        session_id=row.session_id,
        token=sealer.unseal(sealed) if sealer is not None and sealed else None,
        opened_at=row.opened_at,
        expires_at=row.expires_at,
        closed_at=row.closed_at,
    )
