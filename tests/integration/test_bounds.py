"""Does a flood from one person, one thread or one agent leave the others in peace?

The others are in another channel: in the same one, Slack's own rate is what all of them share.
"""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from bridge.runtime.connection import MOST_AT_ONCE
from bridge.runtime.dispatcher import MOST_OWED
from tests.stage import Stage

pytestmark = pytest.mark.integration

THREAD_FLOOD, PERSON_FLOOD, AGENT_FLOOD = 300, 30, 5 * MOST_OWED


async def elsewhere(stage: Stage) -> tuple[str, str]:
    """A thread in a channel of its own, in which the agent has answered: both."""
    channel = stage.slack.add_channel("quiet")
    thread = await stage.mention("say ready", channel=channel)
    await stage.until(lambda: "ready" in stage.told(thread, channel=channel))
    return channel, thread


async def served(stage: Stage, channel: str, thread: str) -> None:
    """Return once the others were answered."""
    await stage.reply(thread, "say served", channel=channel)
    await stage.until(lambda: "served" in stage.told(thread, channel=channel))


def owed(stage: Stage) -> int:
    """How much threads are owed, by the database."""
    query = "SELECT count(*) FROM deliveries WHERE target = 'thread' AND state = 'pending'"
    with closing(sqlite3.connect(stage.database)) as connection:
        return int(connection.execute(query).fetchone()[0])


async def test_a_flooded_thread_costs_the_others_nothing(stage: Stage) -> None:
    flooded, (channel, quiet) = await stage.opened(), await elsewhere(stage)
    texts = [f"flood {number}" for number in range(THREAD_FLOOD)]
    flooding = asyncio.gather(*(stage.reply(flooded, text) for text in texts))

    await served(stage, channel, quiet)
    await flooding
    heard = [text for text in stage.heard() if text.startswith("flood")]
    assert len(heard) == len(set(heard))


async def test_a_flooding_agent_costs_the_others_nothing(stage: Stage) -> None:
    await stage.opened()
    agent = stage.sessions[0].id
    channel, quiet = await elsewhere(stage)
    for number in range(AGENT_FLOOD):
        stage.polyai.agent_says(agent, f"flood {number}")

    await stage.until(lambda: owed(stage) >= MOST_OWED - 10)
    await served(stage, channel, quiet)
    await asyncio.sleep(1)
    assert owed(stage) <= MOST_OWED + MOST_AT_ONCE, "the rest is not even read"


async def test_a_flooding_person_costs_the_others_nothing(stage: Stage) -> None:
    channel, quiet = await elsewhere(stage)
    flooding = asyncio.gather(*(stage.mention(f"flood {n}") for n in range(PERSON_FLOOD)))

    await served(stage, channel, quiet)
    assert len(await flooding) == PERSON_FLOOD
    await stage.until(lambda: sum("flood" in text for text in stage.heard()) == PERSON_FLOOD)
