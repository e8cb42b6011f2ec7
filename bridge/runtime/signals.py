"""When is a sign of life shown? Beside the messages, never in their way, and always taken away.

A platform may take a sign away with any message, and may lose that race: so after messages it is
shown again if it still holds, and taken away explicitly if one was shown.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge import log
from bridge.core.state import Conversation
from bridge.errors import RetryLater
from bridge.model.ids import ConversationId
from bridge.plugin import Signal, SignalKind, Signaller
from bridge.runtime.supervisor import Adapters
from bridge.runtime.world import World

_log = log.get("signals")
#: How long showing one may take before it is forgotten.
_PATIENCE = timedelta(seconds=5)
#: How long the same sign need not be shown again: a platform may drop it after two minutes.
_LASTS = timedelta(seconds=60)
#: By then a platform has dropped a sign itself.
_GONE = timedelta(minutes=2)
#: How often it is tried to take a sign away.
_TRIES = 3


@dataclass(slots=True)
class _Sign:
    """What one conversation is to show, and what it shows as far as we know."""

    conversation: Conversation
    wanted: Signal
    shown: Signal | None = None
    shown_at: datetime | None = None  #: None: the platform may have taken it away since
    owed: bool = True
    under_way: bool = False

    @property
    def clears(self) -> bool:
        """Whether nothing is to be shown."""
        return self.wanted.kind is SignalKind.CLEAR


class Signals:
    """Passing signs of life, best effort. One of a conversation at a time is under way.

    Otherwise an end could be overtaken by what it is to end, and a status would stay for minutes.
    `busy` says where messages are under way: these are not waited for by anything but signs.
    """

    def __init__(
        self,
        adapters: Adapters,
        world: World,
        tasks: asyncio.TaskGroup,
        busy: Callable[[ConversationId], bool],
    ) -> None:
        self._adapters = adapters
        self._world = world
        self._tasks = tasks
        self._busy = busy
        self._signs: dict[ConversationId, _Sign] = {}

    def show(self, conversation: Conversation, signal: Signal) -> None:
        """Show it as soon as messages and an earlier sign of the conversation are out."""
        if not isinstance(self._adapters.now(conversation.adapter), Signaller):
            self._signs.pop(conversation.id, None)
            return
        sign = self._signs.get(conversation.id)
        if sign is None:
            sign = self._signs[conversation.id] = _Sign(conversation, signal)
        elif signal.kind is SignalKind.CLEAR and sign.shown is None:
            del self._signs[conversation.id]  # it did not come to that
            sign.owed = False
            return
        sign.conversation, sign.wanted = conversation, signal
        sign.owed = sign.owed or sign.clears or not self._stands(sign)
        self._go_on(sign)

    def messages_out(self, conversation: ConversationId) -> None:
        """Its messages are out; with them a sign may be gone, or may have stuck."""
        sign = self._signs.get(conversation)
        if sign is not None:
            sign.owed, sign.shown_at = True, None
            self._go_on(sign)

    def _stands(self, sign: _Sign) -> bool:
        """Whether what is wanted was shown so recently that it is still there."""
        if sign.shown != sign.wanted or sign.shown_at is None:
            return False
        return self._world.clock.now() < sign.shown_at + _LASTS

    def _go_on(self, sign: _Sign) -> None:
        if sign.owed and not sign.under_way and not self._busy(sign.conversation.id):
            sign.under_way = True
            self._tasks.create_task(self._serve(sign), name="signal")

    async def _serve(self, sign: _Sign) -> None:
        failures = 0
        while sign.owed and not self._busy(sign.conversation.id):
            sign.owed = False
            failed = await self._failed(sign, sign.wanted)
            if failed is None:
                failures = 0
            elif sign.clears and not sign.owed and (failures := failures + 1) < _TRIES:
                sign.owed = True
                await self._pause(failed, failures)
        sign.under_way = False
        if sign.clears and not sign.owed:
            self._signs.pop(sign.conversation.id, None)

    async def _pause(self, error: Exception, failures: int) -> None:
        """Wait as long as the platform says, where it does: tries before that would be in vain."""
        if isinstance(error, RetryLater) and error.after > timedelta():
            await self._world.clock.sleep(min(error.after, _GONE))
        else:
            await self._world.pause(failures)

    async def _failed(self, sign: _Sign, signal: Signal) -> Exception | None:
        """Show it; why it could not be shown, if so."""
        sign.shown, sign.shown_at = signal, None
        adapter: object = self._adapters.now(sign.conversation.adapter)
        if not isinstance(adapter, Signaller):
            return None  # nothing is shown where nobody is
        try:
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                await adapter.signal(sign.conversation.thread, signal)
        except Exception as error:
            kind = type(error).__name__
            _log.debug("signal.lost", adapter=sign.conversation.adapter, error=kind)
            return error
        sign.shown_at = self._world.clock.now()
        return None
