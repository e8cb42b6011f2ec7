"""`kill -9` beside the kill matrix: in bursts, in streams, and with many threads at once."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.stage import Stage, staged

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]

GREETING = "Hello, I am Ava. How can I help you today?"
STREAMED = "Order 1234 left our warehouse yesterday and arrives *tomorrow* by noon."


async def converse(stage: Stage) -> str:
    """Say everything at once, whether the bridge lives or not: Slack keeps what nobody acked."""
    thread = await stage.mention("say one")
    for text in ("say two", "1234", "say four"):
        await stage.reply(thread, text)
    return thread


async def assert_all_once(stage: Stage, thread: str) -> None:
    """What was accepted is compared with what both simulators recorded."""
    await stage.until(lambda: "four" in stage.told(thread))
    await stage.quiet(1.0)
    told = [text for text in stage.told(thread) if text != GREETING]

    assert stage.heard() == ["say one", "say two", "1234", "say four"], stage.tail()
    assert [t.split(" ")[0] for t in told] == ["one", "two", "Order", "four"], stage.tail()
    assert stage.told(thread).count(GREETING) == 1
    assert [session.joins for session in stage.sessions if session.accepted] == [1]


@pytest.mark.parametrize("chunks", [1, 2, 3])
async def test_a_kill_in_the_middle_of_a_stream_costs_nothing(tmp_path: Path, chunks: int) -> None:
    async with staged(tmp_path) as stage:
        await stage.started()
        thread = await converse(stage)
        await stage.until(lambda: _chunks(stage) >= chunks)
        await stage.kill()
        await stage.started()

        await assert_all_once(stage, thread)


def _chunks(stage: Stage) -> int:
    kind = "EVENT_TYPE_POLY_AGENT_MESSAGE_CHUNK"
    return sum(f.type == kind for s in stage.sessions for f in s.journal)


async def test_kill_after_kill_after_kill(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.start(dies_at="after-accept:1")
        await stage.connected()
        thread = await converse(stage)
        await stage.died()
        for dies_at in ("after-step:2", "after-transmit:1", "after-send:1", "before-step:4"):
            await stage.start(dies_at=dies_at)
            await stage.died()
        await stage.started()

        await assert_all_once(stage, thread)


@pytest.mark.parametrize("seed", [1, 2])
async def test_many_threads_at_once_survive_kills_at_random_moments(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - chance for a test, repeatable by its seed
    async with staged(tmp_path) as stage:
        await stage.started()
        # Each in a channel of its own, as Slack takes about one post a second in each.
        channels = [stage.slack.add_channel(f"help-{n}") for n in range(12)]
        threads = [await stage.mention(f"say {n}.0", channel=c) for n, c in enumerate(channels)]
        for turn in range(1, 5):
            await asyncio.sleep(chance.uniform(0.05, 0.9))
            await stage.kill()
            for n, thread in enumerate(threads):
                await stage.reply(thread, f"say {n}.{turn}", channel=channels[n])
            await stage.started()
        seen = list(zip(threads, channels, strict=True))
        await stage.until(lambda: all(len(stage.told(t, channel=c)) == 6 for t, c in seen), 60)
        await stage.quiet(1.0)

        # An event that Slack delivers again comes after newer ones: the order is that of arrival.
        heard = [text.removeprefix("say ") for text in stage.heard()]
        assert sorted(heard) == sorted(f"{n}.{t}" for n in range(12) for t in range(5))
        for n, thread in enumerate(threads):
            mine = [text for text in heard if text.startswith(f"{n}.")]
            assert stage.told(thread, channel=channels[n]) == [GREETING, *mine]
        assert all(session.joins <= 1 for session in stage.sessions)
