"""A bridge that is killed while a dead letter is redriven delivers it once all the same."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from bridge.cli.asking import NotRunning, ask
from bridge.store import look_into
from bridge.store.letters import Wanted
from tests.stage import Stage, staged

pytestmark = pytest.mark.chaos

POINTS = ("before-step", "after-step", "after-attempt", "after-send", "after-settle")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as running:
        running.configure(echo_timeout='"1s"', reconnect_max='"1s"')
        yield running


async def died(stage: Stage) -> tuple[str, str]:
    """A thread whose conversation is over, and the id of an answer in it that died."""
    await stage.start()
    await stage.connected()
    thread = await stage.opened()
    stage.slack.fail("chat.postMessage", "posting_to_general_channel_denied")
    await stage.reply(thread, "say lost")
    await stage.until(lambda: any("could not be shown" in text for text in stage.told(thread)))
    stage.polyai.end_session(None)
    await stage.until(lambda: "has ended" in stage.told(thread)[-1])
    assert await stage.stop() == 0
    async with look_into(_url(stage)) as store:
        (letter,) = await store.letters.listed(Wanted(states=frozenset({"dead"})))
    return thread, letter.id


def _url(stage: Stage) -> str:
    return f"sqlite+aiosqlite:///{stage.database}"


async def asked_to_death(stage: Stage, letter: str) -> None:
    """Redrive it, again and again if the bridge answers before it dies."""
    with suppress(NotRunning):
        while True:
            await ask(_url(stage), "deliveries.redrive", {"ids": [letter]})
    await stage.died()


@pytest.mark.parametrize("point", POINTS)
async def test_a_redrive_that_is_cut_off_delivers_once(stage: Stage, point: str) -> None:
    thread, letter = await died(stage)
    await stage.start(dies_at=f"{point}:1")
    await stage.until(lambda: stage.slack.sockets or stage.dead)

    await asked_to_death(stage, letter)
    await stage.start()
    await stage.connected()
    if point == "before-step":  # nothing was promised yet, and nobody was told that it was
        await ask(_url(stage), "deliveries.redrive", {"ids": [letter]})

    await stage.until(lambda: "lost" in stage.told(thread))
    await stage.quiet()
    assert stage.told(thread).count("lost") == 1
    async with look_into(_url(stage)) as store:
        found = await store.letters.one(letter)
    assert found is not None
    assert (found.state, found.redriven) == ("sent", 1)


@pytest.mark.parametrize("point", ["after-step", "before-transmit", "after-transmit"])
async def test_words_whose_redrive_is_cut_off_reach_the_agent_once(
    stage: Stage, point: str
) -> None:
    """As if the agent had never confirmed what was said: it hears it in a session of its own."""
    thread, _ = await died(stage)
    with closing(sqlite3.connect(stage.database)) as database, database:
        words = '{"type":"ask","text":"say again","person":{"id":"U1"}}'
        query = "UPDATE deliveries SET state = 'dead', body = ? WHERE kind = 'ask' RETURNING id"
        *_, (letter,) = database.execute(query, (words,)).fetchall()
    await stage.start(dies_at=f"{point}:1")
    await stage.until(lambda: stage.slack.sockets or stage.dead)

    await asked_to_death(stage, letter)
    await stage.start()
    await stage.connected()

    await stage.until(lambda: "again" in stage.told(thread))
    await stage.quiet()
    assert stage.heard().count("say again") == 1
    assert stage.told(thread).count("again") == 1
