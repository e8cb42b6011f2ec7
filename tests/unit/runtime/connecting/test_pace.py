"""The pace at which calls and connections are made."""

import asyncio
from datetime import timedelta

import pytest

from bridge.model.ids import ConversationId
from bridge.runtime.connecting.pace import Gate, Pace
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


class Visitors:
    """Who passes the gate, and when; each is inside for so long."""

    def __init__(self, gate: Gate, clock: FakeClock) -> None:
        self.gate = gate
        self.clock = clock
        self.at: dict[str, float] = {}
        self.inside = self.most = 0

    def comes(
        self, name: str, *, hurried: bool = False, stays: float = 0.0
    ) -> "asyncio.Task[None]":
        return asyncio.create_task(self._visit(name, hurried, stays))

    async def _visit(self, name: str, hurried: bool, stays: float) -> None:
        async with self.gate.passing(ConversationId(name), hurried=hurried):
            self.at[name] = (self.clock.now() - NOON).total_seconds()
            self.inside += 1
            self.most = max(self.most, self.inside)
            await self.clock.sleep(timedelta(seconds=stays))
            self.inside -= 1


@pytest.fixture
def visitors() -> Visitors:
    """At a gate that lets one through each second, and three of the line be inside."""
    clock = FakeClock()
    return Visitors(Gate(Pace(clock, Die(0.0), per_second=1, burst=1), at_once=3), clock)


async def test_whoever_hurries_has_the_next_turn_however_many_stand_in_the_line(
    visitors: Visitors,
) -> None:
    tasks = [visitors.comes(f"quiet-{number}") for number in range(100)]
    await visitors.clock.advance(2 * SECOND)
    tasks.append(visitors.comes("urgent", hurried=True))
    await visitors.clock.advance(100 * SECOND)
    await asyncio.gather(*tasks)

    assert visitors.at["urgent"] == 4, "one of the line had its turn already"
    assert [visitors.at[f"quiet-{n}"] for n in (0, 1, 2, 3, 4)] == [0, 1, 2, 3, 5]
    assert visitors.at["quiet-99"] == 100, "no turn was left unused"


async def test_who_stands_in_the_line_can_be_hurried_out_of_it(visitors: Visitors) -> None:
    tasks = [visitors.comes(f"quiet-{number}") for number in range(50)]
    await visitors.clock.settle()
    visitors.gate.hurry(ConversationId("quiet-49"))
    visitors.gate.hurry(ConversationId("nobody"))
    await visitors.clock.advance(60 * SECOND)
    await asyncio.gather(*tasks)

    assert visitors.at["quiet-49"] == 2
    assert visitors.at["quiet-48"] == 49


async def test_only_so_many_of_the_line_connect_at_once_and_who_hurries_besides(
    visitors: Visitors,
) -> None:
    tasks = [visitors.comes(f"quiet-{number}", stays=60) for number in range(6)]
    await visitors.clock.advance(20 * SECOND)
    assert (visitors.inside, len(visitors.at)) == (3, 3)
    tasks.append(visitors.comes("urgent", hurried=True, stays=60))
    await visitors.clock.advance(SECOND)
    assert visitors.inside == 4
    await visitors.clock.advance(200 * SECOND)
    await asyncio.gather(*tasks)
    assert len(visitors.at) == 7


async def test_who_leaves_the_line_or_the_gate_holds_nobody_up(visitors: Visitors) -> None:
    tasks = [visitors.comes(f"quiet-{number}", stays=1) for number in range(8)]
    await visitors.clock.settle()
    tasks[1].cancel()  # has the next turn
    tasks[3].cancel()  # stands in the line
    tasks[4].cancel()
    await visitors.clock.advance(20 * SECOND)
    await asyncio.gather(*tasks, return_exceptions=True)

    assert sorted(visitors.at) == ["quiet-0", "quiet-2", "quiet-5", "quiet-6", "quiet-7"]


async def test_who_is_called_and_gives_up_at_that_moment_gives_the_place_back(
    visitors: Visitors,
) -> None:
    for _ in range(5):
        task = visitors.comes("fickle")
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    last = visitors.comes("steady")
    await visitors.clock.advance(20 * SECOND)
    await last
    assert "steady" in visitors.at


async def test_a_long_line_that_is_sent_away_leaves_as_one(visitors: Visitors) -> None:
    """Whoever is cancelled and does not leave holds up the end of the whole process."""
    tasks = [visitors.comes(f"quiet-{number}") for number in range(2_000)]
    await visitors.clock.settle()
    for task in tasks:
        task.cancel()

    left = await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(one) for one in left[1:]} == {asyncio.CancelledError}
