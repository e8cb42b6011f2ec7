"""What does the HTTP listener answer? `/live`, `/ready` with its causes, `/metrics`.

And below the name of each adapter, what it serves.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from aiohttp import web

from bridge import log
from bridge.errors import ConfigurationError
from bridge.runtime.metrics import Metrics
from bridge.runtime.routes import BODY_LIMIT, Routes
from bridge.runtime.status import Status

_log = log.get("listener")
#: What is no request is answered 400 and not told: aiohttp would quote what a stranger sent.
_MUTE = logging.Logger("listener", logging.CRITICAL + 1)


@asynccontextmanager
async def listening(host: str, port: int, status: Status, routes: Routes) -> AsyncIterator[int]:
    """Serve until left; yields the port, which matters if it was 0.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    application = web.Application(client_max_size=BODY_LIMIT)
    application.router.add_get("/live", _live)
    application.router.add_get("/ready", _Ready(status).answer)
    application.router.add_get("/metrics", _Figures(status.metrics).answer)
    # Two words at least, so that no adapter's name stands in the way of ours.
    application.router.add_route("*", "/{adapter}/{path:.+}", routes.answer)
    runner = web.AppRunner(application, access_log=None, logger=_MUTE)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise ConfigurationError(
                f"http.host and http.port: cannot listen on {host}:{port}: {error.strerror}",
                remedy="choose another port, or 0 for any free one",
            ) from None
        bound = int(runner.addresses[0][1])
        _log.info("listener.ready", host=host, port=bound)
        yield bound
    finally:
        await runner.cleanup()


async def _live(_request: web.Request) -> web.Response:
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
            "adapters": {name: how.state for name, how in self._status.adapters.items()},
        }
        return web.json_response(told, status=503 if troubles else 200)


class _Figures:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def answer(self, _request: web.Request) -> web.Response:
        body = self._metrics.published()
        return web.Response(body=body, content_type="text/plain", charset="utf-8")
