"""An adapter that stops waiting for `accept` leaves nothing lying about."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bridge.core.terms import Terms
from bridge.plugin import Accepted
from bridge.runtime.adapters.remembering import AdapterMemory
from bridge.runtime.adapters.routes import Routes
from bridge.runtime.entering.intake import Intake
from bridge.runtime.entering.limits import Limits
from bridge.runtime.watching.status import Status
from bridge.runtime.worker import Worker
from tests.unit.runtime.house import House, lived_in
from tests.unit.store.given import DEFAULT, SLACK, said


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with lived_in(tmp_path) as one:
        yield one


async def test_what_was_stored_for_a_caller_that_left_is_taken_up_all_the_same(
    house: House,
) -> None:
    worker = Worker(house.store, house.world, lambda _: Terms(), house.tasks)
    async with aiohttp.ClientSession() as http:
        intake = Intake(
            SLACK,
            store=house.store,
            worker=worker,
            world=house.world,
            http=http,
            status=Status(),
            memory=AdapterMemory(SLACK, house.store, None),
            routes=Routes(),
            limits=Limits(house.clock, person=None, account=None),
            route=lambda _adapter, _place: DEFAULT,
        )
        accepting = asyncio.create_task(intake.accept(said("hello", opens=True)))
        await asyncio.sleep(0)
        accepting.cancel()

        await house.until(lambda: house.rows("SELECT id FROM inbox WHERE done_at IS NOT NULL"))

        assert accepting.cancelled()
        assert await intake.accept(said("hello", opens=True)) is Accepted.KNOWN
