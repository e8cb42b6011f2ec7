"""The real process between PolyAI's simulator and a real Synapse: what people in Matrix see."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.matrix.stand_in import MatrixStandIn
from bridge.testing.stand_in import StandInMissing
from tests.contract.matrix_front import until
from tests.square import Square, square

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

GREETING = "Hello, I am Ava. How can I help you today?"


class Rooms:
    """The bridge, and the people of a homeserver."""

    def __init__(self, around: Square, played: MatrixStandIn) -> None:
        self.square = around
        self.played = played

    async def told(self, thread: str) -> list[str]:
        """What the bridge shows in a thread now, without what can be chosen."""
        shown = [one.text for one in await self.played.seen(thread) if one.ours]
        return [text.partition("\n\nReply with a number:")[0] for text in shown]

    async def shows(self, thread: str, text: str) -> str:
        """Wait until a message in the thread holds `text`; the id of the first that does."""
        found: list[str] = []

        async def look() -> bool:
            found[:] = [
                one.id for one in await self.played.seen(thread) if one.ours and text in one.text
            ]
            return bool(found)

        try:
            await until(look)
        except AssertionError:
            raise AssertionError(
                f"{text!r} never shown: {await self.told(thread)}\n{self.square.tail()}"
            ) from None
        return found[0]

    async def kill(self) -> None:
        """`kill -9`."""
        os.kill(self.square.pid, signal.SIGKILL)
        await self.square.until(lambda: self.square.dead)


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    """The bridge, running, its adapter inside of it."""
    try:
        async with square(tmp_path, ["matrix"]) as around:
            played = around.stand_ins["matrix"]
            assert isinstance(played, MatrixStandIn)
            await around.start()
            yield Rooms(around, played)
    except StandInMissing as missing:
        pytest.skip(str(missing))


async def test_a_conversation_from_a_mention_to_a_live_agent(rooms: Rooms) -> None:
    played = rooms.played
    uttered = await played.say("say it works")
    thread = uttered.thread
    await rooms.shows(thread, "it works")
    assert await rooms.told(thread) == [GREETING, "it works"]

    await played.say("talk to a person", thread=thread)
    await rooms.shows(thread, "Sam has joined")
    await played.say("is it you?", thread=thread, person="ben")
    await rooms.shows(thread, "Sam: Hi, this is Sam")
    told = await rooms.told(thread)
    edits = [
        event["content"]["m.new_content"]["body"]
        for event in await played.people.events(played.room)
        if "m.new_content" in event["content"]
    ]

    assert [text for text in told if "number 1 in the queue" in text] == []
    assert told.count("The wait for a person is over.") == 1
    assert any("number 1 in the queue" in text for text in edits)
    assert rooms.square.heard()[0] == "say it works"


async def test_a_suggestion_is_chosen_by_its_number_and_by_a_keycap(rooms: Rooms) -> None:
    played = rooms.played
    first, second = [(await played.say("")).thread for _ in range(2)]
    greeting = await rooms.shows(first, GREETING)
    await rooms.shows(second, GREETING)
    await played.people.react(played.room, "ben", greeting, "2️⃣")
    await rooms.square.until(lambda: len(rooms.square.heard()) == 1)
    await played.say("2", thread=second)
    await rooms.square.until(lambda: len(rooms.square.heard()) == 2)

    assert rooms.square.heard() == ["Opening hours", "Opening hours"]


async def test_a_hundred_messages_in_one_go_across_a_kill_come_in_order_and_once(
    rooms: Rooms,
) -> None:
    played, around = rooms.played, rooms.square
    thread = (await played.say("say ready")).thread
    await rooms.shows(thread, "ready")
    for number in range(20):
        await played.say(f"say n{number}", thread=thread)
    await around.until(lambda: len(around.heard()) >= 5)
    await rooms.kill()
    for number in range(20, 120):
        await played.say(f"say n{number}", thread=thread)
    await around.start()
    await around.until(lambda: len(around.heard()) == 121, patience=45)
    await rooms.shows(thread, "n119")
    await around.quiet()

    assert around.heard() == ["say ready", *(f"say n{number}" for number in range(120))]
    told = await rooms.told(thread)
    assert [text for text in told if text[0] == "n"] == [f"n{number}" for number in range(120)]
