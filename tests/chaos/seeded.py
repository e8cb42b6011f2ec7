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
from bridge.core import conversation
from bridge.core import events as e
from bridge.core.journal import Journal
from bridge.core.state import Session
from bridge.core.stepping import Stepping
from bridge.errors import Unreachable
from bridge.model.delivery import Ask, DeliveryState, Outbound
from bridge.model.inbound import Inbound
from bridge.plugin import Accepted
from bridge.polyai.socket import Closing
from bridge.runtime.connecting.connection import Connection
from bridge.runtime.deciding import Decision, Mail
from bridge.runtime.delivering.dispatcher import Dispatcher, _Lane
from bridge.runtime.delivering.ledger import Ledger
from bridge.runtime.delivering.posting import Posting
from bridge.runtime.entering.intake import Intake
from bridge.runtime.isolation import apart
from bridge.runtime.isolation.apart import Apart
from bridge.runtime.worker import Worker
from bridge.store import Accept, Store, ThreadDelivery

#: How long what should have come first comes late, in seconds.
_LATE = 0.15
_kept_alive: set["asyncio.Task[Any]"] = set()


def _patch(owner: object, name: str, replacement: object) -> None:
    assert hasattr(owner, name), f"{owner} has no {name} any more: the fault would not be there"
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


# -- towards the agent -----------------------------------------------------------------------------


def _stored_without(**parts: Any) -> None:  # noqa: ANN401 - fields of any kind
    """Commit each session with these fields as if nothing had happened; memory has them."""
    commit = Worker._commit

    async def forgetful(self: Worker, decision: Decision) -> None:
        change = decision.change
        if change is not None and change.conversation.session is not None:
            session = msgspec.structs.replace(change.conversation.session, **parts)
            bare = msgspec.structs.replace(change.conversation, session=session)
            decision = msgspec.structs.replace(
                decision, change=msgspec.structs.replace(change, conversation=bare)
            )
        await commit(self, decision)

    _patch(Worker, "_commit", forgetful)


def the_cursor_passes_an_unfinished_stream() -> None:
    """Of a stream's pieces only the numbers are committed: the next replay begins after them."""
    _stored_without(streams=())


def what_the_thread_shows_is_not_stored() -> None:
    _stored_without(shown="", told=())


def the_journal_is_not_stored() -> None:
    _stored_without(journal=Journal())


def the_state_is_committed_before_what_it_owes() -> None:
    async def halved(self: Worker, decision: Decision) -> None:
        change = decision.change
        if change is not None and any(not isinstance(body, Ask) for _, body in change.owed):
            await self._store.write(msgspec.structs.replace(change, owed=()))
            self._world.reached("after-step")
        if change is not None:
            await self._store.write(change)

    _patch(Worker, "_commit", halved)


def the_agent_is_asked_to_join_on_every_socket() -> None:
    take_up = conversation._take_up

    def eager(step: Stepping, session: Session) -> None:
        take_up(step, session)
        step.change_session(joined=False, join_echoed_at=None)

    _patch(conversation, "_take_up", eager)


def what_is_in_flight_is_taken_for_heard() -> None:
    def trusting(step: Stepping) -> None:
        flight = step.conversation.in_flight
        if flight is not None and flight.message is not None:
            step.settle(flight.message.delivery, DeliveryState.SENT, "it will have arrived")
        step.change(in_flight=None)

    _patch(conversation, "resend", trusting)


def what_is_in_flight_is_sent_again_without_a_replay() -> None:
    serve = Connection.serve

    async def hasty(self: Connection, *, after: int) -> Closing:
        present = self._worker.present(self._conversation)
        if present is not None and present.in_flight is not None:
            await self._worker.tell(self._conversation, Mail(e.SocketReady(self.number)))
        return await serve(self, after=after)

    _patch(Connection, "serve", hasty)


def what_is_in_doubt_holds_up_nothing() -> None:
    async def deliver(self: Dispatcher, delivery: ThreadDelivery) -> None:
        await self._deliver(delivery, _Lane())

    def owe(self: Dispatcher, delivery: ThreadDelivery) -> None:
        self._tasks.create_task(deliver(self, delivery))

    _patch(Dispatcher, "owe", owe)


def what_is_in_doubt_is_never_looked_for() -> None:
    async def resigned(self: Posting, delivery: ThreadDelivery, *_: object) -> tuple[bool, None]:
        await self._ledger.hold(delivery, "nobody can tell")
        return True, None

    _patch(Posting, "_resolved", resigned)


# -- what a second defence makes harmless ----------------------------------------------------------


def a_replay_begins_after_what_was_read() -> None:
    """The cursor passes an unfinished stream, but its pieces are committed with it."""
    _patch(Session, "cursor", property(lambda session: session.journal.floor))


# -- towards an adapter in a process of its own -----------------------------------------------


def a_call_whose_process_ended_is_taken_for_undone() -> None:
    def undone(_unanswered: object) -> Unreachable:
        return Unreachable("nothing will have been done")

    _patch(apart, "died", undone)


def what_hangs_is_left_alone() -> None:
    async def patient(self: Apart, *_: object) -> None:
        await asyncio.Event().wait()

    _patch(Apart, "_watch", patient)


def what_is_in_doubt_is_not_looked_for() -> None:
    async def absent(self: Posting, *_: object) -> None:
        return None

    _patch(Posting, "_verdict", absent)


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
        the_cursor_passes_an_unfinished_stream,
        what_the_thread_shows_is_not_stored,
        the_journal_is_not_stored,
        the_state_is_committed_before_what_it_owes,
        the_agent_is_asked_to_join_on_every_socket,
        what_is_in_flight_is_taken_for_heard,
        what_is_in_flight_is_sent_again_without_a_replay,
        what_is_in_doubt_holds_up_nothing,
        what_is_in_doubt_is_never_looked_for,
    )
}
#: Those that only a plug-in in a process of its own suffers from.
APART = {
    fault.__name__: fault
    for fault in (
        a_call_whose_process_ended_is_taken_for_undone,
        what_hangs_is_left_alone,
        what_is_in_doubt_is_not_looked_for,
    )
}
#: Those that cost nothing, as something else makes up for them.
SPARED = {fault.__name__: fault for fault in (a_replay_begins_after_what_was_read,)}


def plant(name: str) -> None:
    """Have this fault from now on, in this process."""
    (FAULTS | APART | SPARED)[name]()
