"""A conversation in a terminal: the reference adapter, and the shortest one there can be.

Each line typed is said in one thread; a number chooses the suggestion of that number. What was
typed before a crash and not yet read is the terminal's to keep: a console redelivers nothing.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import aiohttp
from pydantic import BaseModel, ConfigDict

from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import Clicked, Inbound, InboundBody, Said
from bridge.model.messages import AgentReply, Person
from bridge.plugin import Adapter, Capabilities, Grade, Host, Plugin, notice_text

THREAD = ThreadKey("console")


class ConsoleSettings(BaseModel):
    """What an operator may set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["console"] = "console"
    #: The name of whoever types.
    user: str = "you"


class Console:
    """The adapter: lines in, lines out."""

    def __init__(self, settings: ConsoleSettings, host: Host) -> None:
        self._person = Person(PersonId(settings.user), settings.user)
        self._host = host
        self._offered: tuple[DeliveryId, int] | None = None

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Print it."""
        content = outbound.content
        if isinstance(content, AgentReply):
            lines = [f"{content.author.name or 'agent'}: {content.text}"]
            lines += [f"  [{n}] {s.text}" for n, s in enumerate(content.suggestions, start=1)]
            self._offered = (outbound.id, len(content.suggestions))
        else:
            lines = [f"* {notice_text(content)}"]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        return Receipt(outbound.id)

    async def read(self) -> None:
        """Accept each line until there are no more."""
        lines = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        self._host.report(connected=True, detail="reading standard input")
        async for line in lines:
            await self._host.accept(self._inbound(line.decode(errors="replace").strip()))
        self._host.report(connected=False, detail="standard input has ended")

    def _inbound(self, line: str) -> Inbound:
        now = self._host.clock.now()
        return Inbound(
            thread=THREAD,
            identities=(f"line:{now.isoformat()}",),
            order=now.isoformat(),
            person=self._person,
            at=now,
            body=self._meaning(line),
            opens=True,
        )

    def _meaning(self, line: str) -> InboundBody:
        if self._offered and line.isdecimal() and 1 <= int(line) <= self._offered[1]:
            return Clicked(self._offered[0], int(line) - 1)
        return Said(line)


@asynccontextmanager
async def connect(settings: ConsoleSettings, host: Host) -> AsyncIterator[Adapter]:
    """Read standard input for as long as we are entered."""
    console = Console(settings, host)
    reading = asyncio.create_task(console.read(), name="console.read")
    try:
        yield console
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def prove(settings: ConsoleSettings, _http: aiohttp.ClientSession) -> str:
    """A terminal asks for no credentials."""
    return f"reads standard input as {settings.user}"


PLUGIN = Plugin(
    settings=ConsoleSettings,
    capabilities=Capabilities(authorship=Grade.FULL, suggestions=Grade.PARTIAL, suggestion_limit=9),
    connect=connect,
    prove=prove,
)
