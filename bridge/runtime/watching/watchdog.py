"""Who tells the service manager how we are? One task, every few seconds, as long as all gets on."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from bridge.clock import Clock
from bridge.runtime.watching.notify import Manager
from bridge.runtime.watching.progress import PATIENCE, Progress

#: The longest time between two looks.
_LONGEST: Final = timedelta(seconds=3)
#: So often it is looked before anybody who stands still is told of.
_LOOKS: Final = 5


class Watchdog:
    """Looks whether anything stands still, and tells: then the manager hears no more that we live.

    Half of what the manager waits is ours: so long anybody may be at work.
    """

    def __init__(
        self, progress: Progress, manager: Manager, clock: Clock, say: Callable[[], str]
    ) -> None:
        """`say` puts in a line how we are."""
        self._progress = progress
        self._manager = manager
        self._clock = clock
        self._say = say
        progress.patience = manager.watchdog / 2 if manager.watchdog else PATIENCE
        self._every = min(_LONGEST, progress.patience / _LOOKS)

    async def run(self) -> None:
        """For ever."""
        while True:
            self._manager.status(self._say(), alive=not self._progress.stuck)
            await self._clock.sleep(self._every)
            self._progress.look(self._every)


def status_line(
    *, conversations: int, owed: int, oldest: timedelta | None, sockets: int, causes: list[str]
) -> str:
    """How we are; what is wrong comes last, as it may be long."""
    age = f", the oldest for {oldest.total_seconds():.0f} s" if oldest is not None else ""
    figures = f"{conversations} conversations, {sockets} sockets, {owed} owed{age}"
    return f"Not ready: {figures}; {'; '.join(causes)}" if causes else f"Ready: {figures}"
