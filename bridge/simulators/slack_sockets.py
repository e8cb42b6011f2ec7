"""Where are the app's sockets? Socket Mode's connections: tickets, frames in and out, endings.

What the frames carry, and what is sent again, is `slack_envelopes`' business. Source:
docs.slack.dev, apis/events-api/using-socket-mode.
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
from aiohttp import web

from bridge.clock import Clock, Ids
from bridge.simulators.slack_requests import RequestUrl
from bridge.simulators.slack_tasks import OwnedTasks

Json = dict[str, Any]

MOST_SOCKETS = 10
PING_INTERVAL = timedelta(seconds=30)
#: How long a socket that was told to leave stays open; Slack promises no number.
GRACE = timedelta(seconds=10)
#: What Slack usually announces as a socket's life.
LIFE = timedelta(seconds=18_060)
#: The life of a socket whose address says `debug_reconnects=true`.
SHORT_LIFE = timedelta(seconds=360)


@dataclass(slots=True, eq=False)
class Socket:
    """One open WebSocket. `gone` is set when it ends, however it does."""

    number: int
    connection: web.WebSocketResponse
    transport: asyncio.Transport
    outgoing: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: bool = False  #: told to leave: gets no more envelopes
    deaf: bool = False  #: what is sent on it is lost, while its pings go on
    silent: bool = False  #: nothing comes from it any more, no ping and no pong

    def send(self, frame: Json) -> None:
        """Queue a frame; frames leave in the order queued."""
        self.outgoing.put_nowait(json.dumps(frame))

    def cut(self) -> None:
        """End it as a broken network does: no closing handshake."""
        self.transport.abort()


class Stranger:
    """The socket of another process with the same token: it takes its share, and acks it."""

    deaf = silent = leaving = False

    def __init__(self, heard: Callable[[Json], None]) -> None:
        self._heard = heard
        self.gone = asyncio.Event()

    def send(self, frame: Json) -> None:
        """Take a frame: what is in it never comes to us."""
        self._heard({"envelope_id": frame["envelope_id"]})


#: Who takes an envelope.
Taker = Socket | Stranger | RequestUrl


class Sockets:
    """All of the app's sockets; `heard` is called with each frame that the app sends."""

    def __init__(self, *, app_id: str, clock: Clock, ids: Ids, tasks: OwnedTasks) -> None:
        self._app_id = app_id
        self._clock = clock
        self._ids = ids
        self._tasks = tasks
        self._tickets: set[str] = set()
        self._numbers = itertools.count(1)
        self._turn = 0
        self._refusals: list[int] = []
        self.open: list[Socket] = []
        self.strangers: list[Stranger] = []
        self.request_url: RequestUrl | None = None  #: no Socket Mode: requests go there
        self.switched_off = False  #: no Socket Mode: no address is given
        self.connections = 0  #: how many there have ever been
        self.unread_frames = 0  #: how many frames of the app made no sense
        self.opened = asyncio.Event()
        self.heard: Callable[[Json], None] = lambda _: None

    def new_ticket(self) -> str:
        """A ticket that opens one socket, once."""
        ticket = self._ids.new()
        self._tickets.add(ticket)
        return ticket

    def next_socket(self) -> Taker | None:
        """Who takes the next envelope: the request URL, or the socket whose turn it is."""
        if self.request_url is not None:
            return self.request_url
        everyone: list[Socket | Stranger] = [*self.open, *self.strangers]
        ready = [socket for socket in everyone if not socket.leaving]
        if not ready:
            return None
        self._turn += 1
        return ready[self._turn % len(ready)]

    def refuse_handshakes(self, n: int, status: int) -> None:
        """Answer the next `n` handshakes with this HTTP status; their tickets stay unused."""
        self._refusals += [status] * n

    def disconnect(self, reason: str) -> None:
        """Tell every socket to leave. A mere `warning` leaves it as it is, as in Slack."""
        for socket in self.open:
            self._send_off(socket, reason)

    def add_strangers(self, n: int) -> None:
        """Let another process hold `n` sockets more."""
        self.strangers += [Stranger(self._taken) for _ in range(n)]

    def remove_strangers(self) -> None:
        """Let the other process leave."""
        for stranger in self.strangers:
            stranger.gone.set()
        self.strangers.clear()

    def _taken(self, frame: Json) -> None:
        self.heard(frame)

    def _send_off(self, socket: Socket, reason: str) -> None:
        socket.send(_farewell(reason))
        if reason != "warning" and not socket.leaving:
            socket.leaving = True
            self._tasks.start(self._close_later(socket))

    def cut_all(self) -> None:
        """Break every socket abruptly."""
        for socket in tuple(self.open):
            socket.cut()

    def send_garbage(self, text: str) -> None:
        """Send `text`, whatever it is, as a frame on every socket."""
        for socket in self.open:
            socket.outgoing.put_nowait(text)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One handshake and, if it is granted, the whole life of the socket."""
        if self._refusals:
            return web.Response(status=self._refusals.pop(0))
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403)
        self._tickets.discard(ticket)
        connection = web.WebSocketResponse(autoping=False)
        await connection.prepare(request)
        life = SHORT_LIFE if request.query.get("debug_reconnects") == "true" else LIFE
        if len(self.open) + len(self.strangers) >= MOST_SOCKETS:
            await connection.send_str(json.dumps(_farewell("too_many_websockets")))
            await connection.close()
        elif request.transport is not None:
            await self._live(Socket(next(self._numbers), connection, request.transport), life)
        return connection

    async def _live(self, socket: Socket, life: timedelta) -> None:
        self.open.append(socket)
        self.connections += 1
        socket.send(self._hello(life))
        self.opened.set()
        works = (self._write(socket), self._ping(socket), self._age(socket, life))
        chores = [self._tasks.start(work) for work in works]
        try:
            async for message in socket.connection:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._hear(message.data)
                elif message.type is aiohttp.WSMsgType.PING and not socket.silent:
                    await _pong(socket, message.data)
        finally:
            self.open.remove(socket)
            socket.gone.set()
            if not self.open:
                self.opened.clear()
            for chore in chores:
                chore.cancel()

    def _hello(self, life: timedelta) -> Json:
        debug = {
            "host": "applink-simulated",
            "build_number": 1,
            "started": self._clock.now().isoformat(),
            "approximate_connection_time": int(life.total_seconds()),
        }
        count = {"num_connections": len(self.open) + len(self.strangers)}
        return {
            "type": "hello",
            **count,
            "connection_info": {"app_id": self._app_id},
            "debug_info": debug,
        }

    def _hear(self, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            frame = None
        if isinstance(frame, dict) and isinstance(frame.get("envelope_id"), str):
            self.heard(frame)
        else:
            self.unread_frames += 1

    async def _write(self, socket: Socket) -> None:
        while True:
            frame = await socket.outgoing.get()
            try:
                await socket.connection.send_str(frame)
            except ConnectionError:
                return  # the reading side notices the end and clears up

    async def _ping(self, socket: Socket) -> None:
        while True:
            await self._clock.sleep(PING_INTERVAL)
            try:
                if not socket.silent:
                    await socket.connection.ping()
            except ConnectionError:
                return

    async def _age(self, socket: Socket, life: timedelta) -> None:
        """Announce the end of its life twice, as Slack does: a moment before, and when it is due.

        It is told on the socket itself and closed a moment later.
        """
        await self._clock.sleep(life - GRACE)
        self._send_off(socket, "warning")
        await self._clock.sleep(GRACE)
        self._send_off(socket, "refresh_requested")

    async def _close_later(self, socket: Socket) -> None:
        await self._tasks.wait(self._clock.now() + GRACE, for_any=(socket.gone,))
        await socket.connection.close()


async def _pong(socket: Socket, data: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        await socket.connection.pong(data)


def _farewell(reason: str) -> Json:
    host = {"host": "applink-simulated"}
    return {"type": "disconnect", "reason": reason, "debug_info": host}
