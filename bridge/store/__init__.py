"""What do we remember? The only room that may say SQL."""

from bridge.store.backup import Backed, Copy, copy_to
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
from bridge.store.counting import DIRECTIONS, Census
from bridge.store.doubling import Doubled
from bridge.store.keeping import Discard, Keep
from bridge.store.noting import Noted, Notes
from bridge.store.opening import database_path, look_into, migrate, open_store
from bridge.store.owing import Overdue
from bridge.store.proving import Prove
from bridge.store.records import (
    FORGOTTEN,
    ConversationRow,
    DeliveryRow,
    Entry,
    Kept,
    SessionRecord,
    ThreadDelivery,
    TwinRow,
)
from bridge.store.restoring import Restored
from bridge.store.restoring import restore as restore_backup
from bridge.store.sealing import MEMORY, TOKENS, Sealer
from bridge.store.store import Store

__all__ = [
    "DIRECTIONS",
    "FORGOTTEN",
    "MEMORY",
    "TOKENS",
    "Accept",
    "Accepted",
    "AgentOutcome",
    "Attempt",
    "Backed",
    "Census",
    "ConversationRow",
    "Copy",
    "DeliveryRow",
    "Discard",
    "Doubled",
    "Entry",
    "Forget",
    "Keep",
    "Kept",
    "NewSession",
    "Noted",
    "Notes",
    "Outcome",
    "Overdue",
    "Prove",
    "Restored",
    "Sealer",
    "SessionRecord",
    "Store",
    "TakeStep",
    "ThreadDelivery",
    "TwinRow",
    "Verdict",
    "copy_to",
    "database_path",
    "look_into",
    "migrate",
    "open_store",
    "restore_backup",
]
