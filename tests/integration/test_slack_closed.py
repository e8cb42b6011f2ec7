"""Threads that are no more, through the real process: deleted, archived, taken out of."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stage import Stage, staged

pytestmark = pytest.mark.integration


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as running:
        await running.started()
        yield running


def ended(stage: Stage) -> bool:
    return all(session.ended for session in stage.sessions)


async def test_a_root_deleted_unseen_gets_no_answer_in_the_open_channel(stage: Stage) -> None:
    thread = await stage.opened()
    stage.slack.unsubscribe("message.channels")  # so that only the post itself can tell
    await stage.slack.delete(stage.channel, thread)
    await stage.slack.say(
        stage.channel, stage.ann, f"<@{stage.slack.bot_user_id}> say late", thread_ts=thread
    )
    await stage.until(lambda: ended(stage))
    await stage.quiet()
    top = [m for m in stage.slack.messages(stage.channel) if m.bot_id and not m.deleted]
    assert top == []
    code, out, _ = await stage.run_command("conversations", "list")
    assert code == 0
    assert "no conversation" in out.lower() or thread not in out


async def test_a_deleted_root_closes_the_conversation(stage: Stage) -> None:
    thread = await stage.opened()
    before = len(stage.slack.posts)
    await stage.slack.delete(stage.channel, thread)
    await stage.until(lambda: ended(stage))
    await stage.quiet()
    assert len(stage.slack.posts) == before


async def test_an_archived_channel_closes_its_conversations_and_no_others(stage: Stage) -> None:
    thread = await stage.opened()
    other = stage.slack.add_channel("other")
    elsewhere = await stage.mention("say there", channel=other)
    await stage.until(lambda: "there" in stage.told(elsewhere, channel=other))
    before = len(stage.slack.posts)
    stage.slack.archive(stage.channel)
    await stage.until(lambda: stage.sessions[0].ended)
    await stage.quiet()
    assert not stage.sessions[1].ended
    assert len(stage.slack.posts) == before
    assert "ready" in stage.told(thread)
    assert await stage.stop() == 0
