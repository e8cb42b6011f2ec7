"""Does the running bridge do what an operator asks of its log, and refuse what makes no sense?"""

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from bridge import log
from bridge.core.rates import Rate
from bridge.runtime.control import Control
from bridge.runtime.reporting import loudness
from bridge.testing.clock import FakeClock


@pytest.fixture(autouse=True)
def _as_configured() -> Iterator[None]:
    log.loudness.configure(logging.INFO, log.Sampling(Rate(1_000, timedelta(seconds=10))))
    yield
    log.loudness.configure(logging.NOTSET, log.Sampling())


async def asked(verb: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    control = Control()
    loudness.offer(control)
    line = msgspec.json.encode({"verb": verb, "arguments": arguments})
    told: dict[str, Any] = msgspec.json.decode(await control.answered(line))
    return told


async def test_it_says_who_is_heard() -> None:
    (told,) = (await asked("log.show")).values()

    assert told == {
        "loggers": [{"logger": "polyai_bridge", "level": "info", "seconds_left": None}],
        "sampling": {"burst": "1000/10s", "sample": 100},
    }


async def test_one_part_is_made_louder_by_its_short_name() -> None:
    (told,) = (await asked("log.level", level="debug", logger="sessions", seconds=60)).values()

    (_, sessions) = told["loggers"]
    assert (sessions["logger"], sessions["level"]) == ("polyai_bridge.sessions", "debug")
    assert 55 < sessions["seconds_left"] <= 60
    assert logging.getLogger("polyai_bridge.sessions").isEnabledFor(logging.DEBUG)

    (told,) = (await asked("log.level", logger="sessions")).values()
    assert len(told["loggers"]) == 1


async def test_without_a_level_all_is_as_configured_also_what_was_asked_for_of_a_part() -> None:
    await asked("log.level", level="debug", logger="sessions")
    await asked("log.level", level="error")

    (told,) = (await asked("log.level")).values()
    assert told["loggers"] == [{"logger": "polyai_bridge", "level": "info", "seconds_left": None}]


async def test_sampling_is_changed_switched_off_and_put_back() -> None:
    (told,) = (await asked("log.sampling", count=5, per=1, sample=3)).values()
    assert told["sampling"] == {"burst": "5/1s", "sample": 3}
    (told,) = (await asked("log.sampling", sample=1)).values()
    assert told["sampling"]["burst"] == "off"
    (told,) = (await asked("log.sampling")).values()
    assert told["sampling"] == {"burst": "1000/10s", "sample": 100}


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("log.level", {"level": "loud"}),
        ("log.level", {"level": 10}),
        ("log.level", {"level": "debug", "until": "never"}),
        ("log.sampling", {"count": 0, "per": 1}),
        ("log.sampling", {"sample": -1}),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    verb: str, arguments: dict[str, Any]
) -> None:
    before = await asked("log.show")

    assert (await asked(verb, **arguments))["exit_code"] == 1
    assert await asked("log.show") == before


async def test_it_is_tended_for_ever() -> None:
    clock = FakeClock()
    tending = asyncio.create_task(loudness.tend(clock))
    await asked("log.level", level="debug", seconds=0.0)
    await clock.advance(timedelta(seconds=2))
    tending.cancel()

    assert log.loudness.levels == {"polyai_bridge": logging.INFO}
