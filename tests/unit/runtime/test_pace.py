"""The pace at which calls and connections are made."""

import asyncio
from datetime import timedelta

import pytest

from bridge.runtime.pace import Pace
from bridge.testing.clock import NOON, FakeClock

SECOND = timedelta(seconds=1)


class Die:
    """Falls as it is told."""

    def __init__(self, *falls: float) -> None:
        self.falls = falls

    def random(self) -> float:
        first, *rest = self.falls
        self.falls = (*rest, first)
        return first


async def passed(pace: Pace, clock: FakeClock, callers: int, *, within: int) -> list[float]:
    """When each of so many callers was let through, in the order they came."""
    at: list[float] = [-1.0] * callers

    async def caller(number: int) -> None:
        await pace.turn()
        at[number] = (clock.now() - NOON).total_seconds()

    tasks = [asyncio.create_task(caller(number)) for number in range(callers)]
    await clock.advance(within * SECOND)
    await asyncio.gather(*tasks)
    return at


async def test_callers_are_let_through_in_their_order_at_the_pace() -> None:
    clock = FakeClock()
    pace = Pace(clock, Die(0.0), per_second=4, burst=1)

    assert await passed(pace, clock, 5, within=1) == [0, 0.25, 0.5, 0.75, 1]


async def test_a_few_may_go_at_once_after_a_quiet_time_and_no_more() -> None:
    clock = FakeClock()
    pace = Pace(clock, Die(0.0), per_second=2, burst=3)

    assert await passed(pace, clock, 5, within=9) == [0, 0, 0, 0.5, 1.0]
    await clock.advance(3600 * SECOND)
    later = [at - 3609 for at in await passed(pace, clock, 5, within=9)]

    assert later == [0, 0, 0, 0.5, 1.0]


async def test_whoever_waits_is_put_off_by_chance_and_never_before_another() -> None:
    """Ten thousand sessions that fell together do not rise in step."""
    clock = FakeClock()
    pace = Pace(clock, Die(0.9, 0.1, 0.5), per_second=1, burst=1)

    at = await passed(pace, clock, 6, within=9)

    assert at == pytest.approx([0, 1.9, 2.1, 3.5, 4.9, 5.1])


async def test_ten_thousand_keep_to_the_pace() -> None:
    clock = FakeClock()
    pace = Pace(clock, Die(0.0), per_second=50)

    at = await passed(pace, clock, 500, within=11)

    assert max(at) == pytest.approx((500 - 10) / 50)
    assert all(sum(second <= one < second + 1 for one in at) <= 60 for second in range(10))


async def test_a_caller_who_gives_up_stops_nobody() -> None:
    clock = FakeClock()
    pace = Pace(clock, Die(0.0), per_second=1, burst=1)
    tasks = [asyncio.create_task(pace.turn()) for _ in range(3)]
    await clock.settle()
    tasks[1].cancel()

    await clock.advance(2 * SECOND)

    await tasks[2]
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
