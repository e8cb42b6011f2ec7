"""What is held about a person, or of a conversation? All of it, as it stands in the rows."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Table, select

from bridge.model.ids import ConversationId
from bridge.store import tables as t
from bridge.store.changes import Change
from bridge.store.erasing import Subject, involving, mentions

#: What no export shows: it opens a session.
_SECRET: Final = frozenset({"sealed_token"})
#: What may hold a document.
_DOCUMENTS: Final = frozenset({"body", "state"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOut(Change[dict[str, Any]]):
    """Nothing is changed: read in one transaction, so that it is of one instant."""

    subject: Subject

    def apply(self, connection: Connection) -> dict[str, Any]:
        """Read it: JSON, with the names of our tables and columns."""
        found = involving(connection, self.subject)
        return {
            "conversations": [_conversation(connection, one) for one in found],
            "unclaimed": self._unclaimed(connection),
        }

    def _unclaimed(self, connection: Connection) -> list[dict[str, Any]]:
        """What was said in threads that are not ours, as long as that is kept."""
        person = self.subject.person
        if person is None:
            return []
        of = t.inbox.c
        mine = (of.conversation.is_(None), of.adapter == self.subject.adapter)
        rows = connection.execute(select(t.inbox).where(*mine, mentions(of.body, person)))
        return [_shown(row) for row in rows]


def _conversation(connection: Connection, conversation: ConversationId) -> dict[str, Any]:
    (row,) = connection.execute(
        select(t.conversations).where(t.conversations.c.id == conversation)
    ).all()
    return _shown(row) | {
        table.name: [_shown(one) for one in _rows(connection, table, conversation)]
        for table in t.metadata.sorted_tables
        if "conversation" in table.c
    }


def _rows(connection: Connection, table: Table, conversation: ConversationId) -> list[Row[Any]]:
    mine = select(table).where(table.c.conversation == conversation)
    return list(connection.execute(mine.order_by(*table.primary_key.columns)))


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        name: _read(value) if name in _DOCUMENTS and value else value
        for name, value in row._mapping.items()  # noqa: SLF001 - SQLAlchemy's name for it
        if name not in _SECRET
    }


def _read(value: str) -> object:
    """A document, or the word that some tables have under the same name."""
    return msgspec.json.decode(value) if value.startswith("{") else value
