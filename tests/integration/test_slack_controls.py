"""Steering a conversation where no slash command can go, through the real process."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.slack.reading.interactions import SHORTCUT
from tests.stage import Stage, staged

pytestmark = pytest.mark.integration


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The bridge between both simulators, started."""
    async with staged(tmp_path) as running:
        await running.started()
        yield running


async def opened(stage: Stage, words: str = "ready") -> str:
    """A thread in which the agent has answered."""
    thread = await stage.mention(f"say {words}")
    await stage.until(lambda: words in stage.told(thread))
    return thread


async def mention_in(stage: Stage, thread: str, text: str) -> None:
    await stage.reply(thread, f"<@{stage.slack.bot_user_id}> {text}")


def shown_to(stage: Stage, person: str) -> list[str]:
    return [shown.text for shown in stage.slack.ephemerals if shown.user == person]


async def end_by_button(stage: Stage, ts: str) -> None:
    pressed = await stage.slack.click(stage.channel, ts, stage.ann, action_id="polyai_end")
    assert pressed.acked


def ended(stage: Stage, thread: str) -> bool:
    return any("conversation was ended" in text for text in stage.told(thread))


async def test_a_word_in_the_thread_tells_how_things_stand_to_whoever_asked(stage: Stage) -> None:
    thread = await opened(stage)
    before = stage.told(thread)

    await mention_in(stage, thread, "What is going on?")

    await stage.until(lambda: shown_to(stage, stage.ann))
    await stage.quiet()
    (shown,) = stage.slack.ephemerals
    assert shown.thread_ts == thread
    assert (stage.told(thread), stage.heard()) == (before, ["say ready"])
    await end_by_button(stage, shown.ts)
    await stage.until(lambda: ended(stage, thread))


async def test_a_word_ends_and_another_begins_anew(stage: Stage) -> None:
    thread = await opened(stage)

    await mention_in(stage, thread, "stop")
    await stage.until(lambda: ended(stage, thread))
    await mention_in(stage, thread, "start again")

    await stage.until(lambda: len(stage.sessions) == 2)
    assert stage.heard() == ["say ready"]  # the words themselves are for us


async def test_a_wish_for_a_person_is_told_to_the_agent(stage: Stage) -> None:
    thread = await opened(stage)

    await mention_in(stage, thread, "human")

    await stage.until(lambda: len(stage.heard()) == 2)
    assert stage.heard()[1] != "human"


async def test_the_shortcut_works_in_a_thread_and_is_polite_elsewhere(stage: Stage) -> None:
    thread = await opened(stage)
    aside = await stage.slack.say(stage.channel, stage.ben, "not for the agent")

    assert (await stage.slack.use_shortcut(stage.channel, thread, stage.ann, SHORTCUT)).acked
    assert (await stage.slack.use_shortcut(stage.channel, aside, stage.ben, SHORTCUT)).acked

    await stage.until(lambda: shown_to(stage, stage.ann) and shown_to(stage, stage.ben))
    assert "no conversation" in shown_to(stage, stage.ben)[0]
    assert "no conversation" not in shown_to(stage, stage.ann)[0]


async def test_the_command_lists_and_ends_and_survives_a_kill(stage: Stage) -> None:
    first, second = await opened(stage, "one"), await opened(stage, "two")

    listed = await stage.slack.command(stage.channel, stage.ann, "/agent")
    assert listed.response is not None
    assert listed.problems == ()
    assert "2" in listed.response["text"]
    asked = await stage.slack.command(stage.channel, stage.ann, "/agent", "end")
    assert asked.response is not None
    assert asked.response["text"].startswith("Which one")

    await stage.kill()
    await stage.started()
    shown = [each for each in stage.slack.ephemerals if each.user == stage.ann][-1]
    # The latest is first; its button outlives the process that made it.
    await end_by_button(stage, shown.ts)
    await stage.until(lambda: ended(stage, second))
    await stage.until(lambda: len(shown_to(stage, stage.ann)) >= 3)

    last = await stage.slack.command(stage.channel, stage.ann, "/agent", "end")
    assert last.response is not None
    assert "being ended" in last.response["text"]
    await stage.until(lambda: ended(stage, first))


async def test_the_home_tab_lists_and_ends_and_is_refreshed(stage: Stage) -> None:
    thread = await opened(stage)
    slack, ann = stage.slack, stage.ann

    await slack.open_home(ann)
    await stage.until(lambda: slack.home(ann))
    assert "polyai_end" in json.dumps(slack.home(ann))
    assert (await slack.press_home(ann, action_id="polyai_end")).acked

    await stage.until(lambda: ended(stage, thread))
    await stage.until(lambda: "no open conversation" in json.dumps(slack.home(ann)))
    await stage.until(lambda: len(slack.homes) == 3)
    assert "no open conversation" in json.dumps(slack.home(ann))


async def test_another_databases_button_is_answered_politely(stage: Stage) -> None:
    thread = await opened(stage)
    await mention_in(stage, thread, "status")
    await stage.until(lambda: shown_to(stage, stage.ann))
    (shown,) = stage.slack.ephemerals
    await stage.stop()
    stage.database.unlink()
    await stage.started()

    await end_by_button(stage, shown.ts)

    await stage.until(lambda: len(shown_to(stage, stage.ann)) == 2)
    assert "no conversation" in shown_to(stage, stage.ann)[1]
