"""Are the agents there, though nobody says anything? Their services are asked, and their sockets.

The service is asked something that costs neither side anything (`plugin.canary`): no token is
minted for it. A socket on which nothing came for a while is pinged, a bounded number of them at a
time; one that does not answer is opened anew. What an agent refused is proved again once its
service answers, as nobody may write for hours.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from heapq import nsmallest
from typing import Final, Protocol

import aiohttp

from bridge.errors import BridgeError
from bridge.model.ids import AgentName
from bridge.plugin.canary import EVERY, PATIENCE, Canary, Reach
from bridge.runtime.connecting.agents import AgentDoor, Agents
from bridge.runtime.watching.status import Side, Status
from bridge.runtime.world import World

#: How often it is looked which sockets are quiet.
LOOK: Final = timedelta(seconds=2)
#: The most pings that are waited for at once: of 10,000 quiet sockets the others have their turn.
MOST_ASKED: Final = 100
#: How soon an agent is proved once more that was refused, or could not be proved.
_PROVE_AGAIN: Final = timedelta(seconds=30)


class Line(Protocol):
    """An open socket, as it is probed."""

    @property
    def agent(self) -> AgentName:
        """Whose it is."""
        ...

    @property
    def quiet_since(self) -> datetime | None:
        """The last sign of life; None while what came is being followed, and nothing is read."""
        ...

    async def pinged(self) -> bool:
        """Whether a ping was answered, however long that takes; else the socket is closed."""
        ...

    def renew(self) -> None:
        """It is deaf: have another one opened."""
        ...


class Probing:
    """Asks all agents, for ever."""

    def __init__(
        self,
        agents: Agents,
        http: aiohttp.ClientSession,
        world: World,
        status: Status,
        lines: Callable[[], Iterable[Line]],
    ) -> None:
        """`lines` gives the sockets that are open at that moment."""
        self._agents = agents
        self._world = world
        self._status = status
        self._lines = lines
        self._asked: dict[Line, asyncio.Task[None]] = {}
        self._deaf: set[Line] = set()  #: those that are being renewed
        self._proved_at: dict[AgentName, datetime] = {}
        self._canaries = [self._canary(url, http) for url in self._services()]

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Do so in tasks of that group."""
        for canary in self._canaries:
            tasks.create_task(canary.watch(), name="canary")
        tasks.create_task(self._watch_sockets(tasks), name="pings")
        tasks.create_task(self._mend(), name="prove again")

    def _services(self) -> dict[str, list[AgentDoor]]:
        """Agents often share one."""
        found: dict[str, list[AgentDoor]] = {}
        for door in self._agents.values():
            found.setdefault(door.connection.base_url, []).append(door)
        return found

    def _canary(self, url: str, http: aiohttp.ClientSession) -> Canary:
        doors = self._services()[url]

        def told(trouble: str | None) -> None:
            for door in doors:
                self._status.agent(door.name, trouble, side=Side.NETWORK)
                self._proved_at.pop(door.name, None)  # it is back: at once

        canary = Canary(self._world.clock, Reach(http, f"{url}/", name="PolyAI"), told)
        for door in doors:
            door.answered = canary.alive
        return canary

    async def _mend(self) -> None:
        """Prove again who was refused or away, if a proof can tell."""
        while True:
            await self._world.clock.sleep(EVERY)
            for door in self._agents.values():
                await self._prove(door)

    async def _prove(self, door: AgentDoor) -> None:
        now = self._world.clock.now()
        last = self._proved_at.get(door.name)
        patient = last is not None and now - last < _PROVE_AGAIN
        ails = self._status.ails(door.name, Side.SESSIONS)
        if not ails or patient or not door.provable or self._status.ails(door.name, Side.NETWORK):
            return
        self._proved_at[door.name] = now
        try:
            await door.prove()
        except BridgeError:
            return  # it is told already, and why
        self._status.agent(door.name, None)

    async def _watch_sockets(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            await self._world.clock.sleep(LOOK)
            now = self._world.clock.now()
            for line in self._quiet(now):
                self._asked[line] = tasks.create_task(self._ask(line), name="ping")
            for door in self._agents.values():
                self._status.agent(door.name, door.hearing.trouble(now), side=Side.SOCKETS)

    def _quiet(self, now: datetime) -> list[Line]:
        """Those that are to be pinged now, the longest quiet first."""
        found = [
            (since, number, line)
            for number, line in enumerate(self._lines())
            if (since := line.quiet_since) is not None
            and now - since >= EVERY
            and line not in self._asked
            and self._worth_a_ping(line)
        ]
        return [line for _, _, line in nsmallest(MOST_ASKED - len(self._asked), found)]

    def _worth_a_ping(self, line: Line) -> bool:
        door = self._agents.get(line.agent)
        return door is not None and door.hearing.worth_a_ping

    async def _ask(self, line: Line) -> None:
        """Ping one, and see what that means."""
        before, asked_at = line.quiet_since, self._world.clock.now()
        ping = asyncio.ensure_future(line.pinged())
        late = asyncio.ensure_future(self._world.clock.sleep(PATIENCE))
        try:
            await asyncio.wait((ping, late), return_when=asyncio.FIRST_COMPLETED)
            door = self._agents[line.agent]
            if ping.done():
                if ping.result():
                    door.hearing.pong()
            elif line.quiet_since == before:
                self._silent(line, door, asked_at)
        finally:
            del self._asked[line]
            ping.cancel()
            late.cancel()

    def _silent(self, line: Line, door: AgentDoor, asked_at: datetime) -> None:
        """It did not answer. Another that had its last sign too lately to be asked may be well."""
        others = [one for one in self._lines() if one.agent == line.agent and one is not line]
        self._deaf &= set(others)
        lately = asked_at - EVERY
        since = [one.quiet_since for one in others if one not in self._deaf]
        heard = any(at is None or at >= lately for at in since)
        if door.hearing.silence(self._world.clock.now(), all_silent=not heard):
            self._deaf.add(line)
            line.renew()
