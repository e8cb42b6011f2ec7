"""What is one Socket Mode connection? A WebSocket opened once, listened to, and left for good.

The SDK's own client renews its connection in place: it closes the old one before it opens the new,
and tries a used-up address again for ever. This one, on the SDK's base for other WebSocket
libraries, never reopens: whoever keeps it opens another beside it, and then lets this one go. So an
envelope is acknowledged where it came (docs.slack.dev/apis/events-api/using-socket-mode).
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from adapters.slack.front.reception import Reply
from adapters.slack.logs import LOG, sdk_log
from adapters.slack.reading.callbacks import decoded
from bridge.errors import Unreachable

#: Why one is replaced that Slack said nothing about.
LOST = "lost"

#: Stores a payload and says what Slack is answered.
Take = Callable[[dict[str, Any]], Awaitable[Reply]]

_EVENTS = "events_api"
_LONGEST_REASON = 40
#: How many envelopes of one socket are served at once; until one is done no more is read.
MOST_ENVELOPES = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How patient the connection is."""

    #: Nothing for so long, and we ping; no answer for half as long again, and it is dead. With the
    #: looks of `watch` that is told within 13 s.
    ping: timedelta = timedelta(seconds=6)
    handshake: timedelta = timedelta(seconds=15)
    farewell: timedelta = timedelta(seconds=3)
    #: How long one that Slack told to leave stays beside its successor, in case Slack still sends.
    linger: timedelta = timedelta(seconds=15)


class Socket(AsyncBaseSocketModeClient):
    """One WebSocket; what comes by it is served in a task of its own: an event here, as Bolt has
    nothing to add to it (decision 23), anything else by Bolt."""

    def __init__(self, app: AsyncApp, take: Take, http: aiohttp.ClientSession, pace: Pace) -> None:
        # The SDK's base looks at these; it has no constructor of its own.
        self.logger = sdk_log()
        self.message_listeners = []
        self.socket_mode_request_listeners = [self._serve]
        self.auto_reconnect_enabled, self.trace_enabled, self.closed = False, False, False
        self._app = app
        self._take = take
        self._http = http
        self._pace = pace
        self._wire: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._envelopes: set[asyncio.Task[None]] = set()
        self._hello: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._signs = 0
        self.events = 0  #: how many events have come by it
        self.connections = 0  #: how many Slack held for the app when it opened, this one among them
        self.reason = ""  #: why it is to be replaced, once it is
        self.over = asyncio.Event()  #: it is to be replaced: told so, or gone
        self.gone = asyncio.Event()

    @property
    def listening(self) -> bool:
        """Whether Slack can reach us by it, as far as can be seen."""
        return self._wire is not None and self._hello.done() and not self.gone.is_set()

    def signs(self) -> int:
        """How many signs of life Slack has given since this was asked last."""
        given, self._signs = self._signs, 0
        return given

    async def open(self, address: str, proxy: str | None, heard: Callable[[], None]) -> None:
        """Connect, and wait for Slack's first word; `heard` is called before anything is served.

        Raises:
            Unreachable: there is no connection, or Slack wants none. The ticket is used up.
        """
        try:
            async with asyncio.timeout(self._pace.handshake.total_seconds()):
                self._wire = await self._connected(address, proxy)
                self._reader = asyncio.create_task(self._read(self._wire, heard))
                await asyncio.shield(self._hello)
        except (TimeoutError, aiohttp.ClientError, OSError):
            await self.leave()
            # The original names the address, and with it the ticket.
            raise Unreachable(f"Slack's WebSocket cannot be opened ({self.reason})") from None
        except BaseException:
            await self.leave()
            raise

    async def _connected(self, address: str, proxy: str | None) -> aiohttp.ClientWebSocketResponse:
        return await self._http.ws_connect(
            address,
            proxy=proxy,
            autoping=False,  # Slack's pings are to be seen
            heartbeat=self._pace.ping.total_seconds(),
            timeout=aiohttp.ClientWSTimeout(ws_close=self._pace.farewell.total_seconds()),
        )

    def replace(self, reason: str) -> None:
        """Whoever keeps it is to open another."""
        self.reason = self.reason or reason
        self.over.set()

    async def leave(self) -> None:
        """Let what is being served be acknowledged, then close; no task stays behind."""
        if self._envelopes:
            await asyncio.wait(self._envelopes, timeout=self._pace.farewell.total_seconds())
        self.closed = True
        if self._wire is not None:
            with contextlib.suppress(Exception):  # what is broken already is closed as well
                await self._wire.close()
        tasks = {*self._envelopes, *([self._reader] if self._reader else [])}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._ended()

    # What the SDK's base asks of a client

    async def is_connected(self) -> bool:
        """Whether there is a connection."""
        return self.listening

    async def send_message(self, message: str) -> None:
        """Send an acknowledgement; if that is lost, Slack repeats the event, which is known."""
        if self._wire is not None:
            with contextlib.suppress(ConnectionError, RuntimeError):
                await self._wire.send_str(message)

    async def _serve(self, _client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        response = await run_async_bolt_app(self._app, request)
        await send_async_response(self, request, response, 0.0)

    async def _accept(self, envelope: str, payload: dict[str, Any]) -> None:
        """Acknowledge an event once it is stored; one that is not Slack repeats."""
        try:
            reply = await self._take(payload)
        except Exception as error:
            LOG.exception("slack.surprise", extra={"error": type(error).__name__})
            return
        if reply.status == HTTPStatus.OK:
            await self.send_message(f'{{"envelope_id": {json.dumps(envelope)}}}')

    # What comes in

    async def _read(self, wire: aiohttp.ClientWebSocketResponse, heard: Callable[[], None]) -> None:
        try:
            while not wire.closed:
                message = await wire.receive()
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._signs += 1
                    self._sort(message.data, heard)
                    await self._room()
                elif message.type is aiohttp.WSMsgType.PING:
                    self._signs += 1
                    await wire.pong(message.data)
        except ConnectionError:
            pass  # it broke while we answered a ping
        finally:
            self._ended()

    async def _room(self) -> None:
        """Return when another envelope may be served; Slack waits, or repeats it elsewhere."""
        while len(self._envelopes) >= MOST_ENVELOPES:
            await asyncio.wait(self._envelopes, return_when=asyncio.FIRST_COMPLETED)

    def _ended(self) -> None:
        self.gone.set()
        self.replace(LOST)
        if not self._hello.done():
            self._hello.set_exception(aiohttp.ClientConnectionError())
            self._hello.exception()  # seen to, even if nobody waits any more

    def _sort(self, raw: str, heard: Callable[[], None]) -> None:
        try:
            frame = decoded(raw)
        except (ValueError, RecursionError):
            frame = None
        if not isinstance(frame, dict):
            LOG.warning("slack.frame_unreadable", extra={"length": len(raw)})
            return
        match frame.get("type"):
            case "hello":
                if not self._hello.done():
                    count = frame.get("num_connections")
                    self.connections = count if isinstance(count, int) else 0
                    heard()
                    self._hello.set_result(None)
            case "disconnect":
                self._sent_off(frame.get("reason"))
            case kind:
                self.events += kind == _EVENTS
                self._start(frame, raw)

    def _sent_off(self, reason: object) -> None:
        told = reason if isinstance(reason, str) and reason.isidentifier() else "unknown"
        self.replace(told[:_LONGEST_REASON])
        if not self._hello.done():
            self._ended()

    def _start(self, frame: dict[str, Any], raw: str) -> None:
        envelope, payload = frame.get("envelope_id"), frame.get("payload")
        event = frame.get("type") == _EVENTS and isinstance(envelope, str)
        if event and isinstance(payload, dict):
            serving = self._accept(str(envelope), payload)
        else:
            serving = self.run_message_listeners(frame, raw)
        task = asyncio.create_task(serving)
        self._envelopes.add(task)
        task.add_done_callback(self._envelopes.discard)
