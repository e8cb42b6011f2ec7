"""A terminal as a chat platform: one person and one thread; what is typed is said."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Literal, TextIO

import aiohttp
from pydantic import BaseModel

from adapters.console.terminal import harmless, terminal, typed_lines
from bridge.errors import DatabaseFailed, MaybeDelivered
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import PersonId, ThreadKey
from bridge.model.inbound import Inbound, Said
from bridge.model.messages import Person
from bridge.plugin import Capabilities, Host, Plugin, text_of

#: How long after a line could not be stored it is tried again.
_AGAIN = timedelta(seconds=1)


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
        """Print it, in a thread: a terminal that is stopped stops nobody else."""
        text = "* " + harmless(text_of(outbound.content)).replace("\n", "\n  ")
        try:
            await asyncio.to_thread(print, text, file=self._screen, flush=True)
        except (OSError, ValueError) as error:
            # It cannot be asked what it shows.
            raise MaybeDelivered(f"the terminal is gone: {error}") from error
        return Receipt(outbound.id)

    async def read(self, keyboard: int) -> None:
        """Have each line stored, until the input ends."""
        async for line in typed_lines(keyboard):
            await self._keep(self._inbound(line))
        self._host.report(connected=False, detail="the input has ended")

    async def _keep(self, inbound: Inbound) -> None:
        """However long that takes: nobody types it again."""
        while True:
            try:
                await self._host.accept(inbound)
            except DatabaseFailed:
                await self._host.clock.sleep(_AGAIN)
            else:
                return

    def _inbound(self, line: str) -> Inbound:
        self._typed += 1
        at = self._host.clock.now()
        key = f"{at.isoformat(timespec='microseconds')} {self._typed:09}"  # unique; sorts by time
        thread, said = ThreadKey("console"), Said(line)
        return Inbound(
            thread=thread, identities=(key,), order=key, person=self._person, at=at, body=said,
            opens=True,
        )  # fmt: skip


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
