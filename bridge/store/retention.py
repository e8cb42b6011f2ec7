"""How long is what kept that nobody needs any more? Deleted piece by piece, each a small change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Table, delete, func, literal_column, null, or_, select, update

from bridge.model.value import Value
from bridge.store import tables as t
from bridge.store.changes import Change
from bridge.store.emptying import TOLD_AGAIN_FOR, bury, delete_rows_of

#: How many rows one change looks at: others wait for it no longer than for a message.
AT_ONCE: Final = 500
_FEWER: Final = 50  #: conversations, each with all that hangs on it
_OPEN: Final = ("pending", "sending")


class Keeping(Value, frozen=True, kw_only=True):
    """How long rows are kept after they were seen to or settled, and words of dead letters."""

    usual: timedelta = timedelta(days=30)
    dead: timedelta = timedelta(days=7)
    adapters: Mapping[str, timedelta] = {}
    agents: Mapping[str, timedelta] = {}

    def of(self, adapter: str, agent: str | None) -> timedelta:
        """The shortest time that anybody asked for; else the usual one."""
        asked = [self.adapters.get(adapter), self.agents.get(agent or "")]
        return min((one for one in asked if one is not None), default=self.usual)

    @property
    def shortest(self) -> timedelta:
        """Nothing is deleted before that."""
        return min((self.usual, *self.adapters.values(), *self.agents.values()))


class Place(NamedTuple):
    """Where housekeeping goes on: which kind of row, and after which."""

    stage: int = 0
    after: int = 0


FIRST: Final = Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidy(Change[Place | None]):
    """One piece of housekeeping, from `place` on; where the next begins, None when all is done."""

    at: datetime
    keeping: Keeping
    place: Place = FIRST

    def apply(self, connection: Connection) -> Place | None:
        """Delete what is over its time among the next rows."""
        stages = (self._entries, self._deliveries, self._dead, self._conversations)
        last = stages[self.place.stage](connection)
        if last is not None:
            return Place(self.place.stage, last)
        following = self.place.stage + 1
        return Place(following) if following < len(stages) else None

    def _entries(self, connection: Connection) -> int | None:
        of = t.inbox.c
        found = self._next(connection, t.inbox, of.done_at, of.accepted_at)
        _forget(connection, [row.number for row in found.over], self.at)
        return found.last

    def _deliveries(self, connection: Connection) -> int | None:
        of = t.deliveries.c
        found = self._next(connection, t.deliveries, of.settled_at, of.owed_at)
        gone = [row.id for row in found.over]
        connection.execute(delete(t.deliveries).where(of.id.in_(gone)))
        return found.last

    def _dead(self, connection: Connection) -> int | None:
        """The words of dead letters alone: that they are dead is told for longer."""
        letters, entries, before = t.deliveries.c, t.inbox.c, self.at - self.keeping.dead
        over = select(letters.id).where(
            letters.state == "dead", letters.body != "", letters.settled_at < before
        )
        emptied = update(t.deliveries).where(letters.id.in_(over.limit(AT_ONCE))).values(body="")
        more = connection.execute(emptied).rowcount == AT_ONCE
        poisoned = (entries.dead_at < before, entries.body.is_not(None))
        connection.execute(update(t.inbox).where(*poisoned).values(body=null(), done_at=self.at))
        return self.place.after + 1 if more else None

    def _conversations(self, connection: Connection) -> int | None:
        """Those that are over, or quiet for so long that their session is, with all of it."""
        of = t.conversations.c
        number: Any = literal_column("conversations.rowid").label("number")
        rows = connection.execute(
            select(number, of.id, of.adapter, of.agent, of.live, of.opened_at, of.touched_at)
            .where(literal_column("conversations.rowid") > self.place.after)
            .order_by(literal_column("conversations.rowid"))
            .limit(_FEWER)
        ).all()
        for row in rows:
            over = row.touched_at < self.at - self.keeping.of(row.adapter, row.agent)
            if over and not row.live and not _owes(connection, row.id):
                entries = select(t.inbox.c.id).where(t.inbox.c.conversation == row.id)
                _forget(connection, list(connection.execute(entries).scalars()), self.at)
                delete_rows_of(connection, row.id)
                connection.execute(delete(t.conversations).where(of.id == row.id))
        newest = rows[-1].opened_at if rows else self.at
        return rows[-1].number if newest < self.at - self.keeping.shortest else None

    def _next(
        self,
        connection: Connection,
        table: Table,
        end: Any,  # noqa: ANN401 - a column
        beginning: Any,  # noqa: ANN401 - a column
    ) -> "_Found":
        """The next rows in the order they came; those whose end is long enough ago are over."""
        order: Any = literal_column(f"{table.name}.rowid")
        of = t.conversations.c
        rows = connection.execute(
            select(order.label("number"), table, of.adapter.label("whose"), of.agent)
            .join(t.conversations)
            .where(order > self.place.after)
            .order_by(order)
            .limit(AT_ONCE)
        ).all()
        over = [
            row
            for row in rows
            if (ended := getattr(row, end.name)) is not None
            and ended < self.at - self.keeping.of(row.whose, row.agent)
        ]
        # Not that of the last one, which may have been owed again lately.
        begun = min((getattr(row, beginning.name) for row in rows), default=self.at)
        more = begun < self.at - self.keeping.shortest
        return _Found(over, rows[-1].number if more else None)


class _Found(NamedTuple):
    over: list[Any]
    last: int | None  #: None: the rows that follow are too young


def _forget(connection: Connection, entries: list[int], at: datetime) -> None:
    """What is told again of them is known for as long as platforms tell again."""
    which = t.inbox.c.id.in_(entries)
    young = t.inbox.c.accepted_at > at - TOLD_AGAIN_FOR
    bury(connection, at, which, young)
    connection.execute(delete(t.inbox).where(which))


def _owes(connection: Connection, conversation: str) -> bool:
    owed, told = t.deliveries.c, t.inbox.c
    unsettled = select(func.count()).where(
        owed.conversation == conversation,
        or_(owed.state.in_(_OPEN), (owed.state == "dead") & (owed.body != "")),
    )
    unseen = select(func.count()).where(told.conversation == conversation, told.done_at.is_(None))
    return bool(
        connection.execute(unsettled).scalar_one() or connection.execute(unseen).scalar_one()
    )
