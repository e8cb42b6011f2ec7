"""What can be done about a dead letter? Owed again, dropped, settled by hand, or known.

Each change looks at the state it changes: what is no longer so is left as it is, and said.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, and_, func, null, or_, select, update

from bridge.model.delivery import DeliveryState, Post
from bridge.model.hops import HopKind, hop
from bridge.model.ids import ConversationId, DeliveryId, EntryId
from bridge.model.inbound import Inbound
from bridge.model.value import Value
from bridge.store import tables as t
from bridge.store.changes import Change
from bridge.store.digests import OF_WORDS
from bridge.store.letters import entry_of
from bridge.store.records import Entry

_d, _i = t.deliveries.c, t.inbox.c
_HELD: Final = and_(_d.state == DeliveryState.SENDING, _d.reason.is_not(None))
_DEAD: Final = _d.state == DeliveryState.DEAD
_DEAD_ENTRY: Final = and_(_i.dead_at.is_not(None), _i.done_at.is_(None))
#: What begins anew with a letter that is owed again.
_ANEW: Final[dict[str, Any]] = {"seen_at": None, "alerted_at": None}


class OwedAgain(Value, frozen=True, kw_only=True):
    """Within a step: a dead or held letter to a thread is pending again, sorted as `number`."""

    id: DeliveryId
    number: int
    at: datetime

    def apply(self, connection: Connection) -> None:
        """Begin it anew, on record."""
        kept = _d.body != ""  # retention may have been quicker: nothing empty is ever posted
        which = and_(_d.id == self.id, _d.target == "thread", or_(_DEAD, _HELD), kept)
        row = connection.execute(select(_d.owed_at, _d.settled_at).where(which)).first()
        if row is None:
            return
        first = hop(HopKind.FIRST, row.owed_at) + _died(row.settled_at)
        connection.execute(
            update(t.deliveries)
            .where(_d.id == self.id)
            .values(
                hops=_d.hops + first + hop(HopKind.REDRIVEN, self.at),
                state=DeliveryState.PENDING,
                number=self.number,
                attempts=0,
                owed_at=self.at,
                attempted_at=None,
                settled_at=None,
                reason=None,
                remedy=None,
                redriven=_d.redriven + 1,
                redriven_at=self.at,
                **_ANEW,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reworded(Change[bool]):
    """What a dead letter to a thread was to say has changed: owed again, it says that."""

    id: DeliveryId
    body: Post

    def apply(self, connection: Connection) -> bool:
        """Whether it is dead, and its words are kept."""
        words = msgspec.json.encode(self.body).decode()
        digest: Any = getattr(func, OF_WORDS)(words)
        reworded = (
            update(t.deliveries)
            .where(_d.id == self.id, _DEAD, _d.body != "")
            .values(body=words, size=len(words), digest=digest)
        )
        return connection.execute(reworded).rowcount > 0


class Superseded(Value, frozen=True, kw_only=True):
    """Within a step: a dead letter to the agent is said again as `by`, which counts on."""

    id: DeliveryId
    by: DeliveryId
    at: datetime
    redriven: bool  #: by an operator, else by whoever said it

    def apply(self, connection: Connection) -> None:
        """Settle it with that; one that is not dead stays as it is."""
        before = connection.execute(
            select(_d.redriven, _d.settled_at).where(_d.id == self.id, _DEAD)
        ).first()
        if before is None:
            return
        connection.execute(
            update(t.deliveries)
            .where(_d.id == self.id)
            .values(
                state=DeliveryState.DROPPED,
                settled_at=self.at,
                reason=f"sent again as {self.by}",
                body="",
                hops=_d.hops + _died(before.settled_at),
            )
        )
        anew: dict[str, Any] = {
            "hops": _d.hops + hop(HopKind.AGAIN, None, self.id.rpartition(".")[2])
        }
        if self.redriven:
            anew |= {"redriven": before.redriven + 1, "redriven_at": self.at}
        connection.execute(update(t.deliveries).where(_d.id == self.by).values(**anew))


def _died(at: datetime | None) -> str:
    """Of what was given up then, and not only held."""
    return hop(HopKind.DIED, at) if at is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside(Change[None]):
    """An inbox entry that no step can take up is a dead letter from here on."""

    entry: EntryId
    at: datetime
    reason: str

    def apply(self, connection: Connection) -> None:
        """Mark it; its words stay."""
        connection.execute(
            update(t.inbox)
            .where(_i.id == self.entry, _i.done_at.is_(None), _i.dead_at.is_(None))
            .values(dead_at=self.at, reason=self.reason, **_ANEW)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenUpAgain(Change[Entry | None]):
    """A dead inbox entry is open again; None if it is not dead."""

    entry: EntryId
    at: datetime

    def apply(self, connection: Connection) -> Entry | None:
        """Begin it anew, on record."""
        which = and_(_i.id == self.entry, _DEAD_ENTRY, _i.body.is_not(None))
        row = connection.execute(select(_i.conversation, _i.body).where(which)).first()
        if row is None:
            return None
        connection.execute(
            update(t.inbox)
            .where(_i.id == self.entry)
            .values(
                dead_at=None,
                reason=None,
                redriven=_i.redriven + 1,
                redriven_at=self.at,
                **_ANEW,
            )
        )
        return Entry(
            id=self.entry,
            conversation=ConversationId(row.conversation),
            inbound=msgspec.json.decode(row.body, type=Inbound),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DropLetter(Change[bool]):
    """A dead or held letter is not needed any more; its words go."""

    id: str
    at: datetime

    def apply(self, connection: Connection) -> bool:
        """Whether it was dead or held."""
        number = entry_of(self.id)
        if number is not None:
            dropped = (
                update(t.inbox)
                .where(_i.id == number, _DEAD_ENTRY)
                .values(done_at=self.at, body=null())
            )
        else:
            dropped = (
                update(t.deliveries)
                .where(_d.id == self.id, or_(_DEAD, _HELD))
                .values(state=DeliveryState.DROPPED, settled_at=self.at, reason=_DROPPED, body="")
            )
        return connection.execute(dropped).rowcount > 0


_DROPPED: Final = "dropped by an operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived(Change[bool]):
    """Somebody looked into the thread: what is held did arrive."""

    id: DeliveryId
    at: datetime

    def apply(self, connection: Connection) -> bool:
        """Whether it was held. Where it stands nobody said, so it can not be changed any more."""
        settled = (
            update(t.deliveries)
            .where(_d.id == self.id, _HELD)
            .values(
                state=DeliveryState.SENT,
                settled_at=self.at,
                reason="seen by an operator",
                body="",
            )
        )
        return connection.execute(settled).rowcount > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Change[bool]):
    """An operator knows of a dead letter: it stays, and is no trouble any more."""

    id: str
    at: datetime

    def apply(self, connection: Connection) -> bool:
        """Whether it is dead."""
        number = entry_of(self.id)
        if number is not None:
            seen = update(t.inbox).where(_i.id == number, _DEAD_ENTRY)
        else:
            seen = update(t.deliveries).where(_d.id == self.id, _DEAD)
        return connection.execute(seen.values(seen_at=self.at)).rowcount > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerted(Change[None]):
    """An alarm told of these letters."""

    ids: tuple[str, ...]
    at: datetime

    def apply(self, connection: Connection) -> None:
        """Note it, so that no later alarm tells of them."""
        for one in self.ids:
            number = entry_of(one)
            told = (
                update(t.inbox).where(_i.id == number)
                if number is not None
                else update(t.deliveries).where(_d.id == one)
            )
            connection.execute(told.values(alerted_at=self.at))
