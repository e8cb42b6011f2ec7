"""What people send and who may talk, through the real process: what is heard, what is shown."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stage import Stage, staged

pytestmark = pytest.mark.integration


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The bridge, configured and not yet started."""
    async with staged(tmp_path) as running:
        yield running


async def test_the_agent_hears_what_people_show_as_well_as_what_they_type(stage: Stage) -> None:
    await stage.started()
    thread = await stage.opened()
    slack, channel, ann = stage.slack, stage.channel, stage.ann
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": "milk"}]}
    await slack.write_rich(
        channel,
        ann,
        [{"type": "rich_text_list", "style": "bullet", "elements": [section]}],
        thread_ts=thread,
    )
    await stage.until(lambda: len(stage.heard()) == 2)
    await slack.act(channel, ann, "waves", thread_ts=thread)
    await stage.until(lambda: len(stage.heard()) == 3)
    told = await slack.say(channel, stage.ben, "the door is open")
    await slack.forward(channel, ann, channel, told, text="say so", thread_ts=thread)
    await stage.until(lambda: len(stage.heard()) == 4)
    await slack.share_file(channel, ann, text="say see", thread_ts=thread)
    await stage.until(lambda: len(stage.heard()) == 5)

    heard = stage.heard()[1:]
    assert heard[0] == "• milk"
    assert heard[1] == "* waves"
    assert heard[2].startswith("say so\n[forwarded: Ben, #help, https://")
    assert heard[2].endswith("> the door is open")
    assert heard[3].startswith("say see\n[file: plan.pdf, PDF, 12 kB, https://")


async def test_a_preview_that_slack_adds_is_not_heard_again(stage: Stage) -> None:
    await stage.started()
    thread = await stage.opened()
    await stage.slack.unfurl(stage.channel, thread, [{"from_url": "https://a.example"}])
    await stage.quiet()

    assert stage.heard() == ["say ready"]


async def test_with_its_root_a_thread_is_over_and_nothing_lands_in_the_channel(
    stage: Stage,
) -> None:
    await stage.started()
    thread = await stage.opened()
    await stage.slack.delete(stage.channel, thread)
    await stage.until(lambda: stage.sessions[0].ended)
    await stage.quiet()

    ours = [m for m in stage.slack.messages(stage.channel) if m.bot_id == stage.slack.bot_id]
    assert ours == []


async def test_an_archived_channel_ends_every_conversation_there_and_no_other(
    stage: Stage,
) -> None:
    await stage.started()
    other = stage.slack.add_channel("other")
    threads = [await stage.opened() for _ in range(2)]
    away = await stage.mention("say away", channel=other)
    await stage.until(lambda: "away" in stage.told(away, channel=other))
    stage.slack.archive(stage.channel)
    await stage.until(lambda: sum(bool(session.ended) for session in stage.sessions) == 2)
    await stage.quiet()

    assert len(threads) == 2
    assert [bool(session.ended) for session in stage.sessions] == [True, True, False]


async def test_who_is_denied_is_told_nothing(stage: Stage) -> None:
    await stage.started(deny_people=f'["{stage.ben}"]')
    call = f"<@{stage.slack.bot_user_id}> say no"
    refused = await stage.slack.say(stage.channel, stage.ben, call)
    thread = await stage.opened()
    await stage.slack.say(stage.channel, stage.ben, "say no", thread_ts=thread)
    await stage.reply(thread, "say yes")
    await stage.until(lambda: "yes" in stage.told(thread))

    assert stage.told(refused) == []
    assert stage.heard() == ["say ready", "say yes"]


async def test_only_mentions_are_answered_where_that_is_asked_for(stage: Stage) -> None:
    await stage.started(answer_to='"mention"')
    thread = await stage.opened()
    await stage.reply(thread, "between us")
    await stage.reply(thread, f"<@{stage.slack.bot_user_id}> say again")
    await stage.until(lambda: "again" in stage.told(thread))

    assert stage.heard() == ["say ready", "say again"]


async def test_a_workflow_is_answered_where_it_may(stage: Stage) -> None:
    await stage.started(bots="true")
    call = f"<@{stage.slack.bot_user_id}> say done"
    thread = await stage.slack.say_as_workflow(stage.channel, call, name="Nightly")
    await stage.until(lambda: "done" in stage.told(thread))

    assert stage.heard() == ["say done"]


async def test_a_guest_of_another_organisation_is_answered_in_a_shared_channel(
    stage: Stage,
) -> None:
    await stage.started()
    stage.slack.share_channel(stage.channel)
    guest = stage.slack.add_external_user("Gus")
    call = f"<@{stage.slack.bot_user_id}> say hello"
    thread = await stage.slack.say(stage.channel, guest, call)
    await stage.until(lambda: "hello" in stage.told(thread))

    assert stage.heard() == ["say hello"]
