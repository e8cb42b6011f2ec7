"""What happens outside of every transaction, and is worth a place in a timeline?

It rides with the next commit of anything: it costs none of its own, and a crash before that loses
it. Nothing is decided by it.
"""

from sqlalchemy import Connection

from bridge.model.ids import DeliveryId, EntryId
from bridge.model.value import Value
from bridge.store import statements as say

#: The hops of how many rows wait for a commit at most.
MOST_NOTED = 10_000


class Noted(Value, frozen=True):
    """Hops, as text, to be added to those of inbox entries and deliveries that exist."""

    entries: dict[EntryId, str] = {}
    deliveries: dict[DeliveryId, str] = {}

    def apply(self, connection: Connection) -> None:
        """Add them."""
        for statement, noted in (
            (say.ENTRY_NOTED, self.entries.items()),
            (say.NOTED, self.deliveries.items()),
        ):
            statement.run_each(connection, [{"of": name, "more": more} for name, more in noted])


class Notes:
    """What waits for the next commit."""

    def __init__(self) -> None:
        self.left_out = 0  #: how many hops found no room
        self._entries: dict[EntryId, str] = {}
        self._deliveries: dict[DeliveryId, str] = {}

    def entry(self, entry: EntryId, hop: str) -> None:
        """Note a hop of an inbox entry that is committed."""
        self._note(self._entries, entry, hop)

    def delivery(self, delivery: DeliveryId, hop: str) -> None:
        """Note a hop of a delivery that is committed."""
        self._note(self._deliveries, delivery, hop)

    def taken(self) -> Noted | None:
        """Everything that waits, which now waits no longer; None if nothing does."""
        if not self._entries and not self._deliveries:
            return None
        noted = Noted(self._entries, self._deliveries)
        self._entries, self._deliveries = {}, {}
        return noted

    def back(self, noted: Noted) -> None:
        """What could not be written waits again, before what has come since."""
        since = self.taken() or Noted()
        for one in (noted, since):
            for entry, hops in one.entries.items():
                self.entry(entry, hops)
            for delivery, hops in one.deliveries.items():
                self.delivery(delivery, hops)

    def _note(
        self, noted: dict[EntryId, str] | dict[DeliveryId, str], name: object, hop: str
    ) -> None:
        rows: dict[object, str] = noted  # type: ignore[assignment]  # one code for both kinds of id
        if name in rows or len(rows) < MOST_NOTED:
            rows[name] = rows.get(name, "") + hop
        else:
            self.left_out += 1
