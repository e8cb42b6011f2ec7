"""A terminal as a chat platform: what is typed is said, a number chooses that suggestion."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal, TextIO

import aiohttp
from pydantic import BaseModel

from bridge.errors import DatabaseFailed, MaybeDelivered
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import Clicked, Inbound, Said
from bridge.model.messages import AgentReply, Content, Person
from bridge.plugin import Capabilities, Grade, Host, Plugin, notice_text


class ConsoleSettings(BaseModel, frozen=True, extra="forbid"):
    """What an operator configures: the name of the person at the keyboard."""

    type: Literal["console"] = "console"
    user: str = "you"


class Console:
    """One person, one thread; only the newest suggestions can be chosen, by their numbers."""

    def __init__(self, settings: ConsoleSettings, host: Host, sink: TextIO) -> None:
        self._user, self._host, self._sink = settings.user, host, sink
        self._offer: tuple[DeliveryId, int] | None = None  # which reply offered how many

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Print it. A terminal cannot be asked what it shows, so a failure leaves doubt."""
        try:
            print(_shown(outbound.content), file=self._sink, flush=True)  # noqa: T201 - its purpose
        except (OSError, ValueError) as error:
            raise MaybeDelivered(f"the terminal is gone: {error}") from error
        if isinstance(outbound.content, AgentReply) and outbound.content.suggestions:
            self._offer = outbound.id, len(outbound.content.suggestions)
        return Receipt(outbound.id)

    async def read(self, source: int) -> None:
        """Accept every line typed, until the input ends."""
        number = 0
        async for line in _lines(source):
            number += 1
            try:
                await self._host.accept(self._inbound(line, number))
            except DatabaseFailed:
                self._sink.write("(That was not taken: please type it again.)\n")
        self._host.report(connected=False, detail="the input has ended")

    def _inbound(self, line: str, number: int) -> Inbound:
        body: Clicked | Said = Said(line)
        if self._offer and line.isdecimal() and 1 <= int(line) <= self._offer[1]:
            body = Clicked(self._offer[0], int(line) - 1)
        at = self._host.clock.now()
        name = f"{at.isoformat(timespec='microseconds')} {number:09}"  # unique, and sorts by time
        return Inbound(
            thread=ThreadKey("console"),
            identities=(name,),
            order=name,
            at=at,
            body=body,
            opens=True,
            person=Person(PersonId(self._user), self._user),
        )


@asynccontextmanager
async def _connect(
    settings: ConsoleSettings, host: Host, source: int = 0, sink: TextIO | None = None
) -> AsyncIterator[Console]:
    console = Console(settings, host, sink or sys.stdout)
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(console.read(source))
        host.report(connected=True)
        yield console
        reading.cancel()


async def _prove(settings: ConsoleSettings, _http: aiohttp.ClientSession) -> str:
    return f"{settings.user}, at this terminal"


def _shown(content: Content) -> str:
    if isinstance(content, AgentReply):
        lines = [f"{content.author.name or 'agent'}: {content.text}"]
        lines += [f"  {each.title} {each.url or ''}" for each in content.attachments]
        lines += [f"  {each.title}: {each.number}" for each in content.call_actions]
        lines += [f"  {n}) {each.text}" for n, each in enumerate(content.suggestions, 1)]
    else:
        lines = [f"* {notice_text(content)}"]
    # The agent's text must not drive the terminal: no control characters.
    return "".join(c for c in "\n".join(lines) if c.isprintable() or c == "\n")


async def _lines(source: int) -> AsyncIterator[str]:
    pending = b""
    while await _readable(source) and (chunk := os.read(source, 65536)):
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace").strip()
    if pending:
        yield pending.decode(errors="replace").strip()


async def _readable(source: int) -> bool:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        with suppress(PermissionError):  # an ordinary file cannot be waited for: it never blocks
            loop.add_reader(source, ready.set)
            await ready.wait()
    finally:
        loop.remove_reader(source)
    return True


PLUGIN = Plugin(
    settings=ConsoleSettings,
    capabilities=Capabilities(suggestions=Grade.PARTIAL, suggestion_limit=20),
    connect=_connect,
    prove=_prove,
)
