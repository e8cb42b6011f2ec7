"""What is known of the way of each message of a conversation? Rows and hops, without words."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, func, or_, select, true

from bridge.core.state import Conversation
from bridge.model.hops import Hop, HopKind, read
from bridge.model.ids import AdapterName, ConversationId, DeliveryId, EntryId
from bridge.model.pointer import Pointer
from bridge.model.value import Value
from bridge.store import tables as t

Rows = Callable[[Select[Any]], Awaitable[list[Row[Any]]]]

_i, _d = t.inbox.c, t.deliveries.c
_ALL = true()
#: How many deliveries before one may have led to it.
_NEAR = 50
#: How an inbox entry is named beside deliveries, see `letters`.
_ENTRY = re.compile(r"inbox\.(\d{1,18})")
#: Where words stand for any others in what a link tells.
_ANY = "*"


class EntryHops(Value, frozen=True, kw_only=True):
    """What somebody said or did, and its way to its step."""

    id: EntryId
    kind: str
    origin: str
    accepted_at: datetime
    done_at: datetime | None
    dead_at: datetime | None
    redriven_at: datetime | None
    reason: str
    hops: tuple[Hop, ...]

    @property
    def name(self) -> str:
        """As it is named beside deliveries."""
        return f"inbox.{self.id}"


class DeliveryHops(Value, frozen=True, kw_only=True):
    """What is owed to the agent or the thread, and its way there."""

    id: DeliveryId
    number: int  #: that of its id, by which others name it
    target: str
    kind: str
    state: str
    attempts: int
    owed_at: datetime
    attempted_at: datetime | None
    settled_at: datetime | None
    redriven_at: datetime | None
    reference: str
    reason: str
    hops: tuple[Hop, ...]

    @property
    def first_owed_at(self) -> datetime:
        """When it was owed, also if it is owed again since."""
        first = (hop.at for hop in self.hops if hop.kind is HopKind.FIRST)
        return next((at for at in first if at is not None), self.owed_at)


class SessionHops(Value, frozen=True, kw_only=True):
    """A session of PolyAI's that it was carried by."""

    number: int
    opened_at: datetime
    closed_at: datetime | None
    correlation_id: str


class TwinHops(Value, frozen=True, kw_only=True):
    """A second copy of a delivery."""

    delivery: DeliveryId
    seen_at: datetime
    removed_at: datetime | None


class Befallen(Value, frozen=True, kw_only=True):
    """What befell the conversation as a whole, in a word of ours."""

    at: datetime
    what: str


class Timeline(Value, frozen=True, kw_only=True):
    """Everything of one conversation, each kind in the order it came."""

    conversation: Conversation
    entries: tuple[EntryHops, ...]
    deliveries: tuple[DeliveryHops, ...]
    sessions: tuple[SessionHops, ...] = ()
    twins: tuple[TwinHops, ...] = ()
    befallen: tuple[Befallen, ...] = ()


class Subject(Value, frozen=True, kw_only=True):
    """What a name names: a conversation, or a message of it in either direction."""

    conversation: ConversationId
    entry: EntryId | None = None
    delivery: DeliveryId | None = None


class Timelines:
    """What can be asked about timelines. Made by the store."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def of(self, conversation: ConversationId) -> Timeline | None:
        """All of a conversation; None if there is none of that name."""
        query = select(t.conversations.c.state).where(t.conversations.c.id == conversation)
        found = await self._rows(query)
        if not found:
            return None
        return Timeline(
            conversation=msgspec.json.decode(found[0].state, type=Conversation),
            entries=await self._entries(conversation),
            deliveries=await self._deliveries(conversation),
            sessions=await self._sessions(conversation),
            twins=await self._twins(conversation),
            befallen=await self._befallen(conversation),
        )

    async def around(self, conversation: ConversationId, number: int) -> Timeline | None:
        """The part that leads to one delivery: some before it, and what was said for those."""
        query = select(t.conversations.c.state).where(t.conversations.c.id == conversation)
        found = await self._rows(query)
        if not found:
            return None
        # What was redriven is sorted by another number.
        near = or_(_d.number.between(number - _NEAR, number), _d.id == f"{conversation}.{number}")
        deliveries = await self._deliveries(conversation, near)
        asked = {int(h.detail) for d in deliveries for h in d.hops if h.kind is HopKind.ENTRY}
        return Timeline(
            conversation=msgspec.json.decode(found[0].state, type=Conversation),
            entries=await self._entries(conversation, _i.id.in_(asked)),
            deliveries=deliveries,
        )

    async def lately(self, within: timedelta, most: int) -> list[DeliveryId]:
        """What came to its end so shortly before the last that did, that one included."""
        rows = await self._rows(select(func.max(_d.settled_at, type_=t.Instant()).label("last")))
        if rows[0].last is None:
            return []
        query = select(_d.id).where(_d.settled_at >= rows[0].last - within)
        rows = await self._rows(query.order_by(_d.settled_at.desc()).limit(most))
        return [DeliveryId(row.id) for row in rows]

    async def named(self, name: str) -> list[Subject]:
        """What is called so: an id of ours, an identity, a receipt, or the key of a thread."""
        entry = _ENTRY.fullmatch(name)
        of_ours = [
            select(_d.conversation, _d.id.label("delivery")).where(_d.id == name),
            select(t.conversations.c.id.label("conversation")).where(t.conversations.c.id == name),
        ]
        if entry:
            number = int(entry[1])
            of_ours.append(select(_i.conversation, _i.id.label("entry")).where(_i.id == number))
        for query in of_ours:
            if rows := await self._rows(query):
                return _subjects(rows)
        return await self.pointed(None, Pointer(identity=name, receipt=name, thread=name))

    async def pointed(self, adapter: AdapterName | None, pointer: Pointer) -> list[Subject]:
        """What a platform's link points at; the message if it is known, else its thread."""
        queries = []
        if pointer.identity:
            queries.append(_by_identity(adapter, pointer.identity))
        if pointer.receipt:
            queries.append(_by_receipt(adapter, pointer.receipt))
            queries.append(_by_twin(adapter, pointer.receipt))
        if pointer.thread:
            queries.append(_by_thread(adapter, pointer.thread))
        for query in queries:
            if rows := await self._rows(query):
                return _subjects(rows)
        return []

    async def _entries(
        self, conversation: ConversationId, which: ColumnElement[bool] = _ALL
    ) -> tuple[EntryHops, ...]:
        columns = (
            *(_i.id, _i.kind, _i.origin, _i.accepted_at, _i.done_at),
            *(_i.dead_at, _i.redriven_at, _i.reason, _i.hops),
        )
        query = select(*columns).where(_i.conversation == conversation, which).order_by(_i.id)
        return tuple([_entry(row) for row in await self._rows(query)])

    async def _deliveries(
        self, conversation: ConversationId, which: ColumnElement[bool] = _ALL
    ) -> tuple[DeliveryHops, ...]:
        columns = (
            *(_d.id, _d.target, _d.kind, _d.state, _d.attempts, _d.owed_at),
            *(_d.attempted_at, _d.settled_at, _d.redriven_at, _d.reference, _d.reason, _d.hops),
        )
        query = select(*columns).where(_d.conversation == conversation, which).order_by(_d.number)
        found = [_delivery(row) for row in await self._rows(query)]
        return tuple(sorted(found, key=lambda delivery: delivery.number))

    async def _sessions(self, conversation: ConversationId) -> tuple[SessionHops, ...]:
        s = t.sessions.c
        columns = (s.number, s.opened_at, s.closed_at, s.correlation_id)
        query = select(*columns).where(s.conversation == conversation).order_by(s.number)
        return tuple(
            [
                SessionHops(
                    number=row.number,
                    opened_at=row.opened_at,
                    closed_at=row.closed_at,
                    correlation_id=row.correlation_id or "",
                )
                for row in await self._rows(query)
            ]
        )

    async def _twins(self, conversation: ConversationId) -> tuple[TwinHops, ...]:
        w = t.twins.c
        query = select(w.delivery, w.seen_at, w.removed_at).join(t.deliveries)
        query = query.where(_d.conversation == conversation).order_by(w.seen_at)
        return tuple(
            [
                TwinHops(
                    delivery=DeliveryId(row.delivery),
                    seen_at=row.seen_at,
                    removed_at=row.removed_at,
                )
                for row in await self._rows(query)
            ]
        )

    async def _befallen(self, conversation: ConversationId) -> tuple[Befallen, ...]:
        b = t.conversation_hops.c
        query = select(b.at, b.what).where(b.conversation == conversation).order_by(b.at)
        return tuple([Befallen(at=row.at, what=row.what) for row in await self._rows(query)])


def _by_identity(adapter: AdapterName | None, identity: str) -> Select[Any]:
    n = t.identities.c
    query = select(_i.conversation, _i.id.label("entry")).join(t.identities)
    return _of(query, n.adapter, adapter).where(_is(n.identity, identity)).order_by(_i.id)


def _by_receipt(adapter: AdapterName | None, receipt: str) -> Select[Any]:
    """What was posted there; a change of it has the same receipt, and is not meant."""
    query = select(_d.conversation, _d.id.label("delivery")).join(t.conversations)
    posted = _is(_d.reference, receipt) & (_d.target == "thread")
    query = query.where(posted, _d.kind.in_(("post", "announce"))).order_by(_d.owed_at)
    return _of(query, t.conversations.c.adapter, adapter)


def _by_twin(adapter: AdapterName | None, receipt: str) -> Select[Any]:
    query = select(_d.conversation, _d.id.label("delivery")).join(t.conversations).join(t.twins)
    query = query.where(_is(t.twins.c.reference, receipt))
    return _of(query, t.conversations.c.adapter, adapter)


def _by_thread(adapter: AdapterName | None, thread: str) -> Select[Any]:
    c = t.conversations.c
    return _of(select(c.id.label("conversation")), c.adapter, adapter).where(_is(c.thread, thread))


def _of(query: Select[Any], column: ColumnElement[str], name: AdapterName | None) -> Select[Any]:
    return query if name is None else query.where(column == name)


def _is(column: ColumnElement[str], words: str) -> ColumnElement[bool]:
    """Whether it is these words, of which `*` may be any."""
    if _ANY not in words:
        return column == words
    # The other special characters of GLOB (sqlite.org/lang_expr.html) stand for themselves.
    pattern = re.sub(r"[\[?]", r"[\g<0>]", words)
    return column.op("GLOB", is_comparison=True)(pattern)


def _subjects(rows: list[Row[Any]]) -> list[Subject]:
    found = [row._asdict() for row in rows if row.conversation]
    return [Subject(**each) for each in found]


def _entry(row: Row[Any]) -> EntryHops:
    return EntryHops(
        id=EntryId(row.id),
        kind=row.kind or "",
        origin=row.origin,
        accepted_at=row.accepted_at,
        done_at=row.done_at,
        dead_at=row.dead_at,
        redriven_at=row.redriven_at,
        reason=row.reason or "",
        hops=read(row.hops),
    )


def _delivery(row: Row[Any]) -> DeliveryHops:
    return DeliveryHops(
        id=DeliveryId(row.id),
        number=int(row.id.rpartition(".")[2]),
        target=row.target,
        kind=row.kind or "",
        state=row.state,
        attempts=row.attempts,
        owed_at=row.owed_at,
        attempted_at=row.attempted_at,
        settled_at=row.settled_at,
        redriven_at=row.redriven_at,
        reference=row.reference or "",
        reason=row.reason or "",
        hops=read(row.hops),
    )
