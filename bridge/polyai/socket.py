"""How do we hold one WebSocket with PolyAI?

It connects, sends, receives and says how it ended. Whether to connect again, and when, is the
caller's to decide; the one thing tried again here is the form of the cursor, since PolyAI's
documents disagree about it.

The address holds the access token. So nothing here lets it out: no error quotes it or has a cause
that does, and the library, which logs addresses at DEBUG, has a logger that cannot sink so low.
"""

import enum
import logging
import ssl
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import quote, urlencode

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import (
    ConnectionClosed,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)

from bridge.clock import Clock
from bridge.errors import BridgeError, Unreachable
from bridge.polyai.answers import without
from bridge.polyai.api import USER_AGENT, AgentConnection
from bridge.polyai.handshake import HandshakeRefused, Refusal, refused, unopened
from bridge.polyai.wire import Decoded, decode

_OPEN_TIMEOUT: Final = 10.0  # seconds, for TCP, TLS and the handshake together
_CLOSE_TIMEOUT: Final = 5.0  # seconds to wait for the other side's farewell
_MAX_SIZE: Final = 16 * 2**20  # bytes; a batch of history is far larger than what we may send
_MAX_QUEUE: Final = 16  # messages read ahead of the consumer; beyond, TCP holds the server back
# What is likely PolyAI's front end (AWS API Gateway) takes 32 KB in one WebSocket frame: longer
# messages go in pieces of so many characters, of at most 4 bytes each.
_PIECE: Final = 8000

_logger = logging.getLogger("polyai_bridge.websocket")
_logger.setLevel(logging.WARNING)
_logger.addFilter(lambda record: record.levelno >= logging.WARNING)


class Closing(enum.StrEnum):
    """What the end of a socket means for its session."""

    ENDED = "ended"  #: PolyAI closed it normally: the session is most likely over
    GONE = "gone"  #: PolyAI does not know the session, or will not have it: one more try tells
    TOO_BIG = "too_big"  #: a frame was too long for PolyAI; the session lives on
    DROPPED = "dropped"  #: nothing: the session lives on


_MEANINGS: Final = {
    1000: Closing.ENDED,
    1008: Closing.GONE,
    1009: Closing.TOO_BIG,
    4001: Closing.GONE,
}


class SocketClosed(BridgeError):
    """The socket is no more.

    `code` is what PolyAI closed it with, None where it did not. `clean`: both sides took leave.
    `ours`: we began it, so it says nothing about the session.
    """

    def __init__(
        self, code: int | None, *, clean: bool, ours: bool = False, reason: str = ""
    ) -> None:
        said = f"with code {code}" if code is not None else "without a close frame"
        super().__init__(f"the socket closed {said}{f': {reason}' if reason else ''}")
        self.code = code
        self.clean = clean
        self.ours = ours
        self.reason = reason

    @property
    def means(self) -> Closing:
        """What it means: a drop for most codes. 408 is no legal code and never seen as one."""
        if self.ours:
            return Closing.DROPPED
        return _MEANINGS.get(self.code or 0, Closing.DROPPED)


class Socket:
    """One open WebSocket. Made by `Sockets.connect`."""

    __slots__ = ("_inner", "_secrets")

    def __init__(self, inner: ClientConnection, secrets: tuple[str, ...]) -> None:
        self._inner = inner
        self._secrets = secrets
        _forget_handshake(inner)

    async def send(self, text: str) -> None:
        """Send one frame. It may be lost all the same: only its echo proves that it arrived.

        Raises:
            SocketClosed: it did not certainly go out.
        """
        try:
            await self._inner.send(_pieces(text))
        except ConnectionClosed as exc:
            raise self._closed(exc) from None

    async def frames(self) -> AsyncIterator[Decoded]:
        """Everything that comes, until the end. For one consumer at a time.

        Raises:
            SocketClosed: always, at the end.
        """
        while True:
            try:
                message = await self._inner.recv(decode=False)
            except ConnectionClosed as exc:
                raise self._closed(exc) from None
            yield decode(message)

    async def ping(self) -> None:
        """Return once the other side has answered a protocol ping, however long that takes.

        Raises:
            SocketClosed: it never will.
        """
        try:
            pong = await self._inner.ping()
            await pong
        except ConnectionClosed as exc:
            raise self._closed(exc) from None

    async def close(self, code: int = 1000) -> None:
        """Take leave and let go, within 5 s. `code` is 1000, 1001 or 3000 to 4999. Never raises."""
        await self._inner.close(code)

    def _closed(self, exc: ConnectionClosed) -> SocketClosed:
        theirs = exc.rcvd
        return SocketClosed(
            theirs.code if theirs else None,
            clean=theirs is not None and exc.sent is not None,
            ours=exc.rcvd_then_sent is False or (theirs is None and exc.sent is not None),
            reason=without(theirs.reason, _forms(*self._secrets)) if theirs else "",
        )


class CursorStyle(enum.StrEnum):
    """How the cursor is written: plainly since 20 May 2026, as `seq:n` a day before."""

    PLAIN = "plain"
    SEQ = "seq"
    NONE = "none"  #: not at all: the whole history is replayed


class Sockets:
    """Opens sockets; remembers which form of the cursor each server takes. One for the process."""

    def __init__(self, clock: Clock, tls: ssl.SSLContext | None = None) -> None:
        self._clock = clock
        self._tls = tls  # None: the machine's own trust, built on first need
        self._worked: dict[str, CursorStyle] = {}

    async def connect(
        self, connection: AgentConnection, *, session_id: str, token: str, cursor: int
    ) -> Socket:
        """Open a socket of a session; frames after `cursor` are replayed, all of them from 0.

        Raises:
            HandshakeRefused: PolyAI answered otherwise; `kind` says what that means.
            Unreachable: no answer: network, TLS, or 10 s passed.
        """
        query = {"session_id": session_id, "access_token": token}
        *first, last = self._ladder(connection.base_url, cursor)
        for style in first:
            try:
                socket = await self._open(connection, query | _cursor(cursor, style))
            except HandshakeRefused as error:
                if error.kind is not Refusal.BAD_CURSOR:
                    raise
            else:
                self._worked[connection.base_url] = style
                return socket
        # Not remembered: it works everywhere, and costs a whole replay.
        return await self._open(connection, query | _cursor(cursor, last))

    def _ladder(self, base_url: str, cursor: int) -> tuple[CursorStyle, ...]:
        """The forms to try, in order."""
        if cursor <= 0:
            return (CursorStyle.NONE,)
        first = self._worked.get(base_url, CursorStyle.PLAIN)
        second = CursorStyle.SEQ if first is CursorStyle.PLAIN else CursorStyle.PLAIN
        return (first, second, CursorStyle.NONE)

    async def _open(self, connection: AgentConnection, query: dict[str, str]) -> Socket:
        """One handshake, the only door to the network."""
        secrets = (query["access_token"], query["session_id"])
        failure: BridgeError
        try:
            address = f"{connection.socket_url}?{urlencode(query, quote_via=quote)}"
            return Socket(await _Handshake(address, self._tls_for(connection)), secrets)
        except InvalidStatus as exc:
            failure = refused(exc.response, _forms(*secrets), self._clock.now())
        except InvalidURI:
            failure = Unreachable("PolyAI's address is no WebSocket address")
        except (OSError, WebSocketException) as exc:
            problem = unopened(exc, connection.socket_url, _OPEN_TIMEOUT)
            failure = Unreachable(f"PolyAI's socket cannot be reached: {problem}")
        # Raised out here, without its cause: the library's errors may hold the address.
        raise failure

    def _tls_for(self, connection: AgentConnection) -> ssl.SSLContext | None:
        """One context for all: each costs milliseconds and megabytes to build."""
        if not connection.socket_url.startswith("wss:"):
            return None
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


class _Handshake(open_websocket):
    """One attempt, that follows no redirect: it would carry the token to wherever it points."""

    def __init__(self, address: str, tls: ssl.SSLContext | None) -> None:
        super().__init__(
            address,
            ssl=tls,
            proxy=None,
            compression=None,  # its buffers would cost more memory than all else of a socket
            ping_interval=None,  # heartbeats are the runtime's; `ping` is there where they are off
            open_timeout=_OPEN_TIMEOUT,
            close_timeout=_CLOSE_TIMEOUT,
            max_size=_MAX_SIZE,
            max_queue=_MAX_QUEUE,
            user_agent_header=USER_AGENT,
            logger=_logger,
        )

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Take every answer as final."""
        return exc


def _cursor(cursor: int, style: CursorStyle) -> dict[str, str]:
    match style:
        case CursorStyle.PLAIN:
            return {"cursor": str(cursor)}
        case CursorStyle.SEQ:
            return {"cursor": f"seq:{cursor}"}
        case CursorStyle.NONE:
            return {}


def _forget_handshake(inner: ClientConnection) -> None:
    """What was said to open it is of no more use, holds the token, and takes kilobytes."""
    inner.request = None
    if inner.response is not None:  # that there was one is how the library knows it is open
        inner.response.headers.clear()


def _forms(*values: str) -> tuple[str, ...]:
    """Each as it is and as it stands in an address."""
    return tuple(form for value in values for form in (value, quote(value), quote(value, safe="")))


def _pieces(text: str) -> str | list[str]:
    if len(text) <= _PIECE:
        return text
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
