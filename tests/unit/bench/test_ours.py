"""Is what the bench takes away from our bridge really gone, and only that?"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Pool, event

from adapters.slack.web import buckets
from adapters.slack.web.governor import governing
from bridge.model.delivery import Urgency
from bridge.store.engines import writing_engine
from bridge.testing.clock import FakeClock
from bridge.testing.host import PlayedHost
from tests.bench import ours


async def posted(posts: int, method: str) -> int:
    """How many of so many calls in one channel may go while no time passes."""
    async with governing(PlayedHost(FakeClock())) as governor:
        turns = governor.of("T1")
        waiting = [
            asyncio.create_task(turns.wait(method, "C1", Urgency.ANSWER)) for _ in range(posts)
        ]
        done, late = await asyncio.wait(waiting, timeout=0.05)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return len(done)


@pytest.fixture
def lifted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "_METHODS", buckets._METHODS)
    monkeypatch.setattr(buckets, "_IN_CHANNEL", buckets._IN_CHANNEL)
    ours.lift_limits()


async def test_a_gate_in_service_holds_most_of_five_hundred_posts() -> None:
    assert await posted(500, "chat.postMessage") == 3


@pytest.mark.usefixtures("lifted")
@pytest.mark.parametrize("method", ["chat.postMessage", "assistant.threads.setStatus"])
async def test_a_gate_of_the_bench_lets_five_hundred_calls_through(method: str) -> None:
    assert await posted(500, method) == 500


@pytest.fixture
def forgetful() -> Iterator[None]:
    ours.forget()
    yield
    event.remove(Pool, "checkout", ours._unsynchronised)


def synchronous(path: Path) -> int:
    with writing_engine(path) as engine, engine.connect() as connection:
        return int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())


def test_ours_waits_for_the_disk(tmp_path: Path) -> None:
    assert synchronous(tmp_path / "bridge.db") == 2


@pytest.mark.usefixtures("forgetful")
def test_a_forgetful_one_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    assert synchronous(tmp_path / "bridge.db") == 0
