"""What do we remember? The only room that may say SQL."""

from bridge.store.accepting import Accept, Accepted, Verdict
from bridge.store.backup import Backed, Copy, copy_to
from bridge.store.changes import (
    AgentOutcome,
    Attempt,
    Forget,
    NewSession,
    Outcome,
    TakeStep,
)
from bridge.store.counting import DIRECTIONS, Census
from bridge.store.doubling import Doubled
from bridge.store.keeping import Discard, Keep
from bridge.store.noting import Noted, Notes
from bridge.store.opening import database_path, look_into, migrate, open_store, schema_of
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
from bridge.store.schema import NEWEST, knows
from bridge.store.sealing import MEMORY, TOKENS, Sealer
from bridge.store.store import Store
from bridge.store.timelines import (
    Befallen,
    DeliveryHops,
    EntryHops,
    SessionHops,
    Subject,
    Timeline,
    Timelines,
    TwinHops,
)

__all__ = [
    "DIRECTIONS",
    "FORGOTTEN",
    "MEMORY",
    "NEWEST",
    "TOKENS",
    "Accept",
    "Accepted",
    "AgentOutcome",
    "Attempt",
    "Backed",
    "Befallen",
    "Census",
    "ConversationRow",
    "Copy",
    "DeliveryHops",
    "DeliveryRow",
    "Discard",
    "Doubled",
    "Entry",
    "EntryHops",
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
    "SessionHops",
    "SessionRecord",
    "Store",
    "Subject",
    "TakeStep",
    "ThreadDelivery",
    "Timeline",
    "Timelines",
    "TwinHops",
    "TwinRow",
    "Verdict",
    "copy_to",
    "database_path",
    "knows",
    "look_into",
    "migrate",
    "open_store",
    "restore_backup",
    "schema_of",
]
