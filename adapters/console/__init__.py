"""A terminal as a chat platform: one person and one thread; what is typed is said."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, TextIO

import aiohttp
from pydantic import BaseModel

from adapters.console.terminal import terminal, typed_lines
from bridge.errors import DatabaseFailed, MaybeDelivered
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import PersonId, ThreadKey
from bridge.model.inbound import Inbound, Said
from bridge.model.messages import Person
from bridge.plugin import Capabilities, Host, Plugin, text_of

#: What drives a terminal or turns its writing around.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class ConsoleSettings(BaseModel, frozen=True, extra="forbid"):
    """What an operator configures."""

    type: Literal["console"] = "console"
    user: str = "you"  #: the name of the person at the keyboard
    terminal: str = ""  #: the path of the terminal's device; empty: the daemon's own


class Console:
    """Prints what it is asked to show, and has each line stored that is typed."""

    def __init__(self, settings: ConsoleSettings, host: Host, screen: TextIO) -> None:
        self._host, self._screen, self._typed = host, screen, 0
        self._person = Person(PersonId(settings.user), settings.user)

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Print it. A terminal cannot be asked what it shows, so a failure leaves doubt."""
        try:
            await self._print("* " + text_of(outbound.content).replace("\n", "\n  "))
        except (OSError, ValueError) as error:
            raise MaybeDelivered(f"the terminal is gone: {error}") from error
        return Receipt(outbound.id)

    async def read(self, keyboard: int) -> None:
        """Accept each line, until the input ends."""
        async for line in typed_lines(keyboard):
            try:
                await self._host.accept(self._inbound(line))
            except DatabaseFailed:
                await self._print("(That was not taken: please type it again.)")
        self._host.report(connected=False, detail="the input has ended")

    async def _print(self, text: str) -> None:
        """In a thread: a terminal that is stopped stops nobody else."""
        await asyncio.to_thread(print, _UNSAFE.sub("", text), file=self._screen, flush=True)

    def _inbound(self, line: str) -> Inbound:
        self._typed += 1
        at = self._host.clock.now()
        key = f"{at.isoformat(timespec='microseconds')} {self._typed:09}"  # unique; sorts by time
        return Inbound(
            thread=ThreadKey("console"),
            identities=(key,),
            order=key,
            person=self._person,
            at=at,
            body=Said(line),
            opens=True,
        )


@asynccontextmanager
async def connect(settings: ConsoleSettings, host: Host) -> AsyncIterator[Console]:
    """The terminal, for as long as the context lasts."""
    with terminal(settings.terminal) as (keyboard, screen):
        console = Console(settings, host, screen)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(console.read(keyboard))
            host.report(connected=True)
            yield console
            reading.cancel()


async def _prove(settings: ConsoleSettings, _http: aiohttp.ClientSession) -> str:
    return f"{settings.user}, at {settings.terminal or 'this terminal'}"


PLUGIN = Plugin(
    api_version=1,
    settings=ConsoleSettings,
    capabilities=Capabilities(),
    connect=connect,
    prove=_prove,
)
