"""How does one simulated WebSocket behave? Frames go out in the order they were posted."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import WSMsgType, web

#: aiohttp would send a close frame with this code; nobody may: it means the socket was cut.
ABNORMAL = 1006
#: How long a closing socket waits for the client's own close frame: real seconds, a transport's.
CLOSE_TIMEOUT = 1.0
#: Above the documented limit, so that an oversized frame can be refused by name.
RECEIVE_LIMIT = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Close:
    """Close with this code once all frames before are out; None or 1006: cut it."""

    code: int | None


class Outlet:
    """The server's end of one socket. Posting never waits, so a session stays in step."""

    def __init__(self, *, mute: bool = False) -> None:
        self._orders: asyncio.Queue[str | bytes | _Close] = asyncio.Queue()
        self._socket = web.WebSocketResponse(timeout=CLOSE_TIMEOUT, max_msg_size=RECEIVE_LIMIT)
        self._transport: asyncio.Transport | None = None
        self._mute = mute

    def post(self, frame: str | bytes) -> None:
        """Send a frame: text, or binary."""
        if not self._mute:
            self._orders.put_nowait(frame)

    def close(self, code: int | None) -> None:
        """Close with `code` after everything posted; None or 1006 cuts the connection."""
        self._orders.put_nowait(_Close(code))

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
            group.create_task(self._write())
            async for message in self._socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    hear(self, message.data)
            # Harmless if the writer is the one that closed.
            self.close(None)

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                match await self._orders.get():
                    case _Close(code=None | 1006):
                        return self.cut()
                    case _Close(code=int(code)):
                        await self._socket.close(code=code)
                        return None
                    case str(text):
                        await self._socket.send_str(text)
                    case bytes(data):
                        await self._socket.send_bytes(data)
