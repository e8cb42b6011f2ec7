"""Who does the work? Steps, deliveries and connections: three that know one another."""

from dataclasses import dataclass

from bridge.runtime.connecting.sessions import Sessions
from bridge.runtime.delivering.dispatcher import Dispatcher
from bridge.runtime.worker import Worker


@dataclass(frozen=True, slots=True)
class Work:
    """Those who do it in a running bridge."""

    worker: Worker
    dispatcher: Dispatcher
    sessions: Sessions
