"""What is looked at every few seconds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bridge.core.state import Conversation, Session
from bridge.model.ids import AdapterName, AgentName, ConversationId, ThreadKey
from bridge.runtime.reporting.metrics import Metrics
from bridge.runtime.watching.survey import LOOK, Survey
from bridge.testing.clock import NOON
from tests.unit.runtime.house import House, lived_in
from tests.unit.store.given import opened, owing, reply


class Surveyed:
    def __init__(self, house: House) -> None:
        self.house, self.metrics = house, Metrics()
        self.conversations: list[Conversation] = []
        self.survey = Survey(
            house.store,
            house.clock,
            self.metrics,
            database=house.path,
            conversations=lambda: self.conversations,
        )

    def figure(self, name: str, /, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"polyai_bridge_{name}", labels)


@asynccontextmanager
async def surveyed(directory: Path) -> AsyncIterator[Surveyed]:
    async with lived_in(directory) as house:
        yield Surveyed(house)


async def test_before_the_first_look_nothing_is_owed(tmp_path: Path) -> None:
    async with surveyed(tmp_path) as scene:
        for direction in ("thread", "agent", "step"):
            assert scene.figure("owed", direction=direction) == 0
            assert scene.figure("oldest_owed_seconds", direction=direction) == 0


async def test_what_is_owed_ages_between_the_looks_too(tmp_path: Path) -> None:
    async with surveyed(tmp_path) as scene:
        await scene.house.store.write(owing(await opened(scene.house.store), (1, reply("hi"))))
        await scene.survey.look()
        await scene.house.clock.advance(timedelta(seconds=90))

        assert scene.figure("owed", direction="thread") == 1
        assert scene.figure("oldest_owed_seconds", direction="thread") == 90
        assert scene.figure("oldest_owed_seconds", direction="agent") == 0


async def test_it_looks_again_and_again(tmp_path: Path) -> None:
    async with surveyed(tmp_path) as scene:
        scene.house.tasks.create_task(scene.survey.watch())
        await scene.house.until(lambda: scene.figure("database_bytes", file="main"), winding=False)
        await scene.house.store.write(owing(await opened(scene.house.store), (1, reply("hi"))))
        assert scene.figure("owed", direction="thread") == 0
        await scene.house.clock.advance(LOOK)
        await scene.house.until(lambda: scene.figure("owed", direction="thread"), winding=False)

        await scene.house.until(lambda: scene.figure("database_bytes", file="wal"), winding=False)


async def test_a_database_that_cannot_be_read_leaves_the_figures(tmp_path: Path) -> None:
    async with surveyed(tmp_path) as scene:
        await scene.house.store.write(owing(await opened(scene.house.store), (1, reply("hi"))))
        await scene.survey.look()
        scene.house.damage("DROP TABLE deliveries")
        await scene.survey.look()

        assert scene.figure("owed", direction="thread") == 1


async def test_sessions_are_counted_by_what_they_do(tmp_path: Path) -> None:
    async with surveyed(tmp_path) as scene:
        fresh = Conversation(
            id=ConversationId("c1"),
            adapter=AdapterName("slack"),
            thread=ThreadKey("T1"),
            agent=AgentName("default"),
            opened_at=NOON,
            touched_at=NOON,
        )
        joined = Session(number=1, opened_at=NOON, joined=True)
        scene.conversations = [
            fresh,
            msgspec.structs.replace(fresh, wanted=True),
            msgspec.structs.replace(fresh, session=joined),
            msgspec.structs.replace(fresh, session=joined),
        ]
        assert scene.figure("sessions", state="opening") == 1
        assert scene.figure("sessions", state="open") == 2
        assert scene.figure("sessions", state="quiet") == 0
        assert scene.figure("sessions", state="closed") is None


async def test_a_turn_of_the_loop_that_comes_late_is_measured(tmp_path: Path) -> None:
    class Late:
        """A clock whose sleepers wake a quarter of a second late."""

        def __init__(self, house: House) -> None:
            self.now = house.clock.now
            self.house = house

        async def sleep(self, duration: timedelta) -> None:
            await self.house.clock.sleep(duration + timedelta(milliseconds=250))

    async with lived_in(tmp_path) as house:
        metrics = Metrics()
        survey = Survey(house.store, Late(house), metrics, database=house.path, conversations=list)
        house.tasks.create_task(survey.feel())
        await house.clock.advance(timedelta(seconds=1.25))

        value = metrics.registry.get_sample_value("polyai_bridge_loop_lag_seconds_sum")
        assert value == pytest.approx(0.25)
