"""Does the disk take what we write? One row is written over and read back to find out."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert

from bridge.store import tables as t
from bridge.store.changes import Change

_NAME = "proved_at"


@dataclass(frozen=True, slots=True)
class Prove(Change[None]):
    """Write the instant down, as other changes are written."""

    at: datetime

    def apply(self, connection: Connection) -> None:
        """Write it, and read it back."""
        proved = upsert(t.facts).values(name=_NAME, value=self.at.isoformat())
        connection.execute(
            proved.on_conflict_do_update(
                index_elements=["name"], set_={"value": proved.excluded.value}
            )
        )
        connection.execute(select(t.facts.c.value).where(t.facts.c.name == _NAME)).one()
