"""The pace at which connections are made."""

import asyncio
from datetime import timedelta

import pytest

from bridge.runtime.pace import Pace
from bridge.testing.clock import NOON, FakeClock

SECOND = timedelta(seconds=1)


async def test_callers_are_let_through_in_their_order_at_the_pace() -> None:
    clock, passed = FakeClock(), list[tuple[int, float]]()
    pace = Pace(clock, per_second=4)

    async def caller(number: int) -> None:
        await pace.turn()
        passed.append((number, (clock.now() - NOON).total_seconds()))

    tasks = [asyncio.create_task(caller(n)) for n in range(5)]
    await clock.advance(SECOND)
    await asyncio.gather(*tasks)

    assert passed == [(0, 0), (1, 0.25), (2, 0.5), (3, 0.75), (4, 1)]


async def test_a_quiet_time_earns_no_burst() -> None:
    clock = FakeClock()
    pace = Pace(clock, per_second=2)
    await pace.turn()
    await clock.advance(3600 * SECOND)

    first, second = (asyncio.create_task(pace.turn()) for _ in range(2))
    await clock.settle()

    assert (first.done(), second.done()) == (True, False)
    await clock.advance(SECOND)
    await second


async def test_a_caller_who_gives_up_stops_nobody() -> None:
    clock = FakeClock()
    pace = Pace(clock, per_second=1)
    tasks = [asyncio.create_task(pace.turn()) for _ in range(3)]
    await clock.settle()
    tasks[1].cancel()

    await clock.advance(2 * SECOND)

    await tasks[2]
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
