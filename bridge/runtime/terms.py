"""What must a step know of its platform and its agent? Worked out once for each two of them."""

from collections.abc import Iterable

import msgspec

from bridge.config import Settings
from bridge.core.state import Conversation
from bridge.core.terms import Terms
from bridge.model.ids import AdapterName, AgentName
from bridge.plugin import Capabilities
from bridge.runtime.adapters.configured import Configured
from bridge.runtime.connecting.agents import UNKNOWN, Agents, terms_on


class KnownTerms:
    """The terms of all conversations, by what adapters can show and agents are set to."""

    def __init__(self, settings: Settings, agents: Agents, adapters: Iterable[Configured]) -> None:
        self._settings = settings
        self._agents = agents
        self._capabilities = {one.name: one.capabilities for one in adapters}
        self._known: dict[tuple[AdapterName, AgentName], Terms] = {}

    def of(self, conversation: Conversation) -> Terms:
        """The same for all of an adapter's conversations with an agent."""
        key = conversation.adapter, conversation.agent
        if key not in self._known:
            self._known[key] = self._new(*key)
        return self._known[key]

    def learn(self, adapter: AdapterName, capabilities: Capabilities | None) -> None:
        """What an adapter can show; from here on each step goes by it."""
        if self._capabilities.get(adapter) != capabilities:
            self._capabilities[adapter] = capabilities
            self._known.clear()

    def _new(self, adapter: AdapterName, agent: AgentName) -> Terms:
        platform = self._capabilities.get(adapter) or UNKNOWN
        door = self._agents.get(agent)
        terms = terms_on(platform) if door is None else door.terms(platform)
        table = self._settings.adapters.get(adapter)
        asked = table.deletions if table is not None else None
        deletions = asked or self._settings.privacy.deletions
        return msgspec.structs.replace(terms, deletions=deletions)
