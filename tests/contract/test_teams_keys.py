"""Do strangers, and mishaps of whoever announces the keys, keep nobody out who is known?"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters.teams.keys import Keys
from bridge.testing.clock import FakeClock
from tests.contract.teams_stage import until

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KNOWN = {**jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "known"}


class Announcer:
    """Announces `told`, or says nothing until `free` is set."""

    def __init__(self) -> None:
        self.told: Any = {"keys": [KNOWN]}
        self.free = asyncio.Event()
        self.free.set()
        self.asked = 0
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/openid":
            return web.json_response({"jwks_uri": f"{self.url}/keys"})
        self.asked += 1
        await self.free.wait()
        return web.json_response(self.told)


@pytest.fixture
async def announcer() -> AsyncIterator[Announcer]:
    announces = Announcer()
    application = web.Application()
    application.router.add_get("/{path}", announces.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    announces.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield announces
    announces.free.set()
    await runner.cleanup()


async def test_a_made_up_name_keeps_nobody_waiting_who_is_known(announcer: Announcer) -> None:
    async with aiohttp.ClientSession() as http:
        clock = FakeClock()
        keys = Keys(f"{announcer.url}/openid", http, clock)
        assert await keys.of("known")
        announcer.free.clear()
        await clock.advance(timedelta(hours=13))
        made_up = asyncio.create_task(keys.of("made-up"))
        await until(lambda: announcer.asked == 2)

        assert await keys.of("known")

        announcer.free.set()
        assert await made_up is None


@pytest.mark.parametrize("told", [{"keys": []}, {}, [], {"keys": [{"kty": "EC", "kid": "x"}]}])
async def test_where_none_are_announced_the_known_ones_do(
    announcer: Announcer, told: object
) -> None:
    async with aiohttp.ClientSession() as http:
        clock = FakeClock()
        keys = Keys(f"{announcer.url}/openid", http, clock)
        assert await keys.of("known")
        announcer.told = told
        await clock.advance(timedelta(hours=13))

        assert await keys.of("known")
        assert announcer.asked == 2
