"""The clock that moves only when it is wound."""

import asyncio
from datetime import datetime, timedelta

import pytest

from bridge.testing.clock import NOON, FakeClock

SECOND = timedelta(seconds=1)


async def test_time_stands_still_until_it_is_wound() -> None:
    clock = FakeClock()
    await asyncio.sleep(0)
    assert clock.now() == NOON
    await clock.advance(SECOND)
    assert clock.now() == NOON + SECOND


async def test_sleepers_wake_in_the_order_they_are_due_each_at_its_instant() -> None:
    clock = FakeClock()
    woken: list[tuple[str, datetime]] = []

    async def nap(name: str, duration: timedelta) -> None:
        await clock.sleep(duration)
        woken.append((name, clock.now()))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(nap("late", 2 * SECOND))
        tasks.create_task(nap("early", SECOND))
        tasks.create_task(nap("too late", 9 * SECOND))
        await clock.advance(3 * SECOND)
        assert woken == [("early", NOON + SECOND), ("late", NOON + 2 * SECOND)]
        assert clock.sleepers == 1
        await clock.advance(6 * SECOND)
    assert clock.sleepers == 0


@pytest.mark.thorough
async def test_whoever_wakes_may_sleep_again_within_one_winding() -> None:
    clock = FakeClock()
    beats: list[datetime] = []

    async def beat() -> None:
        while True:
            await clock.sleep(SECOND)
            beats.append(clock.now())

    task = asyncio.create_task(beat())
    await clock.advance(timedelta(hours=1))
    assert len(beats) == 3600
    task.cancel()


async def test_no_time_is_no_sleep() -> None:
    clock = FakeClock()
    await clock.sleep(timedelta(0))
    await clock.sleep(-SECOND)


async def test_a_sleeper_may_be_cancelled() -> None:
    clock = FakeClock()
    task = asyncio.create_task(clock.sleep(SECOND))
    await clock.settle()
    task.cancel()
    await clock.settle()
    assert clock.sleepers == 0
    await clock.advance(2 * SECOND)
    assert task.cancelled()
