"""What the contract tests of the Matrix adapter share: it, a host, and a real Synapse."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from adapters.matrix import PLUGIN
from adapters.matrix.client import MatrixClient
from adapters.matrix.stand_in import MatrixStandIn, stand_in
from adapters.matrix.stand_in.people import People
from bridge.clock import SystemClock
from bridge.model.delivery import Outbound
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.inbound import Inbound, InboundBody
from bridge.model.messages import AgentReply, Author, AuthorKind, Content
from bridge.testing.host import PlayedHost
from bridge.testing.stand_in import StandInMissing

#: How long anything may take before a test gives up, in seconds.
PATIENCE = 40.0


class Matrix:
    """The adapter on a played host, beside the people of a real homeserver."""

    def __init__(self, played: MatrixStandIn, http: aiohttp.ClientSession) -> None:
        self.played = played
        self.http = http
        self.host = PlayedHost(SystemClock(), http, name="matrix")
        self._number = 0

    @property
    def people(self) -> People:
        """Who speaks."""
        return self.played.people

    @property
    def room(self) -> str:
        """The room of the bot, Ada and Ben."""
        return self.played.room

    @property
    def bodies(self) -> list[InboundBody]:
        """What was accepted."""
        return [inbound.body for inbound in self.host.accepted]

    @asynccontextmanager
    async def connected(self, **further: Any) -> AsyncIterator[MatrixClient]:  # noqa: ANN401
        """The adapter, connected with the stand-in's settings and `further` ones."""
        settings = PLUGIN.settings.model_validate({**self.played.settings, **further})
        async with PLUGIN.connect(settings, self.host) as adapter:
            assert isinstance(adapter, MatrixClient)
            yield adapter

    async def told(self, count: int) -> list[Inbound]:
        """Everything that was accepted, when it is so much."""
        await until(lambda: len(self.host.accepted) >= count)
        return self.host.accepted

    async def opened(self) -> tuple[ThreadKey, str]:
        """A thread that Ada began: its key, and the id of its root."""
        before = len(self.host.accepted)
        uttered = await self.played.say("hello")
        accepted = await self.told(before + 1)
        return accepted[before].thread, uttered.thread

    def outbound(self, thread: ThreadKey, what: str | Content, identity: str = "") -> Outbound:
        """Something to show there, under a new delivery unless it is given."""
        self._number += 1
        content = AgentReply(Author(AuthorKind.AGENT), what) if isinstance(what, str) else what
        return Outbound(
            id=DeliveryId(identity or f"c.{self._number}"),
            thread=thread,
            content=content,
            owed_at=self.host.clock.now(),
        )

    async def shown(self, thread: str) -> list[str]:
        """What the bot shows in the thread."""
        return [one.text for one in await self.played.seen(thread) if one.ours]


async def until(seen: Callable[[], object]) -> None:
    """Wait until `seen` gives something true, or that to wait for."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        value = seen()
        if await value if isinstance(value, Awaitable) else value:
            return
        assert asyncio.get_running_loop().time() < deadline, "never seen"
        await asyncio.sleep(0.02)


@pytest.fixture
async def matrix() -> AsyncIterator[Matrix]:
    """A new bot in a new room."""
    try:
        async with stand_in() as played, aiohttp.ClientSession() as http:
            yield Matrix(played, http)
    except StandInMissing as missing:
        pytest.skip(str(missing))
