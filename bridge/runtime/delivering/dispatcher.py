"""How does what we owe reach a thread? One conversation's deliveries in order, once each.

`posting` sends what is new, `changing` revises what is there, `ledger` writes both down. Beside the
rows, and after them, messages grow (`growing`) and signs of life pass (`signals`).
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from bridge import log
from bridge.core.effects import Grow, Show
from bridge.core.state import Conversation
from bridge.errors import Rejected, ThreadClosed
from bridge.model.delivery import Announce, DeliveryState, Post, Replace, Retire
from bridge.model.ids import AdapterName, ConversationId, DeliveryId
from bridge.runtime.adapters.supervisor import Adapters
from bridge.runtime.delivering.changing import Changing, overtaken
from bridge.runtime.delivering.growing import Growth
from bridge.runtime.delivering.ledger import Ledger, Tell
from bridge.runtime.delivering.posting import Posting, outbound_of
from bridge.runtime.delivering.signals import Signals
from bridge.runtime.reporting.noting import Hops
from bridge.runtime.watching.status import Status
from bridge.runtime.world import World
from bridge.store import Store, ThreadDelivery

_log = log.get("dispatcher")
#: How much one thread may be owed before its agent is not listened to for a while.
MOST_OWED = 200


@dataclass(slots=True)
class _Lane:
    """What one conversation's thread is owed; the first is under way."""

    waiting: deque[ThreadDelivery] = field(default_factory=deque)
    closed: bool = False  #: the thread takes nothing any more
    task: asyncio.Task[None] | None = None


class Dispatcher:
    """What is owed to threads, sent."""

    def __init__(
        self,
        store: Store,
        world: World,
        adapters: Adapters,
        status: Status,
        tasks: asyncio.TaskGroup,
        *,
        tell: Tell,
        hops: Hops | None = None,
    ) -> None:
        """`tell` tells a conversation what became of a delivery, if that is a fact for it."""
        self._store = store
        self._status = status
        self._tasks = tasks
        self._progress = world.progress
        self._progress.watch("dispatcher", self._left)
        self._lanes: dict[ConversationId, _Lane] = {}
        self._ledger = Ledger(store, world, status, tell, hops)
        self._posting = Posting(self._ledger, world, adapters, status.metrics)
        self._growth = Growth(store, adapters, tasks, self._lanes.__contains__, world, hops)
        self._changing = Changing(self._ledger, world, self._posting, self._growth)
        self._signals = Signals(adapters, world, tasks, self._lanes.__contains__)

    async def recover(self) -> None:
        """Take up what a former run still owed, or left in doubt."""
        for delivery in await self._store.owed_to_threads():
            attempted = delivery.state is DeliveryState.SENDING
            if attempted and isinstance(delivery.body, Post | Announce):
                self._ledger.doubt(delivery)
            self.owe(delivery)

    def owe(self, delivery: ThreadDelivery) -> None:
        """Send it when all earlier ones of its conversation are settled."""
        lane = self._lanes.get(delivery.conversation)
        if lane is None:
            lane = self._lanes[delivery.conversation] = _Lane()
            serving = self._serve(delivery.conversation, lane)
            lane.task = self._tasks.create_task(serving, name="dispatcher")
        lane.waiting.append(delivery)

    async def abandon(self, conversation: ConversationId) -> bool:
        """Forget what its thread is owed, and what is on its way; whether anything was.

        What is on its way may arrive all the same: nobody looks for it.
        """
        self._growth.abandon(conversation)
        self._signals.abandon(conversation)
        lane = self._lanes.pop(conversation, None)
        if lane is None or lane.task is None:
            return False
        lane.task.cancel()
        await asyncio.wait((lane.task,))
        self._ledger.for_people.discard(conversation)
        for delivery in lane.waiting:
            self._ledger.certainly_absent(delivery)  # it is nobody's doubt any more
        return True

    def serves(self, delivery: DeliveryId, conversation: ConversationId) -> bool:
        """Whether it waits there, or is under way."""
        lane = self._lanes.get(conversation)
        return lane is not None and any(delivery == one.id for one in lane.waiting)

    def certain(self, adapter: AdapterName, delivery: DeliveryId) -> None:
        """An operator knows what became of it: it counts as in doubt no more."""
        self._status.metrics.certain(adapter, delivery)

    def _left(self) -> ConversationId | None:
        """A thread that is owed something and that nobody serves any more; there must be none."""
        lanes = self._lanes.items()
        return next((who for who, lane in lanes if lane.task and lane.task.done()), None)

    def crowded(self, conversation: ConversationId) -> bool:
        """Whether so much waits there that no more should be heard for now."""
        lane = self._lanes.get(conversation)
        return lane is not None and len(lane.waiting) >= MOST_OWED

    def needs_person(self, conversation: ConversationId) -> bool:
        """Whether nothing goes on there until a person has acted."""
        return conversation in self._ledger.for_people

    @property
    def owed(self) -> int:
        """How many deliveries are waiting or under way."""
        return sum(len(lane.waiting) for lane in self._lanes.values())

    def oldest(self, now: datetime) -> timedelta | None:
        """For how long the oldest delivery has been owed, if any is."""
        firsts = (lane.waiting[0].owed_at for lane in self._lanes.values() if lane.waiting)
        first = min(firsts, default=None)
        return None if first is None else max(now - first, timedelta())

    def show(self, conversation: Conversation, effect: Show) -> None:
        """Show a passing sign of life, best effort, in nobody's way."""
        self._signals.show(conversation, effect.signal)

    def grow(self, conversation: Conversation, effect: Grow) -> None:
        """Show more of an unfinished message, best effort, in nobody's way."""
        self._growth.grow(conversation.id, effect)

    async def _serve(self, conversation: ConversationId, lane: _Lane) -> None:
        while lane.waiting:
            delivery = lane.waiting[0]
            log.about(adapter=delivery.adapter, delivery=delivery.id)
            try:
                with self._progress.at_work("dispatcher", delivery.id):
                    refused = await self._deliver(delivery, lane)
                lane.closed |= isinstance(refused, ThreadClosed)
            except Exception as error:
                _log.error("dispatcher.surprise", delivery=delivery.id, error=log.where(error))
                await self._give_up(delivery, error)
            lane.waiting.popleft()
        if self._lanes.get(conversation) is lane:
            del self._lanes[conversation]
        self._signals.messages_out(conversation)
        self._growth.go_on(conversation)

    async def _give_up(self, delivery: ThreadDelivery, error: Exception) -> None:
        """After a fault of ours; it would come again. In doubt or dead, its thread goes on."""
        reason = f"a fault of the bridge: {type(error).__name__}"
        try:
            present = await self._ledger.delivery(delivery.id)
            attempted = present is not None and present.state is DeliveryState.SENDING
            if attempted and isinstance(delivery.body, Post | Announce):
                await self._ledger.hold(delivery, reason)
            else:
                await self._ledger.bury(delivery, Rejected(reason, remedy="report it"))
        except Exception as again:
            _log.error("delivery.left", delivery=delivery.id, error=log.where(again))

    async def _deliver(self, delivery: ThreadDelivery, lane: _Lane) -> Rejected | None:
        """Send it, unless that is of no use any more; why not, if it is given up."""
        match delivery.body:
            case Announce(place=place, content=content):
                outbound = outbound_of(delivery, content, place=place)
                await self._posting.announce(delivery, outbound)
            case _ if lane.closed:
                await self._ledger.drop(delivery, "its thread is closed")
            case Post(content=content):
                return await self._posting.post(delivery, outbound_of(delivery, content))
            case Replace() | Retire() as change:
                later = (waiting.body for waiting in islice(lane.waiting, 1, None))
                if not overtaken(change, later):
                    return await self._changing.change(delivery, change)
                await self._ledger.drop(delivery, "overtaken")
        return None
