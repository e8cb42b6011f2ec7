"""People who write: as fast as they are answered, or at a fixed rate; and what they saw."""

import asyncio
import statistics
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from tests.bench.fake_slack import FakeSlack

Json = dict[str, Any]

#: How long one answer may take before the run counts as broken.
PATIENCE = 60.0
_CHANNELS = 50
_WORDS = "which is a sentence of about the usual length, as people write them."


class Broken(Exception):
    """The run says nothing: an answer never came, or was another's."""


@dataclass(slots=True)
class Thread:
    """One thread, and what is waited for in it."""

    channel: str
    person: str
    root: str = ""
    token: str = ""  #: what the answer must quote; "" where nothing is in flight
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer: when it came, and after how long, in seconds."""

    at: float
    after: float


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, all of its threads, in nanosecond steps (Linux)."""
    return time.clock_gettime((~pid << 3) | 2)


class Traffic:
    """All threads of the workspace."""

    def __init__(self) -> None:
        self.slack = FakeSlack(self._posted)
        self.threads: list[Thread] = []
        self._by_root: dict[str, Thread] = {}
        self._heard: list[Heard] = []
        self._turns: deque[Thread] = deque()  #: threads with nothing in flight
        self._goes_on_until = 0.0
        self._count = 0
        self._changed = asyncio.Event()
        self._strays = 0

    async def open(self, threads: int, at_once: int) -> Json:
        """Have so many threads in all, each with one answer in it."""
        began = time.perf_counter()
        while len(self.threads) < threads or self.waiting:
            while len(self.threads) < threads and self.waiting < at_once:
                number = len(self.threads)
                thread = Thread(f"C0BENCH{number % _CHANNELS:04d}", f"U0BENCH{number:05d}")
                self.threads.append(thread)
                self._say(thread)
            await self._change()
        return {"seconds": time.perf_counter() - began}

    async def closed(
        self, threads: int, warm: float, seconds: float, pid: int, in_flight: int = 0
    ) -> Json:
        """So many messages in flight, without a number one in each thread; threads take turns."""
        self._begin(warm + seconds)
        self._turns.clear()
        self._turns.extend(self.threads[:threads])
        for _ in range(in_flight or threads):
            self._say(self._turns.popleft())
        return await self._window(warm, seconds, pid)

    async def steady(
        self, threads: int, rate: float, warm: float, seconds: float, pid: int
    ) -> Json:
        """So many a second, spread over the threads, whatever comes back."""
        self._begin(0.0)
        saying = asyncio.create_task(self._say_steadily(threads, rate, warm + seconds))
        found = await self._window(warm, seconds, pid)
        return {**found, "skipped": await saying}

    @property
    def waiting(self) -> int:
        """How many threads wait for an answer."""
        return sum(bool(thread.token) for thread in self.threads)

    def _begin(self, goes_on_for: float) -> None:
        self._heard.clear()
        self.slack.acks.clear()
        self.slack.calls.clear()
        self._goes_on_until = time.perf_counter() + goes_on_for if goes_on_for else 0.0

    async def _say_steadily(self, threads: int, rate: float, seconds: float) -> int:
        began, skipped, number = time.perf_counter(), 0, 0
        while number < rate * seconds:
            if (wait := began + number / rate - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            thread = self.threads[number % threads]
            number += 1
            if thread.token:
                skipped += 1
            else:
                self._say(thread)
        return skipped

    async def _window(self, warm: float, seconds: float, pid: int) -> Json:
        """What is seen in a stretch of the run; then wait until all are answered."""
        await asyncio.sleep(warm)
        began, used, own = time.perf_counter(), cpu_seconds(pid), time.process_time()
        await asyncio.sleep(seconds)
        while not self._heard or self._heard[-1].at < began:
            await self._change()  # a machine that is busy is no broken run
        ended = time.perf_counter()
        used, own = cpu_seconds(pid) - used, time.process_time() - own
        while self.waiting:
            await self._change()
        after = [heard.after for heard in self._heard if began <= heard.at < ended]
        acks = [acked - sent for sent, acked in self.slack.acks if began <= acked < ended]
        if not after or self._strays:
            raise Broken(f"{len(after)} answers, {self._strays} strays")
        lasted = ended - began
        return {
            "messages": len(after),
            "answered": len(self._heard),
            "per_s": len(after) / lasted,
            "cpu_us": used / len(after) * 1e6,
            "busy": used / lasted,
            "peers_busy": own / lasted,
            "p50_ms": _at(after, 50),
            "p99_ms": _at(after, 99),
            "ack_p50_ms": _at(acks, 50),
            "ack_p99_ms": _at(acks, 99),
            "calls": dict(self.slack.calls),
        }

    def _say(self, thread: Thread) -> None:
        self._count += 1
        thread.token, thread.since = f"m{self._count}e", time.perf_counter()
        words = f"This is {thread.token}, {_WORDS}"
        ts = self.slack.say(thread.channel, thread.person, words, thread.root or None)
        if not thread.root:
            thread.root = ts
            self._by_root[ts] = thread

    def _posted(self, root: str, text: str) -> None:
        now, thread = time.perf_counter(), self._by_root.get(root)
        if thread is None or not thread.token or thread.token not in text:
            self._strays += 1
            return
        self._heard.append(Heard(now, now - thread.since))
        thread.token = ""
        self._changed.set()
        if now < self._goes_on_until:
            # The answer to the post goes out first.
            self._turns.append(thread)
            asyncio.get_running_loop().call_soon(self._say, self._turns.popleft())

    async def _change(self) -> None:
        self._changed.clear()
        async with asyncio.timeout(PATIENCE):
            await self._changed.wait()


def _at(seconds: list[float], percent: int) -> float:
    """A percentile, in milliseconds."""
    if len(seconds) < 2:
        return seconds[0] * 1e3 if seconds else 0.0
    return statistics.quantiles(seconds, n=100)[percent - 1] * 1e3
