"""How does an unfinished message grow? When nothing else is to be sent, and never past its end.

Only the newest growth of a conversation counts, one is under way at a time, and what fails is
forgotten: the next growth or the change that ends the message brings it.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from bridge import log
from bridge.core.effects import Grow
from bridge.model.delivery import Outbound, Urgency
from bridge.model.ids import ConversationId, DeliveryId
from bridge.plugin import Grower
from bridge.runtime.adapters.supervisor import Adapters
from bridge.runtime.reporting.noting import Hops
from bridge.runtime.world import World
from bridge.store import Store, ThreadDelivery

_log = log.get("growing")
#: How long one growth may take before it is forgotten.
_PATIENCE = timedelta(seconds=5)
#: How many places are known by heart: any other is asked of the store.
MOST_LANDED = 1_000


class Growth:
    """Unfinished messages, shown growing. `busy` says where something else is to be sent."""

    def __init__(
        self,
        store: Store,
        adapters: Adapters,
        tasks: asyncio.TaskGroup,
        busy: Callable[[ConversationId], bool],
        world: World,
        hops: Hops | None = None,
    ) -> None:
        self._hops = hops or Hops(store.notes)
        self._world = world
        self._store = store
        self._adapters = adapters
        self._tasks = tasks
        self._busy = busy
        self._newest: dict[ConversationId, Grow] = {}
        self._growing: dict[ConversationId, tuple[DeliveryId, asyncio.Task[None]]] = {}
        #: Where growing messages landed, as far as that was asked for.
        self._landed: dict[DeliveryId, ThreadDelivery] = {}
        #: How often each was shown growing, and when last.
        self._grown: dict[DeliveryId, tuple[int, datetime]] = {}

    @property
    def under_way(self) -> int:
        """How many messages are shown growing at this moment."""
        return len(self._growing)

    def grow(self, conversation: ConversationId, effect: Grow) -> None:
        """Show it when nothing else is under way there, unless a newer one comes first."""
        self._newest[conversation] = effect
        self.go_on(conversation)

    def go_on(self, conversation: ConversationId) -> None:
        """What was waiting may go on."""
        effect = self._newest.get(conversation)
        if effect is None or conversation in self._growing or self._busy(conversation):
            return
        del self._newest[conversation]
        task = self._tasks.create_task(self._serve(conversation, effect), name="growth")
        self._growing[conversation] = (effect.delivery, task)

    async def stop(self, conversation: ConversationId, target: DeliveryId) -> None:
        """Return when `target` grows no more: what changes it now must have the last word."""
        waiting = self._newest.get(conversation)
        if waiting is not None and waiting.delivery == target:
            del self._newest[conversation]
        growing, task = self._growing.get(conversation, (None, None))
        if task is not None and growing == target:
            await asyncio.wait((task,))
        self._landed.pop(target, None)
        times, last = self._grown.pop(target, (0, self._world.clock.now()))
        if times > 1:
            self._hops.grew(target, times, last)

    def abandon(self, conversation: ConversationId) -> None:
        """Nothing grows there any more."""
        self._newest.pop(conversation, None)
        _, task = self._growing.get(conversation, (None, None))
        if task is not None:
            task.cancel()
            del self._growing[conversation]
        known = [of for of, one in self._landed.items() if one.conversation == conversation]
        for delivery in known:
            del self._landed[delivery]

    async def _serve(self, conversation: ConversationId, effect: Grow) -> None:
        try:
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                await self._show(effect)
        except Exception as error:
            _log.debug("growth.lost", delivery=effect.delivery, error=type(error).__name__)
        del self._growing[conversation]
        self.go_on(conversation)

    async def _show(self, effect: Grow) -> None:
        delivery = self._landed.get(effect.delivery) or await self._store.thread_delivery(
            effect.delivery
        )
        if delivery is None or delivery.receipt is None:
            return
        self._landed[effect.delivery] = delivery
        if len(self._landed) > MOST_LANDED:
            del self._landed[next(iter(self._landed))]
        adapter: object = self._adapters.now(delivery.adapter)
        if isinstance(adapter, Grower):
            outbound = Outbound(
                id=delivery.id,
                thread=delivery.thread,
                content=effect.reply,
                owed_at=delivery.owed_at,
                urgency=Urgency.GROWTH,
            )
            await adapter.grow(outbound, delivery.receipt)
            self._note(delivery.id)
            self._world.reached("after-growth")

    def _note(self, delivery: DeliveryId) -> None:
        """The first time, and at the end the last one, are worth a place in the timeline."""
        now = self._world.clock.now()
        times, _ = self._grown.pop(delivery, (0, now))
        self._grown[delivery] = times + 1, now
        if len(self._grown) > MOST_LANDED:
            del self._grown[next(iter(self._grown))]
        if times == 0:
            self._hops.grew(delivery, 1, now)
