"""What can adapters have remembered? One text under one key, in place of what was there."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, delete
from sqlalchemy.dialects.sqlite import insert as upsert

from bridge.model.ids import AdapterName
from bridge.store import tables as t
from bridge.store.changes import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep(Change[None]):
    """Remember `value` under `key`; already sealed if it is `sealed`."""

    adapter: AdapterName
    key: str
    value: str = field(repr=False)
    sealed: bool

    def apply(self, connection: Connection) -> None:
        """Write it over what was there."""
        inserted = upsert(t.memory).values(
            adapter=self.adapter, key=self.key, value=self.value, sealed=self.sealed
        )
        replaced = {"value": inserted.excluded.value, "sealed": inserted.excluded.sealed}
        connection.execute(
            inserted.on_conflict_do_update(index_elements=["adapter", "key"], set_=replaced)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Discard(Change[None]):
    """Remember nothing under `key`."""

    adapter: AdapterName
    key: str

    def apply(self, connection: Connection) -> None:
        """Delete it, if it is there."""
        connection.execute(
            delete(t.memory).where(t.memory.c.adapter == self.adapter, t.memory.c.key == self.key)
        )
