"""A board to try the adapter against: a real server on loopback, kept in memory.

People pin notes to threads and so does the bot. Whatever happens stands in a feed, the bot's own
pins too; an event is told until the bot asks for what comes after it. The API is the bot's:

    GET    /me                     as whom the token is known
    GET    /feed?after=N           the events behind place N; held open until there are any
    POST   /pins                   {thread, text, tag}: pinned, 201
    GET    /pins?thread=T&tag=G    the pins with that tag, the oldest first
    PUT    /pins/ID                {text}: what it shows from now on
    DELETE /pins/ID                taken away

401 without the token, 410 in a closed thread, 422 for what cannot be pinned, 429 for too much.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bridge.clock import Clock
from bridge.testing.stand_in import Fault

TOKEN = "the-token-of-the-bot"
LONGEST_TEXT = 1000  #: code points
_HOLD = 15.0  #: seconds
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True, kw_only=True)
class Pin:
    """A note on the board; the bot's bear a tag."""

    id: str
    thread: str
    text: str
    person: str = ""  #: nobody: the bot
    tag: str = ""
    removed: bool = False
    texts: list[str] = field(default_factory=list)  #: all that it ever showed


# YOURS: a server that does what your platform's documents say, its failures most of all.
@dataclass(slots=True)
class Board:
    """What hangs on the board, what happened there, and how it is asked by the bot."""

    clock: Clock
    pins: dict[str, Pin] = field(default_factory=dict)
    feed: list[dict[str, Any]] = field(default_factory=list)  #: the place of an event is 1 more
    acknowledged: int = 0  #: the last place behind which the bot has asked
    faults: list[Fault] = field(default_factory=list)  #: of the posts to come
    closed: set[str] = field(default_factory=set)  #: threads in which nothing is pinned any more
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _counted: int = 0

    def pin(self, thread: str, text: str, *, person: str = "", tag: str = "") -> Pin:
        """Pin it for everybody to see."""
        name = self._name()
        pin = Pin(id=name, thread=thread, text=text, person=person, tag=tag, texts=[text])
        self.pins[name] = pin
        self._happened("pinned", pin, name)
        return pin

    def change(self, pin: Pin, text: str) -> None:
        """Let it show something else."""
        pin.text = text
        pin.texts.append(text)
        self._happened("changed", pin, self._name())

    def remove(self, pin: Pin) -> None:
        """Take it away."""
        pin.removed = True
        self._happened("removed", pin, self._name())

    def repeat(self, pin: Pin) -> None:
        """Tell once more that it was pinned, as a board does that is not sure it was heard."""
        self._tell(next(event for event in self.feed if event["id"] == pin.id))

    def place_of(self, pin: Pin) -> int:
        """Where in the feed it was last told that this was pinned."""
        return max(n for n, event in enumerate(self.feed, 1) if event["id"] == pin.id)

    def application(self) -> web.Application:
        """The board's API, for the bot alone."""
        app = web.Application(middlewares=[_known])
        app.router.add_get("/me", self._me)
        app.router.add_get("/feed", self._feed)
        app.router.add_post("/pins", self._post)
        app.router.add_get("/pins", self._look)
        app.router.add_put("/pins/{id}", self._put)
        app.router.add_delete("/pins/{id}", self._delete)
        return app

    def _name(self) -> str:
        self._counted += 1
        return f"{self._counted:09}"  # as text, in the order of what happened

    def _happened(self, what: str, pin: Pin, name: str) -> None:
        event = {"id": name, "what": what, "pin": pin.id, "thread": pin.thread, "text": pin.text}
        who = {"person": pin.person, "name": pin.person.title(), "bot": not pin.person}
        self._tell(event | who | {"at": self.clock.now().isoformat()})

    def _tell(self, event: dict[str, Any]) -> None:
        self.feed.append(event)
        self._news.set()
        self._news = asyncio.Event()

    async def _me(self, request: web.Request) -> web.Response:
        del request
        return web.json_response({"name": "the bot"})

    async def _feed(self, request: web.Request) -> web.Response:
        after = int(request.query["after"])
        self.acknowledged = max(self.acknowledged, after)
        if after >= len(self.feed):
            await self._something()
        events = self.feed[after : after + 100]
        return web.json_response({"events": events, "last": str(after + len(events))})

    async def _something(self) -> None:
        """Return when there is news, or it was waited long enough, or the board goes away."""
        waits = [asyncio.ensure_future(each.wait()) for each in (self._news, self.leaving)]
        try:
            await asyncio.wait(waits, timeout=_HOLD, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _post(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        fault = self.faults.pop(0) if self.faults else None
        match fault:
            case Fault.RATE_LIMITED:
                return web.json_response({}, status=429, headers={"Retry-After": "1"})
            case Fault.REFUSED:
                return web.json_response({"error": "not pinned here"}, status=422)
            case Fault.LOST_REQUEST:
                return _broken(request)
            case Fault.SILENT:
                await asyncio.Event().wait()
        if asked["thread"] in self.closed:
            return web.json_response({"error": "the thread is closed"}, status=410)
        if not 0 < len(asked["text"]) <= LONGEST_TEXT:
            return web.json_response({"error": "too long, or nothing"}, status=422)
        pin = self.pin(asked["thread"], asked["text"], tag=asked["tag"])
        if fault is Fault.LOST_ANSWER:
            return _broken(request)
        return web.json_response({"pin": pin.id}, status=201)

    async def _look(self, request: web.Request) -> web.Response:
        thread, tag = request.query["thread"], request.query["tag"]
        there = (pin for pin in self.pins.values() if not pin.removed and pin.tag == tag)
        return web.json_response({"pins": [pin.id for pin in there if pin.thread == thread]})

    async def _put(self, request: web.Request) -> web.Response:
        self.change(self._mine(request), (await request.json())["text"])
        return web.json_response({})

    async def _delete(self, request: web.Request) -> web.Response:
        self.remove(self._mine(request))
        return web.json_response({})

    def _mine(self, request: web.Request) -> Pin:
        pin = self.pins.get(request.match_info["id"])
        if pin is None or pin.person or pin.removed:
            raise web.HTTPNotFound
        return pin


@web.middleware
async def _known(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        raise web.HTTPUnauthorized
    return await handler(request)


def _broken(request: web.Request) -> web.StreamResponse:
    """An answer that never arrives: its connection is cut."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
