"""What the store gives back: rows as frozen values."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bridge.core.state import Conversation
from bridge.model.delivery import DeliveryState, Post, Receipt, ThreadBody
from bridge.model.ids import (
    AdapterName,
    AgentName,
    ConversationId,
    DeliveryId,
    EntryId,
    ThreadKey,
)
from bridge.model.inbound import Inbound
from bridge.model.messages import AgentReply, Author, AuthorKind
from bridge.model.value import Value

#: What stands for a body that is kept no more: of what is settled, only where it landed is asked.
FORGOTTEN: Final = Post(AgentReply(Author(AuthorKind.AGENT)))


class Entry(Value, frozen=True, kw_only=True):
    """An inbox entry whose step has not committed yet."""

    id: EntryId
    conversation: ConversationId
    inbound: Inbound


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """A PolyAI session; `token` is None once it is over, or if it cannot be unsealed."""

    conversation: ConversationId
    number: int
    session_id: str
    token: str | None
    opened_at: datetime
    expires_at: datetime | None
    closed_at: datetime | None

    def __repr__(self) -> str:
        return f"SessionRecord(conversation={self.conversation!r}, number={self.number})"


class ThreadDelivery(Value, frozen=True, kw_only=True):
    """Something owed to a thread, or about it."""

    id: DeliveryId
    conversation: ConversationId
    adapter: AdapterName
    thread: ThreadKey
    body: ThreadBody
    state: DeliveryState
    attempts: int
    owed_at: datetime
    attempted_at: datetime | None = None
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRow:
    """A conversation as a listing shows it."""

    conversation: Conversation
    owed_to_thread: int
    owed_to_agent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """A delivery as a listing shows it: without its words."""

    id: DeliveryId
    target: str
    kind: str
    state: DeliveryState
    attempts: int
    owed_at: datetime
    settled_at: datetime | None
    reason: str | None


class Letter(Value, frozen=True, kw_only=True):
    """A delivery, or an inbox entry that is a dead letter, as operators see it: without words."""

    id: str
    conversation: ConversationId
    number: int
    to: str  #: thread, agent or place
    kind: str
    state: str  #: that of a delivery, or `held`
    adapter: AdapterName
    agent: AgentName
    attempts: int
    owed_at: datetime
    attempted_at: datetime | None
    settled_at: datetime | None
    receipt: str | None
    reason: str | None
    remedy: str | None
    redriven: int
    redriven_at: datetime | None
    seen_at: datetime | None
    alerted_at: datetime | None
    size: int  #: of what is stored of it, in characters


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinRow:
    """A second copy of a delivery as a listing shows it."""

    delivery: DeliveryId
    receipt: Receipt
    seen_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What an adapter remembers under a key, as it is in the database."""

    key: str
    value: str = field(repr=False)
    sealed: bool
