"""A canary asks what is quiet, believes what is alive, and tells each change once."""

import asyncio
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.errors import Unreachable
from bridge.plugin.canary import EVERY, PATIENCE, Canary, Reach
from bridge.testing.clock import FakeClock

SECOND = timedelta(seconds=1)


class Far:
    """Something far away that is asked."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.asked = 0
        self.hangs = False
        self.faults: list[Exception] = []
        self.told: list[str | None] = []
        moment = timedelta(milliseconds=20)
        self.canary = Canary(self.clock, self.ask, self.told.append, patience=moment)

    async def ask(self) -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.faults:
            raise self.faults.pop(0)

    async def watched(self, lasting: timedelta) -> None:
        """Time passes under its eyes."""
        task = asyncio.create_task(self.canary.watch())
        await self.clock.advance(lasting)
        await asyncio.sleep(0.05 if self.hangs else 0)
        task.cancel()


@pytest.fixture
async def far() -> Far:
    return Far()


async def test_what_is_quiet_is_asked_now_and_then_and_is_no_trouble(far: Far) -> None:
    await far.watched(60 * SECOND)
    assert far.asked == 12
    assert far.told == []


async def test_while_something_comes_nothing_is_asked(far: Far) -> None:
    task = asyncio.create_task(far.canary.watch())
    for _ in range(30):
        await far.clock.advance(2 * SECOND)
        far.canary.alive()
    task.cancel()
    assert far.asked == 0


async def test_what_does_not_answer_is_away_within_fifteen_seconds(far: Far) -> None:
    far.hangs = True
    await far.watched(EVERY)
    assert far.told == ["no answer within 0.02 s"]
    worst = EVERY + PATIENCE
    assert worst < 15 * SECOND


async def test_one_connection_that_breaks_is_no_outage_two_are(far: Far) -> None:
    far.faults = [Unreachable("refused")]
    await far.watched(20 * SECOND)
    assert far.told == []

    far.faults = [Unreachable("refused"), OSError("its words may be anything"), OSError()]
    await far.watched(EVERY + 2 * SECOND)
    assert far.told == ["OSError"]


async def test_it_is_back_with_its_next_answer_and_each_change_is_told_once(far: Far) -> None:
    far.faults = [Unreachable("refused")] * 6
    await far.watched(60 * SECOND)
    assert far.told == ["refused", None]


async def test_a_sign_of_life_ends_the_trouble_at_once(far: Far) -> None:
    far.hangs = True
    await far.watched(20 * SECOND)
    far.canary.alive()
    assert far.told[-1] is None
    assert far.canary.trouble is None


async def test_any_answer_of_its_own_proves_that_a_service_is_there() -> None:
    answers = [404, 401, 500, 503, 302]

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=answers.pop(0))

    application = web.Application()
    application.router.add_route("HEAD", "/", answer)
    async with TestServer(application) as server, aiohttp.ClientSession() as http:
        reach = Reach(http, str(server.make_url("/")), name="it")
        for _ in range(3):
            await reach()
        with pytest.raises(Unreachable, match="it is away: a gateway answers 503 for it"):
            await reach()
        await reach()
        url = str(server.make_url("/"))
    async with aiohttp.ClientSession() as http:
        with pytest.raises(Unreachable, match=r"it cannot be reached: connection refused"):
            await Reach(http, url, name="it")()


async def test_a_place_that_never_answered_otherwise_may_answer_as_a_gateway_does() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=503)

    application = web.Application()
    application.router.add_route("HEAD", "/", answer)
    async with TestServer(application) as server, aiohttp.ClientSession() as http:
        reach = Reach(http, str(server.make_url("/")), name="it")
        await reach()
        await reach()
