"""The real process: what happened to a message, asked by a link, whether it runs or not."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.cli import cli
from bridge.store import look_into
from tests.property.test_timeline import hold
from tests.stage import Stage, staged

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

BEGINNING = "A beginning of some length, which is enough to post. "


@pytest.fixture
async def resting(tmp_path: Path) -> AsyncIterator[Stage]:
    """Everything but the bridge is running."""
    async with staged(tmp_path) as stage:
        stage.configure(echo_timeout='"1s"', reconnect_max='"1s"')
        yield stage


def link(stage: Stage, ts: str, thread: str) -> str:
    """As a person copies it."""
    message = f"archives/{stage.channel}/p{ts.replace('.', '')}"
    return f"https://example.slack.com/{message}?thread_ts={thread}&cid={stage.channel}"


async def traced(stage: Stage, what: str) -> dict[str, Any]:
    """What the command prints; within this process, as a process of its own takes a second."""
    words = ["trace", what, "--json", "--config", str(stage.config)]
    result = await asyncio.to_thread(CliRunner().invoke, cli, words)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.output)
    return found


def hops(told: dict[str, Any]) -> list[str]:
    return [one["hop"] for one in told["hops"]]


def last_post(stage: Stage, thread: str) -> str:
    ours = [m for m in stage.slack.messages(stage.channel, thread) if m.bot_id and not m.deleted]
    return ours[-1].ts


async def test_one_message_through_a_stream_a_kill_an_edit_and_a_handoff(stage: Stage) -> None:
    thread = await stage.opened()
    asked = await stage.reply(thread, "tell me more")
    await stage.until(lambda: "You said: tell me more" in stage.told(thread))
    await stage.quiet()

    # A message that never came here is not passed off as its thread.
    never = await traced(stage, link(stage, "1893499999.999999", thread))
    assert (never["message_known"], len(never["messages"])) == (False, 2)

    # From either end it is the same story, also of a running bridge.
    of_person = await traced(stage, link(stage, asked, thread))
    of_reply = await traced(stage, link(stage, last_post(stage, thread), thread))
    assert of_person["hops"] == of_reply["hops"]
    assert {"said", "received", "journaled", "acked", "stepped"} <= set(hops(of_person))
    assert {"sent", "echoed", "confirmed", "attempted", "posted", "receipt"} <= set(hops(of_person))
    assert not [one for one in of_person["hops"] if one["at"] is None]
    assert of_person["outcome"] == "answered"
    assert "tell me more" not in json.dumps(of_person)

    # An answer grows; the bridge dies in the middle of it, and ends the same message.
    stage.polyai.stream_chunks(None, [{"text": BEGINNING, "is_complete": False}])
    await stage.until(lambda: BEGINNING.strip() in stage.told(thread))
    await stage.kill()
    growing = await traced(stage, link(stage, last_post(stage, thread), thread))
    assert any("unfinished" in one["says"] for one in growing["hops"])
    stage.polyai.stream_chunks(None, [{"text": "The end.", "is_complete": True}])
    await stage.start()
    await stage.until(lambda: f"{BEGINNING}The end." in stage.told(thread))
    await stage.quiet()
    grown = await traced(stage, link(stage, last_post(stage, thread), thread))
    assert any("changes" in one["says"] for one in grown["hops"])

    # What somebody corrects is a message of its own; a handoff is told where it happened.
    await stage.slack.edit(stage.channel, asked, "tell me even more")
    person = await stage.reply(thread, "talk to a person")
    await stage.until(lambda: any("person" in text for text in stage.told(thread)[-2:]))
    await stage.quiet()
    handed = await traced(stage, link(stage, person, thread))
    assert any(one["says"].startswith("handoff ") for one in handed["hops"])

    # All of the conversation, the newest last, and the law on what the real process wrote.
    listed = await traced(stage, of_person["conversation"])
    assert [m["began"] for m in listed["messages"]] == sorted(
        m["began"] for m in listed["messages"]
    )
    assert len(listed["messages"]) >= 5
    await stage.stop()
    async with look_into(f"sqlite+aiosqlite:///{stage.database}") as store:
        timeline = await store.timelines.of(of_person["conversation"])
        assert timeline is not None
        hold(timeline)
        assert timeline.sessions[0].correlation_id
    code, out, err = await stage.run_command("trace", of_person["conversation"])
    assert (code, "answered" in out, "even more" in out) == (0, True, False), err


async def test_killed_right_after_the_accept_it_says_what_was_not_recorded(
    resting: Stage,
) -> None:
    stage = resting
    await stage.start(dies_at="after-accept")
    await stage.connected()
    thread = await stage.mention("say words")
    await stage.died()
    before = await traced(stage, link(stage, thread, thread))
    await stage.start()
    await stage.until(lambda: "words" in stage.told(thread))
    await stage.quiet()
    after = await traced(stage, link(stage, thread, thread))

    lost = [one["hop"] for one in after["hops"] if one["at"] is None and not one["open"]]
    assert lost == ["journaled", "acked"]
    assert [one["hop"] for one in before["hops"] if one["open"]] == ["stepped"]
    assert after["outcome"] == "answered"
    assert not [one for one in after["hops"] if one["open"]]
