"""What do we remember, as verbs: every change is written, every question is read."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, Select, func, literal, select, tuple_
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.core.state import Conversation
from bridge.errors import ChangeRefused, DatabaseFailed
from bridge.model.delivery import DeliveryState, Receipt
from bridge.model.ids import (
    AdapterName,
    ConversationId,
    DeliveryId,
    PersonId,
    ThreadKey,
)
from bridge.store import owing
from bridge.store import rows as read
from bridge.store import tables as t
from bridge.store.changes import UNKNOWN_FROM, UNKNOWN_UNTIL, Change
from bridge.store.counting import Census, counted
from bridge.store.letters import Letters
from bridge.store.owing import Overdue
from bridge.store.records import (
    ConversationRow,
    DeliveryRow,
    Entry,
    Kept,
    SessionRecord,
    ThreadDelivery,
    TwinRow,
)
from bridge.store.sealing import TOKENS, Sealer
from bridge.store.timelines import Timelines
from bridge.store.writer import Writer, database_failed

ResultT = TypeVar("ResultT")
#: The most inbox entries that are read at once.
MOST_READ = 500
_OPEN = (DeliveryState.PENDING, DeliveryState.SENDING)


class Store:
    """Everything we remember, behind verbs. Made by `opening.open_store`."""

    def __init__(self, reader: AsyncEngine, writer: Writer, salt: str) -> None:
        self._reader = reader
        self._writer = writer
        self._salt = salt
        self.timelines = Timelines(self._rows)
        self.notes = writer.notes  #: what happens outside of every change, for the timeline
        #: Told whenever the database did not take what was written, or not give what was read.
        self.failed: Callable[[DatabaseFailed], None] = lambda _: None
        #: Told of each commit: how many changes it held, and how many seconds it took.
        self.committed: Callable[[int, float], None] = lambda _changes, _seconds: None
        writer.committed = lambda changes, seconds: self.committed(changes, seconds)
        self.letters = Letters(self._rows)  #: what is owed, in doubt or dead
        self.writing = 0  #: how many changes are not committed yet
        self.taken = 0  #: how many were, since it was opened
        self._written = 0

    def sealer(self, secret: str, purpose: str = TOKENS) -> Sealer:
        """Seals with a key made of `secret` and this database's own salt, for one `purpose`."""
        return Sealer(secret, self._salt, purpose)

    async def write(self, change: Change[ResultT]) -> ResultT:
        """Commit `change` (see `changes`); returns after the commit.

        Raises:
            DatabaseFailed: it is not written.
        """
        self.writing += 1
        try:
            result = await self._writer.write(change)
        except DatabaseFailed as error:
            if not isinstance(error, ChangeRefused):  # then nothing is wrong with the database
                self.failed(error)
            raise
        else:
            self.taken += 1
            return result
        finally:
            self.writing -= 1
            self._written += 1

    def under_way(self) -> int | None:
        """Moves on as long as changes are written, or refused; None: nothing is to be written."""
        return self._written if self.writing else None

    async def conversation(self, conversation: ConversationId) -> Conversation | None:
        """One conversation."""
        query = select(t.conversations.c.state).where(t.conversations.c.id == conversation)
        rows = await self._rows(query)
        return read.conversation(rows[0].state) if rows else None

    async def live_conversations(self) -> list[Conversation]:
        """Those that a restart has to take up."""
        query = select(t.conversations.c.state).where(t.conversations.c.live)
        return [read.conversation(row.state) for row in await self._rows(query)]

    async def open_threads(self, adapter: AdapterName, prefix: str) -> list[ThreadKey]:
        """The threads of an adapter's open conversations whose keys begin with `prefix`."""
        query = (
            select(t.conversations.c.thread)
            .where(t.conversations.c.open, t.conversations.c.adapter == adapter)
            .where(_begins(t.conversations.c.thread, prefix))
            .order_by(t.conversations.c.thread)
        )
        return [ThreadKey(row.thread) for row in await self._rows(query)]

    async def conversations_of(
        self, adapter: AdapterName, person: PersonId, *, most: int
    ) -> list[Conversation]:
        """The open conversations in which `person` said something, the last touched first."""
        query = (
            select(t.conversations.c.state)
            .join(t.people)
            .where(t.people.c.adapter == adapter, t.people.c.person == person)
            .where(t.conversations.c.open)
            .order_by(t.conversations.c.touched_at.desc(), t.conversations.c.id)
            .limit(most)
        )
        return [read.conversation(row.state) for row in await self._rows(query)]

    async def kept(self, adapter: AdapterName, key: str) -> Kept | None:
        """What an adapter remembers under `key`."""
        query = select(t.memory).where(t.memory.c.adapter == adapter, t.memory.c.key == key)
        rows = await self._rows(query)
        return read.kept(rows[0]) if rows else None

    async def all_kept(self, adapter: AdapterName, prefix: str) -> list[Kept]:
        """What an adapter remembers under keys that begin with `prefix`, by their order."""
        query = (
            select(t.memory)
            .where(t.memory.c.adapter == adapter, _begins(t.memory.c.key, prefix))
            .order_by(t.memory.c.key)
        )
        return [read.kept(row) for row in await self._rows(query)]

    async def unknown_span(self) -> tuple[datetime, datetime] | None:
        """From when to when nobody knows what was seen to, if it was restored from a backup."""
        query = select(t.facts.c.name, t.facts.c.value).where(
            t.facts.c.name.in_((UNKNOWN_FROM, UNKNOWN_UNTIL))
        )
        found = {row.name: datetime.fromisoformat(row.value) for row in await self._rows(query)}
        return (found[UNKNOWN_FROM], found[UNKNOWN_UNTIL]) if found else None

    async def open_entries(self, beyond: Entry | None = None) -> list[Entry]:
        """Inbox entries whose step has not committed, in the order they were said.

        The next ones `beyond` the last that was read, as many as are read at once; then none.
        """
        order = t.inbox.c.conversation, t.inbox.c.sort, t.inbox.c.id
        query = _open_entries().order_by(*order)
        if beyond is not None:
            last = beyond.conversation, beyond.inbound.order, beyond.id
            query = query.where(tuple_(*order) > tuple_(*map(literal, last)))
        return [read.entry(row) for row in await self._rows(query)]

    async def requests(self, after: int = 0) -> list[Entry]:
        """Open entries that the command line left, with greater numbers than `after`."""
        query = _open_entries().where(t.inbox.c.origin == "operator", t.inbox.c.id > after)
        return [read.entry(row) for row in await self._rows(query.order_by(t.inbox.c.id))]

    async def owed_to_threads(self) -> list[ThreadDelivery]:
        """Everything owed to threads, each conversation's in its order."""
        query = (
            _thread_deliveries()
            .where(t.deliveries.c.state.in_(_OPEN), t.deliveries.c.target == "thread")
            .order_by(t.deliveries.c.conversation, t.deliveries.c.number)
        )
        return [read.thread_delivery(row) for row in await self._rows(query)]

    async def thread_delivery(self, delivery: DeliveryId) -> ThreadDelivery | None:
        """One delivery to a thread."""
        rows = await self._rows(_thread_deliveries().where(t.deliveries.c.id == delivery))
        return read.thread_delivery(rows[0]) if rows else None

    async def session(
        self, conversation: ConversationId, number: int, sealer: Sealer
    ) -> SessionRecord | None:
        """One session with its token, if that can still be unsealed."""
        found = await self.sessions_of({(conversation, number): sealer})
        return found[0] if found else None

    async def sessions_of(
        self, wanted: Mapping[tuple[ConversationId, int], Sealer]
    ) -> list[SessionRecord]:
        """These sessions, by conversation and number, with their tokens as far as they unseal."""
        query = select(t.sessions).where(
            tuple_(t.sessions.c.conversation, t.sessions.c.number).in_(wanted)
        )
        return [
            read.session(row, wanted[ConversationId(row.conversation), row.number])
            for row in await self._rows(query)
        ]

    async def sessions(self, conversation: ConversationId) -> list[SessionRecord]:
        """The sessions of a conversation, without their tokens."""
        query = (
            select(t.sessions)
            .where(t.sessions.c.conversation == conversation)
            .order_by(t.sessions.c.number)
        )
        return [read.session(row, None) for row in await self._rows(query)]

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
        found = [read.conversation(row.state) for row in rows]
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
        return [read.delivery_row(row) for row in await self._rows(query)]

    async def list_twins(self, conversation: ConversationId) -> list[TwinRow]:
        """What of a conversation stood twice, as it was seen."""
        query = (
            select(t.twins)
            .join(t.deliveries)
            .where(t.deliveries.c.conversation == conversation)
            .order_by(t.deliveries.c.number, t.twins.c.seen_at)
        )
        return [
            TwinRow(
                delivery=DeliveryId(row.delivery),
                receipt=Receipt(row.reference),
                seen_at=row.seen_at,
                removed_at=row.removed_at,
            )
            for row in await self._rows(query)
        ]

    async def census(self) -> Census:
        """How much is owed, dead and quiet."""
        return await counted(self._rows)

    async def overdue(self, before: datetime) -> list[Overdue]:
        """What is owed, or waits for its step, since before that; the oldest of each kind."""
        owed = await self._rows(owing.overdue_deliveries(before))
        entries = await self._rows(owing.overdue_entries(before))
        return [owing.overdue(row) for row in (*owed, *entries)]

    async def unseen_dead(self, since: datetime) -> int:
        """How much died since then that nobody has looked at."""
        ((count,),) = await self._rows(owing.unseen_dead(since))
        return int(count)

    async def _rows(self, query: Select[Any]) -> list[Row[Any]]:
        try:
            async with self._reader.connect() as connection:
                return list(await connection.execute(query))
        except SQLAlchemyError as error:
            failed = database_failed("The database could not be read", error)
            self.failed(failed)
            raise failed from None


def _begins(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """As Python means it; LIKE would take no notice of capitals. The range is for the index."""
    return (column >= prefix) & (func.substr(column, 1, len(prefix)) == prefix)


def _open_entries() -> Select[Any]:
    return (
        select(t.inbox.c.id, t.inbox.c.conversation, t.inbox.c.body)
        .where(t.inbox.c.done_at.is_(None), t.inbox.c.conversation.is_not(None))
        .where(t.inbox.c.dead_at.is_(None))
        .limit(MOST_READ)
    )


def _thread_deliveries() -> Select[Any]:
    return select(t.deliveries, t.conversations.c.adapter, t.conversations.c.thread).join(
        t.conversations
    )
