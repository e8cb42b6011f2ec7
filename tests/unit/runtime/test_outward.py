"""All calls leave by one session, in which nobody is in anybody's way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from bridge.runtime.outward import http_session


@pytest.mark.thorough
async def test_calls_that_are_never_answered_leave_room_for_all_others() -> None:
    hanging = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/silent":
            await hanging.wait()
        return web.Response(text="here")

    async with served(answer) as address, http_session() as http:
        silent = [asyncio.create_task(_asked(http, f"{address}/silent")) for _ in range(120)]
        await asyncio.sleep(0)
        assert await _asked(http, f"{address}/other") == "here"
        assert not any(one.done() for one in silent)
        hanging.set()
        await asyncio.gather(*silent)


async def _asked(http: aiohttp.ClientSession, address: str) -> str:
    async with http.get(address) as answer:
        return await answer.text()


@asynccontextmanager
async def served(answer: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/{path}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()
