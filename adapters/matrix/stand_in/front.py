"""What stands between the adapter and Synapse: passes everything on, and fails when told to.

It also knows what was acknowledged: the events of an answer to a sync are, by the next sync that
names the place where that answer ended.
"""

import asyncio
import json
import re
import weakref
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from adapters.matrix.stand_in.synapse import URL as BEHIND

#: What a connection does not take over from another.
_HOPS = {"Host", "Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length"}
#: How a message is posted, sealed or not.
_POST = re.compile(r"/send/m\.room\.(message|encrypted)/")
#: Within how long a repeat is the HTTP client's own, in seconds.
_AT_ONCE = 0.2


class Front:
    """An HTTP server on loopback, at `url` while it is there."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        """`http` leads to the homeserver."""
        self._http = http
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._fault = ""
        self._lost = ("", "", 0.0)  #: what was lost: its path, how, and until when it is again
        self._served: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()
        self._polling: set[asyncio.Transport] = set()
        self._rewind = ""
        self._since, self._place = "", ""  #: where the latest answer to a sync began and ended
        self._told: dict[str, set[str]] = {}  #: events by that place
        self._from: dict[str, str] = {}  #: the place from which an event was told
        self._acknowledged: set[str] = set()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}"

    async def come(self) -> None:
        """Listen, at the same port as ever."""
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.01
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = int(self._runner.addresses[0][1])

    async def go(self) -> None:
        """Refuse every connection, and break those that are open."""
        for transport in list(self._served):
            transport.abort()
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    def fail(self, fault: str) -> None:
        """The next post ends so: the names are those of `bridge.testing.stand_in.Fault`."""
        self._fault = fault

    def acknowledged(self, event: str) -> bool:
        """Whether a sync named a place behind this event."""
        return any(event in self._told.get(place, ()) for place in self._acknowledged)

    def repeat(self, event: str) -> None:
        """Break the poll; the next one is answered from the place before this event."""
        self._rewind = self._from[event]
        for transport in list(self._polling):
            transport.abort()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            self._served.add(request.transport)
        body = await request.read()
        if request.path.endswith("/sync"):
            return await self._sync(request)
        fault = self._fault_of(request)
        if fault == "rate_limited":
            told = {"errcode": "M_LIMIT_EXCEEDED", "error": "slow down", "retry_after_ms": 1000}
            return web.json_response(told, status=429)
        if fault == "refused":
            told = {"errcode": "M_TOO_LARGE", "error": "event too large"}
            return web.json_response(told, status=413)
        if fault == "silent":
            await asyncio.Event().wait()
        if fault == "lost_request":
            return self._broken(request)
        status, answer = await self._passed_on(request, request.rel_url, body)
        if fault == "lost_answer":
            return self._broken(request)
        if request.path.endswith("/messages") and self._place:
            self._note(json.loads(answer).get("chunk", []), self._place, self._since)
        return web.Response(status=status, body=answer, content_type="application/json")

    async def _sync(self, request: web.Request) -> web.StreamResponse:
        since, url = request.query.get("since", ""), request.rel_url
        self._acknowledged.add(since)
        if self._rewind:
            since, self._rewind = self._rewind, ""
            url = url.update_query(since=since)
        transport = request.transport
        if transport is not None:
            self._polling.add(transport)
        try:
            status, answer = await self._passed_on(request, url, b"")
        finally:
            if transport is not None:
                self._polling.discard(transport)
        told = json.loads(answer)
        self._place = told.get("next_batch", "")
        self._told.setdefault(self._place, set())
        self._since = since
        for section in told.get("rooms", {}).get("join", {}).values():
            self._note(section.get("timeline", {}).get("events", []), self._place, since)
        return web.Response(status=status, body=answer, content_type="application/json")

    def _note(self, events: list[dict[str, Any]], place: str, since: str) -> None:
        for event in events:
            self._told[place].add(event["event_id"])
            self._from.setdefault(event["event_id"], since)

    def _fault_of(self, request: web.Request) -> str:
        """What becomes of it, if it is a post.

        aiohttp's client repeats a PUT once, at once and by itself, if the connection breaks (as RFC
        9112, 9.3.1 allows): so that the loss is seen, it lasts over that.
        """
        if request.method != "PUT" or not _POST.search(request.path):
            return ""
        now = asyncio.get_running_loop().time()
        path, how, until = self._lost
        self._lost = ("", "", 0.0)
        if path == request.raw_path and now < until:
            return how
        fault, self._fault = self._fault, ""
        if fault.startswith("lost"):
            self._lost = (request.raw_path, fault, now + _AT_ONCE)
        return fault

    async def _passed_on(self, request: web.Request, url: URL, body: bytes) -> tuple[int, bytes]:
        headers = {k: v for k, v in request.headers.items() if k.title() not in _HOPS}
        address = URL(BEHIND).join(url)
        asking = self._http.request(request.method, address, data=body or None, headers=headers)
        async with asking as response:
            return response.status, await response.read()

    @staticmethod
    def _broken(request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
