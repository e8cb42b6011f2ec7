"""How does one request of the Teams adapter end, whatever answers?"""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from adapters.teams.answers import exchanged
from bridge.errors import MaybeDelivered, Unreachable


class Elsewhere:
    """A server that sends people on, talks nonsense or never ends; `visited` is what it saw."""

    def __init__(self) -> None:
        self.visited: list[tuple[str, str]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.visited.append((request.path, request.headers.get("Connection", "")))
        match request.path:
            case "/on":
                return web.Response(status=307, headers={"Location": f"{self.url}/there"})
            case "/nonsense":
                return web.Response(text="<html>[not json")
            case "/endless":
                return web.json_response({"x": "y" * 100_000})
        return web.json_response({"id": "1"}, headers={"Retry-After": "999999999"})


@pytest.fixture
async def server() -> AsyncIterator[Elsewhere]:
    elsewhere = Elsewhere()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", elsewhere.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    elsewhere.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield elsewhere
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_nothing_is_carried_on_to_where_an_answer_points(
    server: Elsewhere, http: aiohttp.ClientSession
) -> None:
    answer = await exchanged(http, "POST", f"{server.url}/on", data=b"{}")

    assert (answer.status, answer.good) == (307, False)
    assert server.visited == [("/on", "close")]


async def test_a_pause_is_kept_within_reason_and_nonsense_is_nothing(
    server: Elsewhere, http: aiohttp.ClientSession
) -> None:
    answer = await exchanged(http, "POST", f"{server.url}/fine", data=b"{}")
    nonsense = await exchanged(http, "POST", f"{server.url}/nonsense", data=b"{}")

    assert answer.body == {"id": "1"}
    assert answer.after is not None
    assert answer.after.total_seconds() == 3600
    assert (nonsense.good, nonsense.body, nonsense.after) == (True, {}, None)


async def test_an_answer_without_end_is_not_read_to_it(
    server: Elsewhere, http: aiohttp.ClientSession
) -> None:
    with pytest.raises(MaybeDelivered):
        await exchanged(http, "POST", f"{server.url}/endless", data=b"{}")


async def test_a_name_that_nobody_knows_was_not_reached(http: aiohttp.ClientSession) -> None:
    with pytest.raises(Unreachable):
        await exchanged(http, "POST", "http://127.0.0.1:1/", data=b"{}")
