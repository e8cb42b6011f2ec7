"""Agents are asked while nobody says anything: their services, their sockets, their credentials."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import aiohttp
import pytest

from bridge.model.ids import AgentName
from bridge.plugin.canary import EVERY, PATIENCE
from bridge.polyai.api import AgentConnection, Api, Enter
from bridge.polyai.refusals import SessionRefused, TryLater
from bridge.runtime.connecting.agents import AgentDoor
from bridge.runtime.connecting.holding import Hold
from bridge.runtime.connecting.pace import Pace
from bridge.runtime.connecting.probing import LOOK, MOST_ASKED, Probing
from bridge.runtime.watching.status import Side, Status
from bridge.runtime.world import World
from bridge.store import Sealer
from bridge.testing.clock import FakeClock
from tests.unit.runtime.house import Counted, Even

DEFAULT = AgentName("default")
SECOND = timedelta(seconds=1)
AWAY = TryLater("away", after=None, status=0, correlation_id="c")


class Socket:
    """An open socket of the agent, and what its far end does."""

    def __init__(self, clock: FakeClock) -> None:
        self.agent = DEFAULT
        self.clock = clock
        self.quiet_since: datetime | None = clock.now()
        self.answers = True
        self.pings = 0
        self.renewed = False

    async def pinged(self) -> bool:
        self.pings += 1
        if not self.answers:
            await asyncio.Event().wait()
        self.quiet_since = self.clock.now()
        return True

    def renew(self) -> None:
        self.renewed = True


@dataclass
class _Answer:
    status: int = 404


class Service:
    """PolyAI, as far as it is asked without being told who asks."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away = False
        self.proofs: list[Exception] = []
        self.proved = 0

    @asynccontextmanager
    async def head(self, url: str, **_: object) -> AsyncIterator[_Answer]:
        self.asked.append(url)
        if self.away:
            raise aiohttp.ServerDisconnectedError
        yield _Answer()

    async def prove(self, enter: Enter) -> str:
        await enter()
        self.proved += 1
        if self.proofs:
            raise self.proofs.pop(0)
        return "as us"


class Theatre:
    """An agent, its sockets, and who probes them."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.clock = clock = FakeClock()
        self.service = Service()
        self.status = Status()
        self.sockets: list[Socket] = []
        self.door = AgentDoor(
            name=DEFAULT,
            connection=AgentConnection(base_url="http://x", connector_token="c", host="h"),
            api=cast("Api", self.service),
            pace=Pace(clock, Even(), 50),
            hold=Hold(clock),
            sealer=cast("Sealer", None),
            idle_timeout=timedelta(days=1),
            echo_timeout=10 * SECOND,
            reconnect_max=30 * SECOND,
        )
        world = World(clock=clock, ids=Counted(), chance=Even())
        http = cast("aiohttp.ClientSession", cast("Any", self.service))
        agents = {DEFAULT: self.door}
        Probing(agents, http, world, self.status, lambda: self.sockets).start(tasks)

    def with_sockets(self, number: int) -> list[Socket]:
        """So many are open, and their service has answered a ping before."""
        self.sockets = [Socket(self.clock) for _ in range(number)]
        self.door.hearing.pong()
        return self.sockets


class _Over(Exception):
    """Ends what would go on for ever."""


@pytest.fixture
async def theatre() -> AsyncIterator[Theatre]:
    try:
        async with asyncio.TaskGroup() as tasks:
            yield Theatre(tasks)
            raise _Over
    except* _Over:
        pass


async def test_a_service_is_asked_at_its_root_without_a_word_of_who_we_are(
    theatre: Theatre,
) -> None:
    await theatre.clock.advance(EVERY)
    assert theatre.service.asked == ["http://x/"]
    assert theatre.status.causes == []


async def test_an_agent_whose_service_is_away_is_told_and_green_again(theatre: Theatre) -> None:
    theatre.service.away = True
    await theatre.clock.advance(15 * SECOND)
    assert theatre.status.causes == [
        "agent default: PolyAI cannot be reached: ServerDisconnectedError"
    ]
    theatre.service.away = False
    await theatre.clock.advance(EVERY)
    assert theatre.status.causes == []


async def test_a_quiet_socket_is_pinged_and_a_busy_one_left_alone(theatre: Theatre) -> None:
    quiet, busy, read = theatre.with_sockets(3)
    busy.quiet_since = None
    for _ in range(10):
        await theatre.clock.advance(2 * SECOND)
        read.quiet_since = theatre.clock.now()
    assert quiet.pings in (3, 4)
    assert (busy.pings, read.pings) == (0, 0)
    assert theatre.status.causes == []


async def test_a_deaf_socket_is_renewed_within_fifteen_seconds(theatre: Theatre) -> None:
    deaf, _well = theatre.with_sockets(2)
    deaf.answers = False
    worst = EVERY + LOOK + PATIENCE
    await theatre.clock.advance(worst)
    assert deaf.renewed
    assert theatre.status.causes == [], "another one answers: the agent is there"
    assert worst < 15 * SECOND


async def test_when_all_are_deaf_the_agent_is_in_trouble(theatre: Theatre) -> None:
    for socket in theatre.with_sockets(3):
        socket.answers = False
    await theatre.clock.advance(EVERY + LOOK + PATIENCE + LOOK)
    assert theatre.status.causes == ["agent default: none of its open sockets answers"]
    theatre.sockets = []
    theatre.door.hearing.opened()
    await theatre.clock.advance(LOOK)
    assert theatre.status.causes == []


async def test_what_came_while_a_ping_was_waited_for_counts(theatre: Theatre) -> None:
    (socket,) = theatre.with_sockets(1)
    socket.answers = False
    await theatre.clock.advance(EVERY + LOOK)
    assert socket.pings == 1
    socket.quiet_since = theatre.clock.now()
    await theatre.clock.advance(PATIENCE)
    assert not socket.renewed
    assert theatre.status.causes == []


async def test_of_many_only_so_many_are_asked_at_once(theatre: Theatre) -> None:
    many = theatre.with_sockets(MOST_ASKED + 50)
    for socket in many:
        socket.answers = False
    await theatre.clock.advance(EVERY + LOOK)
    assert sum(socket.pings for socket in many) == MOST_ASKED


async def test_what_was_refused_is_proved_again_though_nobody_writes(theatre: Theatre) -> None:
    theatre.status.agent(DEFAULT, "away")
    theatre.service.proofs = [AWAY]
    await theatre.clock.advance(EVERY)
    assert theatre.status.ails(DEFAULT, Side.SESSIONS)
    await theatre.clock.advance(25 * SECOND)
    assert theatre.service.proved == 1, "not every five seconds: a proof mints a token"
    await theatre.clock.advance(10 * SECOND)
    assert theatre.service.proved == 2
    assert theatre.status.causes == []


async def test_a_service_that_is_back_is_proved_at_once(theatre: Theatre) -> None:
    theatre.status.agent(DEFAULT, "away")
    theatre.service.proofs = [AWAY]
    theatre.service.away = True
    await theatre.clock.advance(20 * SECOND)
    theatre.service.away = False
    await theatre.clock.advance(2 * EVERY)
    assert theatre.status.causes == []


async def test_what_no_proof_can_tell_is_left_until_somebody_asks(theatre: Theatre) -> None:
    theatre.status.agent(DEFAULT, "the request is wrong")
    theatre.service.proofs = [SessionRefused("wrong", remedy="", correlation_id="c")]
    with pytest.raises(SessionRefused):
        await theatre.door.prove()
    await theatre.clock.advance(60 * SECOND)
    assert theatre.service.proved == 1
    assert theatre.status.causes == ["agent default: the request is wrong"]
