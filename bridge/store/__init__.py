"""What do we remember? The only room that may say SQL."""

from bridge.store.changes import (
    Accept,
    Accepted,
    AgentOutcome,
    Attempt,
    Forget,
    NewSession,
    Outcome,
    TakeStep,
    Verdict,
)
from bridge.store.records import (
    ConversationRow,
    DeliveryRow,
    Entry,
    SessionRecord,
    ThreadDelivery,
)
from bridge.store.sealing import Sealer
from bridge.store.store import Store, look_into, migrate, open_store

__all__ = [
    "Accept",
    "Accepted",
    "AgentOutcome",
    "Attempt",
    "ConversationRow",
    "DeliveryRow",
    "Entry",
    "Forget",
    "NewSession",
    "Outcome",
    "Sealer",
    "SessionRecord",
    "Store",
    "TakeStep",
    "ThreadDelivery",
    "Verdict",
    "look_into",
    "migrate",
    "open_store",
]
