"""What was said while we were away? Open threads are read back and handled, once and in order.

Every message goes the way of an event and is stored by its identity, so that what is known already
stays as it is. Progress is not remembered: after a death the same threads are read again. What was
only edited or deleted meanwhile, and what began in a channel, is not fetched.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from adapters.slack import ids
from adapters.slack.doors.heard import Heard
from adapters.slack.doors.missed import History, replies_since
from adapters.slack.logs import LOG
from bridge.errors import CredentialsRefused, DatabaseFailed, Rejected
from bridge.model.ids import ThreadKey
from bridge.model.inbound import Inbound
from bridge.plugin import Accepted, Host

#: How long an event may wait for what came before it: Slack wants its answer within three seconds.
PATIENCE = timedelta(seconds=2)

#: Slack's clock and ours may differ.
_MARGIN = timedelta(minutes=1)
#: Reads share Tier 3, about fifty a minute, with those that look for a post in doubt.
_BETWEEN_READS = timedelta(seconds=1.5)
_AGAIN = timedelta(seconds=10)
#: Credentials that are refused may be mended: so often, and so far apart, it is tried again.
_ROUNDS, _ROUND = 6, timedelta(minutes=10)


class Backfill:
    """Reads back what was missed. Until a thread is read, its new events wait, for a moment."""

    def __init__(
        self,
        host: Host,
        history: History,
        read: Callable[[object], Inbound | None],
        heard: Heard,
    ) -> None:
        self._host = host
        self._history = history
        self._read = read
        self._heard = heard
        self._running: asyncio.Task[None] | None = None
        self._wanted: datetime | None = None
        self._listed = asyncio.Event()
        #: Threads not read yet, the next first; and those that could not be read just now.
        self._left: dict[ThreadKey, None] = {}
        self._failed: dict[ThreadKey, None] = {}
        self._reading: dict[ThreadKey, asyncio.Task[None]] = {}
        self._since = host.clock.now()
        self._messages = 0

    def begin(self, since: datetime) -> None:
        """Fetch what was said since then; the threads of which are known only in a moment."""
        self._wanted = min(since, self._wanted or since)
        if not self.running:
            self._listed.clear()
            self._running = asyncio.create_task(self._run(), name="slack-backfill")

    @property
    def running(self) -> bool:
        """Whether something is still to be fetched."""
        return self._running is not None and not self._running.done()

    async def before(self, payload: object) -> None:
        """Return once what was missed in the thread of `payload` is stored, or time is up."""
        if not self.running:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE.total_seconds()):
                await self._listed.wait()
                thread = self._thread_of(payload)
                if thread in self._left:
                    await asyncio.shield(self._reader(thread))

    async def leave(self) -> None:
        """Stop; what is not read yet is read at the next start."""
        tasks = [*self._reading.values(), *([self._running] if self._running else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _thread_of(self, payload: object) -> ThreadKey | None:
        inbound = self._read(payload)
        return inbound.thread if inbound else None

    async def _run(self) -> None:
        while self._wanted is not None:
            since, self._wanted = self._wanted, None
            await self._fetch(since)
        self._heard.filled()

    async def _fetch(self, since: datetime) -> None:
        self._since, self._messages = since - _MARGIN, 0
        threads = await self._open_threads()
        told = {"threads": len(threads), "since": since.isoformat()}
        LOG.info("slack.backfill_started", extra=told)
        self._left = dict.fromkeys(threads)
        self._listed.set()
        await self._everything(threads)
        LOG.info("slack.backfill_done", extra={"messages": self._messages})

    async def _open_threads(self) -> list[ThreadKey]:
        """The open threads, the youngest first."""
        while True:
            try:
                threads = await self._host.open_threads()
            except DatabaseFailed:
                await self._host.clock.sleep(_AGAIN)
            else:
                return sorted(threads, key=_age, reverse=True)

    async def _everything(self, threads: list[ThreadKey]) -> None:
        for thread in _one_of_each_direct(threads):
            with self._skipping(thread.key):
                await self._fetch_direct(thread)
        for _ in range(_ROUNDS):
            while self._left:
                await self._reader(next(iter(self._left)))
                await self._host.clock.sleep(_BETWEEN_READS)
            if not self._failed:
                return
            self._left, self._failed = self._failed, {}
            await self._host.clock.sleep(_ROUND)
        self._left = {}

    def _reader(self, key: ThreadKey) -> "asyncio.Task[None]":
        """The task that reads a thread; the same one for whoever waits for it."""
        if key not in self._reading:
            self._reading[key] = asyncio.create_task(
                self._fetch_thread(key), name="slack-backfill-thread"
            )
        return self._reading[key]

    async def _fetch_thread(self, key: ThreadKey) -> None:
        try:
            with self._skipping(key):
                async for page in self._history.thread(ids.SlackThread.parse(key), self._since):
                    for payload in page:
                        await self._accept(payload)
        finally:
            self._left.pop(key, None)
            self._reading.pop(key, None)

    async def _fetch_direct(self, thread: ids.SlackThread) -> None:
        """A direct conversation's own messages; each may have begun a thread that went on."""
        for payload in await self._history.direct(thread, self._since):
            inbound = await self._accept(payload)
            if inbound is not None and replies_since(payload, self._since):
                self._left.setdefault(inbound.thread)

    async def _accept(self, payload: dict[str, Any]) -> Inbound | None:
        """Store what the payload means, as if it had just come."""
        inbound = self._read(payload)
        while inbound is not None:
            try:
                accepted = await self._host.accept(inbound)
            except DatabaseFailed:
                await self._host.clock.sleep(_AGAIN)
            else:
                self._messages += accepted is Accepted.NEW
                return inbound
        return None

    @contextlib.contextmanager
    def _skipping(self, key: ThreadKey) -> Iterator[None]:
        """What cannot be read is said and left out; credentials may be mended by and by."""
        try:
            yield
        except CredentialsRefused as error:
            self._failed.setdefault(key)
            _not_read(key, error)
        except (Rejected, ValueError) as error:
            _not_read(key, error)
        except Exception as error:
            self._failed.setdefault(key)
            LOG.exception("slack.surprise", extra={"error": type(error).__name__})


def _not_read(key: ThreadKey, error: Exception) -> None:
    LOG.warning("slack.thread_not_read", extra={"thread_key": key, "error": str(error)})


def _age(key: ThreadKey) -> str:
    """By this, threads sort as they began."""
    return ids.order_of(key.rpartition(":")[2])


def _one_of_each_direct(threads: list[ThreadKey]) -> list[ids.SlackThread]:
    """A thread of each direct conversation."""
    parsed = (ids.SlackThread.parse(key) for key in threads)
    return list({(t.team, t.channel): t for t in parsed if t.direct}.values())
