"""Is the pseudo-terminal a terminal to the adapter, and does its screen say what was printed?"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.console import PLUGIN, Console, ConsoleSettings, connect
from adapters.console.stand_in import TerminalStandIn, stand_in
from bridge.model.delivery import Outbound
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.inbound import Said
from bridge.model.messages import AgentReply, Author, AuthorKind
from bridge.testing.clock import NOON, FakeClock
from bridge.testing.host import PlayedHost
from bridge.testing.stand_in import StandIn


@pytest.fixture
async def platform() -> AsyncIterator[TerminalStandIn]:
    async with stand_in() as terminal:
        yield terminal


@pytest.fixture
def host() -> PlayedHost:
    return PlayedHost(FakeClock(), name="console")


@pytest.fixture
async def adapter(platform: TerminalStandIn, host: PlayedHost) -> AsyncIterator[Console]:
    settings = ConsoleSettings.model_validate({"type": "console", **platform.settings})
    async with connect(settings, host) as console:
        yield console


def saying(text: str, number: int = 1) -> Outbound:
    return Outbound(
        id=DeliveryId(f"c1.{number}"),
        thread=ThreadKey("console"),
        content=AgentReply(Author(AuthorKind.AGENT), text),
        owed_at=NOON,
    )


async def accepted(host: PlayedHost, count: int) -> list[object]:
    async with asyncio.timeout(5):
        while len(host.accepted) < count:
            await asyncio.sleep(0.005)
    return [inbound.body for inbound in host.accepted]


async def test_what_is_typed_is_said_however_long_it_is(
    platform: TerminalStandIn, host: PlayedHost, adapter: Console
) -> None:
    long = "wörd " * 4000 + "end"
    await platform.say("hello")
    await platform.say(long)

    assert await accepted(host, 2) == [Said("hello"), Said(long)]


async def test_the_screen_tells_one_message_from_the_next(
    platform: TerminalStandIn, host: PlayedHost, adapter: Console
) -> None:
    uttered = await platform.say("hello")
    await accepted(host, 1)
    await adapter.deliver(saying("Well?\n\n1. Yes\n* no"))
    await adapter.deliver(saying("  indented", 2))

    seen = await platform.seen(uttered.thread)
    assert [(one.text, one.ours) for one in seen] == [
        ("hello", False),
        ("Well?\n\n1. Yes\n* no", True),
        ("  indented", True),
    ]
    assert len({one.id for one in seen}) == 3
    assert await platform.seen("elsewhere") == []


async def test_a_screen_that_is_full_is_read_by_itself(
    platform: TerminalStandIn, adapter: Console
) -> None:
    long = "word " * 40_000

    async with asyncio.timeout(10):
        await adapter.deliver(saying(f"{long}end"))

    (seen,) = await platform.seen("console")
    assert seen.text == f"{long}end"


async def test_a_terminal_acknowledges_nothing_and_repeats_nothing(
    platform: TerminalStandIn, host: PlayedHost, adapter: Console
) -> None:
    uttered = await platform.say("hello")
    await accepted(host, 1)
    await platform.repeat(uttered)
    await platform.reach("http://127.0.0.1:1/")

    assert await platform.taken(uttered) is None
    assert len(host.accepted) == 1


async def test_it_is_what_the_kit_expects(platform: TerminalStandIn) -> None:
    playing: StandIn = platform

    assert PLUGIN.settings.model_validate({"type": "console", **playing.settings})
