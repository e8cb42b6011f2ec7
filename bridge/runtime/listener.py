"""What does the HTTP listener answer? `/live`, `/ready` with its causes, `/metrics`.

And below the name of each adapter, what it serves. Where it listens on this machine alone, `/ready`
and `/metrics` are for this machine alone: not for who comes through a proxy, nor for a page in a
browser here that has its own name lead to us.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge import log
from bridge.errors import ConfigurationError
from bridge.plugin.settings import is_loopback
from bridge.runtime.adapters.routes import BODY_LIMIT, Routes
from bridge.runtime.reporting.metrics import Metrics
from bridge.runtime.visitors import MOST_CONNECTIONS, Leave, Visitors, attended, named
from bridge.runtime.watching.status import Status
from bridge.runtime.watching.trouble import Dependency

_log = log.get("listener")

#: What a proxy adds, by how it begins: then whoever asks is somewhere else.
_PASSED_ON = ("forwarded", "x-forwarded", "x-real-ip", "via", "cf-")
#: How many connections the kernel keeps for us until we take them.
_BACKLOG = 1_024


@asynccontextmanager
async def listening(
    host: str,
    port: int,
    status: Status,
    routes: Routes,
    *,
    leave: Leave = Leave(),  # noqa: B008 - frozen
    most: int = MOST_CONNECTIONS,
) -> AsyncIterator[int]:
    """Serve until left; yields the port, which matters if it was 0.

    `leave` and `most` are how long connections may wait and how many there may be.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    runner = web.AppRunner(_application(host, status, routes))
    await runner.setup()
    try:
        server = await _listen(host, port, runner, Visitors(leave, most))
        try:
            bound = int(server.sockets[0].getsockname()[1])
            _log.info("listener.ready", host=host, port=bound)
            if not is_loopback(host):
                _log.warning("listener.open_to_others", host=host)
            yield bound
        finally:
            server.close()
    finally:
        await runner.cleanup()


async def _listen(
    host: str, port: int, runner: web.AppRunner, visitors: Visitors
) -> asyncio.Server:
    assert runner.server is not None, "it is set up"  # noqa: S101 - for the type checker
    receiving = visitors.receiving(runner.server)
    try:
        loop = asyncio.get_running_loop()
        return await loop.create_server(receiving, host, port, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"http.host and http.port: cannot listen on {host}:{port}: {error.strerror}",
            remedy="choose another port, or 0 for any free one",
        ) from None


def _application(host: str, status: Status, routes: Routes) -> web.Application:
    guards = [attended, _only_here] if is_loopback(host) else [attended]
    application = web.Application(client_max_size=BODY_LIMIT, middlewares=guards)
    application.on_response_prepare.append(named)
    application.router.add_get("/live", _Live(status).answer)
    application.router.add_get("/ready", _Ready(status).answer)
    application.router.add_get("/metrics", _Figures(status.metrics).answer)
    # Two words at least, so that no adapter's name stands in the way of ours.
    application.router.add_route("*", "/{adapter}/{path:.+}", routes.answer)
    return application


@web.middleware
async def _only_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What is told of the bridge itself is told on this machine, if we listen on no other."""
    if request.path in {"/ready", "/metrics"} and not _asked_here(request):
        raise web.HTTPForbidden(text="Ask on the machine itself: this is not served to others.\n")
    return await handler(request)


def _asked_here(request: web.Request) -> bool:
    """Whether whoever asks is on this machine and calls it by its own name, as far as is seen."""
    if any(name.lower().startswith(_PASSED_ON) for name in request.headers):
        return False
    try:
        return is_loopback(urlsplit(f"//{request.host}").hostname or "")
    except ValueError:
        return False


class _Live:
    """Whether the process gets on: what a restart would not mend is no reason to say no."""

    def __init__(self, status: Status) -> None:
        self._status = status

    async def answer(self, _request: web.Request) -> web.Response:
        if any(one.dependency is Dependency.PROGRESS for one in self._status.troubles):
            return web.Response(text="something stands still: ask /ready\n", status=503)
        return web.Response(text="live\n")


class _Ready:
    def __init__(self, status: Status) -> None:
        self._status = status

    async def answer(self, _request: web.Request) -> web.Response:
        troubles = self._status.troubles
        told = {
            "ready": not troubles,
            "causes": [str(trouble) for trouble in troubles],
            "troubles": [asdict(trouble) for trouble in troubles],
            "figures": self._status.figures(),
            "adapters": {name: how.state for name, how in self._status.adapters.items()},
        }
        return web.json_response(told, status=503 if troubles else 200)


class _Figures:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def answer(self, _request: web.Request) -> web.Response:
        body = self._metrics.published()
        return web.Response(body=body, content_type="text/plain", charset="utf-8")
