"""What do platforms tell us? Transaction 1 of three: stored, committed, then acknowledged."""

from collections.abc import Callable
from datetime import datetime

import aiohttp
import msgspec

from bridge import log
from bridge.clock import Clock
from bridge.core.state import Conversation, Handoff
from bridge.model.delivery import Receipt
from bridge.model.ids import (
    AdapterName,
    AgentName,
    ConversationId,
    DeliveryId,
    PersonId,
    ThreadKey,
)
from bridge.model.inbound import Inbound
from bridge.plugin import Accepted, Glimpse, Handler, Memory
from bridge.runtime.adapters.routes import Routes
from bridge.runtime.entering.accepting import decided
from bridge.runtime.entering.crowding import Crowd
from bridge.runtime.entering.limits import Limits
from bridge.runtime.watching.status import Status
from bridge.runtime.worker import Worker
from bridge.runtime.world import World
from bridge.store import Accept, Doubled, Store, Verdict
from bridge.store import Accepted as Stored

_log = log.get("intake")
#: The most conversations that an adapter is told of at once.
_GLIMPSES = 50
_ANSWERS = {
    Verdict.NEW: Accepted.NEW,
    Verdict.KNOWN: Accepted.KNOWN,
    Verdict.UNCLAIMED: Accepted.IGNORED,
}


class Intake:
    """The host that is lent to one adapter."""

    def __init__(
        self,
        name: AdapterName,
        *,
        store: Store,
        worker: Worker,
        world: World,
        http: aiohttp.ClientSession,
        status: Status,
        memory: Memory,
        routes: Routes,
        limits: Limits,
        route: Callable[[AdapterName, str], AgentName],
        unknown: tuple[datetime, datetime] | None = None,
    ) -> None:
        """`unknown`: what happened between these instants may have been seen to (a restore)."""
        self._name = name
        self._store = store
        self._worker = worker
        self._world = world
        self._http = http
        self._status = status
        self._metrics = status.metrics
        self._memory = memory
        self._routes = routes
        self._limits = limits
        self._route = route
        self._unknown = unknown
        self._crowd = Crowd(worker)

    @property
    def name(self) -> AdapterName:
        """The configured name of this adapter instance."""
        return self._name

    @property
    def clock(self) -> Clock:
        """The only clock an adapter may read."""
        return self._world.clock

    @property
    def http(self) -> aiohttp.ClientSession:
        """A shared session."""
        return self._http

    @property
    def memory(self) -> Memory:
        """What the adapter remembers beyond a restart."""
        return self._memory

    async def open_threads(self, prefix: str = "") -> list[ThreadKey]:
        """The threads of open conversations whose keys begin so; raises DatabaseFailed."""
        return await self._store.open_threads(self._name, prefix)

    async def conversations_of(self, person: PersonId) -> list[Glimpse]:
        """Where `person` said something, the last touched first; raises DatabaseFailed."""
        found = await self._store.conversations_of(self._name, person, most=_GLIMPSES)
        return [_glimpse(conversation) for conversation in found]

    def serve(self, method: str, path: str, handler: Handler) -> None:
        """Answer there until the adapter leaves; raises ValueError if nothing can be there."""
        self._routes.add(self._name, method, path, handler)

    async def accept(self, inbound: Inbound) -> Accepted:
        """Store `inbound`; raises DatabaseFailed if it is not stored, or there is no room.

        A caller that is cancelled leaves only when it is decided: what is stored is also seen to.
        """
        return await decided(self._entered(inbound))

    async def _entered(self, inbound: Inbound) -> Accepted:
        inbound = _whole(inbound)
        if self._perhaps_seen_to(inbound):
            return Accepted.KNOWN
        at_work = self._world.progress.at_work("intake", self._name)
        with self._crowd.entered(inbound.thread), at_work:
            return await self._accept(inbound)

    async def _accept(self, inbound: Inbound) -> Accepted:
        self._world.reached("before-accept")
        limited = self._limits.applied(inbound)
        change = self._stored(limited)
        new = False
        try:
            with self._world.progress.waits():
                accepted = await self._store.write(change)
            new = accepted.verdict is Verdict.NEW
            self._journaled(accepted, change.at)
        finally:
            if limited is inbound and not new:
                self._limits.given_back(inbound)
        self._metrics.accepted(self._name, _ANSWERS[accepted.verdict])
        self._world.reached("after-accept")
        if accepted.opened:
            _log.info("conversation.opened", conversation=accepted.entries[-1].conversation)
        self._worker.take(accepted.entries)
        for entry in accepted.entries[:1]:
            self._crowd.note(inbound.thread, entry.conversation)
            self._worker.hops.acked(entry, self._world.clock.now())
        return _ANSWERS[accepted.verdict]

    def _perhaps_seen_to(self, inbound: Inbound) -> bool:
        """Whether a platform tells it again of a time that a restored backup does not know."""
        if self._unknown is None or not self._unknown[0] < inbound.at <= self._unknown[1]:
            return False
        _log.warning("intake.left_out", adapter=self._name, thread=inbound.thread, at=inbound.at)
        return True

    def _journaled(self, accepted: Stored, received: datetime) -> None:
        for entry in accepted.entries[:1]:
            now = self._world.clock.now()
            self._worker.hops.journaled(self._name, entry, received, now)

    async def doubled(self, delivery: DeliveryId, copy: Receipt, *, removed: bool = False) -> bool:
        """Keep it on record that a delivery stood twice; raises DatabaseFailed.

        False, and nothing is kept, if it is the copy whose receipt we have.
        """
        known = None if removed else await self._store.thread_delivery(delivery)
        if known is not None and known.receipt == copy:
            return False
        at = self._world.clock.now()
        change = Doubled(adapter=self._name, delivery=delivery, copy=copy, at=at, removed=removed)
        if await self._store.write(change):
            self._metrics.doubled(self._name, removed=removed)
        return True

    def _stored(self, inbound: Inbound) -> Accept:
        return Accept(
            adapter=self._name,
            inbound=inbound,
            agent=self._route(self._name, inbound.place),
            new_id=ConversationId(self._world.ids.new()),
            at=self._world.clock.now(),
        )

    def report(self, *, connected: bool, detail: str = "") -> None:
        """Note how the adapter's connection stands."""
        self._status.reported(self._name, connected=connected, detail=detail)


def _glimpse(conversation: Conversation) -> Glimpse:
    session = conversation.session
    return Glimpse(
        thread=conversation.thread,
        agent=conversation.agent,
        opened_at=conversation.opened_at,
        touched_at=conversation.touched_at,
        with_person=session is not None and session.handoff in (Handoff.WAITING, Handoff.LIVE),
    )


def _whole(inbound: Inbound) -> Inbound:
    """The same with a mark for each half of a character, which nothing could hold."""
    try:
        msgspec.json.encode(inbound)
    except UnicodeEncodeError:
        return msgspec.convert(_mended(msgspec.to_builtins(inbound)), Inbound)
    return inbound


def _mended(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_mended(one) for one in value]
        case dict():
            return {name: _mended(one) for name, one in value.items()}
    return value
