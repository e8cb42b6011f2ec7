"""Does the real process keep hearing Slack, whatever becomes of its connections?"""

import asyncio
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from bridge.clock import SystemClock
from tests.stage import Stage

pytestmark = pytest.mark.integration

GREETING = "Hello, I am Ava. How can I help you today?"


async def two_sockets(stage: Stage) -> None:
    await stage.until(lambda: stage.slack.sockets == 2)


async def said(stage: Stage, thread: str, *texts: str) -> None:
    """Ann says these, and each is heard by the agent, once."""
    for text in texts:
        await stage.reply(thread, text)
    await stage.until(lambda: all(text in stage.heard() for text in texts))
    assert sorted(stage.heard()) == sorted(set(stage.heard()))


def heard_until(stage: Stage, instant: datetime) -> None:
    """Make the stopped bridge believe that it heard nothing since."""
    with closing(sqlite3.connect(stage.database)) as database, database:
        change = "UPDATE memory SET value = ? WHERE key = 'heard_until'"
        assert database.execute(change, (instant.isoformat(),)).rowcount == 1


def logged(stage: Stage, event: str) -> int:
    return stage.log.read_text().count(f" {event}")


async def test_a_renewal_leaves_no_gap(stage: Stage) -> None:
    await two_sockets(stage)
    thread = await stage.mention("first")
    await stage.until(lambda: "first" in stage.heard())
    stage.slack.disconnect("warning")
    stage.slack.disconnect("refresh_requested")
    for number in range(10):
        await stage.reply(thread, f"message {number}")
        await asyncio.sleep(0.01)
    await said(stage, thread, "last")
    await stage.until(lambda: all(envelope.acked for envelope in stage.slack.envelopes))
    assert all(len(envelope.deliveries) == 1 for envelope in stage.slack.envelopes)
    # Acknowledged is stored; the agent hears one line after the other.
    every = sorted(["first", "last", *(f"message {number}" for number in range(10))])
    await stage.until(lambda: sorted(stage.heard()) == every)
    assert stage.slack.connections == 4
    assert not logged(stage, "adapter.disconnected")


async def test_socket_mode_switched_off_is_told_with_its_remedy(stage: Stage) -> None:
    await two_sockets(stage)
    stage.slack.switch_off_socket_mode()
    stage.slack.drop_sockets()
    await stage.until(lambda: "switch Socket Mode on" in stage.log.read_text())
    assert logged(stage, "adapter.disconnected") == 1
    stage.slack.switch_on_socket_mode()
    assert await stage.stop() == 0


async def test_a_strangers_socket_is_warned_of(stage: Stage) -> None:
    stage.slack.add_stranger()
    stage.slack.disconnect("refresh_requested")
    await stage.until(lambda: logged(stage, "slack.sockets_shared"))


async def test_what_a_long_outage_hid_is_handled_at_the_next_start(stage: Stage) -> None:
    thread = await stage.mention("hello")
    await stage.until(lambda: GREETING in stage.told(thread))
    assert await stage.stop() == 0
    heard_until(stage, SystemClock().now() - timedelta(minutes=10))
    for text in ("one", "two"):
        await stage.reply(thread, text)
    for envelope in stage.slack.envelopes:  # as if Slack had given up repeating them
        envelope.acked = envelope.acked or SystemClock().now()
        envelope.settled.set()
    await stage.started()
    await said(stage, thread, "three")
    await stage.until(lambda: len(stage.heard()) == 4)
    assert stage.heard() == ["hello", "one", "two", "three"]
    await stage.until(lambda: logged(stage, "slack.backfill_done"))
    assert logged(stage, "slack.backfill_started") == 1
