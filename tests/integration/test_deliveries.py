"""Dead letters of the real bridge: redriven both ways, told to operators, never doubled."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from bridge.cli import cli
from bridge.cli.asking import ask
from bridge.model.messages import Notice, NoticeKind
from bridge.plugin import notice_text
from bridge.runtime.letters import Outcome
from bridge.store import look_into
from bridge.store.letters import STATES, Wanted
from bridge.store.records import Letter
from tests.stage import Stage

pytestmark = pytest.mark.integration

NOT_SHOWN = notice_text(Notice(NoticeKind.NOT_SHOWN))


async def command(stage: Stage, *arguments: str) -> Any:  # noqa: ANN401 - whatever JSON it is
    """What a command answers."""
    words = ["deliveries", *arguments, "--json", "--config", str(stage.config)]
    # Within this process, as one of its own takes a second.
    result = await asyncio.to_thread(CliRunner().invoke, cli, words)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


async def letters(stage: Stage, *states: str, to: str = "") -> list[Letter]:
    """Those in these states."""
    async with look_into(f"sqlite+aiosqlite:///{stage.database}") as store:
        return await store.letters.listed(Wanted(states=frozenset(states or STATES), to=to))


async def asked(stage: Stage, verb: str, *ids: str) -> list[Outcome]:
    """What the running bridge makes of it."""
    answer = await ask(f"sqlite+aiosqlite:///{stage.database}", verb, {"ids": ids})
    return msgspec.convert(answer, list[Outcome])


async def dead(stage: Stage, thread: str, text: str) -> str:
    """Slack never takes an answer; its id, once the thread was told."""
    before = stage.told(thread).count(NOT_SHOWN)
    stage.slack.fail("chat.postMessage", "posting_to_general_channel_denied")
    await stage.reply(thread, f"say {text}")
    await stage.until(lambda: stage.told(thread).count(NOT_SHOWN) > before)
    *_, letter = await letters(stage, "dead")
    return letter.id


async def test_an_answer_slack_never_takes_is_redriven_once_by_a_running_bridge_or_the_next_start(
    stage: Stage,
) -> None:
    thread = await stage.opened()
    letter = await dead(stage, thread, "lost")

    told = await command(stage, "show", letter)
    assert (told["to"], told["kind"], told["state"]) == ("thread", "post", "dead")
    assert "posting_to_general_channel_denied" in told["reason"]
    assert "lost" not in json.dumps(told)

    (done,) = await command(stage, "redrive", "--state", "dead")
    assert done["done"], done
    await stage.until(lambda: stage.told(thread)[-1] == "lost")
    await stage.quiet()
    assert stage.told(thread).count("lost") == 1
    (one,) = [one for one in await letters(stage, "sent") if one.id == letter]
    assert one.redriven == 1
    (again,) = await asked(stage, "deliveries.redrive", letter)
    assert again == Outcome(id=letter, done=False, note="it is not dead, but sent")

    # Where none runs it is done on the database, and sent at the next start.
    first, second = await dead(stage, thread, "first"), await dead(stage, thread, "second")
    assert await stage.stop() == 0

    (redriven,) = await command(stage, "redrive", first)
    (dropped,) = await command(stage, "drop", second)
    assert redriven["done"]
    assert dropped["done"]
    assert await letters(stage, "dead") == []

    await stage.start()
    await stage.until(lambda: stage.told(thread)[-1] == "first")
    await stage.quiet()
    assert "second" not in stage.told(thread)


async def test_words_that_polyai_never_confirmed_are_redriven_and_try_again_does_nothing(
    stage: Stage,
) -> None:
    thread = await stage.opened()
    stage.polyai.swallow_messages(4)
    await stage.reply(thread, "say at last")
    (notice,) = await stage.until(
        lambda: [
            m for m in stage.slack.messages(stage.channel, thread) if "did not reach" in m.text
        ]
    )
    (letter,) = await letters(stage, "dead", to="agent")

    (done,) = await asked(stage, "deliveries.redrive", letter.id)
    assert done.done
    await stage.until(lambda: "at last" in stage.told(thread))
    (changed,) = [m for m in stage.slack.messages(stage.channel, thread) if m.ts == notice.ts]
    assert "was sent again" in changed.text
    await stage.quiet()

    assert stage.heard().count("say at last") == 1
    listed = await letters(stage, to="agent")
    assert [(one.state, one.redriven) for one in listed] == [
        ("sent", 0),
        ("dropped", 0),
        ("sent", 1),
    ]


async def test_a_channel_is_told_once_of_what_died_without_its_words(stage: Stage) -> None:
    desk = stage.slack.add_channel("operators")
    assert await stage.stop() == 0
    alerts = f'[alerts]\nadapter = "slack"\nchannel = "{desk}"\nevery = "500ms"\n'
    stage.config.write_text(alerts + stage.config.read_text())
    await stage.start()
    await stage.connected()
    thread = await stage.opened()
    letter = await dead(stage, thread, "unspeakable")

    (alarm,) = await stage.until(lambda: [m for m in stage.slack.messages(desk) if m.bot_id])
    assert letter in alarm.text
    assert "unspeakable" not in alarm.text
    await stage.quiet(lasting=1.2)
    assert len([m for m in stage.slack.messages(desk) if m.bot_id]) == 1
