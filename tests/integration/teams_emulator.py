"""The bridge, PolyAI's simulator and Microsoft's emulator of Teams, alone on a network.

Run by `test_teams_emulator` as a program of its own, in a network of its own: the emulator listens
on every interface. It is driven as its own page in a browser drives it, by HTTP and a WebSocket.
"""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bridge.clock import RandomIds, SystemClock
from bridge.simulators.polyai import PolyAISimulator
from tests.stage import Ground

#: In a network of our own every port is free.
_BRIDGE, _EMULATOR = 3978, 56150
_ADDRESS = f"http://127.0.0.1:{_EMULATOR}"

Message = dict[str, Any]


class Playground(Ground):
    """What people see there, by conversation and message, and what they can do."""

    def __init__(
        self, polyai: PolyAISimulator, directory: Path, http: aiohttp.ClientSession
    ) -> None:
        super().__init__(polyai, directory)
        self._http = http
        self.shown: dict[str, dict[str, Message]] = {}
        self.config.write_text(
            f"""
[database]
url = "sqlite+aiosqlite:///{self.database}"
[http]
port = {_BRIDGE}
[agents.default]
base_url = "{polyai.base_url}"
connector_token = "simulated-connector-token"
host = "https://demo.example"
[adapters.teams]
type = "teams"
emulator = "{_ADDRESS}/_connector"
"""
        )

    async def around(self) -> Message:
        """Who and what there is."""
        async with self._http.get(f"{_ADDRESS}/_internal/v1/config") as answer:
            config: Message = (await answer.json())["config"]
            return config

    async def watch(self) -> None:
        """See what the page would show, until cancelled."""
        url = f"{_ADDRESS}/_ws_conversation/v1/conversations/stream"
        async with self._http.ws_connect(url) as stream:
            async for told in stream:
                event = told.json()
                message = event.get("message") or {}
                if message.get("messageId"):
                    there = self.shown.setdefault(event["actionConversationId"], {})
                    there[message["messageId"]] = message

    async def say(self, conversation: str, **said: object) -> Message:
        """Write there, as the person at the page."""
        url = f"{_ADDRESS}/_conversation/v1/conversations/{conversation}/messages"
        body = {"from": {"id": "user-id-0"}, "textFormat": "plain", **said}
        async with self._http.post(url, json=body) as answer:
            assert answer.status == 200, await answer.text()
            found: Message = await answer.json()
            return found

    async def press(self, conversation: str, message: Message, title: str) -> None:
        """Press a button of a card, which gives its data back."""
        (button,) = [each for each in buttons(message) if each["title"] == title]
        body = {
            "conversation": {"id": conversation},
            "from": {"id": "user-id-0"},
            "replyToId": message["messageId"],
            "value": button["data"],
        }
        async with self._http.post(f"{_ADDRESS}/_conversation/v1/submit", json=body) as answer:
            assert answer.status == 200, await answer.text()

    def one(self, conversation: str, words: str) -> Message | None:
        """The message there that says so."""
        there = self.shown.get(conversation, {}).values()
        return next((each for each in there if words in text(each)), None)


def text(message: Message) -> str:
    """The words of a message, and of its cards."""
    words = [message.get("text") or ""]
    for element in _elements(message):
        words.append(element.get("text") or "")
        words += [run["text"] for run in element.get("inlines", [])]
    return "\n".join(words)


def buttons(message: Message) -> list[Message]:
    """What can be pressed."""
    actions = [one for element in _elements(message) for one in element.get("actions", [])]
    return [one for one in actions if one["type"] == "Action.Submit"]


def _elements(message: Message) -> list[Message]:
    cards = [each["content"] for each in message.get("attachments") or []]
    return [element for card in cards for element in card.get("body", [])]


async def talk(ground: Playground) -> None:
    """A chat and a thread of a channel: asked, chosen, answered."""
    config = await ground.around()
    chat, bot = config["personalChat"]["id"], config["bot"]["id"]
    await _first(ground, lambda: ground.say(chat, text="where is 1234"))
    asked = await ground.until(lambda: ground.one(chat, "arrives **tomorrow** by noon"))
    assert asked is not None
    titles = [each["title"] for each in buttons(asked)]
    assert titles == ["Change the address", "Talk to a person"], titles

    await ground.press(chat, asked, "Change the address")
    await ground.until(lambda: "Change the address" in ground.heard())
    await ground.until(lambda: ground.one(chat, "✓ Change the address"))
    changed = ground.one(chat, "arrives **tomorrow** by noon")
    assert changed is not None
    assert buttons(changed) == [], "the buttons are gone once one was pressed"

    mention = f"<at>{config['bot']['name']}</at>"
    opened = await ground.say(
        "team-id",
        text=f"{mention} say in the channel",
        textFormat="xml",
        mentions=[{"mentioned": {"id": bot}, "text": mention}],
    )
    thread = opened["postConversationId"]
    await ground.until(lambda: ground.one(thread, "in the channel"))
    assert ground.one("team-id", "in the channel") is None, "it stands in the thread"

    await ground.quiet()
    heard = ground.heard()
    for once in ("where is 1234", "Change the address", "say in the channel"):
        assert heard.count(once) == 1, heard
    answers = [m for m in ground.shown[thread].values() if "in the channel" in text(m)]
    assert len(answers) == 1, "one delivery is one message"


async def _first(ground: Playground, say: Callable[[], Any]) -> None:
    """Say something once the bridge is there to hear it: the emulator tells nobody twice."""
    await ground.until(lambda: "adapter.connected" in ground.tail())
    await say()


@asynccontextmanager
async def _program(*command: str, log: Path, **further: str) -> AsyncIterator[Process]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("POLYAI_BRIDGE_")}
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=out, stderr=out, env=environment | further
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _there(http: aiohttp.ClientSession) -> None:
    """Wait for the emulator."""
    async with asyncio.timeout(25):
        while True:
            try:
                async with http.get(f"{_ADDRESS}/_debug/ping"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)


async def main(emulator: str, directory: Path) -> None:
    """Start everybody, talk, stop everybody."""
    endpoint = f"http://127.0.0.1:{_BRIDGE}/teams/messages"
    starting = (emulator, "start", "-e", endpoint, "-c", "msteams", "-p", str(_EMULATOR), "--dt")
    quiet = {
        "TEAMSAPPTESTER_BROWSER": "none",
        "M365_AGENTS_PLAYGROUND_LOGFILE": str(directory / "playground.log"),
    }
    polyai = PolyAISimulator(clock=SystemClock(), ids=RandomIds())
    async with polyai, aiohttp.ClientSession() as http:
        ground = Playground(polyai, directory, http)
        run = (sys.executable, "-m", "bridge", "run", "--config", str(ground.config))
        async with _program(*starting, log=directory / "emulator.log", **quiet):
            await _there(http)
            watching = asyncio.create_task(ground.watch())
            async with _program(*run, log=ground.log) as bridge:
                await talk(ground)
                bridge.terminate()
                assert await bridge.wait() == 0, ground.tail()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        assert polyai.violations == [], polyai.violations


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
