"""What goes when a conversation is erased? Every row that hangs on it; its names leave a digest."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, delete, func, literal, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from bridge.model.delivery import DeliveryState
from bridge.model.ids import ConversationId, DeliveryId
from bridge.model.value import Value
from bridge.store import tables as t
from bridge.store.digests import OF_NAME

#: How long a platform may tell of the same once more.
TOLD_AGAIN_FOR: Final = timedelta(days=30)


class Withdrawn(Value, frozen=True, kw_only=True):
    """Within a step: whoever said a dead letter took it back."""

    id: DeliveryId
    at: datetime

    def apply(self, connection: Connection) -> None:
        """Drop it without its words; one that is not dead stays as it is."""
        letter = t.deliveries.c
        connection.execute(
            update(t.deliveries)
            .where(letter.id == self.id, letter.state == DeliveryState.DEAD)
            .values(state=DeliveryState.DROPPED, settled_at=self.at, reason="taken back", body="")
        )


def empty(connection: Connection, conversation: ConversationId, at: datetime) -> None:
    """Delete what hangs on it, but for inbox entries that no step has seen to.

    Those are newer than its erasure. What is told again of the others is known by its tombstone.
    """
    over = (
        t.inbox.c.conversation == conversation,
        or_(t.inbox.c.done_at.is_not(None), t.inbox.c.dead_at.is_not(None)),
    )
    bury(connection, at, *over)
    connection.execute(delete(t.inbox).where(*over))
    delete_rows_of(connection, conversation)


def delete_rows_of(connection: Connection, conversation: str) -> None:
    """Delete what hangs on it but inbox entries."""
    for table in _hanging():
        connection.execute(delete(table).where(table.c.conversation == conversation))


def forget_unclaimed(connection: Connection, at: datetime, *which: ColumnElement[bool]) -> int:
    """Delete entries that belong to no conversation; how many."""
    unclaimed = (t.inbox.c.conversation.is_(None), *which)
    bury(connection, at, *unclaimed)
    return connection.execute(delete(t.inbox).where(*unclaimed)).rowcount


def _hanging() -> list[Table]:
    """The tables whose rows belong to a conversation, those that others hang on last."""
    return [
        table
        for table in reversed(t.metadata.sorted_tables)
        if "conversation" in table.c and table is not t.inbox
    ]


def bury(connection: Connection, at: datetime, *entries: ColumnElement[bool]) -> None:
    """Leave a digest of each name of these entries, by which it is known if it is told again."""
    digest: Any = getattr(func, OF_NAME)(t.identities.c.adapter, t.identities.c.identity)
    until = literal(at + TOLD_AGAIN_FOR, t.Instant())
    names = select(digest, until).join(t.inbox).where(*entries, digest.is_not(None))
    buried = upsert(t.tombstones).from_select(["name", "until"], names)
    connection.execute(buried.on_conflict_do_nothing())
