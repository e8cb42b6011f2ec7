"""The one place that asks for time, names and chance."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bridge.clock import RandomIds, SystemClock, system_chance


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
