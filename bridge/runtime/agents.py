"""Which agents are there? Each with its door to PolyAI, and the memory of having been refused."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.core.handoffs import HandoffRule
from bridge.core.state import Conversation, Terms
from bridge.model.ids import AgentName
from bridge.polyai.api import AgentConnection, Api
from bridge.store import Sealer

#: How long nobody asks again after an agent refused our credentials: a person must act.
REFUSED_FOR = timedelta(seconds=60)


@dataclass(slots=True, kw_only=True)
class AgentDoor:
    """One configured PolyAI agent."""

    name: AgentName
    connection: AgentConnection
    api: Api
    sealer: Sealer
    idle_timeout: timedelta
    echo_timeout: timedelta
    reconnect_max: timedelta
    handoffs: tuple[HandoffRule, ...] = ()
    refused_until: datetime | None = field(default=None)

    def terms(self, *, text_limit: int, suggestion_limit: int) -> Terms:
        """What a step must know, for conversations with this agent on that platform."""
        return Terms(
            text_limit=text_limit,
            suggestion_limit=suggestion_limit,
            echo_timeout=self.echo_timeout,
            idle_timeout=self.idle_timeout,
            handoffs=self.handoffs,
        )


Agents = dict[AgentName, AgentDoor]


def door_of(agents: Agents, conversation: Conversation) -> AgentDoor | None:
    """The conversation's agent, unless the configuration no longer has it."""
    return agents.get(conversation.agent)
