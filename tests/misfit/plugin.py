"""A stranger's plug-in. Its platform is a file; it is sound, but for the one fault it is set to.

The file has a line for each message. People speak by `POST /NAME/say`. Faults strike where they are
set to, in `deliver` only over a message that holds the word `poison`.
"""

import asyncio
import ctypes
import json
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, NoReturn

import aiohttp
from aiohttp import web
from pydantic import BaseModel, SecretStr

from bridge.errors import CredentialsRefused, DatabaseFailed
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import PersonId, ThreadKey
from bridge.model.inbound import Inbound, Said
from bridge.model.messages import Person
from bridge.plugin import Capabilities, Host, Plugin, text_of


class MisfitSettings(BaseModel, frozen=True, extra="forbid"):
    """Where the file is, which fault, where it strikes and how often (0: always)."""

    file: str
    token: SecretStr
    fault: str = ""
    at: str = "deliver"
    times: int = 0


async def _raise() -> NoReturn:
    raise ZeroDivisionError("a secret: misfit-token")


async def _leave_the_program() -> NoReturn:
    raise SystemExit(5)


async def _cancel() -> NoReturn:
    raise asyncio.CancelledError


async def _exit() -> NoReturn:
    os._exit(3)


async def _crash() -> None:
    ctypes.string_at(0)


async def _spin() -> None:
    while True:
        pass


async def _sleep() -> None:
    time.sleep(3600)


async def _hang() -> None:
    await asyncio.Event().wait()


async def _swallow() -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


async def _refuse() -> NoReturn:
    raise CredentialsRefused("the file refuses this token", remedy="get another")


FAULTS: Final[dict[str, Callable[[], Awaitable[None]]]] = {
    "raises": _raise,
    "leaves the program": _leave_the_program,
    "cancels": _cancel,
    "exits": _exit,
    "crashes": _crash,
    "spins": _spin,
    "sleeps": _sleep,
    "hangs": _hang,
    "swallows": _swallow,
    "is refused": _refuse,
}


class Misfit:
    """The adapter."""

    def __init__(self, settings: MisfitSettings, host: Host) -> None:
        self._settings, self._host = settings, host
        self._file = Path(settings.file)
        self._struck = Path(f"{settings.file}.struck")

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Write a line. It is there before the answer is: a fault afterwards leaves doubt."""
        text = text_of(outbound.content)
        if "poison" in text:
            await self.strikes("deliver")
        self._write(outbound.id, outbound.thread, text)
        if "poison" in text:
            await self.strikes("answer")
        return Receipt(outbound.id)

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        """Look into the file."""
        del since
        if "poison" in text_of(outbound.content):
            await self.strikes("find")
        there = any(line["id"] == outbound.id for line in lines(self._file))
        return Receipt(outbound.id) if there else None

    async def name_of(self, person: PersonId, thread: ThreadKey) -> str | None:
        """Everybody is called like their id."""
        del thread
        await self.strikes("name_of")
        return person

    async def say(self, request: web.Request) -> web.Response:
        """Somebody speaks: `id`, `thread`, `text`."""
        told = await request.json()
        if "poison" in told["text"]:
            await self.strikes("say")
        now = self._host.clock.now()
        inbound = Inbound(
            thread=ThreadKey(told["thread"]),
            identities=(told["id"],),
            order=now.isoformat(),
            person=Person(PersonId("ann")),
            at=now,
            body=Said(told["text"]),
            opens=True,
        )
        logging.getLogger("polyai_bridge.misfit").debug("misfit.heard")
        try:
            return web.json_response({"accepted": await self._host.accept(inbound)})
        except DatabaseFailed:
            raise web.HTTPServiceUnavailable from None

    async def strikes(self, at: str) -> None:
        """Do what the fault is, if this is where it strikes, and it has not struck often enough."""
        settings = self._settings
        before = int(self._struck.read_text()) if self._struck.exists() else 0
        if settings.fault and at == settings.at and (before < settings.times or not settings.times):
            self._struck.write_text(str(before + 1))
            await FAULTS[settings.fault]()

    def _write(self, identity: str, thread: str, text: str) -> None:
        with self._file.open("a") as file:
            file.write(json.dumps({"id": identity, "thread": thread, "text": text}) + "\n")


def lines(file: Path) -> list[dict[str, str]]:
    """What is written there."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@asynccontextmanager
async def connect(settings: MisfitSettings, host: Host) -> AsyncIterator[Misfit]:
    """Open for whoever speaks, as long as the context lasts."""
    misfit = Misfit(settings, host)
    await misfit.strikes("connect")
    host.serve("POST", "/say", misfit.say)
    await host.memory.remember("connected", "yes", secret=False)
    yield misfit
    await misfit.strikes("leave")


async def _prove(settings: MisfitSettings, _http: aiohttp.ClientSession) -> str:
    return settings.file


PLUGIN = Plugin(
    api_version=1,
    settings=MisfitSettings,
    capabilities=Capabilities(),
    connect=connect,
    prove=_prove,
)
