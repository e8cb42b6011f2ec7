"""Who looks after the bridge is put together, and answers whoever asks how it is."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from bridge import __version__
from bridge.config.health_settings import HealthSettings
from bridge.model.ids import AdapterName, AgentName
from bridge.plugin import Accepted
from bridge.runtime.reporting.metrics import Metrics
from bridge.runtime.watching.health import Health, Loads, Rates
from bridge.runtime.watching.status import Status
from bridge.testing.clock import FakeClock
from tests.unit.runtime.house import House, lived_in

SLACK = AdapterName("slack")
SECOND = timedelta(seconds=1)


def looked_after(house: House, status: Status, **settings: object) -> Health:
    """All of it, on the house's own store and disk."""
    health = Health(
        HealthSettings.model_validate(settings),
        house.path,
        house.store,
        house.world,
        status,
        agents=("default", "other"),
        excused=lambda _: False,
        loads=Loads(conversations=lambda: 3, owed=lambda: 2, sockets=lambda: 1),
    )
    health.start(house.tasks)
    return health


async def test_everything_is_told_to_whoever_asks(tmp_path: Path) -> None:
    async with lived_in(tmp_path) as house:
        status = Status()
        health = looked_after(house, status)
        status.adapter(SLACK, connected=True)
        status.agent(AgentName("other"), "away")
        await house.until(lambda: health.figures()["disk_free_bytes"])

        told: Any = await health.told({})

    assert (told["version"], told["ready"]) == (__version__, False)
    assert told["adapters"] == {"slack": {"state": "connected", "detail": ""}}
    assert told["agents"] == {"default": "", "other": "away"}
    assert told["troubles"] == [{"dependency": "agent", "name": "other", "sentence": "away"}]
    assert told["database"] == ""
    assert told["figures"]["conversations"] == 3
    assert status.figures() == health.figures()


async def test_a_floor_that_no_disk_reaches_is_a_trouble(tmp_path: Path) -> None:
    async with lived_in(tmp_path) as house:
        status = Status()
        looked_after(house, status, disk_free="999999GB")
        await house.until(lambda: status.troubles)
        assert status.causes[0].startswith("disk: ")


async def test_rates_are_of_the_last_minute() -> None:
    clock, metrics = FakeClock(), Metrics()
    rates = Rates(metrics, clock)
    assert (rates.came, rates.went) == (0, 0)
    watching = asyncio.create_task(rates.watch())
    await clock.settle()
    for _ in range(3):
        metrics.accepted(SLACK, Accepted.NEW)
        metrics.accepted(SLACK, Accepted.KNOWN)
        metrics.attempted(SLACK, "sent")
    metrics.attempted(SLACK, "later")
    await clock.advance(10 * SECOND)
    assert (rates.came, rates.went) == (3, 3)
    await clock.advance(60 * SECOND)
    assert (rates.came, rates.went) == (0, 0)
    watching.cancel()
