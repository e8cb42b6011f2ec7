"""`/live` says whether we get on, not whether others are there."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bridge.model.ids import AdapterName
from bridge.runtime.adapters.routes import Routes
from bridge.runtime.listener import listening
from bridge.runtime.watching.progress import PATIENCE, Progress
from bridge.runtime.watching.status import Status


@pytest.fixture
async def door() -> AsyncIterator[tuple[str, Status]]:
    status = Status()
    async with listening("127.0.0.1", 0, status, Routes()) as port:
        yield f"http://127.0.0.1:{port}", status


async def asked(address: str) -> int:
    async with aiohttp.ClientSession() as http, http.get(address) as answer:
        return answer.status


async def test_it_lives_while_others_are_away(door: tuple[str, Status]) -> None:
    address, status = door
    status.expected(AdapterName("slack"))
    status.database("it fails")
    assert await asked(f"{address}/ready") == 503
    assert await asked(f"{address}/live") == 200


async def test_it_does_not_live_while_something_of_ours_stands_still(
    door: tuple[str, Status],
) -> None:
    address, status = door
    progress = Progress()
    status.look_also(progress.troubles)

    async def stand_still() -> None:
        with progress.at_work("dispatcher", "c1.1"):
            await asyncio.Event().wait()

    stuck = asyncio.create_task(stand_still())
    await asyncio.sleep(0)
    progress.look(PATIENCE)
    assert await asked(f"{address}/live") == 503
    assert await asked(f"{address}/ready") == 503
    stuck.cancel()
    await asyncio.wait((stuck,))
    progress.look(PATIENCE)
    assert await asked(f"{address}/live") == 200
