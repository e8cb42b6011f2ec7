"""A terminal as a chat platform: what is typed is said; a number chooses that suggestion.

What a notice offers is done by its word: /new, /retry, /cancel.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import aiohttp
from pydantic import BaseModel

from adapters.console.keyboard import typed_lines
from adapters.console.screen import choices, commands, shown
from bridge.errors import DatabaseFailed, MaybeDelivered
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import PersonId, ThreadKey
from bridge.model.inbound import Inbound, InboundBody, Said
from bridge.model.messages import Person
from bridge.plugin import Capabilities, Grade, Host, Plugin


class ConsoleSettings(BaseModel, frozen=True, extra="forbid"):
    """What an operator configures: the name of the person at the keyboard."""

    type: Literal["console"] = "console"
    user: str = "you"


class Console:
    """One person, one thread; only what was offered last can be chosen."""

    def __init__(self, settings: ConsoleSettings, host: Host) -> None:
        self._host, self._screen, self._typed = host, sys.stdout, 0
        self._person = Person(PersonId(settings.user), settings.user)
        self._choices: dict[str, InboundBody] = {}
        self._commands: dict[str, InboundBody] = {}

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Print it. A terminal cannot be asked what it shows, so a failure leaves doubt."""
        try:
            print(shown(outbound.content), file=self._screen, flush=True)
        except (OSError, ValueError) as error:
            raise MaybeDelivered(f"the terminal is gone: {error}") from error
        self._choices = choices(outbound) or self._choices
        self._commands |= commands(outbound)
        return Receipt(outbound.id)

    async def read(self, source: int) -> None:
        """Accept each line typed, until the input ends."""
        async for line in typed_lines(source):
            try:
                await self._host.accept(self._inbound(line))
            except DatabaseFailed:
                print("(That was not taken: please type it again.)", file=self._screen)
        self._host.report(connected=False, detail="the input has ended")

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
            body=(self._choices | self._commands).get(line, Said(line)),
            opens=True,
        )


@asynccontextmanager
async def connect(settings: ConsoleSettings, host: Host) -> AsyncIterator[Console]:
    """Standard input and output, for as long as the context lasts."""
    console = Console(settings, host)
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(console.read(sys.stdin.fileno()))
        host.report(connected=True)
        yield console
        reading.cancel()


async def _prove(settings: ConsoleSettings, _http: aiohttp.ClientSession) -> str:
    return f"{settings.user}, at this terminal"


CAPABILITIES = Capabilities(authorship=Grade.FULL, suggestions=Grade.PARTIAL, suggestion_limit=20)
PLUGIN = Plugin(settings=ConsoleSettings, capabilities=CAPABILITIES, connect=connect, prove=_prove)
