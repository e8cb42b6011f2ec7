"""What a hostile review found, against the real process between the simulators."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.simulators.polyai import SimulatedSession
from tests.stage import Stage, staged

pytestmark = pytest.mark.integration


async def test_what_is_accepted_while_the_bridge_stops_is_no_surprise_to_it(stage: Stage) -> None:
    async def chat(stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            await stage.mention("say something")
            await asyncio.sleep(0.005)

    stopped = asyncio.Event()
    async with asyncio.TaskGroup() as chats:
        for _ in range(3):
            chats.create_task(chat(stopped))
        await asyncio.sleep(0.2)
        assert await stage.stop() == 0
        stopped.set()

    log = stage.log.read_text()
    assert "RuntimeError" not in log
    assert "never awaited" not in log


async def test_sessions_refused_at_once_cost_no_message(stage: Stage) -> None:
    stage.polyai.refuse_handshakes(404, 2, "session not found")
    thread = await stage.mention("say third time lucky")
    await stage.until(lambda: "third time lucky" in stage.told(thread))

    assert stage.heard() == ["say third time lucky"]
    assert len(stage.sessions) == 3


async def test_a_thread_whose_every_session_is_refused_is_told_once_and_keeps_its_message(
    stage: Stage,
) -> None:
    stage.polyai.refuse_handshakes(404, 3, "session not found")
    thread = await stage.mention("say later")
    await stage.until(lambda: stage.told(thread))
    await stage.quiet(1.5)
    assert len(stage.sessions) == 3
    assert ["cannot be reached" in text for text in stage.told(thread)] == [True]

    await stage.reply(thread, "say now")
    await stage.until(lambda: "now" in stage.told(thread))
    assert stage.heard() == ["say later", "say now"]


async def test_a_bare_mention_outlives_a_refused_session(stage: Stage) -> None:
    stage.polyai.refuse_handshakes(404, 1, "session not found")
    thread = await stage.mention("")
    await stage.until(lambda: stage.told(thread))

    assert stage.sessions[-1].greetings == 1


async def test_a_session_that_polyai_closes_as_unknown_again_is_replaced(stage: Stage) -> None:
    thread = await stage.mention("say hello")
    await stage.until(lambda: "hello" in stage.told(thread))
    first = stage.sessions[0]
    for handshakes in (1, 2):
        await stage.until(_met(first, handshakes))
        stage.polyai.drop_sockets(first.id, code=4001)
    await stage.until(lambda: not first.sockets)
    await stage.reply(thread, "say anew")
    await stage.until(lambda: "anew" in stage.told(thread))

    assert stage.heard() == ["say hello", "say anew"]
    assert len(stage.sessions) == 2


async def test_a_thread_whose_agent_was_taken_out_of_the_configuration_is_told(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        without = stage.config.read_text()
        table = without[without.index("[agents.default]") : without.index("[adapters.slack]")]
        route = '[[routes]]\nadapter = "slack"\nagent = "other"\n'
        stage.config.write_text(without + table.replace("default", "other") + route)
        await stage.started()
        thread = await stage.mention("say hello")
        await stage.until(lambda: "hello" in stage.told(thread))
        assert await stage.stop() == 0

        with_other = stage.config.read_text()
        stage.config.write_text(without)
        await stage.started()
        await stage.reply(thread, "say one")
        await stage.until(lambda: len(stage.told(thread)) == 3)
        await stage.reply(thread, "say two")
        await stage.quiet()
        assert ["cannot be reached" in text for text in stage.told(thread)[2:]] == [True]
        assert await stage.stop() == 0

        stage.config.write_text(with_other)
        await stage.started()
        await stage.until(lambda: stage.told(thread)[-2:] == ["one", "two"])


def _met(session: SimulatedSession, times: int) -> Callable[[], bool]:
    """Whether the bridge has come so often, and is there."""
    return lambda: len(session.handshakes) == times and bool(session.sockets)
