"""How does one request of the Teams adapter end, whatever answers?"""

import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from adapters.teams.answers import LIMITS, exchanged
from bridge.errors import MaybeDelivered, Unreachable


class Elsewhere:
    """A server that sends people on, talks nonsense or never ends; `visited` is what it saw."""

    def __init__(self) -> None:
        self.visited: list[tuple[str, str]] = []
        self.url = ""
        self.pause = "999999999"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.visited.append((request.path, request.headers.get("Connection", "")))
        match request.path:
            case "/on":
                return web.Response(status=307, headers={"Location": f"{self.url}/there"})
            case "/nonsense":
                return web.Response(text="<html>[not json")
            case "/endless":
                return web.json_response({"x": "y" * 100_000})
            case "/broken":
                return await _breaking(request, 429)
            case "/nothing":
                assert request.transport is not None
                request.transport.abort()
        return web.json_response({"id": "1"}, headers={"Retry-After": self.pause})


async def _breaking(request: web.Request, status: int) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers={"Retry-After": "7"})
    response.content_length = 100
    await response.prepare(request)
    await response.write(b'{"id": ')
    assert request.transport is not None
    request.transport.close()
    return response


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


async def test_an_answer_without_end_is_not_read_to_it_and_counts_by_its_status(
    server: Elsewhere, http: aiohttp.ClientSession
) -> None:
    answer = await exchanged(http, "POST", f"{server.url}/endless", data=b"{}")

    assert (answer.good, answer.body) == (True, {})


async def test_an_answer_that_breaks_off_counts_by_its_status(
    server: Elsewhere, http: aiohttp.ClientSession
) -> None:
    answer = await exchanged(http, "POST", f"{server.url}/broken", data=b"{}")

    assert (answer.status, answer.body) == (429, {})
    assert answer.after is not None
    assert answer.after.total_seconds() == 7


async def test_a_connection_without_an_answer_leaves_the_outcome_open(
    server: Elsewhere, http: aiohttp.ClientSession
) -> None:
    with pytest.raises(MaybeDelivered):
        await exchanged(http, "POST", f"{server.url}/nothing", data=b"{}")


async def test_where_no_connection_comes_about_nothing_was_posted(
    http: aiohttp.ClientSession,
) -> None:
    impatient = aiohttp.ClientTimeout(total=LIMITS.total, connect=0.1)
    with socket.socket() as full, socket.socket() as one, socket.socket() as two:
        full.bind(("127.0.0.1", 0))
        full.listen(0)  # a second is not answered any more, as behind a wall of fire
        for each in (one, two):
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        with pytest.raises(Unreachable):
            await exchanged(http, "POST", url, data=b"{}", limits=impatient)
    assert LIMITS.connect is not None
    assert LIMITS.total is not None
    assert LIMITS.connect < LIMITS.total  # else nobody could tell the two apart


@pytest.mark.parametrize("pause", ["\u00b2", "-1", "1.5", "", "soon"])
async def test_a_pause_that_is_none_takes_nothing_from_the_answer(
    server: Elsewhere, http: aiohttp.ClientSession, pause: str
) -> None:
    server.pause = pause
    answer = await exchanged(http, "POST", f"{server.url}/fine", data=b"{}")

    assert (answer.status, answer.after) == (200, None)


async def test_a_name_that_nobody_knows_was_not_reached(http: aiohttp.ClientSession) -> None:
    with pytest.raises(Unreachable):
        await exchanged(http, "POST", "http://127.0.0.1:1/", data=b"{}")
