"""When is a sign of life shown? Beside the messages, never in their way, and always taken away.

- What comes of itself within a second needs no sign: *thinking* is shown when nothing has come for
  that long, neither since it was wanted nor since the last message. What was never shown is never
  taken away, so a fast answer costs no call at all.
- A person's typing is shown at once. Whoever stops and goes on within a second is shown once.
- A platform may take a sign away with any message, and may lose that race: so after messages it is
  shown again if it still holds, and taken away explicitly if one was shown.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bridge import log
from bridge.clock import Clock
from bridge.core.state import Conversation
from bridge.errors import Rejected, RetryLater, Unreachable
from bridge.model.ids import ConversationId
from bridge.plugin import Signal, SignalKind
from bridge.runtime.adapters.supervisor import Adapters
from bridge.runtime.world import World

_log = log.get("signals")
#: A wait of a second leaves the flow of thought unbroken (Nielsen, *Response times: the 3 important
#: limits*). So soon a sign may change again, too.
SOON: Final = timedelta(seconds=1)
#: How long showing one may take before it is forgotten.
_PATIENCE: Final = timedelta(seconds=5)
#: How long the same sign need not be shown again: a platform may drop it after two minutes.
_LASTS: Final = timedelta(seconds=60)
#: By then a platform has dropped a sign itself.
_GONE: Final = timedelta(minutes=2)
#: How often it is tried to take a sign away.
_TRIES: Final = 3


@dataclass(slots=True)
class _Sign:
    """What one conversation is to show, and what it shows as far as we know."""

    conversation: Conversation
    wanted: Signal
    shown: Signal | None = None  #: what may be shown, be it on its way; None: nothing ever was
    shown_at: datetime | None = None  #: None: it is on its way, or may have been taken away since
    going: Signal | None = None  #: what is on its way
    owed: bool = False
    under_way: bool = False  #: a task sees to it

    @property
    def clears(self) -> bool:
        """Whether nothing is to be shown."""
        return self.wanted.kind is SignalKind.CLEAR

    def stands(self, now: datetime) -> bool:
        """Whether what is wanted is on its way, or was shown so recently that it is still there."""
        if self.shown_at is None:
            return self.going == self.wanted
        return self.shown == self.wanted and now < self.shown_at + _LASTS

    def early(self, now: datetime) -> bool:
        """Whether there may be no need for it in a moment."""
        if self.shown_at is None:
            return self.wanted.kind is SignalKind.THINKING
        return now < self.shown_at + SOON


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
        self._held = _Held(world.clock, tasks, self._go_on)

    @property
    def remembered(self) -> int:
        """How many conversations show something, or may."""
        return len(self._signs)

    def show(self, conversation: Conversation, signal: Signal) -> None:
        """Show it as soon as messages and an earlier sign of the conversation are out."""
        sign = self._signs.get(conversation.id)
        clears = signal.kind is SignalKind.CLEAR
        nothing = clears and (sign is None or sign.shown is None)  # it did not come to that
        if nothing or self._adapters.signaller(conversation.adapter) is None:
            self._forget(conversation.id)
            return
        if sign is None:
            sign = self._signs[conversation.id] = _Sign(conversation, signal)
        sign.conversation, sign.wanted = conversation, signal
        now = self._world.clock.now()
        sign.owed = not sign.stands(now)
        self._hold(sign, now)

    def messages_out(self, conversation: ConversationId) -> None:
        """Its messages are out; with them a sign may be gone, or may have stuck."""
        sign = self._signs.get(conversation)
        if sign is not None:
            sign.owed, sign.shown_at = True, None
            self._held.drop(conversation)
            self._hold(sign, self._world.clock.now())

    def abandon(self, conversation: ConversationId) -> None:
        """Nothing is shown there any more."""
        self._forget(conversation)

    def _forget(self, conversation: ConversationId) -> None:
        self._held.drop(conversation)
        sign = self._signs.pop(conversation, None)
        if sign is not None:
            sign.owed = False

    def _hold(self, sign: _Sign, now: datetime) -> None:
        """Show it now, or let it wait for its moment."""
        conversation = sign.conversation.id
        if sign.owed and sign.early(now):
            self._held.add(conversation, now + SOON)
        else:
            self._held.drop(conversation)
            self._go_on(conversation)

    def _go_on(self, conversation: ConversationId) -> None:
        sign = self._signs.get(conversation)
        if sign is not None and not sign.under_way and self._may(sign):
            sign.under_way = True
            self._tasks.create_task(self._serve(sign), name="signal")

    def _may(self, sign: _Sign) -> bool:
        conversation = sign.conversation.id
        return sign.owed and conversation not in self._held and not self._busy(conversation)

    async def _serve(self, sign: _Sign) -> None:
        failures = 0
        while self._may(sign):
            sign.owed = False
            sign.going = sign.wanted
            failed = await self._failed(sign, sign.wanted)
            sign.going = None
            if failed is None:
                failures = 0
            elif sign.clears and not sign.owed and (failures := failures + 1) < _TRIES:
                sign.owed = True
                await self._pause(failed, failures)
        sign.under_way = False
        done = sign.clears and not sign.owed
        if done and self._signs.get(sign.conversation.id) is sign:
            self._forget(sign.conversation.id)

    async def _pause(self, error: Exception, failures: int) -> None:
        """Wait as long as the platform says, where it does: tries before that would be in vain."""
        if isinstance(error, RetryLater) and error.after > timedelta():
            await self._world.clock.sleep(min(error.after, _GONE))
        else:
            await self._world.pause(failures)

    async def _failed(self, sign: _Sign, signal: Signal) -> Exception | None:
        """Show it; why it could not be shown, if so."""
        before = sign.shown
        sign.shown, sign.shown_at = signal, None
        adapter = self._adapters.signaller(sign.conversation.adapter)
        if adapter is None:
            return None  # nothing is shown where nobody is
        try:
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                await adapter.signal(sign.conversation.thread, signal)
        except Exception as error:
            if isinstance(error, RetryLater | Unreachable | Rejected):
                sign.shown = before  # it certainly did not come to that
            kind = type(error).__name__
            _log.debug("signal.lost", adapter=sign.conversation.adapter, error=kind)
            return error
        sign.shown_at = self._world.clock.now()
        return None


class _Held:
    """Whose signs wait for their moment. All wait equally long: one task sees to them in turn."""

    def __init__(
        self, clock: Clock, tasks: asyncio.TaskGroup, ripe: Callable[[ConversationId], None]
    ) -> None:
        self._clock = clock
        self._tasks = tasks
        self._ripe = ripe
        self._until: dict[ConversationId, datetime] = {}  #: the first to be ripe comes first
        self._serving = False

    def __contains__(self, conversation: ConversationId) -> bool:
        return conversation in self._until

    def add(self, conversation: ConversationId, until: datetime) -> None:
        """Let it wait, if it does not already; what changes meanwhile makes it no later."""
        self._until.setdefault(conversation, until)
        if not self._serving:
            self._serving = True
            self._tasks.create_task(self._serve(), name="signals")

    def drop(self, conversation: ConversationId) -> None:
        """Its moment has come, or never will."""
        self._until.pop(conversation, None)

    async def _serve(self) -> None:
        """Sleep from the first to the first: most are dropped meanwhile, and wake nobody."""
        while self._until:
            conversation, until = next(iter(self._until.items()))
            if (wait := until - self._clock.now()) > timedelta():
                await self._clock.sleep(wait)
            else:
                del self._until[conversation]
                self._ripe(conversation)
        self._serving = False
