"""Who owns the simulator's tasks? One set; nothing of it is left once it is closed."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any

from bridge.clock import Clock


class OwnedTasks:
    """Tasks that end with the simulator. What one of them raised is raised again by `close`.

    Not a TaskGroup: a fixture may enter the simulator in one task and leave it in another.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failures: list[BaseException] = []

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `work` until it ends or the simulator does."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def wait(self, until: datetime, *, for_any: tuple[asyncio.Event, ...] = ()) -> None:
        """Return at `until`, or as soon as one of the events is set."""
        left = until - self._clock.now()
        if left <= timedelta() or any(event.is_set() for event in for_any):
            return
        waits = [self.start(self._clock.sleep(left))]
        waits += [self.start(event.wait()) for event in for_any]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def close(self) -> None:
        """Cancel what still runs, wait for it, and raise the first failure there was."""
        while self._tasks:
            running = tuple(self._tasks)
            for task in running:
                task.cancel()
            await asyncio.wait(running)
        if self._failures:
            raise self._failures[0]

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failures.append(failure)
