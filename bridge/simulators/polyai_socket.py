"""How does one simulated WebSocket behave? Frames go out in the order they were posted."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import WSMessage, WSMsgType, web

from bridge.clock import Clock
from bridge.simulators.polyai_record import SocketLife

#: In an API, the code for a close frame that has none.
NO_STATUS = 1005
#: How long a closing socket waits for the client's own close frame.
CLOSE_WAIT = timedelta(seconds=1)
#: After these nothing more comes.
_LAST = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)
#: Above the documented limit, so that an oversized frame can be refused by name.
RECEIVE_LIMIT = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Close:
    """Close with this code once all frames before are out; None or 1006: cut it."""

    code: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Wait:
    """Let nothing out for so long."""

    duration: timedelta


class Outlet:
    """The server's end of one socket. Posting never waits, so a session stays in step.

    A `mute` one sends nothing but hears; a `frozen` one is dead in both directions, though open.
    """

    def __init__(self, *, clock: Clock, life: SocketLife, mute: bool = False) -> None:
        self.life = life
        self.mute = mute
        self.frozen = False
        self._clock = clock
        self._orders: asyncio.Queue[str | bytes | _Close | _Wait] = asyncio.Queue()
        self._socket = web.WebSocketResponse(
            timeout=CLOSE_WAIT.total_seconds(),
            autoping=False,
            autoclose=False,
            max_msg_size=RECEIVE_LIMIT,
        )
        self._transport: asyncio.Transport | None = None

    def post(self, frame: str | bytes) -> None:
        """Send a frame: text, or binary."""
        if not (self.mute or self.frozen):
            self._orders.put_nowait(frame)

    def wait(self, duration: timedelta) -> None:
        """Let what is posted from now on wait so long."""
        self._orders.put_nowait(_Wait(duration))

    def close(self, code: int | None, reason: str = "") -> None:
        """Close with `code`, legal or not, after everything posted; None or 1006 cuts."""
        self._orders.put_nowait(_Close(code, reason))

    def cut(self) -> None:
        """Cut the connection now, whatever was posted."""
        if self._transport is not None:
            self._transport.abort()

    async def open(self, request: web.Request) -> web.WebSocketResponse:
        """Answer 101."""
        await self._socket.prepare(request)
        self._transport = request.transport
        return self._socket

    async def serve(self, hear: Callable[["Outlet", str | bytes], None]) -> None:
        """Pass on what was posted and what the client says, until the socket is gone."""
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(self._write())
            while (message := await self._socket.receive()).type not in _LAST:
                await self._receive(message, hear)
            writer.cancel()
        self.life.closed_at = self._clock.now()
        if message.type is WSMsgType.CLOSE:
            self.life.client_code = message.data
        if self.life.server_code is not None and self._transport is not None:
            # Both have said goodbye; aiohttp, which did not see ours, would say it again.
            self._transport.close()

    async def _receive(
        self, message: WSMessage, hear: Callable[["Outlet", str | bytes], None]
    ) -> None:
        if self.frozen:
            return
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            hear(self, message.data)
        elif message.type is WSMsgType.PING:
            with contextlib.suppress(ConnectionError):
                await self._socket.pong(message.data)

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                match await self._orders.get():
                    case _Close(code=None | 1006):
                        return self.cut()
                    case _Close(code=int(code), reason=reason):
                        return await self._goodbye(code, reason)
                    case _Wait(duration):
                        await self._clock.sleep(duration)
                    case str(text):
                        await self._socket.send_str(text)
                    case bytes(data):
                        await self._socket.send_bytes(data)

    async def _goodbye(self, code: int, reason: str) -> None:
        """A close frame of our own making, as aiohttp sends no illegal one; then patience."""
        self.life.server_code = code
        body = b"" if code == NO_STATUS else code.to_bytes(2, "big") + reason.encode()[:123]
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(bytes((0x88, len(body))) + body)
        await self._clock.sleep(CLOSE_WAIT)
        self.cut()
