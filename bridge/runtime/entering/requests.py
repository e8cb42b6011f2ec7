"""What did the command line leave for us? It puts requests in the inbox, beside the adapters."""

from datetime import timedelta
from typing import Final

from bridge.clock import Clock
from bridge.errors import DatabaseFailed
from bridge.runtime.worker import Worker
from bridge.store import Store

#: How often they are looked for.
_LOOK: Final = timedelta(seconds=1)


async def take_requests(store: Store, worker: Worker, clock: Clock) -> None:
    """See to them, for ever."""
    seen = 0
    while True:
        await clock.sleep(_LOOK)
        try:
            entries = await store.requests(after=seen)
        except DatabaseFailed:
            continue  # whoever writes will say so
        worker.take(entries)
        seen = max((entry.id for entry in entries), default=seen)
