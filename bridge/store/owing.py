"""What has been owed for long, and what died unseen? Two questions that health asks now and then.

Both go by partial indexes of what is open or dead: they cost by that, not by what there is.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, literal, null, select

from bridge.model.delivery import DeliveryState
from bridge.model.ids import AdapterName, AgentName, ConversationId
from bridge.store import tables as t

#: How many are read at once; the oldest of them first.
MOST_OVERDUE = 1_000
#: How the reason of a delivery begins that is held (see the runtime's ledger).
HELD = "in doubt: "
_OPEN = (DeliveryState.PENDING, DeliveryState.SENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """Something that has waited since `since`: for a `thread`, the `agent`, or its `step`."""

    waits_for: str
    conversation: ConversationId
    adapter: AdapterName
    agent: AgentName
    since: datetime
    held: bool = False  #: nobody can tell whether it arrived, so it is not repeated


def overdue_deliveries(before: datetime) -> Select[Any]:
    """What is owed since before that, the oldest first."""
    return (
        select(
            t.deliveries.c.target.label("waits_for"),
            t.deliveries.c.conversation,
            t.deliveries.c.owed_at.label("since"),
            t.deliveries.c.reason,
            t.conversations.c.adapter,
            t.conversations.c.agent,
        )
        .join(t.conversations)
        .where(t.deliveries.c.state.in_(_OPEN), t.deliveries.c.owed_at < before)
        .order_by(t.deliveries.c.owed_at)
        .limit(MOST_OVERDUE)
    )


def overdue_entries(before: datetime) -> Select[Any]:
    """Which inbox entries wait for their step since before that, the oldest first."""
    return (
        select(
            literal("step").label("waits_for"),
            t.inbox.c.conversation,
            null().label("reason"),
            t.inbox.c.accepted_at.label("since"),
            t.conversations.c.adapter,
            t.conversations.c.agent,
        )
        .join(t.conversations)
        .where(t.inbox.c.done_at.is_(None), t.inbox.c.conversation.is_not(None))
        .where(t.inbox.c.dead_at.is_(None), t.inbox.c.accepted_at < before)
        .order_by(t.inbox.c.accepted_at)
        .limit(MOST_OVERDUE)
    )


def unseen_dead(since: datetime) -> Select[Any]:
    """How much died since then, in both directions, that nobody has looked at."""
    letters = select(func.count()).where(
        t.deliveries.c.state == DeliveryState.DEAD,
        t.deliveries.c.seen_at.is_(None),
        t.deliveries.c.settled_at > since,
    )
    entries = select(func.count()).where(
        t.inbox.c.dead_at.is_not(None), t.inbox.c.dead_at > since, t.inbox.c.seen_at.is_(None)
    )
    return select(letters.scalar_subquery() + entries.scalar_subquery())


def overdue(row: Row[Any]) -> Overdue:
    """A row of either as a value."""
    return Overdue(
        waits_for=row.waits_for,
        conversation=ConversationId(row.conversation),
        adapter=AdapterName(row.adapter),
        agent=AgentName(row.agent),
        since=row.since,
        held=(row.reason or "").startswith(HELD),
    )
