"""Who may stay connected to the listener, and for how long? Strangers may be slow, and many.

A connection on which no request is being answered waits: for its first request, for the next, for
an answer to be read. It waits for so long and is dropped; and where there are too many, the one
that has waited longest makes room, so that whoever comes with a request is heard.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

#: How many connections there are at most: more than there may be requests at work.
MOST_CONNECTIONS: Final = 2_000
#: How long one is kept that says nothing more; longer than proxies keep theirs, so that it is they
#: who close one, and not we just as they use it once more.
_KEPT: Final = timedelta(seconds=75)
#: How long the rest of a body is read and thrown away once its sender was answered: who is hung up
#: on while sending may not see the answer.
_LINGERING: Final = timedelta(seconds=2)
#: What is no request is answered and not told: aiohttp would quote what a stranger sent.
_MUTE: Final = logging.Logger("listener", logging.CRITICAL + 1)
#: Who answers; which version of what is nobody's business.
SERVER: Final = {"Server": "polyai-bridge"}


@dataclass(frozen=True, slots=True)
class Leave:
    """How long a connection may wait."""

    #: From its beginning until the head of the first request is there.
    first: timedelta = timedelta(seconds=20)
    #: From an answer until it is read and the next request's head is there.
    next: timedelta = timedelta(seconds=90)


class Visitors:
    """The connections that are open."""

    def __init__(self, leave: Leave, most: int = MOST_CONNECTIONS) -> None:
        self._leave = leave
        self._most = most
        self._open: set[_Visitor] = set()
        self._waiting: dict[_Visitor, None] = {}  #: the longest first

    def receiving(self, server: web.Server) -> Callable[[], asyncio.Protocol]:
        """What makes the connections of `server`, as a loop's `create_server` takes it."""
        loop = asyncio.get_running_loop()
        return lambda: _Visitor(self, server, loop)

    def come(self, visitor: "_Visitor") -> None:
        """One more; if that is one too many, who has waited longest leaves, else the newest."""
        self._open.add(visitor)
        if len(self._open) > self._most:
            next(iter(self._waiting), visitor).drop()
        self.wait(visitor, self._leave.first)

    def go(self, visitor: "_Visitor") -> None:
        """It is closed."""
        self._open.discard(visitor)
        self.attend(visitor)

    def attend(self, visitor: "_Visitor") -> None:
        """A request of it is there, and being answered."""
        self._waiting.pop(visitor, None)
        visitor.dropped_in(None)

    def rest(self, visitor: "_Visitor") -> None:
        """An answer is on its way to it."""
        self.wait(visitor, self._leave.next)

    def wait(self, visitor: "_Visitor", leave: timedelta) -> None:
        """Let it wait for so long, if it is still there."""
        if visitor in self._open:
            self._waiting[visitor] = None
            visitor.dropped_in(leave)


class _Visitor(web.RequestHandler):
    """One connection."""

    __slots__ = ("_timer", "visitors")

    def __init__(
        self, visitors: Visitors, server: web.Server, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=_MUTE,
            logger=_MUTE,
            keepalive_timeout=_KEPT.total_seconds(),
            lingering_time=_LINGERING.total_seconds(),
        )
        self.visitors = visitors
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It begins."""
        super().connection_made(transport)
        self.visitors.come(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It ends."""
        self.visitors.go(self)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no request is told so, and quoted neither to whoever sent it nor in the log."""
        if request.writer.output_size > 0:
            raise ConnectionError("a part of another answer was sent already")
        answer = web.Response(status=status, text=f"{status}\n", headers=SERVER)
        answer.force_close()
        return answer

    def dropped_in(self, leave: timedelta | None) -> None:
        """It will be dropped after so long, or not at all."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if leave is not None:
            self._timer = self._loop.call_later(leave.total_seconds(), self.drop)

    def drop(self) -> None:
        """Close it at once, whatever it has not read yet."""
        if self.transport is not None:
            self.transport.abort()
        self.visitors.go(self)


async def named(_request: web.Request, answer: web.StreamResponse) -> None:
    """A signal of an application: each answer bears our name alone."""
    answer.headers.update(SERVER)


@web.middleware
async def attended(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A connection whose request is being answered waits for nothing."""
    visitor = request.protocol
    if not isinstance(visitor, _Visitor):
        return await handler(request)
    visitor.visitors.attend(visitor)
    try:
        return await handler(request)
    finally:
        visitor.visitors.rest(visitor)
