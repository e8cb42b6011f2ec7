"""Who answers which request? What connected adapters serve, below their names on our listener.

A request is read whole before anybody looks at it: bounded in size by the listener, in time here.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web

from bridge import log
from bridge.model.ids import AdapterName
from bridge.plugin import Handler

_log = log.get("listener")

#: The longest body that is read at all, in bytes.
BODY_LIMIT = 1024 * 1024
#: How many requests are read and answered at once; the others are refused, and come again.
MOST_AT_WORK = 1_000
#: How many of them may be of one adapter, so that one which does not answer holds up no other.
MOST_OF_ONE = 500
#: How many handlers an adapter may have, and the longest path, in characters.
MOST_HANDLERS = 100
_LONGEST_PATH = 200
#: After how many seconds somebody is to ask again for an adapter that is away.
_AGAIN = "2"
#: How long a body may take to come.
_BODY_PATIENCE = timedelta(seconds=10)
#: How long an adapter that leaves lets requests finish that are being answered.
_LEAVING = timedelta(seconds=5)

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")


def check(method: str, path: str) -> None:
    """Raises ValueError if that is no method or path for a handler."""
    if method not in _METHODS:
        raise ValueError(f"{method!r} is not one of {', '.join(sorted(_METHODS))}")
    if len(path) > _LONGEST_PATH or not _PATH.fullmatch(path):
        raise ValueError(
            f"{path[:_LONGEST_PATH]!r} is not a path such as /events: plain words after slashes"
        )


@dataclass(slots=True)
class _Served:
    """What one adapter serves: handlers by path and method, and how many are at work."""

    handlers: dict[str, dict[str, Handler]] = field(default_factory=dict)
    at_work: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class Routes:
    """The table of handlers; empty where no adapter is connected."""

    def __init__(self, *, body_patience: timedelta = _BODY_PATIENCE) -> None:
        self._body_patience = body_patience
        self._served: dict[AdapterName, _Served] = {}
        self._expected: set[AdapterName] = set()  #: those that are configured
        self._away: set[AdapterName] = set()  #: those of them that are not connected
        self._open = 0  #: requests that are read or answered
        self._open_of: Counter[AdapterName] = Counter()  #: those of each adapter

    def add(self, adapter: AdapterName, method: str, path: str, handler: Handler) -> None:
        """Answer `method` at `/<adapter><path>` with `handler` until the adapter is withdrawn.

        Raises:
            ValueError: that is no method or path for a handler, or has one already.
        """
        check(method, path)
        handlers = self._served.setdefault(adapter, _Served()).handlers.setdefault(path, {})
        if method in handlers:
            raise ValueError(f"{method} {path} is served already")
        if sum(map(len, self._served[adapter].handlers.values())) >= MOST_HANDLERS:
            raise ValueError(f"no more than {MOST_HANDLERS} handlers can be served")
        handlers[method] = handler

    def expect(self, adapter: AdapterName) -> None:
        """It is configured: as long as it is away, whoever asks for it is told to come again."""
        self._expected.add(adapter)
        self._away.add(adapter)

    def arrived(self, adapter: AdapterName) -> None:
        """It is connected: what it does not serve by now is not there."""
        self._away.discard(adapter)

    def withdraw(self, adapter: AdapterName) -> None:
        """From now on nobody answers at the adapter's paths."""
        self._leave(adapter)

    async def close(self, adapter: AdapterName) -> None:
        """Withdraw, and return when the requests being answered are, or soon enough after."""
        served = self._leave(adapter)
        if served is None or not served.at_work:
            return
        try:
            async with asyncio.timeout(_LEAVING.total_seconds()):
                await served.idle.wait()
        except TimeoutError:
            pass  # what it has stored is safe; the platform will ask again for the rest

    def _leave(self, adapter: AdapterName) -> _Served | None:
        self._away |= self._expected & {adapter}
        return self._served.pop(adapter, None)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The answer of whoever serves this path; says no to everything else."""
        adapter = AdapterName(request.match_info["adapter"])
        path = "/" + request.match_info["path"]
        self._find(adapter, path, request.method)  # before anything is read
        if self._open >= MOST_AT_WORK or self._open_of[adapter] >= MOST_OF_ONE:
            raise web.HTTPServiceUnavailable
        self._open += 1
        self._open_of[adapter] += 1
        try:
            return await self._answered(request, adapter, path)
        finally:
            self._open -= 1
            self._open_of[adapter] -= 1

    async def _answered(
        self, request: web.Request, adapter: AdapterName, path: str
    ) -> web.StreamResponse:
        await self._read(request)
        served, handler = self._find(adapter, path, request.method)
        async with _working(served):
            try:
                return await handler(request)
            except web.HTTPException:
                raise
            # Whatever it is, the adapter's other requests must still be answered; and who asks is
            # a stranger, to whom we explain nothing.
            except Exception as error:
                _log.error(
                    "listener.handler_failed", adapter=adapter, path=path, error=log.where(error)
                )
                raise web.HTTPInternalServerError from None

    def _find(self, adapter: AdapterName, path: str, method: str) -> tuple[_Served, Handler]:
        if adapter in self._away:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": _AGAIN})
        served = self._served.get(adapter)
        handlers = served.handlers.get(path) if served else None
        if served is None or handlers is None:
            raise web.HTTPNotFound
        if method not in handlers:
            raise web.HTTPMethodNotAllowed(method, handlers)
        return served, handlers[method]

    async def _read(self, request: web.Request) -> None:
        """Have the body in memory, where the handler finds it."""
        try:
            async with asyncio.timeout(self._body_patience.total_seconds()):
                await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        except (web.RequestPayloadError, OSError):
            raise web.HTTPBadRequest from None  # it broke off: nobody is there to be told


@asynccontextmanager
async def _working(served: _Served) -> AsyncIterator[None]:
    served.at_work += 1
    served.idle.clear()
    try:
        yield
    finally:
        served.at_work -= 1
        if not served.at_work:
            served.idle.set()
