"""What is an adapter in a process of its own lent? A host that asks the daemon."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Any

import aiohttp
from aiohttp import web

from bridge.clock import Clock, SystemClock
from bridge.errors import DatabaseFailed
from bridge.model.delivery import Receipt
from bridge.model.ids import AdapterName, DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import Inbound
from bridge.plugin import Accepted, Glimpse, Handler
from bridge.runtime.adapters.routes import MOST_HANDLERS, check
from bridge.runtime.entering.accepting import decided
from bridge.runtime.isolation import verbs
from bridge.runtime.isolation.line import Line, LineBroken, Spoken, TooLong
from bridge.runtime.isolation.requests import request_of, response_of


class DaemonsClock(SystemClock):
    """The daemon's, carried on here: the wall clock may have been set since that read it.

    What elapses is the same for all processes of a machine.
    """

    def __init__(self, now: datetime, elapsed: float) -> None:
        """It was `now` there when so many seconds had elapsed."""
        super().__init__()
        self._zero = now.timestamp() - elapsed


class LentHost:
    """Everything durable is the daemon's; the HTTP session is this process's own."""

    def __init__(
        self, name: AdapterName, line: Line, http: aiohttp.ClientSession, clock: Clock
    ) -> None:
        self._name = name
        self._line = line
        self._http = http
        self._clock = clock
        self._handlers: dict[tuple[str, str], Handler] = {}
        self.memory = LentMemory(line)

    @property
    def name(self) -> AdapterName:
        """The configured name of this adapter instance."""
        return self._name

    @property
    def clock(self) -> Clock:
        """The only clock an adapter may read."""
        return self._clock

    @property
    def http(self) -> aiohttp.ClientSession:
        """A session of this process alone."""
        return self._http

    async def accept(self, inbound: Inbound) -> Accepted:
        """Store `inbound`; raises DatabaseFailed if it is not stored.

        A caller that is cancelled leaves only when it is decided: what is stored is also seen to.
        """
        accepted: Accepted = await decided(_asked(self._line, verbs.ACCEPT, inbound))
        return accepted

    async def doubled(self, delivery: DeliveryId, copy: Receipt, *, removed: bool = False) -> bool:
        """Keep it on record that a delivery stood twice; raises DatabaseFailed."""
        ours: bool = await _asked(self._line, verbs.DOUBLED, delivery, copy, removed)
        return ours

    async def open_threads(self, prefix: str = "") -> list[ThreadKey]:
        """The threads of open conversations whose keys begin so; raises DatabaseFailed."""
        threads: list[ThreadKey] = await _asked(self._line, verbs.OPEN_THREADS, prefix)
        return threads

    async def conversations_of(self, person: PersonId) -> list[Glimpse]:
        """Where `person` said something, the last touched first; raises DatabaseFailed."""
        glimpses: list[Glimpse] = await _asked(self._line, verbs.CONVERSATIONS_OF, person)
        return glimpses

    def serve(self, method: str, path: str, handler: Handler) -> None:
        """Answer there until the adapter leaves; raises ValueError if nothing can be there."""
        check(method, path)
        if (method, path) in self._handlers:
            raise ValueError(f"{method} {path} is served already")
        if len(self._handlers) >= MOST_HANDLERS:
            raise ValueError(f"no more than {MOST_HANDLERS} handlers can be served")
        self._handlers[method, path] = handler
        self._line.say(verbs.SERVE, method, path)

    async def respond(self, request: verbs.Request) -> verbs.Response:
        """What the adapter answers to a request at one of its paths."""
        asked = request_of(request)
        handler = self._handlers[request.method, asked.path.removeprefix(f"/{self._name}")]
        try:
            answer = await handler(asked)
        except web.HTTPException as refusal:
            answer = refusal
        return response_of(answer)

    def report(self, *, connected: bool, detail: str = "") -> None:
        """Note how the adapter's connection stands."""
        self._line.say(verbs.REPORT, bool(connected), str(detail))


class LentMemory:
    """The daemon's memory of this adapter; each verb raises DatabaseFailed."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def recall(self, key: str) -> str | None:
        """What was remembered under `key`."""
        text: str | None = await _asked(self._line, verbs.RECALL, key)
        return text

    async def recall_all(self, prefix: str) -> dict[str, str]:
        """Everything under keys that begin with `prefix`."""
        found: dict[str, str] = await _asked(self._line, verbs.RECALL_ALL, prefix)
        return found

    async def remember(self, key: str, text: str, *, secret: bool = False) -> None:
        """Keep `text` in place of what was there; sealed at rest if it is `secret`."""
        await _asked(self._line, verbs.REMEMBER, key, text, secret)

    async def forget(self, key: str) -> None:
        """Keep nothing under `key`."""
        await _asked(self._line, verbs.FORGET, key)


def _asked(line: Line, spoken: Spoken, *arguments: object) -> Awaitable[Any]:
    return _stored(line, spoken, arguments)


async def _stored(line: Line, spoken: Spoken, arguments: tuple[object, ...]) -> object:
    """The daemon's answer; without one nothing is certain to be stored."""
    try:
        return await line.ask(spoken, *arguments)
    except LineBroken:
        raise DatabaseFailed("the bridge is gone") from None
    except TooLong:
        raise DatabaseFailed("it is longer than can be handed to the bridge") from None
