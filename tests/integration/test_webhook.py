"""A system over HTTP, through the real process and its deaths: nothing lost, nothing told twice."""

import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.webhook.stand_in import WebhookStandIn, stand_in
from bridge.testing.stand_in import Fault
from tests.stage import Stage, staged

pytestmark = pytest.mark.integration


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


class Connected:
    """The stage, with a system in Slack's place."""

    def __init__(self, stage: Stage, system: WebhookStandIn) -> None:
        self.stage = stage
        self.system = system
        self._port = free_port()
        above, _, _ = stage.config.read_text().partition("[adapters.slack]")
        table = "\n".join(f"{key} = {json.dumps(value)}" for key, value in system.settings.items())
        stage.config.write_text(
            above.replace("port = 0", f"port = {self._port}") + f"[adapters.webhook]\n{table}\n"
        )

    async def start(self, *, dies_at: str | None = None) -> None:
        """Start the bridge, and return when it takes what the system tells."""
        await self.system.reach(f"http://127.0.0.1:{self._port}/webhook")
        said = self.stage.tail().count("adapter.connected")
        await self.stage.start(dies_at=dies_at)
        await self.stage.until(
            lambda: self.stage.tail().count("adapter.connected") > said or self.stage.dead
        )

    def texts(self, thread: str) -> list[str]:
        """What the bridge shows there."""
        return [seen.text for seen in self.system.standing(thread) if seen.ours]


@pytest.fixture
async def connected(tmp_path: Path) -> AsyncIterator[Connected]:
    async with staged(tmp_path) as stage, stand_in() as system:
        yield Connected(stage, system)


async def test_a_conversation_survives_a_kill(connected: Connected) -> None:
    stage, system = connected.stage, connected.system
    await connected.start()
    first = await system.say("say one")
    thread = first.thread
    await stage.until(lambda: "one" in connected.texts(thread))
    await system.fail(Fault.LOST_ANSWER)
    await system.say("say two", thread=thread)
    await stage.until(lambda: "two" in connected.texts(thread))
    await stage.kill()
    waiting = await system.say("say three", thread=thread)  # nobody is there: it is told again
    await system.repeat(first)
    await connected.start()
    await stage.until(lambda: "three" in connected.texts(thread))
    assert await system.taken(waiting)
    await system.repeat(first)
    await system.say("where is my order", thread=thread)
    await stage.until(lambda: system.standing(thread)[-1].suggestions)
    await system.press(system.standing(thread)[-1], 0)
    await stage.until(lambda: len(stage.heard()) == 5)
    await stage.quiet()
    texts = connected.texts(thread)
    assert [text for text in texts if text in {"one", "two", "three"}] == ["one", "two", "three"]
    assert stage.heard()[:4] == ["say one", "say two", "say three", "where is my order"]
    keys = [key for key, _, told in system.requests if told["kind"] == "message"]
    assert len(keys) > len(set(keys)) == len(texts)  # told again, and shown once
    assert await stage.stop() == 0


@pytest.mark.parametrize("point", ["after-accept:1", "after-attempt:1", "after-send:1"])
async def test_a_death_at_each_point_of_the_way_changes_nothing(
    connected: Connected, point: str
) -> None:
    stage, system = connected.stage, connected.system
    await connected.start(dies_at=point)
    said = await system.say("say here")
    await stage.died()
    await connected.start()
    await stage.until(lambda: "here" in connected.texts(said.thread))
    await stage.quiet()
    assert connected.texts(said.thread).count("here") == 1
    assert stage.heard() == ["say here"]
    assert await system.taken(said)
