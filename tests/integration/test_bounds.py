"""Does a flood from one person, one thread or one agent leave the others in peace?

Also where the others are in the same channel, whose rate all of them share: how soon they are
answered is counted in posts of the flood, and not in seconds.
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from bridge.runtime.connecting.connection import MOST_AT_ONCE
from bridge.runtime.delivering.dispatcher import MOST_OWED
from tests.stage import Stage

pytestmark = pytest.mark.integration

THREAD_FLOOD, PERSON_FLOOD, AGENT_FLOOD = 300, 30, 5 * MOST_OWED


#: So many posts of a flood may come before another thread's answer: it waits for no more than one,
#: and meanwhile the agent thinks.
MOST_BEFORE = MOST_OWED // 4


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


async def test_an_agent_that_floods_a_thread_holds_up_no_other_of_its_channel(stage: Stage) -> None:
    flooded = await stage.opened()
    agent = stage.sessions[0].id
    quiet = await stage.opened()
    for number in range(AGENT_FLOOD):
        stage.polyai.agent_says(agent, f"flood {number}")
    await stage.until(lambda: owed(stage) >= MOST_OWED - 10)
    before = len(stage.told(flooded))

    await served(stage, stage.channel, quiet)

    assert len(stage.told(flooded)) - before < MOST_BEFORE


async def test_people_who_flood_a_thread_hold_up_no_other_of_its_channel(stage: Stage) -> None:
    flooded, quiet = await stage.opened(), await stage.opened()
    texts = [f"say flood {number}" for number in range(THREAD_FLOOD)]
    flooding = asyncio.gather(*(stage.reply(flooded, text) for text in texts))
    await stage.until(lambda: owed(stage) >= MOST_OWED // 4)
    before = len(stage.told(flooded))

    await served(stage, stage.channel, quiet)

    assert len(stage.told(flooded)) - before < MOST_BEFORE
    await flooding


async def test_while_the_disk_does_not_keep_up_a_flooded_thread_alone_is_refused(
    stage: Stage,
) -> None:
    """What was refused was not acknowledged: Slack tells it again, and it is taken once."""
    flooded, quiet = await stage.opened(), await stage.opened()
    with held(stage):
        flooding = asyncio.gather(
            *(stage.reply(flooded, f"flood {n}") for n in range(THREAD_FLOOD))
        )
        await stage.until(lambda: "slack.not_stored" in stage.tail())
        answer = asyncio.create_task(stage.reply(quiet, "say served"))
        await asyncio.sleep(0.2)
        refused = stage.log.read_text()
    said = await answer
    await flooding

    await stage.until(lambda: "served" in stage.told(quiet))
    assert f"{stage.channel}:{said}" not in refused
    await stage.until(lambda: all(envelope.acked for envelope in stage.slack.envelopes))
    heard = [text for text in stage.heard() if text.startswith("flood")]
    assert len(heard) == len(set(heard))


@contextmanager
def held(stage: Stage) -> Iterator[None]:
    """Nothing can be written while the block lasts: not for longer than the database is patient."""
    with closing(sqlite3.connect(stage.database)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


async def test_a_flooding_person_costs_the_others_nothing(stage: Stage) -> None:
    channel, quiet = await elsewhere(stage)
    flooding = asyncio.gather(*(stage.mention(f"flood {n}") for n in range(PERSON_FLOOD)))

    await served(stage, channel, quiet)
    assert len(await flooding) == PERSON_FLOOD
    await stage.until(lambda: sum("flood" in text for text in stage.heard()) == PERSON_FLOOD)
