"""Who may plug in? The only room an adapter may enter, beside `model`, `errors` and `clock`."""

from bridge.model.pointer import Pointer
from bridge.model.signal import Signal, SignalKind
from bridge.plugin.adapter import (
    API_VERSION,
    Accepted,
    Adapter,
    Announcer,
    Finder,
    Glimpse,
    Grower,
    Handler,
    Host,
    Memory,
    Namer,
    Plugin,
    Queuer,
    Rememberer,
    Reviser,
    Signaller,
)
from bridge.plugin.capabilities import Capabilities, Grade
from bridge.plugin.text import notice_text, text_of

__all__ = [
    "API_VERSION",
    "Accepted",
    "Adapter",
    "Announcer",
    "Capabilities",
    "Finder",
    "Glimpse",
    "Grade",
    "Grower",
    "Handler",
    "Host",
    "Memory",
    "Namer",
    "Plugin",
    "Pointer",
    "Queuer",
    "Rememberer",
    "Reviser",
    "Signal",
    "SignalKind",
    "Signaller",
    "notice_text",
    "text_of",
]
