"""Which deliveries are owed, in doubt or dead, in both directions? Listings without words.

An inbox entry that no step could take up is a dead letter to the agent, too: `inbox.17`.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Row, Select, String, and_, case, cast, func, literal, select

from bridge.model.delivery import Ask, DeliveryState
from bridge.model.ids import AdapterName, ConversationId, DeliveryId, EntryId, ThreadKey
from bridge.model.value import Value
from bridge.store import tables as t
from bridge.store.records import Letter

#: How an inbox entry is named among deliveries.
ENTRY: Final = "inbox."
#: In doubt, and nobody can tell: `sending` with a reason.
HELD: Final = "held"
#: What a listing shows unless asked for more: all that is not over.
OPEN_STATES: Final = frozenset({"pending", "sending", HELD, "dead"})
STATES: Final = OPEN_STATES | {"sent", "dropped"}
#: The most letters that one verb sees to at once.
MOST_AT_ONCE: Final = 500

_d, _c, _i = t.deliveries.c, t.conversations.c, t.inbox.c
_STATE = case(
    (and_(_d.state == DeliveryState.SENDING, _d.reason.is_not(None)), HELD), else_=_d.state
).label("state")
_TO = case((_d.kind == "announce", "place"), else_=_d.target).label("to")
_SINCE = func.coalesce(_d.settled_at, _d.attempted_at, _d.owed_at, type_=t.Instant())
_ENTRY_STATE = case((_i.done_at.is_not(None), "dropped"), else_="dead").label("state")

Rows = Callable[[Select[Any]], Awaitable[list[Row[Any]]]]


class Wanted(Value, frozen=True, kw_only=True):
    """Which letters: all that is named must be so; `since` and `until` are of their last change."""

    ids: tuple[str, ...] = ()
    states: frozenset[str] = OPEN_STATES
    to: str = ""
    adapter: str = ""
    agent: str = ""
    conversation: str = ""
    reason: str = ""  #: a part of it; capitals count
    since: datetime | None = None
    until: datetime | None = None


class Letters:
    """What can be asked about letters. Made by the store."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def listed(self, wanted: Wanted) -> list[Letter]:
        """Those that are wanted, each conversation's in its order, the oldest first."""
        found = [_letter(row) for row in await self._rows(_deliveries(wanted))]
        found += [_letter(row) for row in await self._rows(_entries(wanted))]
        return sorted(found, key=_age)

    async def one(self, identity: str) -> Letter | None:
        """One letter, in whatever state."""
        found = await self.listed(Wanted(ids=(identity,), states=STATES))
        return found[0] if found else None

    async def beside(self, letter: Letter) -> tuple[Letter | None, Letter | None]:
        """What its conversation owed before it and after it."""
        query = _all_deliveries().where(_d.conversation == letter.conversation)
        before = query.where(_d.number < letter.number).order_by(_d.number.desc()).limit(1)
        after = query.where(_d.number > letter.number).order_by(_d.number).limit(1)
        rows = [await self._rows(before), await self._rows(after)]
        earlier, later = ([_letter(row) for row in found] for found in rows)
        return next(iter(earlier), None), next(iter(later), None)

    async def body(self, identity: str) -> str:
        """What it says, as it is stored; nothing if that is gone."""
        number = entry_of(identity)
        if number is None:
            query = select(_d.body).where(_d.id == identity)
        else:
            query = select(_i.body).where(_i.id == number)
        rows = await self._rows(query)
        return (rows[0].body or "") if rows else ""

    async def dead_ask(self, delivery: DeliveryId) -> Ask | None:
        """What a dead letter to the agent says, as long as it is one and that is known."""
        query = select(_d.body).where(_d.id == delivery, _d.state == "dead", _d.target == "agent")
        rows = await self._rows(query)
        return msgspec.json.decode(rows[0].body, type=Ask) if rows and rows[0].body else None

    async def threads(
        self, adapter: AdapterName, of: Sequence[ConversationId] = ()
    ) -> list[ThreadKey]:
        """The threads `of` these conversations; without them any one of the adapter's."""
        query = select(_c.thread).where(_c.adapter == adapter)
        if of:
            query = query.where(_c.id.in_(of))
        rows = await self._rows(query.limit(max(len(of), 1)))
        return [ThreadKey(row.thread) for row in rows]

    async def dead(self, *, seen: bool = False) -> dict[str, int]:
        """How many are dead, by whom they were for; those that an operator knows of if `seen`."""
        known = _d.seen_at.is_not(None) if seen else _d.seen_at.is_(None)
        query = (
            select(_d.target, func.count().label("dead"))
            .where(_d.state == literal("dead", literal_execute=True), known)
            .group_by(_d.target)
        )
        counts = {"thread": 0, "agent": 0}
        counts |= {row.target: int(row.dead) for row in await self._rows(query)}
        known = _i.seen_at.is_not(None) if seen else _i.seen_at.is_(None)
        entries = select(func.count().label("dead")).where(
            _i.dead_at.is_not(None), _i.done_at.is_(None), known
        )
        counts["agent"] += int((await self._rows(entries))[0].dead)
        return counts

    async def unalerted(self) -> list[Letter]:
        """Dead and held ones of which no alarm has told yet, the oldest first.

        Of each sort as many as are handled at once; the next are there once these were told.
        """
        held = and_(_d.state.in_(_OPEN), _d.state == "sending", _d.reason.is_not(None))
        dead = _d.state == literal("dead", literal_execute=True)
        found: list[Letter] = []
        for which in (dead, held):
            query = _all_deliveries().where(which, _d.alerted_at.is_(None))
            query = query.order_by(_d.settled_at, _d.owed_at).limit(MOST_AT_ONCE)
            found += [_letter(row) for row in await self._rows(query)]
        entries = _all_entries().where(_i.done_at.is_(None), _i.alerted_at.is_(None))
        entries = entries.order_by(_i.dead_at).limit(MOST_AT_ONCE)
        found += [_letter(row) for row in await self._rows(entries)]
        return sorted(found, key=_age)


def entry_of(identity: str) -> EntryId | None:
    """The inbox entry that `inbox.17` names; None if it names a delivery."""
    digits = identity.removeprefix(ENTRY)
    if digits == identity or not (digits.isascii() and digits.isdecimal()) or len(digits) > 18:
        return None
    return EntryId(int(digits))


_OPEN = [literal(state, literal_execute=True) for state in ("pending", "sending")]


def _all_deliveries() -> Select[Any]:
    columns = (
        *(_d.id, _d.conversation, _d.number, _TO, _d.kind, _STATE, _d.attempts, _d.owed_at),
        *(_d.attempted_at, _d.settled_at, _d.reference, _d.reason, _d.remedy, _d.redriven),
        *(_d.redriven_at, _d.seen_at, _d.alerted_at, _c.adapter, _c.agent),
        func.coalesce(_d.size, func.length(_d.body)).label("size"),
    )
    return select(*columns).select_from(t.deliveries.join(t.conversations))


def _deliveries(wanted: Wanted) -> Select[Any]:
    tests: list[ColumnElement[bool]] = [_STATE.element.in_(wanted.states)]
    if wanted.ids:
        tests.append(_d.id.in_(wanted.ids))
    if wanted.to:
        tests.append(_TO.element == wanted.to)
    tests += _of(wanted, _d.reason, _d.conversation, _SINCE)
    return _all_deliveries().where(*tests)


def _all_entries() -> Select[Any]:
    nothing = literal(None)
    columns = (
        (literal(ENTRY) + cast(_i.id, String)).label("id"),
        *(_i.conversation, _i.id.label("number"), literal("agent").label("to"), _i.kind),
        *(_ENTRY_STATE, literal(1).label("attempts"), _i.accepted_at.label("owed_at")),
        *(nothing.label("attempted_at"), _i.dead_at.label("settled_at")),
        *(nothing.label("reference"), _i.reason, nothing.label("remedy"), _i.redriven),
        *(_i.redriven_at, _i.seen_at, _i.alerted_at, _i.adapter, _c.agent),
        func.coalesce(_i.size, func.length(_i.body)).label("size"),
    )
    made = select(*columns).select_from(t.inbox.join(t.conversations))
    return made.where(_i.dead_at.is_not(None))


def _entries(wanted: Wanted) -> Select[Any]:
    tests: list[ColumnElement[bool]] = [_ENTRY_STATE.element.in_(wanted.states)]
    if wanted.ids:
        numbers = [number for one in wanted.ids if (number := entry_of(one)) is not None]
        tests.append(_i.id.in_(numbers))
    if wanted.to not in ("", "agent"):
        tests.append(literal(value=False))
    tests += _of(wanted, _i.reason, _i.conversation, _i.dead_at)
    return _all_entries().where(*tests)


def _of(
    wanted: Wanted,
    reason: ColumnElement[Any],
    conversation: ColumnElement[Any],
    since: ColumnElement[Any],
) -> list[ColumnElement[bool]]:
    named = {
        _c.adapter: wanted.adapter,
        _c.agent: wanted.agent,
        conversation: wanted.conversation,
    }
    tests = [column == name for column, name in named.items() if name]
    if wanted.reason:
        tests.append(func.instr(func.coalesce(reason, ""), wanted.reason) > 0)
    if wanted.since is not None:
        tests.append(since >= wanted.since)
    if wanted.until is not None:
        tests.append(since < wanted.until)
    return tests


def _age(letter: Letter) -> tuple[object, ...]:
    return letter.owed_at, letter.conversation, letter.id.startswith(ENTRY), letter.number


def _letter(row: Row[Any]) -> Letter:
    return Letter(
        id=row.id,
        conversation=ConversationId(row.conversation),
        number=row.number,
        to=row.to,
        kind=row.kind or "",
        state=row.state,
        adapter=row.adapter,
        agent=row.agent,
        attempts=row.attempts,
        owed_at=row.owed_at,
        attempted_at=row.attempted_at,
        settled_at=row.settled_at,
        receipt=row.reference,
        reason=row.reason,
        remedy=row.remedy,
        redriven=row.redriven,
        redriven_at=row.redriven_at,
        seen_at=row.seen_at,
        alerted_at=row.alerted_at,
        size=row.size or 0,
    )
