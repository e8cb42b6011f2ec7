"""The one place that asks for time, names and chance."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from bridge.clock import LONGEST_NAP, RandomIds, SystemClock, elapsed, system_chance, wall_time
from bridge.testing.virtual import VirtualLoop

T = TypeVar("T")


def test_the_present_is_in_utc_and_near_the_machines() -> None:
    now = SystemClock().now()

    assert now.tzinfo is UTC
    assert abs(datetime.now(UTC) - now) < timedelta(seconds=5)


def test_time_never_runs_backwards() -> None:
    clock = SystemClock()
    readings = [clock.now() for _ in range(1000)]

    assert readings == sorted(readings)


@pytest.mark.parametrize("seconds", [0, -1, -1e9])
async def test_a_sleep_that_is_over_already_returns_at_once(seconds: float) -> None:
    async with asyncio.timeout(1):
        await SystemClock().sleep(timedelta(seconds=seconds))


async def test_a_sleep_lasts_as_long_as_it_should() -> None:
    clock = SystemClock()
    before = clock.now()

    await clock.sleep(timedelta(milliseconds=5))

    assert clock.now() - before >= timedelta(milliseconds=4)


class Machine:
    """A machine on virtual time that can be suspended: its event loop's time stands still then."""

    def __init__(self) -> None:
        self.suspended = 0.0

    def elapsed(self) -> float:
        return asyncio.get_running_loop().time() + self.suspended


def test_a_machine_that_was_suspended_knows_for_how_long() -> None:
    machine = Machine()

    async def story() -> timedelta:
        clock = SystemClock(machine.elapsed)
        before = clock.now()
        machine.suspended = 3600.0
        return clock.now() - before

    assert played(story) == timedelta(hours=1)


@pytest.mark.parametrize("suspended", [0.0, 3600.0, 8 * 3600.0, 100 * 3600.0])
def test_a_sleep_that_a_suspension_outlasts_ends_soon_after_it(suspended: float) -> None:
    machine = Machine()

    async def story() -> float:
        loop = asyncio.get_running_loop()
        loop.call_later(100, setattr, machine, "suspended", suspended)
        await SystemClock(machine.elapsed).sleep(timedelta(hours=8))
        return loop.time()

    awake = played(story)
    due = max(100.0, 8 * 3600 - suspended)
    assert due <= awake <= due + LONGEST_NAP


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux counts")
def test_what_elapses_is_what_elapsed_since_the_machine_began() -> None:
    uptime = float(Path("/proc/uptime").read_text().split()[0])

    assert abs(elapsed() - uptime) < 5


def test_the_wall_clock_is_the_machines() -> None:
    assert abs(datetime.now(UTC) - wall_time()) < timedelta(seconds=5)


def played(story: Callable[[], Coroutine[None, None, T]]) -> T:
    """What comes of it in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story())


def test_names_are_safe_anywhere_and_never_the_same() -> None:
    names = [RandomIds().new() for _ in range(2000)]

    assert len(set(names)) == 2000
    assert {len(name) for name in names} == {16}
    assert set("".join(names)) == set("0123456789abcdefghjkmnpqrstvwxyz")


def test_chance_stays_within_its_bounds() -> None:
    chance = system_chance()
    rolls = [chance.random() for _ in range(1000)]

    assert all(0 <= roll < 1 for roll in rolls)
    assert min(rolls) < 0.2 < 0.8 < max(rolls)
