"""A host whose routes are really served, for an adapter that Slack reaches over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from bridge.clock import Clock
from bridge.testing.host import PlayedHost


class Front:
    """The host and the address where it answers."""

    def __init__(self, host: PlayedHost, port: int) -> None:
        self.host = host
        self.url = f"http://127.0.0.1:{port}"
        self.events = f"{self.url}/slack/events"


@asynccontextmanager
async def fronted(clock: Clock) -> AsyncIterator[Front]:
    """Serve what the adapter serves, below its name."""
    async with aiohttp.ClientSession() as http:
        host = PlayedHost(clock, http)

        async def answer(request: web.Request) -> web.StreamResponse:
            return await host.routes[request.method, "/" + request.match_info["path"]](request)

        application = web.Application()
        application.router.add_route("*", "/slack/{path:.+}", answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield Front(host, runner.addresses[0][1])
        finally:
            await runner.cleanup()
