"""What does an adapter's process do? Import its plug-in, hold its adapter, answer the daemon."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from typing import Any, Final

import aiohttp

from bridge import log
from bridge.clock import SystemClock
from bridge.config import plugin_settings, secrets_in
from bridge.plugin import Capabilities, registry
from bridge.runtime.adapters.calling import VERBS, methods_of
from bridge.runtime.isolation import logs, verbs
from bridge.runtime.isolation.host import DaemonsClock, LentHost
from bridge.runtime.isolation.line import Answer, Hearing, Line, LineBroken, Spoken, connected
from bridge.runtime.reporting.loudness import tend

#: How long after a SIGTERM the adapter leaves of its own, in seconds. A service manager may tell
#: the daemon at the same time, which still posts what is under way, and then lets it leave.
_DRAINING: Final = 6.0


async def serve(sock: socket.socket) -> None:
    """Until the daemon lets go of the adapter, or is gone."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        serving = Serving(http)
        await serving.connect(sock)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, loop.call_later, _DRAINING, serving.leave)
        tending = asyncio.create_task(tend(SystemClock()), name="loudness")
        try:
            with suppress(LineBroken):
                await serving.line.listen()
        finally:
            tending.cancel()


class Serving:
    """One plug-in and its adapter, as the daemon asks for them."""

    line: Line  #: to the daemon

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._leaving = asyncio.Event()
        self._staying: asyncio.Task[None] | None = None
        self._connect_to: Callable[[LentHost], AbstractAsyncContextManager[Any]] | None = None
        self._capabilities = Capabilities()
        self._host: LentHost | None = None
        self._adapter: object = None

    async def connect(self, sock: socket.socket) -> None:
        """Have the line to the daemon over this socket; whatever it asks is seen to at once."""
        self.line = await connected(sock, answers=self.answers, hears=self.hears, most=None)

    @property
    def answers(self) -> dict[str, Answer]:
        """What the daemon can ask."""
        own: list[tuple[Spoken, Callable[..., Awaitable[Any]]]] = [
            (verbs.PREPARE, self._prepare),
            (verbs.CONNECT, self._connect),
            (verbs.STAY, self._stay),
            (verbs.REQUEST, self._request),
            *((verbs.spoken(verb), partial(self._ask, verb.ask)) for verb in VERBS),
        ]
        return {spoken.name: (spoken, answer) for spoken, answer in own}

    @property
    def hears(self) -> dict[str, Hearing]:
        """What the daemon can say."""
        return {
            verbs.PING.name: (verbs.PING, lambda: self.line.say(verbs.PONG)),
            verbs.LEAVE.name: (verbs.LEAVE, self.leave),
            verbs.LOUDNESS.name: (verbs.LOUDNESS, log.loudness.follow),
        }

    def leave(self) -> None:
        """Let the adapter leave its platform."""
        self._leaving.set()

    async def _prepare(self, adapter: verbs.Adapter) -> None:
        """Raises ConfigurationError if the plug-in cannot be used, or not with these settings."""
        logs.forward(self.line, adapter.log_levels)
        plugin = registry.find(adapter.type_name, where=adapter.where)
        settings = plugin_settings(adapter.settings.given(), plugin.settings)
        log.know(secrets_in(settings))
        self._capabilities = plugin.tuned(settings, plugin.capabilities)
        self._connect_to = partial(plugin.connect, settings)
        clock = DaemonsClock(adapter.now, adapter.elapsed)
        self._host = LentHost(adapter.name, self.line, self._http, clock)

    async def _connect(self) -> verbs.Connected:
        """Enter the adapter's context, in the task that will leave it; raises what it raises."""
        entered: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._staying = asyncio.ensure_future(self._hold(entered))
        await asyncio.wait((entered, self._staying), return_when=asyncio.FIRST_COMPLETED)
        if not entered.done():
            await self._staying
        self._adapter = await entered
        return verbs.Connected(methods_of(self._adapter), self._capabilities)

    async def _hold(self, entered: "asyncio.Future[object]") -> None:
        if self._connect_to is None or self._host is None:
            raise TypeError("connected before it was prepared")
        async with self._connect_to(self._host) as adapter:
            entered.set_result(adapter)
            await self._leaving.wait()

    async def _stay(self) -> None:
        """Until the adapter has left; raises what made it leave."""
        if self._staying is not None:
            await asyncio.shield(self._staying)

    async def _ask(self, ask: Callable[..., Awaitable[Any]], *arguments: object) -> object:
        return await ask(self._adapter, *arguments)

    async def _request(self, request: verbs.Request) -> verbs.Response:
        if self._host is None:
            raise TypeError("asked before it was prepared")
        return await self._host.respond(request)
