"""What is written down about a delivery? An attempt before it, its outcome after it.

Transaction 3 of three. Nothing here gives up: what cannot be written is written later, and the
deliveries behind it wait.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from bridge import log
from bridge.core import events as e
from bridge.errors import (
    CredentialsRefused,
    DatabaseFailed,
    DeliveryFailed,
    NeedsPerson,
    Rejected,
    RetryLater,
    ThreadClosed,
)
from bridge.model.delivery import Announce, DeliveryState, Post, Receipt, Replace, ThreadBody
from bridge.model.ids import ConversationId, DeliveryId
from bridge.model.messages import AgentReply
from bridge.runtime.delivering.outcomes import REFUSED
from bridge.runtime.persisting import Persistence
from bridge.runtime.reporting.noting import Hops
from bridge.runtime.watching.status import Status
from bridge.runtime.world import World
from bridge.store import Attempt, Outcome, Store, ThreadDelivery
from bridge.store.redriving import Reworded

_log = log.get("dispatcher")

#: Tells a conversation something and returns when its step has committed.
Tell = Callable[[ConversationId, e.Event], Awaitable[None]]


class Ledger:
    """The record of attempts and outcomes, and the pauses between them."""

    def __init__(
        self, store: Store, world: World, status: Status, tell: Tell, hops: Hops | None = None
    ) -> None:
        self._hops = hops or Hops(store.notes)
        self._store = store
        self._database = Persistence(store, world, _database_failed)
        self._world = world
        self._waits = world.progress.waits
        self._status = status
        self._metrics = status.metrics
        self._tell = tell
        #: Where nothing goes on until a person has acted.
        self.for_people: set[ConversationId] = set()

    async def attempt(self, delivery: ThreadDelivery) -> None:
        """From here on its outcome is in doubt."""
        await self._database.write(Attempt(id=delivery.id, at=self._world.clock.now()))
        self._world.reached("after-attempt")

    async def sent(
        self, delivery: ThreadDelivery, receipt: Receipt, *, found: bool = False
    ) -> None:
        """It arrived; or it was in doubt, and is `found`."""
        self._hops.posted(delivery, self._world.clock.now())
        self._status.refused(delivery.adapter, None)
        await self._settle(delivery, DeliveryState.SENT, receipt=receipt, found=found)

    async def absent(self, delivery: ThreadDelivery, reason: str) -> None:
        """It certainly did not arrive, and is tried again."""
        await self._settle(delivery, DeliveryState.PENDING, reason=reason)

    def doubt(self, delivery: ThreadDelivery) -> None:
        """Nobody knows whether it arrived, until it is settled."""
        self._metrics.doubted(delivery.adapter, delivery.id)

    def certainly_absent(self, delivery: ThreadDelivery) -> None:
        """It was looked for and is not there: it is about to be attempted again."""
        self._metrics.certain(delivery.adapter, delivery.id)

    async def hold(self, delivery: ThreadDelivery, reason: str) -> None:
        """Nobody knows whether it arrived: never repeated blindly, and shown to the operator.

        It stays in doubt, and is looked for once more at the next start.
        """
        _log.error(
            "delivery.in_doubt", delivery=delivery.id, adapter=delivery.adapter, error=reason
        )
        self.doubt(delivery)
        self._metrics.held(delivery.adapter, delivery.id)
        await self._settle(delivery, DeliveryState.SENDING, reason=f"in doubt: {reason}")

    async def drop(self, delivery: ThreadDelivery, reason: str) -> None:
        """It need not be sent any more."""
        await self._settle(delivery, DeliveryState.DROPPED, reason=reason)

    async def reworded(self, target: DeliveryId, body: Post) -> bool:
        """A dead letter is to say this if it is owed again; False if it is dead no more."""
        return await self._database.write(Reworded(id=target, body=body))

    async def bury(self, delivery: ThreadDelivery, error: Rejected) -> None:
        """It never will arrive. Whom that concerns is told first: a crash tells it again.

        But for what is told in the thread: that commits in the step that settles it.
        """
        _log.error(
            "delivery.dead", delivery=delivery.id, adapter=delivery.adapter, error=str(error)
        )
        with self._waits():
            if isinstance(delivery.body, Announce):
                await self._tell(delivery.conversation, e.HelpersNotCalled(delivery.id))
            elif isinstance(error, ThreadClosed):
                await self._tell(delivery.conversation, e.ThreadLost())
            elif _missed(delivery.body):
                given = e.GivenUp(delivery.id, error.message, error.remedy)
                await self._tell(delivery.conversation, given)
                present = await self.delivery(delivery.id)
                if present is not None and present.state is DeliveryState.DEAD:
                    self._metrics.certain(delivery.adapter, delivery.id)
                    self._excuse(delivery, waits=False)
                    self._world.reached("after-settle")
                    return
        await self._settle(delivery, DeliveryState.DEAD, reason=error.message, remedy=error.remedy)

    async def delivery(self, identity: DeliveryId) -> ThreadDelivery | None:
        """A delivery as it is written down."""
        return await self._database.read(lambda: self._store.thread_delivery(identity))

    async def pause(self, delivery: ThreadDelivery, error: Exception, failures: int) -> None:
        """Wait before it is tried again, as long as the error says or the failures are many."""
        self._excuse(delivery, waits=isinstance(error, NeedsPerson))
        if failures == 1 or not isinstance(error, DeliveryFailed):
            _log.warning(
                "delivery.retry",
                delivery=delivery.id,
                adapter=delivery.adapter,
                error=str(error) if isinstance(error, DeliveryFailed) else type(error).__name__,
            )
        if isinstance(error, RetryLater) and error.after > timedelta():
            await self._world.rest(error.after)
        elif isinstance(error, CredentialsRefused):
            self._status.refused(delivery.adapter, str(error))
            await self._world.rest(REFUSED)
        else:
            await self._world.pause(failures)

    async def _settle(
        self,
        delivery: ThreadDelivery,
        state: DeliveryState,
        *,
        receipt: Receipt | None = None,
        reason: str | None = None,
        remedy: str = "",
        found: bool = False,
    ) -> None:
        now = self._world.clock.now()
        await self._database.write(
            Outcome(
                id=delivery.id,
                state=state,
                at=now,
                receipt=receipt,
                reason=reason,
                remedy=remedy,
                found=found,
            )
        )
        if state not in (DeliveryState.PENDING, DeliveryState.SENDING):
            self._hops.settled(delivery, self._world.clock.now())
        if state is not DeliveryState.SENDING:
            self._metrics.certain(delivery.adapter, delivery.id)
        if state is not DeliveryState.PENDING:
            self._excuse(delivery, waits=False)
        self._world.reached("after-settle")

    def _excuse(self, delivery: ThreadDelivery, *, waits: bool) -> None:
        (self.for_people.add if waits else self.for_people.discard)(delivery.conversation)


def _database_failed(error: DatabaseFailed) -> None:
    _log.error("dispatcher.database_failed", error=str(error))


def _missed(body: ThreadBody) -> bool:
    """Whether somebody waits for it: for what the agent says, not for sentences of ours."""
    return isinstance(body, Post | Replace) and isinstance(body.content, AgentReply)
