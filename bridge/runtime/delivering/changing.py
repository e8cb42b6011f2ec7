"""How is an earlier message changed? Making a change twice equals making it once.

So a change is never in doubt: it is made until it succeeds. Of several that wait, the last counts.
But the message may be in doubt that it would change: then its new words are held with it.
"""

from collections.abc import Iterable

import msgspec

from bridge.errors import Rejected
from bridge.model.delivery import (
    DeliveryState,
    Outbound,
    Post,
    Receipt,
    Replace,
    Retire,
    ThreadBody,
    retired,
)
from bridge.model.messages import AgentReply, Content
from bridge.plugin import Adapter, Reviser
from bridge.runtime.delivering.growing import Growth
from bridge.runtime.delivering.ledger import Ledger
from bridge.runtime.delivering.posting import Posting, outbound_of, urgency_of
from bridge.runtime.world import World
from bridge.store import FORGOTTEN, ThreadDelivery

_DOUBTED = "nobody knows whether its message arrived"
_OWED = "its message is owed again, and not posted yet"


class Changing:
    """Messages in threads, revised; where a platform no longer edits, told anew."""

    def __init__(self, ledger: Ledger, world: World, posting: Posting, growth: Growth) -> None:
        self._ledger = ledger
        self._world = world
        self._posting = posting
        self._growth = growth

    async def change(self, delivery: ThreadDelivery, change: Replace | Retire) -> Rejected | None:
        """Make the change; why not, if it is given up."""
        with self._world.progress.waits():
            await self._growth.stop(delivery.conversation, change.target)
        target = await self._ledger.delivery(change.target)
        adapter: object = await self._posting.adapter(delivery)
        if target is None or target.receipt is None or not isinstance(target.body, Post):
            await self._without(delivery, change, target)
        elif isinstance(adapter, Reviser):
            content = _changed(target.body.content, change)
            if content is None:
                await self._ledger.drop(delivery, "the words of its message are not kept")
                return None
            outbound = msgspec.structs.replace(
                outbound_of(target, content), urgency=urgency_of(change)
            )
            return await self._revise(delivery, outbound, target.receipt)
        elif isinstance(change, Replace) and isinstance(change.content, AgentReply):
            # Owed while the platform claimed more. What the agent said is told, if anew.
            outbound = outbound_of(delivery, change.content)
            outbound = msgspec.structs.replace(outbound, only_for=target.body.only_for)
            return await self._posting.post(delivery, outbound)
        else:
            await self._ledger.drop(delivery, "the platform cannot edit")
        return None

    async def _without(
        self, delivery: ThreadDelivery, change: Replace | Retire, target: ThreadDelivery | None
    ) -> None:
        """Where its message stands is not known. New words are held as long as that may change."""
        if target is None:
            await self._ledger.drop(delivery, "its message is forgotten")
        elif target.state is DeliveryState.DEAD and not await self._reworded(target, change):
            await self._ledger.drop(delivery, "its message was not posted")
        elif target.state is DeliveryState.DEAD:
            await self._ledger.drop(delivery, "its message was not posted, and says this now")
        elif target.state not in (DeliveryState.PENDING, DeliveryState.SENDING):
            await self._ledger.drop(delivery, "its message was not posted")
        elif isinstance(change, Replace):
            pending = target.state is DeliveryState.PENDING  # an operator had it owed again
            await self._ledger.hold(delivery, _OWED if pending else _DOUBTED)
        else:
            await self._ledger.drop(delivery, _DOUBTED)

    async def _reworded(self, target: ThreadDelivery, change: Replace | Retire) -> bool:
        """Whether the dead letter that it would change is owed with the new words, if it is again.

        Else half of what the agent said would be shown then.
        """
        if not isinstance(target.body, Post) or target.body.content == FORGOTTEN.content:
            return False
        content = _changed(target.body.content, change)
        if content is None:
            return False
        return await self._ledger.reworded(target.id, Post(content, target.body.only_for))

    async def _revise(
        self, delivery: ThreadDelivery, outbound: Outbound, receipt: Receipt
    ) -> Rejected | None:
        attempted = False

        async def revise(adapter: Adapter) -> None:
            nonlocal attempted
            reviser: object = adapter
            await self._posting.turn(delivery, adapter, outbound, revising=True)
            if not attempted:
                attempted = True
                await self._ledger.attempt(delivery)
            if isinstance(reviser, Reviser):
                await reviser.revise(outbound, receipt)
            self._world.reached("after-send")

        outcome = await self._posting.repeat(delivery, revise, "change")
        if isinstance(outcome, Rejected):
            await self._ledger.bury(delivery, outcome)
            return outcome
        await self._ledger.sent(delivery, receipt)
        return None


def overtaken(change: Replace | Retire, later: Iterable[ThreadBody]) -> bool:
    """Whether one of the `later` changes the same message again: then only that one counts."""
    return any(
        isinstance(body, Replace | Retire) and body.target == change.target for body in later
    )


def _changed(content: Content, change: Replace | Retire) -> Content | None:
    """What the message is to show; None if nobody knows any more what it shows."""
    if isinstance(change, Replace):
        return change.content
    shown = change.content or content
    return None if shown == FORGOTTEN.content else retired(shown, change.chosen)
