"""When is a sign of life shown? At once or not at all, the newest of each conversation only."""

import asyncio
from datetime import timedelta

from bridge import log
from bridge.core.state import Conversation
from bridge.model.ids import ConversationId
from bridge.plugin import Signal, Signaller
from bridge.runtime.supervisor import Adapters

_log = log.get("signals")
#: How long showing one may take before it is forgotten.
_PATIENCE = timedelta(seconds=5)


class Signals:
    """Passing signs of life, best effort. One of a conversation at a time is under way.

    Otherwise an end could be overtaken by what it is to end, and a status would stay for minutes.
    """

    def __init__(self, adapters: Adapters, tasks: asyncio.TaskGroup) -> None:
        self._adapters = adapters
        self._tasks = tasks
        self._newest: dict[ConversationId, Signal] = {}

    def show(self, conversation: Conversation, signal: Signal) -> None:
        """Show it, as soon as an earlier one of the conversation has arrived or is lost."""
        if not isinstance(self._adapters.now(conversation.adapter), Signaller):
            return
        under_way = conversation.id in self._newest
        self._newest[conversation.id] = signal
        if not under_way:
            self._tasks.create_task(self._serve(conversation), name="signal")

    async def _serve(self, conversation: Conversation) -> None:
        shown: Signal | None = None
        while (newest := self._newest[conversation.id]) != shown:
            shown = newest
            try:
                await self._signal(conversation, newest)
            except Exception as error:
                kind = type(error).__name__
                _log.debug("signal.lost", adapter=conversation.adapter, error=kind)
        del self._newest[conversation.id]

    async def _signal(self, conversation: Conversation, signal: Signal) -> None:
        adapter: object = self._adapters.now(conversation.adapter)
        if isinstance(adapter, Signaller):
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                await adapter.signal(conversation.thread, signal)
