"""The Teams adapter between a Microsoft that is played on loopback and a host kept in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.teams.client import TeamsClient
from adapters.teams.connection import connect
from adapters.teams.played import PlayedMicrosoft
from adapters.teams.settings import TeamsSettings
from adapters.teams.stand_in import TeamsStandIn, stand_in
from bridge.clock import SystemClock
from bridge.model.delivery import Outbound
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.inbound import Inbound
from bridge.model.messages import AgentReply, Author, AuthorKind, Content
from bridge.testing.host import PlayedHost
from tests.contract.slack_front import fronted

AGENT = Author(AuthorKind.AGENT)


class ShiftedClock(SystemClock):
    """The machine's clock, wound on by hand."""

    shift = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.shift


@dataclass(slots=True)
class TeamsStage:
    """Everybody."""

    teams: TeamsStandIn
    host: PlayedHost
    client: TeamsClient
    clock: ShiftedClock
    settings: TeamsSettings

    @property
    def microsoft(self) -> PlayedMicrosoft:
        return self.teams.microsoft

    async def until(self, number: int) -> Inbound:
        """The `number`-th that was accepted, once it is."""
        await until(lambda: len(self.host.accepted) >= number)
        return self.host.accepted[number - 1]

    async def thread(self) -> ThreadKey:
        """The key of a thread that somebody opened."""
        await self.teams.say("hello")
        return (await self.until(len(self.host.accepted) + 1)).thread


def outbound(thread: ThreadKey, content: str | Content, name: str = "c.1") -> Outbound:
    said = AgentReply(AGENT, content) if isinstance(content, str) else content
    return Outbound(id=DeliveryId(name), thread=thread, content=said, owed_at=SystemClock().now())


async def until(happened: Callable[[], bool]) -> None:
    """Return once it did; the test's own limit ends it else."""
    while not happened():
        await asyncio.sleep(0.005)


@asynccontextmanager
async def teams_stage() -> AsyncIterator[TeamsStage]:
    clock = ShiftedClock()
    async with stand_in() as teams, fronted(clock) as front:
        # What the front serves is below the name that its host has.
        await teams.reach(f"{front.url}/{front.host.name}")
        settings = TeamsSettings.model_validate(dict(teams.settings))
        async with connect(settings, front.host) as client:
            yield TeamsStage(teams, front.host, client, clock, settings)
