"""Do the agents take our credentials? Asked before anything is served, and by `check`."""

import aiohttp

from bridge.config import AgentSettings
from bridge.errors import BridgeError, CredentialsRefused
from bridge.model.ids import AgentName
from bridge.polyai.api import Api
from bridge.runtime.connecting.agents import AgentDoor, Agents
from bridge.runtime.connecting.doors import agent_connection
from bridge.runtime.watching.status import Status
from bridge.runtime.world import World


async def prove_agent(name: str, agent: AgentSettings, world: World) -> str:
    """Prove an agent's credentials without opening a session; one line that says so.

    Raises:
        CredentialsRefused: a person must act.
        BridgeError: it could not be proved now.
    """
    async with aiohttp.ClientSession() as http:
        api = Api(agent_connection(name, agent), http=http, ids=world.ids, clock=world.clock)
        return await api.prove()


class Proving:
    """Proves the agents of a bridge that starts, and says of each that is away."""

    def __init__(self, agents: Agents, status: Status, world: World) -> None:
        self._agents = agents
        self._status = status
        self._world = world

    async def all(self) -> list[AgentDoor]:
        """Those that are only away.

        Raises:
            CredentialsRefused: a person must act; the start stops.
        """
        away = []
        for name, door in self._agents.items():
            try:
                await door.prove()
            except CredentialsRefused:
                raise
            except BridgeError as error:
                self._away(name, error)
                away.append(door)
        return away

    async def again(self, door: AgentDoor) -> None:
        """Until an agent that was away at the start answers: then we are ready."""
        failures = 1
        while True:
            await self._world.pause(failures)
            try:
                await door.prove()
            except BridgeError as error:
                self._away(door.name, error)
                failures += 1
            else:
                self._status.agent(door.name, None)
                return

    def _away(self, agent: AgentName, error: BridgeError) -> None:
        correlation_id = getattr(error, "correlation_id", None)
        self._status.agent(agent, str(error), correlation_id=correlation_id)
