"""The webhook adapter behind the bridge's own listener, beside a system that is played."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiohttp

from adapters.webhook.adapter import Webhook, connect
from adapters.webhook.settings import WebhookSettings
from adapters.webhook.stand_in import WebhookStandIn, stand_in
from bridge.clock import Clock, wall_time
from bridge.model.ids import AdapterName
from bridge.plugin import Handler
from bridge.plugin.signing import signed
from bridge.runtime.adapters.routes import Routes
from bridge.runtime.listener import listening
from bridge.runtime.watching.status import Status
from bridge.testing.clock import NOON, FakeClock
from bridge.testing.host import PlayedHost

SECRET = "the-secret-of-both-sides-0123456789"
HELLO = {"kind": "said", "id": "1", "thread": "t", "person": {"id": "ann"}, "text": "hello"}


class ServedHost(PlayedHost):
    """A host whose routes stand behind the real listener."""

    def __init__(self, clock: Clock, http: aiohttp.ClientSession, routes: Routes) -> None:
        super().__init__(clock, http, name="webhook")
        self._routes = routes

    def serve(self, method: str, path: str, handler: Handler) -> None:
        """Serve it."""
        self._routes.add(AdapterName("webhook"), method, path, handler)


class Front:
    """A connected adapter, the system that it speaks to, and the address where it is reached."""

    def __init__(
        self, host: ServedHost, adapter: Webhook, system: WebhookStandIn, port: int
    ) -> None:
        self.host = host
        self.adapter = adapter
        self.system = system
        self.url = f"http://127.0.0.1:{port}/webhook/messages"

    async def post(self, body: bytes, **headers: str) -> tuple[int, Mapping[str, str], Any]:
        """Send a signed request; `headers` are others than usual, and empty ones are left out."""
        given = {
            "Content-Type": "application/json",
            **signed(SECRET, body, wall_time()),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        present = {name: value for name, value in given.items() if value}
        plain = aiohttp.hdrs.CONTENT_TYPE
        async with (
            aiohttp.ClientSession(skip_auto_headers=[plain]) as http,
            http.post(self.url, data=io.BytesIO(body), headers=present) as answer,
        ):
            is_json = answer.content_type == "application/json"
            return answer.status, answer.headers, await answer.json() if is_json else None

    async def tell(self, **parts: object) -> tuple[int, Any]:
        """Send `HELLO` with other parts."""
        status, _, answered = await self.post(json.dumps({**HELLO, **parts}).encode())
        return status, answered


@asynccontextmanager
async def fronted(clock: Clock | None = None, **settings: object) -> AsyncIterator[Front]:
    """The adapter connected, with these keys of its table other than the stand-in's."""
    clock, routes, status = clock or FakeClock(NOON), Routes(), Status()
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        stand_in(**settings) as system,
        listening("127.0.0.1", 0, status, routes) as port,
    ):
        host = ServedHost(clock, http, routes)
        table = WebhookSettings.model_validate(dict(system.settings))
        async with connect(table, host) as adapter:
            await system.reach(f"http://127.0.0.1:{port}/webhook")
            yield Front(host, adapter, system, port)


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


def plain_stand_in() -> AbstractAsyncContextManager[WebhookStandIn]:
    """A system that shows nothing but text, as the usual settings have it."""
    return stand_in(show=[])


def forgetful_stand_in() -> AbstractAsyncContextManager[WebhookStandIn]:
    """A system that promises nothing of keys."""
    return stand_in(callback_idempotent=False)
