"""What if an hour took a moment? An event loop whose time jumps wherever everybody only waits.

Real sockets, real threads, real libraries: whatever they do is waited for in real time, and only
when nothing is under way does the loop's time move, at once, to the next timer. So the same story
takes the same virtual time on any machine, however loaded.

Under way are: calls in executors, SQLite's threads, connects, and bytes (or an end of file) that
one of our sockets sent and another of ours, which is reading, has not received. These are counted
and not guessed, so nothing on its way through the loopback is ever overtaken by time.

What reads the machine's own clock does not take part: `time.time()` in slack_sdk's ping monitor,
which therefore never finds a connection dead (aiohttp's heartbeat does), and in the log's stamps.
"""

import asyncio
import queue
import selectors
import socket
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import aiosqlite.core

from bridge.testing.clock import NOON
from bridge.testing.loopback import CountedSocket, Traffic

#: One real look at the kernel while bytes are on their way, in seconds, and how many of them may
#: find nothing: then whoever was to read the bytes is taken to be no socket of ours.
_LOOK = 0.02
_LOOKS = 50


class Stalled(Exception):
    """Nothing is under way and no timer is set: everybody waits for somebody else."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time, which begins at 0."""

    def __init__(self) -> None:
        self._virtual = 0.0
        self._outside = 0
        self._stirred = 0  #: how often something came from outside or time moved
        #: Who waits for quiet, and what must have stirred first.
        self._watchers: list[tuple[asyncio.Future[None], int]] = []
        self._traffic = Traffic()
        self._clients: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()
        self.unreachable: dict[int, OSError] = {}  #: why connects to a port fail, by port
        self.refused: list[tuple[float, int]] = []  #: connects that did: when, to which port
        self.jumps = 0  #: how often time has jumped
        super().__init__(_Gate(self))
        _heed_sqlite()

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual

    async def quiet(self) -> None:
        """Return when nothing more happens at this instant: just before time moves on."""
        await self._watch(-1)

    async def change(self) -> None:
        """Return at the next quiet before which something happened, be it that time moved on."""
        await self._watch(self._stirred)

    async def _watch(self, known: int) -> None:
        told = self.create_future()
        self._watchers.append((told, known))
        await told

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Time stands still in here: what is awaited comes from outside the loop."""
        self._outside += 1
        try:
            yield
        finally:
            self._outside -= 1

    def hold(self, work: "asyncio.Future[Any]") -> None:
        """Time stands still until this is done."""
        if not work.done():
            self._outside += 1
            work.add_done_callback(self._let_go)

    def cut_clients(self) -> None:
        """Break every connection that was opened from this side, as the death of a process does."""
        for transport in list(self._clients):
            transport.abort()

    def run_in_executor(  # type: ignore[override]  # as loosely typed as it is used
        self,
        executor: Any,  # noqa: ANN401
        func: Callable[..., Any],
        *args: Any,  # noqa: ANN401
    ) -> "asyncio.Future[Any]":
        """Time stands still while a thread works for us."""
        future = super().run_in_executor(executor, func, *args)
        self.hold(future)
        return future

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:  # noqa: ANN401
        """Time stands still while the kernel shakes hands; or the port is `unreachable`."""
        if trouble := self.unreachable.get(address[1]):
            self.refused.append((self._virtual, address[1]))
            raise type(trouble)(*trouble.args)
        with self.outside():
            await super().sock_connect(sock, address)

    def _make_socket_transport(
        self,
        sock: socket.socket,
        protocol: asyncio.BaseProtocol,
        waiter: "asyncio.Future[Any] | None" = None,
        *,
        extra: dict[str, Any] | None = None,
        server: Any = None,  # noqa: ANN401 - asyncio's own
    ) -> asyncio.Transport:
        """Asyncio makes every stream transport here; ours count what they carry."""
        counted = CountedSocket(sock, self._traffic)
        transport: asyncio.Transport = super()._make_socket_transport(  # type: ignore[misc]
            counted, protocol, waiter, extra=extra, server=server
        )
        if server is None:
            self._clients.add(transport)
        return transport

    # -- what the gate asks and tells ---------------------------------------------------------

    def working(self) -> bool:
        """Whether a thread or the kernel works for us."""
        return self._outside > 0

    def carrying(self, reading: Callable[[int], bool]) -> bool:
        """Whether bytes are on their way to a socket that reads."""
        return self._traffic.under_way(reading)

    def forget_traffic(self) -> None:
        """Nobody of ours will read what is under way."""
        self._traffic.forget()

    def stirred(self) -> None:
        """Something came from outside."""
        self._stirred += 1

    def tell_quiet(self) -> bool:
        """Wake who waits for quiet; whether anybody was woken."""
        due = [told for told, known in self._watchers if known != self._stirred]
        self._watchers = [one for one in self._watchers if one[1] == self._stirred]
        for told in due:
            if not told.done():
                told.set_result(None)
        return bool(due)

    def jump(self, seconds: float) -> None:
        """Move time on."""
        self._virtual += seconds
        self.jumps += 1
        self._stirred += 1

    def _let_go(self, _done: "asyncio.Future[Any]") -> None:
        self._outside -= 1
        self._stirred += 1


class _Gate(selectors.DefaultSelector):
    """Where a loop would sleep: here it looks around and, if nobody works, lets time jump."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now, or nothing and a later time."""
        found = self._look(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        if found := self._await_others():
            return found
        if self._loop.tell_quiet():
            return []
        if timeout is not None:
            self._loop.jump(timeout)
            return []
        return self._look(1.0) or self._stalled()

    def _await_others(self) -> list[tuple[selectors.SelectorKey, int]]:
        """In real time: what threads and the kernel still owe us."""
        looks = 0
        while self._loop.working() or self._loop.carrying(self._reads):
            if found := self._look(None if self._loop.working() else _LOOK):
                return found
            looks += 1
            if looks == _LOOKS:
                self._loop.forget_traffic()
        return []

    def _look(self, seconds: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(seconds)
        if found:
            self._loop.stirred()
        return found

    def _reads(self, number: int) -> bool:
        key = self.get_map().get(number)
        return key is not None and bool(key.events & selectors.EVENT_READ)

    def _stalled(self) -> list[tuple[selectors.SelectorKey, int]]:
        raise Stalled("nothing is under way and no timer is set")


class _HeededQueue(queue.SimpleQueue[Any]):
    """What aiosqlite gives its thread to do; virtual time waits for the answer."""

    def put_nowait(self, item: Any) -> None:  # noqa: ANN401 - aiosqlite's own
        """Give the thread something to do."""
        future = item[0]
        if future is not None and isinstance(loop := future.get_loop(), VirtualLoop):
            loop.hold(future)
        super().put_nowait(item)


def _heed_sqlite() -> None:
    """Its threads work on what they find in a queue: no loop hears of it before they answer."""
    vars(aiosqlite.core)["SimpleQueue"] = _HeededQueue


class LoopClock:
    """Implements `bridge.clock.Clock` on the running loop: noon is when its time was 0."""

    def now(self) -> datetime:
        """The present instant of the running loop."""
        return NOON + timedelta(seconds=asyncio.get_running_loop().time())

    async def sleep(self, duration: timedelta) -> None:
        """Return after `duration`; at once if it is not positive."""
        await asyncio.sleep(max(0.0, duration.total_seconds()))
