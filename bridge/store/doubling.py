"""What stood twice? The second copy of a delivery, from when it was seen until it is removed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, literal, select
from sqlalchemy.dialects.sqlite import insert as upsert

from bridge.model.delivery import Receipt
from bridge.model.ids import AdapterName, DeliveryId
from bridge.store import tables as t
from bridge.store.changes import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubled(Change[bool]):
    """A copy of this adapter's `delivery` stands at `copy`, or is `removed`."""

    adapter: AdapterName
    delivery: DeliveryId
    copy: Receipt
    at: datetime
    removed: bool

    def apply(self, connection: Connection) -> bool:
        """Note it; whether that is news. Of what is forgotten or another's, nothing is noted."""
        at = literal(self.at, t.Instant())
        seen = select(
            t.deliveries.c.id,
            literal(self.copy.reference),
            at,
            at if self.removed else literal(None, t.Instant()),
        )
        theirs = seen.join(t.conversations).where(
            t.deliveries.c.id == self.delivery, t.conversations.c.adapter == self.adapter
        )
        noted = upsert(t.twins).from_select(
            ["delivery", "reference", "seen_at", "removed_at"], theirs
        )
        news = noted.on_conflict_do_update(
            index_elements=["delivery", "reference"],
            set_={"removed_at": noted.excluded.removed_at},
            where=t.twins.c.removed_at.is_(None) & noted.excluded.removed_at.is_not(None),
        )
        return connection.execute(news).rowcount > 0
