"""Does the console say what is typed, show what is owed, and leave nothing behind?"""

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from pydantic import ValidationError

from adapters import console
from adapters.console import PLUGIN, Console, ConsoleSettings, connect
from bridge.errors import MaybeDelivered
from bridge.model.delivery import Outbound
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.inbound import Inbound, Said
from bridge.model.messages import AgentReply, Author, AuthorKind, Content, Notice, NoticeKind
from bridge.plugin import Capabilities
from bridge.testing.clock import NOON, FakeClock
from bridge.testing.host import PlayedHost

AGENT = Author(AuthorKind.AGENT, "Poly")
OFFER = AgentReply(AGENT, "Well?\nReply with a number:\n1. Yes")


class HostTwin(PlayedHost):
    """A host that can be waited for until it hears that the console has left."""

    def __init__(self) -> None:
        self.time = FakeClock()
        super().__init__(self.time, name="console")
        self._ended = asyncio.Event()

    def report(self, *, connected: bool, detail: str = "") -> None:
        super().report(connected=connected, detail=detail)
        if not connected:
            self._ended.set()

    async def ended(self) -> None:
        await asyncio.wait_for(self._ended.wait(), 5)


class Terminal:
    """Standard input and output, in the hands of a test."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self.source, self._keyboard = os.pipe()
        self.host = HostTwin()
        self._capture = capture

    def shown(self) -> str:
        return self._capture.readouterr().out

    def type(self, text: str) -> None:
        os.write(self._keyboard, text.encode())

    def hang_up(self) -> None:
        if self._keyboard >= 0:
            os.close(self._keyboard)
            self._keyboard = -1

    def fileno(self) -> int:
        return self.source


@pytest.fixture
async def terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Terminal]:
    it = Terminal(capsys)
    monkeypatch.setattr("sys.stdin", it)
    yield it
    it.hang_up()
    os.close(it.source)


def outbound(content: Content, number: int = 1) -> Outbound:
    return Outbound(
        id=DeliveryId(f"c1.{number}"), thread=ThreadKey("console"), content=content, owed_at=NOON
    )


def console_of(terminal: Terminal) -> Console:
    return Console(ConsoleSettings(), terminal.host, sys.stdout)


async def typed(terminal: Terminal, text: str, *before: Content) -> list[Inbound]:
    """What the host is told when `text` is typed after `before` was shown."""
    async with connect(ConsoleSettings(), terminal.host) as adapter:
        for number, content in enumerate(before, 1):
            await adapter.deliver(outbound(content, number))
        terminal.type(text)
        terminal.hang_up()
        await terminal.host.ended()
    return terminal.host.accepted


async def test_a_line_is_said_and_opens_the_conversation(terminal: Terminal) -> None:
    (inbound,) = await typed(terminal, "hello\n")

    assert inbound.body == Said("hello")
    assert inbound.opens
    assert inbound.person.id == "you"
    assert inbound.at == NOON


async def test_lines_of_one_instant_have_their_own_identity_and_keep_their_order(
    terminal: Terminal,
) -> None:
    accepted = await typed(terminal, "".join(f"{n}\n" for n in range(12)))

    assert [each.body for each in accepted] == [Said(str(n)) for n in range(12)]
    assert len({each.identities for each in accepted}) == 12
    assert [each.order for each in accepted] == sorted(each.order for each in accepted)
    assert {each.thread for each in accepted} == {"console"}


async def test_a_number_is_said_like_any_words_and_the_core_knows_what_it_means(
    terminal: Terminal,
) -> None:
    (inbound,) = await typed(terminal, "2\n", OFFER)

    assert inbound.body == Said("2")


async def test_what_could_not_be_stored_is_tried_again_before_anything_else(
    terminal: Terminal,
) -> None:
    terminal.host.failing = 2

    async with connect(ConsoleSettings(), terminal.host):
        terminal.type("first\nsecond\n")
        terminal.hang_up()
        async with asyncio.timeout(5):
            while terminal.host.reports != [True, False]:
                await terminal.host.time.advance(timedelta(seconds=1))
                await asyncio.sleep(0.005)

    assert [each.body for each in terminal.host.accepted] == [Said("first"), Said("second")]


async def test_what_is_shown_is_told_from_what_comes_after_it(terminal: Terminal) -> None:
    adapter = console_of(terminal)

    receipt = await adapter.deliver(outbound(OFFER))
    await adapter.deliver(outbound(AgentReply(AGENT, "* no\n\n  list")))

    assert receipt.reference == "c1.1"
    assert terminal.shown().splitlines() == [
        "* Well?",
        "  Reply with a number:",
        "  1. Yes",
        "* * no",
        "  ",
        "    list",
    ]


async def test_every_notice_is_printed_in_words(terminal: Terminal) -> None:
    adapter = console_of(terminal)

    for number, kind in enumerate(NoticeKind):
        await adapter.deliver(outbound(Notice(kind), number))

    lines = terminal.shown().splitlines()
    assert len(lines) == len(NoticeKind)
    assert all(line.startswith("* ") for line in lines)


async def test_the_agents_text_cannot_drive_the_terminal(terminal: Terminal) -> None:
    reply = AgentReply(AGENT, "a\x1b[2Jb\rc\x07\x9bd\u202ee\ud800\nf\tg")

    await console_of(terminal).deliver(outbound(reply))

    assert terminal.shown() == "* a[2Jbcde\n  f\tg\n"


async def test_any_script_is_printed_as_it_is(terminal: Terminal) -> None:
    text = "Grüße, \u4f60\u597d, \U0001f468\u200d\U0001f469\u200d\U0001f467, a\u00a0b"

    await console_of(terminal).deliver(outbound(AgentReply(AGENT, text)))

    assert terminal.shown() == f"* {text}\n"


async def test_a_terminal_that_is_gone_leaves_doubt(
    terminal: Terminal,
) -> None:
    screen = io.StringIO()
    adapter = Console(ConsoleSettings(), terminal.host, screen)
    screen.close()

    with pytest.raises(MaybeDelivered, match="the terminal is gone"):
        await adapter.deliver(outbound(OFFER))


async def test_leaving_ends_at_once_though_nothing_was_typed(terminal: Terminal) -> None:
    before = asyncio.all_tasks()

    async with connect(ConsoleSettings(), terminal.host):
        assert terminal.host.reports == [True]

    assert asyncio.all_tasks() == before


async def test_an_ended_input_is_reported_and_replies_still_appear(terminal: Terminal) -> None:
    async with connect(ConsoleSettings(), terminal.host) as adapter:
        terminal.hang_up()
        await terminal.host.ended()
        await adapter.deliver(outbound(OFFER))

    assert terminal.host.reports == [True, False]
    assert "Well?" in terminal.shown()


async def test_the_proof_names_the_person() -> None:
    async with aiohttp.ClientSession() as http:
        assert "ann" in await PLUGIN.prove(ConsoleSettings(user="ann"), http)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError):
        ConsoleSettings.model_validate({"type": "console", "usr": "ann"})


async def test_the_proof_names_the_device() -> None:
    async with aiohttp.ClientSession() as http:
        assert "at /dev/tty9" in await PLUGIN.prove(ConsoleSettings(terminal="/dev/tty9"), http)


def test_it_claims_nothing_so_that_the_core_puts_everything_into_words() -> None:
    assert PLUGIN.capabilities == Capabilities()


def test_it_fits_on_one_page_of_the_guide() -> None:
    assert len(Path(console.__file__).read_text("utf-8").splitlines()) < 100
