"""How does what we owe reach a thread? One conversation's deliveries in order, once each.

Transaction 3 of three, around every send: an attempt commits before it, its outcome after it.
In between the delivery is in doubt; a delivery found in doubt is looked for before it is repeated.
A change of an earlier message is different: making it twice equals making it once.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from bridge import log
from bridge.core.effects import Show
from bridge.core.state import Conversation
from bridge.errors import (
    CredentialsRefused,
    DatabaseFailed,
    DeliveryFailed,
    MaybeDelivered,
    Rejected,
    RetryLater,
    Unreachable,
)
from bridge.model.delivery import (
    Announce,
    DeliveryState,
    Outbound,
    Post,
    Receipt,
    Replace,
    Retire,
    retired,
)
from bridge.model.ids import ConversationId
from bridge.model.messages import Content
from bridge.plugin import Adapter, Announcer, Finder, Reviser, SignalKind
from bridge.runtime.signals import Signals
from bridge.runtime.status import Status
from bridge.runtime.supervisor import Adapters
from bridge.runtime.world import World
from bridge.store import Attempt, Outcome, Store, ThreadDelivery

_log = log.get("dispatcher")
#: How long a delivery waits after the platform refused our credentials: a person must act.
_REFUSED = timedelta(seconds=60)
#: How often an adapter may fail one delivery in ways it never announced: about eight minutes.
_BREAKS = 20


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
        uncalled: Callable[[ThreadDelivery], Awaitable[None]],
    ) -> None:
        self._store = store
        self._world = world
        self._adapters = adapters
        self._status = status
        self._tasks = tasks
        #: Told of a call for help that reaches nobody, before that is settled: so it survives.
        self._uncalled = uncalled
        self._lanes: dict[ConversationId, deque[ThreadDelivery]] = {}
        self._signals = Signals(adapters, tasks)

    async def recover(self) -> None:
        """Take up what a former run still owed, or left in doubt."""
        for delivery in await self._store.owed_to_threads():
            self.owe(delivery)

    def owe(self, delivery: ThreadDelivery) -> None:
        """Send it when all earlier ones of its conversation are settled."""
        lane = self._lanes.get(delivery.conversation)
        if lane is None:
            lane = self._lanes[delivery.conversation] = deque()
            self._tasks.create_task(self._serve(delivery.conversation, lane), name="dispatcher")
        lane.append(delivery)

    @property
    def owed(self) -> int:
        """How many deliveries are waiting or under way."""
        return sum(len(lane) for lane in self._lanes.values())

    def show(self, conversation: Conversation, effect: Show) -> None:
        """Show a passing sign of life, best effort, in nobody's way.

        What is about to be posted says more than a sign of life; only the end of one still counts.
        """
        if conversation.id not in self._lanes or effect.signal.kind is SignalKind.CLEAR:
            self._signals.show(conversation, effect.signal)

    async def _serve(self, conversation: ConversationId, lane: deque[ThreadDelivery]) -> None:
        while lane:
            try:
                await self._deliver(lane[0], lane)
            except Exception as error:
                _log.error("dispatcher.surprise", delivery=lane[0].id, error=log.where(error))
            lane.popleft()
        del self._lanes[conversation]

    async def _deliver(self, delivery: ThreadDelivery, lane: deque[ThreadDelivery]) -> None:
        match delivery.body:
            case Post(content=content):
                await self._post(delivery, _outbound(delivery, content))
            case Announce(place=place, content=content):
                await self._announce(delivery, _outbound(delivery, content, place=place))
            case Replace() | Retire() as change:
                if _overtaken(change, lane):
                    await self._settle(delivery, DeliveryState.DROPPED, reason="overtaken")
                else:
                    await self._change(delivery, change)

    async def _announce(self, delivery: ThreadDelivery, outbound: Outbound) -> None:
        if isinstance(await self._adapters.connected(delivery.adapter), Announcer):
            await self._post(delivery, outbound)
        else:
            await self._bury(delivery, _MUTE)

    async def _post(self, delivery: ThreadDelivery, outbound: Outbound) -> None:
        doubtful = delivery.state is DeliveryState.SENDING
        since, failures, breaks = delivery.attempted_at or delivery.owed_at, 0, 0
        outcome: Receipt | Exception | None = None
        while True:
            if doubtful and await self._resolved(delivery, outbound, since):
                return
            if breaks == _BREAKS:
                await self._bury(delivery, _broken(outcome))
                return
            adapter = await self._adapters.connected(delivery.adapter)
            since = self._world.clock.now()
            await self._attempt(delivery)
            outcome = await self._try(adapter, outbound)
            self._world.reached("after-send")
            self._status.attempted(delivery.adapter, _word(outcome))
            if isinstance(outcome, Receipt):
                await self._sent(delivery, outcome)
                return
            if isinstance(outcome, Rejected):
                await self._bury(delivery, outcome)
                return
            failures += 1
            breaks += _unannounced(outcome)
            doubtful = not _certainly_absent(outcome)
            if not doubtful:
                await self._settle(delivery, DeliveryState.PENDING, reason=str(outcome))
            await self._wait(delivery, outcome, failures)

    async def _resolved(
        self, delivery: ThreadDelivery, outbound: Outbound, since: datetime
    ) -> bool:
        """Look for a delivery in doubt; whether it is settled thereby, or must be sent again."""
        found: Receipt | Rejected | None = _Broken("the adapter cannot look for it")
        if isinstance(await self._adapters.connected(delivery.adapter), Finder):
            found = await self._repeat(delivery, lambda a: a.find(outbound, since=since))
        if isinstance(found, Receipt):
            _log.info("delivery.found", delivery=delivery.id)
            await self._sent(delivery, found)
        elif isinstance(found, _Broken):
            # It stays `sending` in the store: visible, never repeated blindly.
            _log.error("delivery.in_doubt", delivery=delivery.id, adapter=delivery.adapter)
        elif isinstance(found, Rejected):
            await self._bury(delivery, found)
        return found is not None

    async def _try(self, adapter: Adapter, outbound: Outbound) -> Receipt | Exception:
        try:
            if outbound.place and isinstance(adapter, Announcer):
                return await adapter.announce(outbound)
            return await adapter.deliver(outbound)
        except Exception as error:
            return error

    async def _change(self, delivery: ThreadDelivery, change: Replace | Retire) -> None:
        target = await self._target(change)
        adapter: object = await self._adapters.connected(delivery.adapter)
        receipt = target.receipt if target else None
        if target is None or receipt is None or not isinstance(target.body, Post):
            await self._settle(delivery, DeliveryState.DROPPED, reason="its message never arrived")
        elif isinstance(adapter, Reviser):
            content = _changed(target.body.content, change)
            revised = Outbound(
                id=target.id, thread=target.thread, content=content, owed_at=target.owed_at
            )
            await self._attempt(delivery)
            outcome = await self._repeat(
                delivery, lambda a: a.revise(revised, receipt), reached="after-send"
            )
            if isinstance(outcome, Rejected):
                await self._bury(delivery, outcome)
            else:
                await self._sent(delivery, receipt)
        elif isinstance(change, Replace):
            await self._post(delivery, _outbound(delivery, change.content))
        else:
            await self._settle(delivery, DeliveryState.DROPPED, reason="the platform cannot edit")

    async def _repeat(
        self,
        delivery: ThreadDelivery,
        act: Callable[[Any], Awaitable[Receipt | None]],
        *,
        reached: str | None = None,
    ) -> Receipt | Rejected | None:
        """Do what is harmless to repeat until it succeeds or is refused for good.

        Each time with the adapter that is connected then: one that has left is of no use.
        """
        failures, breaks = 0, 0
        while True:
            adapter = await self._adapters.connected(delivery.adapter)
            try:
                result = await act(adapter)
            except Rejected as error:
                return error
            except Exception as error:
                failures += 1
                breaks += _unannounced(error)
                if breaks == _BREAKS:
                    return _broken(error)
                await self._wait(delivery, error, failures)
            else:
                if reached:
                    self._world.reached(reached)
                return result

    async def _target(self, change: Replace | Retire) -> ThreadDelivery | None:
        failures = 0
        while True:
            try:
                return await self._store.thread_delivery(change.target)
            except DatabaseFailed as error:
                failures += 1
                if failures == 1:
                    _log.error("dispatcher.database_failed", error=str(error))
                await self._world.pause(failures)

    async def _wait(self, delivery: ThreadDelivery, error: Exception, failures: int) -> None:
        if failures == 1 or not isinstance(error, DeliveryFailed):
            _log.warning(
                "delivery.retry",
                delivery=delivery.id,
                error=str(error) if isinstance(error, DeliveryFailed) else type(error).__name__,
            )
        if isinstance(error, RetryLater) and error.after > timedelta():
            await self._world.clock.sleep(error.after)
        elif isinstance(error, CredentialsRefused):
            self._status.refused(delivery.adapter, error.message)
            await self._world.clock.sleep(_REFUSED)
        else:
            await self._world.pause(failures)

    async def _attempt(self, delivery: ThreadDelivery) -> None:
        await self._write(Attempt(id=delivery.id, at=self._world.clock.now()))
        self._world.reached("after-attempt")

    async def _sent(self, delivery: ThreadDelivery, receipt: Receipt) -> None:
        self._status.refused(delivery.adapter, None)
        await self._settle(delivery, DeliveryState.SENT, receipt=receipt)

    async def _bury(self, delivery: ThreadDelivery, error: Rejected) -> None:
        _log.error("delivery.dead", delivery=delivery.id, error=str(error))
        if isinstance(delivery.body, Announce):
            await self._uncalled(delivery)
        await self._settle(delivery, DeliveryState.DEAD, reason=error.message)

    async def _settle(
        self,
        delivery: ThreadDelivery,
        state: DeliveryState,
        *,
        receipt: Receipt | None = None,
        reason: str | None = None,
    ) -> None:
        now = self._world.clock.now()
        await self._write(
            Outcome(id=delivery.id, state=state, at=now, receipt=receipt, reason=reason)
        )
        self._world.reached("after-settle")

    async def _write(self, change: Attempt | Outcome) -> None:
        failures = 0
        while True:
            try:
                await self._store.write(change)
            except DatabaseFailed as error:
                failures += 1
                if failures == 1:
                    _log.error("dispatcher.database_failed", error=str(error))
                await self._world.pause(failures)
            else:
                return


#: How an attempt came out, in the words of the metric; what no contract knows is `broken`.
_WORDS = {
    Receipt: "sent",
    RetryLater: "later",
    Unreachable: "unreachable",
    Rejected: "refused",
    MaybeDelivered: "in_doubt",
    CredentialsRefused: "credentials_refused",
}


def _word(outcome: object) -> str:
    return next((word for kind, word in _WORDS.items() if isinstance(outcome, kind)), "broken")


class _Broken(Rejected):
    """The adapter never gets this done, and no more is known."""


#: An announcement that nobody can make.
_MUTE = Rejected(
    "this platform's adapter cannot call anybody to another place",
    remedy="let the agent's handoffs there name a link or a number, not a channel",
)


def _broken(error: object) -> _Broken:
    return _Broken(f"the adapter failed {_BREAKS} times: {type(error).__name__}")


def _unannounced(error: object) -> bool:
    """Whether the adapter failed in a way that its contract does not know."""
    return not isinstance(error, DeliveryFailed | CredentialsRefused)


def _outbound(delivery: ThreadDelivery, content: Content, *, place: str = "") -> Outbound:
    return Outbound(
        id=delivery.id,
        thread=delivery.thread,
        content=content,
        owed_at=delivery.owed_at,
        place=place,
    )


def _changed(content: Content, change: Replace | Retire) -> Content:
    return change.content if isinstance(change, Replace) else retired(content, change.chosen)


def _overtaken(change: Replace | Retire, lane: deque[ThreadDelivery]) -> bool:
    """Whether a later change of the same message is already waiting: only the last one counts."""
    later = (waiting.body for waiting in list(lane)[1:])
    return any(
        isinstance(body, Replace | Retire) and body.target == change.target for body in later
    )


def _certainly_absent(outcome: object) -> bool:
    """Whether an exception proves that nothing was posted."""
    return not _unannounced(outcome) and not isinstance(outcome, MaybeDelivered)
