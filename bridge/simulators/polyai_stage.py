"""What do all simulated sessions share? The clock, the names, the options and the faults."""

import asyncio
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bridge.clock import Clock, Ids
from bridge.simulators.polyai_agent import Agent
from bridge.simulators.polyai_faults import Faults
from bridge.simulators.polyai_options import Options


class Crew:
    """Tasks that end with their owner, whichever task dismisses them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[Exception] = []

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` until it returns or the crew is dismissed."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def failed(self, failure: Exception) -> None:
        """Note a failure, to be raised when the crew is dismissed."""
        self._failures.append(failure)

    async def dismiss(self) -> None:
        """Stop all tasks and wait for them.

        Raises:
            ExceptionGroup: some had failed.
        """
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._failures:
            raise ExceptionGroup("the simulator itself failed", self._failures)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        if isinstance(failure, Exception):
            self.failed(failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What every session of one simulator shares."""

    clock: Clock
    ids: Ids
    agent: Agent
    session_life: timedelta
    streaming_pace: timedelta
    options: Options
    faults: Faults
    crew: Crew = field(default_factory=Crew)
    violations: list[str] = field(default_factory=list)  #: what the service refuses
    warnings: list[str] = field(default_factory=list)  #: what it puts up with and logs

    def uuid(self) -> str:
        """A new name in the form PolyAI gives sessions and events."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, self.ids.new()))

    def timestamp(self) -> str:
        """Now, as PolyAI writes it: ISO 8601 in UTC with milliseconds and a `Z`."""
        return self.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
