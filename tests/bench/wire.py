"""The cheapest server there is: HTTP/1.1 and WebSockets in one plain asyncio protocol.

It must take far less time than what it measures, so it knows only what the peers need: requests
with a Content-Length, unfragmented messages, no compression.
"""

import asyncio
import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from websockets.utils import apply_mask

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_MASKED, _SHORT, _LONG = 0x80, 126, 127


@dataclass(frozen=True, slots=True)
class Request:
    """One request, whole. Header names are in lower case."""

    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Ear(Protocol):
    """Who listens to one WebSocket."""

    def heard(self, text: bytes) -> None:
        """A message came."""
        ...

    def gone(self) -> None:
        """Nothing more will come."""
        ...


#: Answers a request with a JSON body, or with the ear of the WebSocket that it is to become.
Answer = Callable[[Request, "Wire"], bytes | Ear]


class Wire(asyncio.Protocol):
    """One connection: requests, until one of them makes it a WebSocket."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._ear: Ear | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        if self._ear is not None:
            self._ear.gone()

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while self._rest and (self._message() if self._ear else self._request()):
            pass

    def tell(self, text: bytes) -> None:
        """Send one message by the WebSocket."""
        self._write(_frame(_TEXT, text))

    def cut(self) -> None:
        """End it without a word."""
        if self._transport is not None:
            self._transport.abort()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _request(self) -> bool:
        """Take one whole request from what came; whether there was one."""
        head, found, rest = self._rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        named = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in named}
        length = int(headers.get("content-length", 0))
        if not found or len(rest) < length:
            return False
        path, _, query = first.split(" ")[1].partition("?")
        self._rest = rest[length:]
        answer = self._answer(Request(path, query, headers, rest[:length]), self)
        if isinstance(answer, bytes):
            self._write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(answer), answer)
            )
        else:
            self._ear = answer
        return True

    def upgrade(self, request: Request) -> None:
        """Say that from now on it is a WebSocket."""
        key = request.headers["sec-websocket-key"].encode()
        accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
        self._write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n" % accept
        )

    def _message(self) -> bool:
        """Take one whole frame from what came; whether there was one."""
        rest = self._rest
        if len(rest) < 2:
            return False
        start, length = 2, rest[1] & ~_MASKED
        if length == _SHORT:
            start, length = 4, int.from_bytes(rest[2:4])
        elif length == _LONG:
            start, length = 10, int.from_bytes(rest[2:10])
        end = start + 4 + length
        if len(rest) < end:
            return False
        self._rest = rest[end:]
        self._take(rest[0] & 0x0F, apply_mask(rest[start + 4 : end], rest[start : start + 4]))
        return True

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == _TEXT and self._ear is not None:
            self._ear.heard(payload)
        elif kind == _PING:
            self._write(_frame(_PONG, payload))
        elif kind == _CLOSE and self._transport is not None:
            self._write(_frame(_CLOSE, payload))
            self._transport.close()


def _frame(kind: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < _SHORT:
        return bytes((0x80 | kind, length)) + payload
    if length < 1 << 16:
        return bytes((0x80 | kind, _SHORT)) + length.to_bytes(2) + payload
    return bytes((0x80 | kind, _LONG)) + length.to_bytes(8) + payload
