"""Who may plug in? The only room an adapter may enter, beside `model`, `errors` and `clock`."""

from bridge.model.signal import Signal, SignalKind
from bridge.plugin.adapter import (
    API_VERSION,
    Accepted,
    Adapter,
    Announcer,
    Finder,
    Host,
    Plugin,
    Reviser,
    Signaller,
)
from bridge.plugin.capabilities import Capabilities, Grade
from bridge.plugin.text import notice_text

__all__ = [
    "API_VERSION",
    "Accepted",
    "Adapter",
    "Announcer",
    "Capabilities",
    "Finder",
    "Grade",
    "Host",
    "Plugin",
    "Reviser",
    "Signal",
    "SignalKind",
    "Signaller",
    "notice_text",
]
