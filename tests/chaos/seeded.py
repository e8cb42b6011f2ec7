"""Faults of our own, planted in a bridge that was forked for it: each must cost what a kill shows.

Here, as in the mutant tests, our own code is patched: a check that no fault can break proves
nothing. A fault is only there while a process dies; without kills most of them go unseen.
"""

import asyncio
import itertools
import uuid
from collections.abc import Callable
from typing import Any

import msgspec

from adapters.slack.client import SlackClient
from bridge.model.delivery import DeliveryState, Outbound
from bridge.model.inbound import Inbound
from bridge.plugin import Accepted
from bridge.runtime.deciding import Decision
from bridge.runtime.intake import Intake
from bridge.runtime.ledger import Ledger
from bridge.runtime.posting import Posting
from bridge.runtime.worker import Worker
from bridge.store import Accept, Store, ThreadDelivery

#: How long what should have come first comes late, in seconds.
_LATE = 0.15
_kept_alive: set["asyncio.Task[Any]"] = set()


def _patch(owner: object, name: str, replacement: object) -> None:
    setattr(owner, name, replacement)


def _later(work: Any) -> None:  # noqa: ANN401 - any coroutine
    async def late() -> None:
        await asyncio.sleep(_LATE)
        await work

    task = asyncio.ensure_future(late())
    _kept_alive.add(task)
    task.add_done_callback(_kept_alive.discard)


def acknowledged_before_the_commit() -> None:
    async def accept(self: Intake, inbound: Inbound) -> Accepted:
        _later(self._accept(inbound))
        return Accepted.NEW

    _patch(Intake, "accept", accept)


def acted_before_the_commit() -> None:
    commit = Worker._commit

    async def hasty(self: Worker, decision: Decision) -> None:
        _later(commit(self, decision))

    _patch(Worker, "_commit", hasty)


def settled_before_the_answer() -> None:
    async def hopeful(self: Ledger, delivery: ThreadDelivery) -> None:
        await self._settle(delivery, DeliveryState.SENT)
        self._world.reached("after-attempt")

    _patch(Ledger, "attempt", hopeful)


def the_attempt_is_not_written_down() -> None:
    async def careless(self: Ledger, delivery: ThreadDelivery) -> None:
        self._world.reached("after-attempt")

    _patch(Ledger, "attempt", careless)


def what_is_in_doubt_is_sent_again_unseen() -> None:
    async def blind(self: SlackClient, outbound: Outbound, **_: object) -> None:
        return None

    _patch(SlackClient, "find", blind)


def what_is_in_doubt_is_taken_for_sent() -> None:
    async def trusting(self: Posting, delivery: ThreadDelivery, *_: object) -> tuple[bool, None]:
        await self._ledger.drop(delivery, "it will have arrived")
        return True, None

    _patch(Posting, "_resolved", trusting)


def the_outbox_is_forgotten_at_the_start() -> None:
    async def nothing(self: Store) -> list[ThreadDelivery]:
        return []

    _patch(Store, "owed_to_threads", nothing)


def the_inbox_is_forgotten_at_the_start() -> None:
    async def nothing(self: Store, **_: object) -> list[object]:
        return []

    _patch(Store, "open_entries", nothing)


def told_twice_is_two_things() -> None:
    stored = Intake._stored
    numbers = itertools.count()

    def forgetful(self: Intake, inbound: Inbound) -> Accept:
        other = f"{uuid.uuid4()}.{next(numbers)}"
        known = tuple(f"{each} {other}" for each in inbound.identities)
        return stored(self, msgspec.structs.replace(inbound, identities=known))

    _patch(Intake, "_stored", forgetful)


#: By the name under which a start is told to have it.
FAULTS: dict[str, Callable[[], None]] = {
    fault.__name__: fault
    for fault in (
        acknowledged_before_the_commit,
        acted_before_the_commit,
        settled_before_the_answer,
        the_attempt_is_not_written_down,
        what_is_in_doubt_is_sent_again_unseen,
        what_is_in_doubt_is_taken_for_sent,
        the_outbox_is_forgotten_at_the_start,
        the_inbox_is_forgotten_at_the_start,
        told_twice_is_two_things,
    )
}


def plant(name: str) -> None:
    """Have this fault from now on, in this process."""
    FAULTS[name]()
