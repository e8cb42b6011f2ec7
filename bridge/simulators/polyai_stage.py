"""What do all simulated sessions share? The clock, the names, the options and the faults."""

import asyncio
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any, Literal

from bridge.clock import Clock, Ids
from bridge.simulators.polyai_agent import Agent
from bridge.simulators.polyai_faults import Faults
from bridge.simulators.polyai_frames import LARGEST_FRAME, CursorMode


@dataclass(slots=True, kw_only=True)
class Options:
    """Where PolyAI's documents disagree or are silent, the simulator can be either way.

    Mutable: an option may be turned in the middle of a test. Sections are those of the reference.
    """

    cursor_mode: CursorMode = "plain"  #: §4.2
    batch_size: int = 50  #: events in one batch frame
    restate_start: bool = True  #: §22 row 19: the first batch always holds SESSION_START
    oneof_bodies: bool = False  #: §5: events in batches without `payload`
    replay_metadata: bool = True  #: §25: replayed echoes keep `metadata`
    replay_ended: bool = True  #: an ended session can be read until it expires, then 404
    thinking_journaled: bool = True  #: §6.2: THINKING has a sequence
    bare_heartbeats: bool = False  #: §6.2: heartbeat echoes without id and timestamp
    error_shape: Literal["flat", "nested", "plain"] = "flat"  #: §3
    socket_limit: int = 10  #: §4.4
    token_seconds: int = 86_400  #: §2.1: `expires_in`
    heartbeat_seconds: int | None = 30  #: capability; None leaves it out
    max_message_bytes: int | None = LARGEST_FRAME  #: capability; None leaves it out
    max_reconnect_attempts: int | None = 5  #: capability; None leaves it out

    def turn(self, name: str, value: Any) -> None:  # noqa: ANN401 - each option has its own type
        """Set an option by its name.

        Raises:
            ValueError: there is no such option.
        """
        if name not in {known.name for known in fields(self)}:
            raise ValueError(f"no option {name!r}")
        setattr(self, name, value)


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
    faults: Faults = field(default_factory=Faults)
    crew: Crew = field(default_factory=Crew)
    violations: list[str] = field(default_factory=list)

    def uuid(self) -> str:
        """A new name in the form PolyAI gives sessions and events."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, self.ids.new()))

    def timestamp(self) -> str:
        """Now, as PolyAI writes it: ISO 8601 in UTC with milliseconds and a `Z`."""
        return self.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
