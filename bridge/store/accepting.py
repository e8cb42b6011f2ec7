"""How is what a platform told taken in? Transaction 1 of three: known by its names, or stored.

What belongs to no conversation yet waits for a little while, in case its beginning is on the way.
"""

import enum
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from bridge.core.state import Conversation
from bridge.model.hops import HopKind, hop
from bridge.model.ids import AdapterName, AgentName, ConversationId, EntryId
from bridge.model.inbound import (
    CancelAsked,
    Clicked,
    EndAsked,
    Inbound,
    PersonAsked,
    RetryAsked,
    Said,
    StartAsked,
)
from bridge.model.value import Value
from bridge.store import statements as say
from bridge.store.changes import UNCLAIMED_FOR, conversation_columns, read_inbound, tag
from bridge.store.records import Entry

#: Who says or presses one of these takes part in the conversation.
_TAKING_PART = (Said, Clicked, EndAsked, StartAsked, RetryAsked, CancelAsked, PersonAsked)


class Verdict(enum.Enum):
    """What became of an inbound."""

    NEW = enum.auto()
    KNOWN = enum.auto()
    UNCLAIMED = enum.auto()


class Accepted(Value, frozen=True):
    """The verdict, and the entries a worker must now see to."""

    verdict: Verdict
    entries: tuple[Entry, ...] = ()
    opened: bool = False


class Accept(Value, frozen=True, kw_only=True):
    """Transaction 1: store an inbound unless it is known; open its conversation if it may."""

    adapter: AdapterName
    inbound: Inbound
    agent: AgentName
    new_id: ConversationId  #: the name of the conversation, if one is opened
    at: datetime
    origin: str = "platform"

    def apply(self, connection: Connection) -> Accepted:
        """Store it."""
        if self._known(connection):
            return Accepted(Verdict.KNOWN)
        conversation = self._conversation(connection)
        opened = conversation is None and self.inbound.opens
        if opened:
            conversation = self._open(connection)
        claimed = self._claim(connection, conversation) if opened and conversation else ()
        number = self._insert(connection, conversation)
        if conversation is None:
            return Accepted(Verdict.UNCLAIMED)
        entry = Entry(id=number, conversation=conversation, inbound=self.inbound)
        if self.origin == "platform":
            self._introduce(connection, (entry, *claimed))
        return Accepted(Verdict.NEW, (entry, *claimed), opened)

    def _known(self, connection: Connection) -> bool:
        """Under any of its names; also if the one that was told was erased."""
        names = self.inbound.identities
        if any(
            say.KNOWN.run(connection, adapter=self.adapter, identity=name).fetchone()
            for name in names
        ):
            return True
        return say.ANY_BURIED.run(connection).fetchone() is not None and any(
            say.BURIED.run(connection, of=self.adapter, as_name=name).fetchone() for name in names
        )

    def _conversation(self, connection: Connection) -> ConversationId | None:
        found = say.CONVERSATION_OF.run(
            connection, adapter=self.adapter, thread=self.inbound.thread
        ).fetchone()
        return ConversationId(found[0]) if found else None

    def _open(self, connection: Connection) -> ConversationId:
        conversation = Conversation(
            id=self.new_id,
            adapter=self.adapter,
            thread=self.inbound.thread,
            agent=self.agent,
            opened_at=self.at,
            touched_at=self.at,
        )
        say.OPENED.run(connection, **conversation_columns(conversation))
        return self.new_id

    def _claim(self, connection: Connection, conversation: ConversationId) -> tuple[Entry, ...]:
        orphans = {
            "of": self.adapter,
            "within": self.inbound.thread,
            "later_than": self.inbound.order,  # what was said before was not meant for us
            # Housekeeping comes by once an hour; what is older was never meant for us.
            "since": self.at - UNCLAIMED_FOR,
        }
        rows = say.UNCLAIMED.run(connection, **orphans).fetchall()
        if rows:
            say.CLAIMED.run(connection, conversation=conversation, **orphans)
        return tuple(
            Entry(id=EntryId(number), conversation=conversation, inbound=read_inbound(body))
            for number, body in rows
        )

    def _introduce(self, connection: Connection, entries: tuple[Entry, ...]) -> None:
        """Note who takes part, so that they find the conversation again."""
        rows = [
            {
                "adapter": self.adapter,
                "person": entry.inbound.person.id,
                "conversation": entry.conversation,
            }
            for entry in entries
            if isinstance(entry.inbound.body, _TAKING_PART)
        ]
        say.INTRODUCED.run_each(connection, rows)

    def _insert(self, connection: Connection, conversation: ConversationId | None) -> EntryId:
        number = say.TAKEN_IN.run(
            connection,
            conversation=conversation,
            adapter=self.adapter,
            thread=self.inbound.thread,
            sort=self.inbound.order,
            origin=self.origin,
            words=msgspec.json.encode(self.inbound).decode(),
            accepted_at=self.at,
            kind=tag(self.inbound.body),
            hops=_told(self.inbound, kept=conversation is None),
        ).lastrowid
        names = [
            {"adapter": self.adapter, "identity": name, "entry": number}
            for name in dict.fromkeys(self.inbound.identities)
        ]
        say.NAMED.run_each(connection, names)
        return EntryId(number or 0)


def _told(inbound: Inbound, *, kept: bool) -> str:
    """The first hops of an inbox entry: when its platform says it was, and how long it is."""
    words = getattr(inbound.body, "text", None)
    size = hop(HopKind.SIZE, None, len(words)) if words else ""
    return hop(HopKind.SAID, inbound.at) + size + (hop(HopKind.KEPT) if kept else "")
