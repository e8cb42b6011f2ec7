"""How does a new message get there, once?

A delivery is in doubt from its attempt to its outcome; one found in doubt is looked for before it
is repeated. What waits for its turn (`Queuer`) was not attempted yet, so a crash leaves no doubt.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

from bridge import log
from bridge.errors import MaybeDelivered, Rejected, Unreachable
from bridge.model.delivery import (
    DeliveryState,
    Outbound,
    Post,
    Receipt,
    Replace,
    Retire,
    ThreadBody,
    Urgency,
)
from bridge.model.messages import AgentReply, Content
from bridge.plugin import Adapter, Announcer, Finder
from bridge.runtime.adapters.supervisor import Adapters
from bridge.runtime.delivering.ledger import Ledger
from bridge.runtime.delivering.outcomes import Broken, broken, certainly_absent, word
from bridge.runtime.delivering.poison import Passages
from bridge.runtime.delivering.suspects import Suspects
from bridge.runtime.reporting.metrics import Metrics
from bridge.runtime.world import World
from bridge.store import ThreadDelivery

_log = log.get("dispatcher")

#: An announcement that nobody can make.
_MUTE = Rejected(
    "this platform's adapter cannot call anybody to another place",
    remedy="let the agent's handoffs there name a link or a number, not a channel",
)


class Posting:
    """New messages in threads, and announcements elsewhere."""

    def __init__(self, ledger: Ledger, world: World, adapters: Adapters, metrics: Metrics) -> None:
        self._ledger = ledger
        self._world = world
        self._waits = world.progress.waits
        self._adapters = adapters
        self._metrics = metrics
        self._suspects = Suspects(adapters, world)
        self._passages = Passages()

    async def announce(self, delivery: ThreadDelivery, outbound: Outbound) -> Rejected | None:
        """Post it at the top of its place; why not, if it is given up."""
        if isinstance(await self.adapter(delivery), Announcer):
            return await self.post(delivery, outbound)
        return await self._buried(delivery, _MUTE)

    async def adapter(self, delivery: ThreadDelivery) -> Adapter:
        """The adapter that it goes through, as soon as that is connected."""
        with self._waits():
            return await self._adapters.connected(delivery.adapter)

    async def post(self, delivery: ThreadDelivery, outbound: Outbound) -> Rejected | None:
        """Send it until it has certainly arrived; why not, if it is given up."""
        doubtful = delivery.state is DeliveryState.SENDING
        # A clock set back meanwhile would have us wait until an attempt "in the future" is settled.
        since = min(delivery.attempted_at or delivery.owed_at, self._world.clock.now())
        failures, case = 0, self._suspects.case(delivery.adapter)
        call = "announce" if outbound.place else "post"
        trial = self._passages.trial(delivery.adapter, call)
        last: Exception | None = None
        while True:
            if doubtful:
                self._ledger.doubt(delivery)
                resolved, refused = await self._resolved(delivery, outbound, since)
                if resolved:
                    return refused
            if last is not None and (case.closed or trial.hopeless):
                return await self._buried(delivery, broken(last, trial.verdict))
            attempt_at, outcome = await case.tried(partial(self._tried, delivery, outbound))
            since = attempt_at or since
            if isinstance(outcome, Receipt):
                self._passages.passed(delivery.adapter, call)
                await self._ledger.sent(delivery, outcome)
                return None
            if isinstance(outcome, Rejected):
                return await self._buried(delivery, outcome)
            last, failures = outcome, failures + 1
            trial.failed(outcome, self._world.clock.now())
            case.note(outcome)
            doubtful = attempt_at is not None and not certainly_absent(outcome)
            if attempt_at is not None and not doubtful:
                await self._ledger.absent(delivery, str(outcome))
            await self._ledger.pause(delivery, outcome, failures)

    async def turn(
        self,
        delivery: ThreadDelivery,
        adapter: Adapter,
        outbound: Outbound,
        *,
        revising: bool = False,
    ) -> None:
        """Return when `adapter` may send `outbound`; raises what it raises.

        Raises:
            Unreachable: the adapter has left, or called it off: the turn may never come.
        """
        queuer = self._adapters.queuer(delivery.adapter)
        if queuer is None:
            return
        try:
            turn = partial(queuer.turn, outbound, revising=revising)
            with self._waits():
                await self._adapters.while_there(delivery.adapter, adapter, turn)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise Unreachable("its turn was called off") from None

    async def _tried(
        self, delivery: ThreadDelivery, outbound: Outbound
    ) -> tuple[datetime | None, Receipt | Exception]:
        """When it was attempted, if it was, and what that came to."""
        adapter = await self.adapter(delivery)
        refused = await self._turn_refused(delivery, adapter, outbound)
        if refused is not None:
            return None, refused
        since = self._world.clock.now()
        return since, await self._attempted(delivery, adapter, outbound)

    async def _turn_refused(
        self, delivery: ThreadDelivery, adapter: Adapter, outbound: Outbound
    ) -> Exception | None:
        """Wait until it may be sent; what went wrong before anything was."""
        try:
            await self.turn(delivery, adapter, outbound)
        except Exception as error:
            return error
        return None

    async def repeat(
        self,
        delivery: ThreadDelivery,
        act: Callable[[Any], Awaitable[Receipt | None]],
        call: str,
    ) -> Receipt | Rejected | None:
        """Do what is harmless to repeat until it succeeds, is refused for good or is hopeless.

        Each time with the adapter that is connected then: one that has left is of no use.
        """

        async def acted() -> Receipt | None:
            adapter = await self.adapter(delivery)
            with self._waits():  # however it answers: nobody waits for that for ever (`patience`)
                return await act(adapter)

        failures, case = 0, self._suspects.case(delivery.adapter)
        trial = self._passages.trial(delivery.adapter, call)
        while True:
            try:
                done = await case.tried(acted)
            except Rejected as error:
                return error
            except Exception as error:
                failures += 1
                trial.failed(error, self._world.clock.now())
                case.note(error)
                if case.closed or trial.hopeless:
                    return broken(error, trial.verdict)
                await self._ledger.pause(delivery, error, failures)
            else:
                self._passages.passed(delivery.adapter, call)
                return done

    async def _attempted(
        self, delivery: ThreadDelivery, adapter: Adapter, outbound: Outbound
    ) -> Receipt | Exception:
        await self._ledger.attempt(delivery)
        with self._waits():
            outcome = await _sent(adapter, outbound)
        self._world.reached("after-send")
        self._metrics.attempted(delivery.adapter, word(outcome))
        return outcome

    async def _resolved(
        self, delivery: ThreadDelivery, outbound: Outbound, since: datetime
    ) -> tuple[bool, Rejected | None]:
        """Look for a delivery in doubt; whether that settles it, and why it is given up if so."""
        match await self._verdict(delivery, outbound, since):
            case Receipt() as receipt:
                _log.info("delivery.found", delivery=delivery.id)
                await self._ledger.sent(delivery, receipt, found=True)
            case MaybeDelivered() | Broken() as unknown:
                await self._ledger.hold(delivery, unknown.message)
            case Rejected() as refused:
                return True, await self._buried(delivery, refused)
            case None:
                self._ledger.certainly_absent(delivery)
                return False, None
        return True, None

    async def _verdict(
        self, delivery: ThreadDelivery, outbound: Outbound, since: datetime
    ) -> Receipt | Rejected | MaybeDelivered | None:
        """Sent, refused, unknown for good, or (None) absent."""
        unknown: MaybeDelivered | None = None

        async def find(adapter: Finder) -> Receipt | None:
            nonlocal unknown
            try:
                return await adapter.find(outbound, since=since)
            except MaybeDelivered as error:
                unknown = error
            return None

        if not isinstance(await self.adapter(delivery), Finder):
            return MaybeDelivered("the adapter cannot look for it")
        return await self.repeat(delivery, find, "find") or unknown

    async def _buried(self, delivery: ThreadDelivery, error: Rejected) -> Rejected:
        await self._ledger.bury(delivery, error)
        return error


def outbound_of(delivery: ThreadDelivery, content: Content, *, place: str = "") -> Outbound:
    """What an adapter is asked to show of a delivery."""
    return Outbound(
        id=delivery.id,
        thread=delivery.thread,
        content=content,
        owed_at=delivery.owed_at,
        place=place,
        only_for=delivery.body.only_for if isinstance(delivery.body, Post) else None,
        urgency=urgency_of(delivery.body),
    )


def urgency_of(body: ThreadBody) -> Urgency:
    """What goes first: answers, then sentences of ours, then what only takes something away."""
    if isinstance(body, Retire):
        return Urgency.SUGGESTIONS
    answer = isinstance(body, Post | Replace) and isinstance(body.content, AgentReply)
    return Urgency.ANSWER if answer else Urgency.NEWS


async def _sent(adapter: Adapter, outbound: Outbound) -> Receipt | Exception:
    try:
        if outbound.place and isinstance(adapter, Announcer):
            return await adapter.announce(outbound)
        return await adapter.deliver(outbound)
    except Exception as error:
        return error
