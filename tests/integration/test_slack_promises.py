"""Promises that only the whole keeps: pauses beyond a restart, and whose words count."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.stage import Stage, staged

pytestmark = pytest.mark.integration

POST = "chat.postMessage"
STATUS = "assistant.threads.setStatus"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The bridge, configured and not yet started."""
    async with staged(tmp_path) as running:
        yield running


def pauses(stage: Stage) -> int:
    """How many pauses are noted in the database."""
    with closing(sqlite3.connect(stage.database)) as database:
        (found,) = database.execute("SELECT count(*) FROM memory WHERE key LIKE 'pause:%'")
        return int(found[0])


async def test_a_pause_that_slack_asked_for_outlasts_a_kill(stage: Stage) -> None:
    await stage.started()
    thread = await stage.opened()
    await stage.quiet(lasting=0.3)
    stage.slack.rate_limit(POST, after=timedelta(seconds=6))
    await stage.reply(thread, "say patient")
    await stage.until(lambda: pauses(stage))
    await stage.kill()
    await stage.started()
    await stage.until(lambda: "patient" in stage.told(thread))

    posts = [call for call in stage.slack.calls if call.method == POST]
    (limited,) = (number for number, call in enumerate(posts) if call.outcome != "ok")
    assert posts[limited + 1].at - posts[limited].at >= timedelta(seconds=6)
    assert stage.told(thread).count("patient") == 1
    await stage.until(lambda: not pauses(stage))


async def test_everyone_in_a_thread_is_answered(stage: Stage) -> None:
    await stage.started(answer_to='"everyone"')
    thread = await stage.opened()
    await stage.slack.say(stage.channel, stage.ben, "and I", thread_ts=thread)
    await stage.until(lambda: len(stage.heard()) == 2)

    assert stage.heard()[1].endswith("and I")


async def test_only_whoever_began_is_answered_where_that_is_asked_for(stage: Stage) -> None:
    await stage.started(answer_to='"starter"')
    thread = await stage.opened()
    await stage.slack.say(stage.channel, stage.ben, "say mine", thread_ts=thread)
    await stage.reply(thread, "say again")
    await stage.until(lambda: "again" in stage.told(thread))
    await stage.quiet(lasting=0.3)

    assert stage.heard() == ["say ready", "say again"]


async def test_who_writes_too_fast_is_told_once_and_alone(stage: Stage) -> None:
    text = stage.config.read_text()
    stage.config.write_text(text.replace('person_rate = "off"', 'person_rate = "2/1m"'))
    await stage.started()
    thread = await stage.opened()
    for number in range(4):
        await stage.reply(thread, f"say number {number}")
    await stage.slack.say(stage.channel, stage.ben, "and I", thread_ts=thread)
    await stage.until(lambda: len(stage.heard()) == 3)
    await stage.until(lambda: stage.slack.ephemerals)
    await stage.quiet()

    assert [told.user for told in stage.slack.ephemerals] == [stage.ann]
    assert stage.heard()[:2] == ["say ready", "say number 0"]
    assert stage.heard()[2].endswith("and I")


async def test_whom_bots_true_lets_in_is_never_the_bridge_itself(stage: Stage) -> None:
    await stage.started(bots="true")
    thread = await stage.opened()
    await stage.reply(thread, f"say <@{stage.slack.bot_user_id}> again")
    await stage.slack.say_as_other_bot(stage.channel, "just saying", thread_ts=thread)
    call = f"<@{stage.slack.bot_user_id}> say that"
    await stage.slack.say_as_other_bot(stage.channel, call, thread_ts=thread)
    await stage.until(lambda: len(stage.heard()) == 3)
    await stage.quiet()

    assert len(stage.heard()) == 3
    assert stage.heard()[2].endswith("say that")


async def test_a_status_delays_no_message_and_is_taken_away_in_the_end(stage: Stage) -> None:
    await stage.started()
    thread = await stage.opened()
    stage.slack.slow(STATUS, timedelta(seconds=8))
    asked_at = asyncio.get_running_loop().time()
    await stage.reply(thread, "slow")
    await stage.until(lambda: stage.slack.status(stage.channel, thread) == "is thinking…")
    await stage.until(lambda: "Thank you for waiting." in stage.told(thread))
    assert asyncio.get_running_loop().time() - asked_at < 6
    await stage.until(lambda: stage.slack.statuses[-1].status == "")

    await stage.reply(thread, "slow")
    await stage.until(lambda: stage.slack.status(stage.channel, thread) == "is thinking…")
    stage.slack.rate_limit(STATUS, after=timedelta(seconds=3))
    await stage.until(lambda: stage.told(thread).count("Thank you for waiting.") == 2)
    await stage.until(lambda: stage.slack.statuses[-1].status == "")
    assert stage.slack.status(stage.channel, thread) == ""
