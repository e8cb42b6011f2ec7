"""How is each configured agent reached? By a door, made of what the operator asked for."""

import aiohttp

from bridge.config import AgentSettings, Settings
from bridge.model.ids import AgentName
from bridge.polyai.api import AgentConnection, Api
from bridge.runtime.connecting.agents import AgentDoor, Agents
from bridge.runtime.connecting.holding import Hold
from bridge.runtime.connecting.pace import Pace
from bridge.runtime.world import World
from bridge.store import Store


def agent_connection(name: str, agent: AgentSettings) -> AgentConnection:
    """How to reach one configured agent."""
    return AgentConnection(
        base_url=agent.base_url,
        connector_token=agent.connector_token.get_secret_value(),
        host=agent.host,
        streaming=agent.streaming,
        name=name,
    )


def doors(
    settings: Settings, store: Store, http: aiohttp.ClientSession, world: World, pace: Pace
) -> Agents:
    """One for each agent of the configuration; all ask at the same `pace`."""

    def door(name: str, agent: AgentSettings) -> AgentDoor:
        connection = agent_connection(name, agent)
        return AgentDoor(
            name=AgentName(name),
            connection=connection,
            api=Api(connection, http=http, ids=world.ids, clock=world.clock),
            pace=pace,
            hold=Hold(world.clock),
            sealer=store.sealer(agent.connector_token.get_secret_value()),
            idle_timeout=agent.idle_timeout,
            echo_timeout=agent.echo_timeout,
            reconnect_max=agent.reconnect_max,
            handoffs=tuple(each.rule for each in agent.handoffs),
            person_words=agent.person_words,
            edits=agent.edits,
            speakers=agent.speakers,
            speaker_format=agent.speaker_format,
        )

    return {AgentName(name): door(name, agent) for name, agent in settings.agents.items()}
