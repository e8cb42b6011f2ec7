"""Where the time of our process goes: a timer of its own CPU looks what the loop is running.

Whose work that is, is told by the outermost frame that is known: the root of a task, or of a
callback. What the other threads use is read from their clocks. A thread that looks would not do: it
gets its turn when the loop's thread waits, and so would see nothing but that.
"""

import asyncio
import json
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any, Final

#: Between two looks, in seconds of CPU.
_PAUSE: Final = 0.004
LOOP: Final = "the loop itself"
OTHER: Final = "the rest"
#: The area that a file or thread belongs to; of the frames of a stack the outermost counts.
AREAS: Final = (
    ("bridge/runtime/delivering/dispatcher", "to Slack: what is owed"),
    ("bridge/runtime/delivering/ledger", "to Slack: what is owed"),
    ("adapters/slack/client", "to Slack: what is owed"),
    ("bridge/runtime/delivering/signals", "to Slack: signs of life"),
    ("bridge/runtime/delivering/growing", "to Slack: signs of life"),
    ("adapters/slack/", "from Slack: read, judged, accepted"),
    ("slack_sdk/socket_mode/", "from Slack: read, judged, accepted"),
    ("slack_bolt/", "from Slack: read, judged, accepted"),
    ("bridge/runtime/entering/intake", "from Slack: read, judged, accepted"),
    ("bridge/runtime/worker", "the worker: the core's steps"),
    ("bridge/runtime/connecting/sessions", "the agent's sockets"),
    ("websockets/", "the agent's sockets"),
    ("aiohttp/", "HTTP, outside of tasks"),
    ("bridge/store/writer", "the store's writer, on the loop"),
)
#: Threads other than the loop's, by the beginning of their names.
THREADS: Final = (
    ("store.writer", "the store's writer, its thread"),
    ("Thread-", "the store's readers, their threads"),
)


def area(files: Iterable[str]) -> str:
    """Where a stack belongs, whose files are given from the outermost on; "" if nobody knows."""
    return next((name for file in files for part, name in AREAS if part in file), "")


def of_thread(name: str) -> str:
    """Where a whole thread belongs."""
    if name == threading.main_thread().name:
        return LOOP
    return next((found for start, found in THREADS if name.startswith(start)), OTHER)


class Sampler:
    """Looks from `start` to `stop`; both belong to the main thread."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()  #: nanoseconds
        self._since = 0
        self._before: dict[str, float] = {}
        self._handler: Any = None

    def start(self) -> None:
        """Look, each time the process has used so much of a core."""
        self._before, self._since = _used(), time.thread_time_ns()
        self._handler = signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, _PAUSE, _PAUSE)

    def _look(self, _signal: int, frame: FrameType | None) -> None:
        """A look weighs what the loop's thread used since the last: others may have rung it."""
        used = time.thread_time_ns()
        self._seen[area(_outermost_first(frame))] += used - self._since
        self._since = used

    def stop(self) -> dict[str, float]:
        """The seconds of a core that each area has used."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        # One may be on its way, which would end the process if nobody took it.
        signal.signal(signal.SIGPROF, self._handler or signal.SIG_IGN)
        found = {name: used - self._before.get(name, 0.0) for name, used in _used().items()}
        seen = {name: used / 1e9 for name, used in self._seen.items() if name}
        # What of the loop's thread has no frame of anybody's is the loop's own.
        found[LOOP] -= sum(seen.values())
        return found | seen


def _used() -> dict[str, float]:
    """What the threads have used so far, in seconds: the main one's is the loop's."""
    found: Counter[str] = Counter()
    for thread in threading.enumerate():
        if thread.ident is not None:
            used = time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
            found.update({of_thread(thread.name): used})
    return dict(found)


def sampled() -> None:
    """From now on SIGUSR2 means: begin to look; at the second time: say what was seen."""
    samplers: list[Sampler] = []

    def toggle() -> None:
        if samplers:
            sys.stdout.write(json.dumps(samplers.pop().stop()) + "\n")
            sys.stdout.flush()
        else:
            samplers.append(Sampler())
            samplers[0].start()

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, toggle)


def _outermost_first(frame: FrameType | None) -> Iterator[str]:
    files = []
    while frame is not None:
        files.append(frame.f_code.co_filename)
        frame = frame.f_back
    return reversed(files)
