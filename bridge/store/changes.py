"""What can be written? Each change is a value; applied inside the writer's transaction.

Of the three durable transactions these are `TakeStep` (2), `Attempt` and `Outcome` (3); the first,
`Accept`, stands in `accepting`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

import msgspec
from sqlalchemy import Connection, delete

from bridge.core.state import Conversation
from bridge.model.delivery import Ask, DeliveryState, Post, Receipt, ThreadBody
from bridge.model.hops import Hop, HopKind, hop, written
from bridge.model.ids import (
    DeliveryId,
    EntryId,
)
from bridge.model.inbound import (
    Inbound,
)
from bridge.model.value import Value
from bridge.store import statements as say
from bridge.store import tables as t
from bridge.store.emptying import empty

#: How long a reply in a thread that is not ours is kept: Slack's redelivery takes six minutes.
UNCLAIMED_FOR = timedelta(minutes=10)

#: The facts of a restored database: between these instants nobody knows what was seen to.
UNKNOWN_FROM: Final = "unknown_from"
UNKNOWN_UNTIL: Final = "unknown_until"

ResultT_co = TypeVar("ResultT_co", covariant=True)
Body = ThreadBody | Ask

#: Whose words nobody needs again; a dead letter's are needed if it is sent once more.
_FOR_GOOD = (DeliveryState.SENT, DeliveryState.DROPPED)
_END = {
    DeliveryState.SENT: say.LANDED,
    DeliveryState.DROPPED: say.LEFT_OUT,
    DeliveryState.DEAD: say.GIVEN_UP,
}


class Change(Protocol, Generic[ResultT_co]):
    """Something to write; `apply` runs inside a transaction that others share."""

    def apply(self, connection: Connection) -> ResultT_co:
        """Write it. Must be complete or raise: the transaction decides for all."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session PolyAI gave us, its token already sealed."""

    number: int
    session_id: str
    sealed_token: str = field(repr=False)
    expires_at: datetime | None
    correlation_id: str = ""  #: of the call that opened it


class AgentOutcome(Value, frozen=True, kw_only=True):
    """What became of a person's words."""

    id: DeliveryId
    state: DeliveryState
    reference: str
    remedy: str = ""


class TakeStep(Value, frozen=True, kw_only=True):
    """Transaction 2: the new state, what it owes, what it settled, the entries it used up."""

    conversation: Conversation
    at: datetime
    done: tuple[EntryId, ...] = ()
    emptied: bool = False  #: all that is kept of what was said before this step goes
    owed: tuple[tuple[DeliveryId, Body], ...] = ()
    settled: tuple[AgentOutcome, ...] = ()
    session: NewSession | None = None
    forgotten: tuple[int, ...] = ()
    #: What to add to the timelines of its deliveries, as text.
    hops: dict[DeliveryId, str] = {}
    #: What becomes of letters, see `redriving`; after everything else.
    further: tuple[Change[None], ...] = ()
    befell: tuple[str, ...] = ()  #: what happened to the conversation as a whole, in our words

    def apply(self, connection: Connection) -> None:
        """Save it all."""
        columns = conversation_columns(self.conversation)
        say.SAVED.run(connection, of=self.conversation.id, **columns)
        say.USED_UP.run_each(
            connection, [{"entry": entry, "done_at": self.at} for entry in self.done]
        )
        if self.emptied:
            empty(connection, self.conversation.id, self.at)
        say.OWED.run_each(connection, [self._owed(*owed) for owed in self.owed])
        for outcome in self.settled:
            # Where it landed, or why it never did.
            said = _END[outcome.state]
            word = {"reference" if said is say.LANDED else "reason": outcome.reference}
            more = self.hops.get(outcome.id, "")
            said.run(
                connection,
                of=outcome.id,
                state=outcome.state,
                settled_at=self.at,
                more=more,
                **word,
            )
            if outcome.remedy:
                say.ADVISED.run(connection, of=outcome.id, remedy=outcome.remedy)
        self._timeline(connection)
        self._sessions(connection)
        for change in self.further:
            change.apply(connection)

    def _timeline(self, connection: Connection) -> None:
        """The hops of what is neither new nor settled, and those of all."""
        written_already = {one for one, _ in self.owed} | {one.id for one in self.settled}
        rest = [
            {"of": delivery, "more": more}
            for delivery, more in self.hops.items()
            if delivery not in written_already
        ]
        say.NOTED.run_each(connection, rest)
        of = self.conversation.id
        befell = [{"conversation": of, "at": self.at, "what": what} for what in self.befell]
        say.BEFELL.run_each(connection, befell)

    def _sessions(self, connection: Connection) -> None:
        if self.session is not None:
            say.BEGUN.run(
                connection,
                conversation=self.conversation.id,
                number=self.session.number,
                session_id=self.session.session_id,
                sealed_token=self.session.sealed_token,
                opened_at=self.at,
                expires_at=self.session.expires_at,
                correlation_id=self.session.correlation_id or None,
            )
        say.FORGOTTEN.run_each(
            connection,
            [
                {"of": self.conversation.id, "which": number, "closed_at": self.at}
                for number in self.forgotten
            ],
        )

    def _owed(self, delivery: DeliveryId, body: Body) -> dict[str, object]:
        return {
            "id": delivery,
            "conversation": self.conversation.id,
            "number": int(delivery.rpartition(".")[2]),
            "target": "agent" if isinstance(body, Ask) else "thread",
            "state": DeliveryState.PENDING,
            "words": msgspec.json.encode(body).decode(),
            "attempts": 0,
            "owed_at": self.at,
            "kind": tag(body),
            "only_for": body.only_for if isinstance(body, Post) else None,
            "hops": self.hops.get(delivery, ""),
        }


class Attempt(Value, frozen=True, kw_only=True):
    """Before a send: from here on its outcome is in doubt until an `Outcome` commits."""

    id: DeliveryId
    at: datetime

    def apply(self, connection: Connection) -> None:
        """Mark it."""
        more = hop(HopKind.ATTEMPTED, self.at)
        say.ATTEMPTED.run(
            connection, of=self.id, state=DeliveryState.SENDING, attempted_at=self.at, more=more
        )


class Outcome(Value, frozen=True, kw_only=True):
    """Transaction 3: what became of an attempt, as far as it is certain."""

    id: DeliveryId
    state: DeliveryState
    at: datetime
    receipt: Receipt | None = None
    reason: str | None = None
    remedy: str = ""  #: what a person can do about the reason
    found: bool = False  #: it was in doubt, and looked for

    def apply(self, connection: Connection) -> None:
        """Settle it, or make it pending again."""
        over = self.state not in (DeliveryState.PENDING, DeliveryState.SENDING)
        settled = say.SETTLED_FOR_GOOD if self.state in _FOR_GOOD else say.SETTLED
        settled.run(
            connection,
            of=self.id,
            state=self.state,
            reference=self.receipt.reference if self.receipt else None,
            reason=self.reason,
            settled_at=self.at if over else None,
            more=written(self._hops()),
        )
        if self.remedy:
            say.ADVISED.run(connection, of=self.id, remedy=self.remedy)

    def _hops(self) -> list[Hop]:
        kinds = {DeliveryState.PENDING: HopKind.ABSENT, DeliveryState.SENDING: HopKind.HELD}
        kind = HopKind.FOUND if self.found else kinds.get(self.state)
        return [Hop(kind, self.at)] if kind else []


@dataclass(frozen=True, slots=True)
class Forget(Change[None]):
    """Housekeeping: what belongs to nobody, and names that nobody tells again; see `retention`."""

    at: datetime

    def apply(self, connection: Connection) -> None:
        """Delete it."""
        connection.execute(
            delete(t.inbox).where(
                t.inbox.c.conversation.is_(None),
                t.inbox.c.accepted_at < self.at - UNCLAIMED_FOR,
            )
        )
        connection.execute(delete(t.tombstones).where(t.tombstones.c.until < self.at))


def tag(body: msgspec.Struct) -> str:
    """Its name in JSON."""
    return str(body.__struct_config__.tag)


def read_inbound(body: str) -> Inbound:
    """An inbound as it was stored."""
    return msgspec.json.decode(body, type=Inbound)


def conversation_columns(conversation: Conversation) -> dict[str, object]:
    """What its row holds."""
    return {
        "id": conversation.id,
        "adapter": conversation.adapter,
        "thread": conversation.thread,
        "agent": conversation.agent,
        "opened_at": conversation.opened_at,
        "touched_at": conversation.touched_at,
        "live": conversation.live,
        "open": conversation.open,
        "state": msgspec.json.encode(conversation).decode(),
    }
