"""Every error of PolyAI's documentation, played by a real server on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from bridge.clock import RandomIds
from bridge.errors import BridgeError
from bridge.polyai.api import AgentConnection, Api
from bridge.polyai.handshake import HandshakeRefused, Refusal
from bridge.polyai.refusals import ConnectorRefused, SessionRefused, TryLater
from bridge.polyai.socket import Sockets
from bridge.testing.clock import FakeClock
from tests.unit.polyai.rows import DOCUMENTED, ROWS, Row

#: The bodies an error comes in (polyai-messaging §3): seeds, today's documents, the SDKs, plain.
SHAPES: dict[str, Callable[[str], dict[str, object]]] = {
    "nested": lambda text: {"error": {"code": "X", "message": text, "correlation_id": "their-1"}},
    "flat": lambda text: {"success": False, "error_message": text, "error_id": "their-1"},
    "sdk": lambda text: {"message": text, "error_id": "their-1"},
    "short": lambda text: {"error": text, "error_id": "their-1"},
}


@dataclass
class Server:
    """Answers one endpoint with one row, for ever, and all before it well."""

    url: str = ""
    row: Row = DOCUMENTED[0]
    shape: str = "nested"
    calls: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        name = request.path.rpartition("/")[2]
        self.calls.append(name)
        if name == self.row.call:
            said = SHAPES[self.shape](self.row.text)
            return web.Response(status=self.row.status, text=json.dumps(said))
        return web.json_response({"access_token": "t0k-1", "session_id": "s3ssion-1"})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    planned = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", planned.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    planned.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield planned
    await runner.cleanup()


async def error_of(server: Server) -> BridgeError:
    """What a client meets that wants a session and its socket."""
    where = AgentConnection(base_url=server.url, connector_token="connector-t0k", host="h")
    clock = FakeClock()
    async with aiohttp.ClientSession() as http:
        api = Api(where, http=http, ids=RandomIds(), clock=clock)
        with pytest.raises(BridgeError) as caught:
            await connect(where, api, Sockets(clock))
    return caught.value


async def connect(where: AgentConnection, api: Api, sockets: Sockets) -> None:
    opened = await api.open_session()
    token = opened.token.value
    await sockets.connect(where, session_id=opened.session_id, token=token, cursor=0)


@pytest.mark.parametrize("shape", SHAPES)
async def test_every_row_means_what_the_table_says(server: Server, shape: str) -> None:
    server.shape = shape
    for row in ROWS:
        server.row, server.calls = row, []
        error = await error_of(server)
        where = (row.call, row.status, row.text)
        if isinstance(row.means, Refusal):
            assert isinstance(error, HandshakeRefused), where
            assert (error.kind, error.status) == (row.means, row.status), where
        else:
            assert type(error) is row.means, where
            assert len(server.calls) == row.calls, where
        assert row.text in str(error)
        told = isinstance(error, ConnectorRefused | SessionRefused | TryLater | HandshakeRefused)
        assert told
        assert getattr(error, "correlation_id", None) == "their-1", where


def test_the_table_holds_the_page() -> None:
    """Five errors of each endpoint."""
    named = [row.call for row in DOCUMENTED]
    assert {call: named.count(call) for call in named} == {
        "access-token": 5,
        "sessions": 5,
        "ws": 5,
    }


async def test_nobody_there_is_for_later_too() -> None:
    listener = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    error = await error_of(Server(url=url))
    assert isinstance(error, TryLater)
    assert (error.status, error.after) == (0, None)
    listener.close()
    await listener.wait_closed()
