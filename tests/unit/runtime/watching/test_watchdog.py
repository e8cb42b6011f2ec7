"""What the manager hears while all gets on, and that it hears no more when something does not."""

import asyncio
from datetime import timedelta

import pytest

from bridge.runtime.watching.notify import Manager
from bridge.runtime.watching.progress import PATIENCE, Progress
from bridge.runtime.watching.watchdog import Watchdog, status_line
from bridge.testing.clock import FakeClock


class Heard(Manager):
    """Keeps what it is told."""

    def __init__(self, watchdog: timedelta | None = None) -> None:
        super().__init__(watchdog=watchdog)
        self.heard: list[bool] = []

    def status(self, status: str, *, alive: bool) -> None:
        assert status == "how we are"
        self.heard.append(alive)


async def test_the_manager_hears_of_us_until_something_stands_still() -> None:
    clock, progress, manager = FakeClock(), Progress(), Heard(timedelta(seconds=30))
    running = asyncio.create_task(Watchdog(progress, manager, clock, lambda: "how we are").run())
    await clock.advance(timedelta(seconds=30))
    assert len(manager.heard) >= 4
    assert all(manager.heard)

    async def stand_still() -> None:
        with progress.at_work("dispatcher", "c1.1"):
            await asyncio.Event().wait()

    stuck = asyncio.create_task(stand_still())
    await asyncio.sleep(0)
    await clock.advance(timedelta(seconds=20))
    assert manager.heard[-2:] == [False, False]
    stuck.cancel()
    await clock.advance(timedelta(seconds=5))
    assert manager.heard[-1:] == [True]
    running.cancel()


@pytest.mark.parametrize(
    ("watchdog", "patience"),
    [(None, PATIENCE), (timedelta(seconds=4), timedelta(seconds=2))],
)
def test_half_of_what_the_manager_waits_is_ours(
    watchdog: timedelta | None, patience: timedelta
) -> None:
    progress = Progress()
    Watchdog(progress, Heard(watchdog), FakeClock(), str)
    assert progress.patience == patience


def test_the_status_has_the_figures_first_and_then_what_is_wrong() -> None:
    line = status_line(conversations=12, owed=0, oldest=None, sockets=9, causes=[])
    assert line == "Ready: 12 conversations, 9 sockets, 0 owed"
    line = status_line(
        conversations=1, owed=2, oldest=timedelta(seconds=61), sockets=0, causes=["a: b", "c: d"]
    )
    assert line == "Not ready: 1 conversations, 0 sockets, 2 owed, the oldest for 61 s; a: b; c: d"
