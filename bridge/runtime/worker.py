"""Who takes the steps? One conversation at a time by one task; conversations in parallel.

Transaction 2 of three: the step commits, then its effects are carried out. A conversation is in
memory while anything may happen to it; its task lives only while it has mail.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge import log
from bridge.core import events as e
from bridge.core.due import due
from bridge.core.state import Conversation, Wish
from bridge.core.terms import Terms
from bridge.errors import DatabaseFailed
from bridge.model.ids import ConversationId
from bridge.runtime.carrying import Carrying, Connections, Outbox
from bridge.runtime.deciding import Decision, Mail, decide, entry_mail
from bridge.runtime.entering.naming import Names
from bridge.runtime.persisting import Persistence
from bridge.runtime.redacting import Redacting
from bridge.runtime.reporting.noting import Hops
from bridge.runtime.timers import LATENESS, Timers
from bridge.runtime.world import World
from bridge.store import Entry, Store
from bridge.store.redriving import SetAside

_log = log.get("worker")
#: How long the deadlines of a conversation are let be after a step that could not be taken.
_LET_BE = timedelta(minutes=1)
#: How soon it is looked again whether a thread that is owed too much has taken some of it.
_LOOK_AGAIN = timedelta(seconds=1)
#: How many frames of a conversation may wait for a step before no more is read from its agent.
MOST_UNHEARD = 64
#: What a person waits for an answer to.
_SAID = (
    e.MessageAccepted
    | e.ChoiceAccepted
    | e.EndRequested
    | e.StartRequested
    | e.RetryRequested
    | e.CancelRequested
    | e.PersonRequested
    | e.StatusRequested
)


#: Finds, in a conversation's turn, what to tell it: nothing else happens to it meanwhile.
Errand = Callable[[], Awaitable[list[Mail]]]


@dataclass(slots=True)
class _Desk:
    """One conversation in memory and its mail."""

    conversation: Conversation | None = None
    mail: list[Mail] = field(default_factory=list)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)
    errands: list[tuple[Errand, asyncio.Future[bool]]] = field(default_factory=list)
    busy: bool = False
    task: asyncio.Task[None] | None = None  #: whose it is while it is busy
    deadline: datetime | None = None  #: when the conversation wants to be woken
    let_be: datetime | None = None  #: before this no deadline of it is looked at


class Worker:
    """All conversations: mail in, steps taken, effects carried out."""

    def __init__(
        self,
        store: Store,
        world: World,
        terms: Callable[[Conversation], Terms],
        tasks: asyncio.TaskGroup,
        names: Names | None = None,
        hops: Hops | None = None,
        redacting: Redacting | None = None,
    ) -> None:
        self.hops = hops or Hops(store.notes)
        self._store = store
        self._world = world
        self._waits = world.progress.waits
        self._terms = terms
        self._tasks = tasks
        self._names = names
        self._redacting = redacting
        self._desks: dict[ConversationId, _Desk] = {}
        self._timers = Timers(world.clock, self._wake)
        world.progress.watch("worker", self._left)
        world.progress.watch("timers", self._timers.overdue, patience=LATENESS)
        self._database = Persistence(store, world, _database_failed)
        self._outbox: Outbox | None = None
        self._connections: Connections | None = None
        self._carrying: Carrying | None = None

    def attach(self, outbox: Outbox, connections: Connections) -> None:
        """Say who carries out the effects. Once, before anything is posted."""
        self._outbox = outbox
        self._connections = connections
        self._carrying = Carrying(outbox, connections, self._store, self._world, self._database)

    async def recover(self) -> None:
        """Take up what a former run left: its live conversations, then its open entries."""
        for conversation in await self._store.live_conversations():
            desk = self._desks[conversation.id] = _Desk()
            self._take_up(desk, conversation)
            self._settle_in(desk)
        entries = await self._store.open_entries()
        while entries:
            self.take(entries)
            entries = await self._store.open_entries(entries[-1])

    async def run_timers(self) -> None:
        """Serve deadlines for ever."""
        await self._timers.run()

    def take(self, entries: list[Entry] | tuple[Entry, ...]) -> None:
        """See to these inbox entries."""
        for entry in entries:
            self.post(entry.conversation, entry_mail(entry))

    def post(self, conversation: ConversationId, *mail: Mail) -> None:
        """Add mail; its step will be taken soon."""
        desk = self._desks.setdefault(conversation, _Desk())
        desk.mail += mail
        if not desk.busy:
            desk.busy = True
            desk.task = self._tasks.create_task(self._serve(conversation, desk), name="worker")

    async def tell(self, conversation: ConversationId, *mail: Mail) -> None:
        """Add mail and return when its step has committed and its effects are carried out.

        Whoever tells what an agent says waits as well until the thread has taken what it is owed:
        meanwhile nothing more is read from that agent, and PolyAI keeps it.
        """
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        desk = self._desks.setdefault(conversation, _Desk())
        desk.waiters.append(told)
        self.post(conversation, *mail)
        with self._waits():
            await told
        if any(isinstance(one.event, e.FrameArrived) for one in mail):
            await self._room(conversation)

    async def hear(self, conversation: ConversationId, *mail: Mail) -> None:
        """Add what an agent says, like `tell`; but before its step return, if only little waits.

        So what comes close together is one step.
        """
        if self.behind(conversation) >= MOST_UNHEARD:
            await self.tell(conversation, *mail)
        else:
            self.post(conversation, *mail)
            await self._room(conversation)

    async def in_turn(self, conversation: ConversationId, errand: Errand) -> bool:
        """Do `errand` in the conversation's turn, and take a step of its own for what it finds.

        Whether there was such a step and it has committed. Raises what `errand` raises.
        """
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._desks.setdefault(conversation, _Desk()).errands.append((errand, done))
        self.post(conversation)
        with self._waits():
            return await done

    async def _room(self, conversation: ConversationId) -> None:
        while self._outbox is not None and self._outbox.crowded(conversation):
            await self._world.rest(_LOOK_AGAIN)

    def behind(self, conversation: ConversationId) -> int:
        """How much of its mail no step has taken up yet."""
        desk = self._desks.get(conversation)
        return len(desk.mail) if desk else 0

    def present(self, conversation: ConversationId) -> Conversation | None:
        """The conversation as it stands, if it is in memory."""
        desk = self._desks.get(conversation)
        return desk.conversation if desk else None

    def conversations(self) -> Iterator[Conversation]:
        """Those in memory; not to be held while anything is awaited."""
        return (desk.conversation for desk in self._desks.values() if desk.conversation)

    @property
    def in_memory(self) -> int:
        """How many conversations are in memory."""
        return len(self._desks)

    def _left(self) -> ConversationId | None:
        """A conversation with mail that nobody serves any more; there must be none."""
        desks = self._desks.items()
        return next((who for who, one in desks if one.task and one.task.done()), None)

    def _wake(self, conversation: ConversationId) -> None:
        if conversation in self._desks:
            self.post(conversation, Mail(e.Woke()))

    async def _serve(self, identity: ConversationId, desk: _Desk) -> None:
        while desk.mail or desk.waiters or desk.errands:
            with self._world.progress.at_work("worker", identity):
                await self._serve_once(identity, desk)
        # Not if we are cancelled: then nothing new may begin.
        desk.busy, desk.task = False, None
        if desk.conversation is None:
            self._desks.pop(identity, None)  # there is no such conversation
        self._settle_in(desk)

    async def _serve_once(self, identity: ConversationId, desk: _Desk) -> None:
        if desk.conversation is None:
            found = await self._load(identity)
            if found is not None:
                self._take_up(desk, found)
        mail, desk.mail = desk.mail, []
        waiters, desk.waiters = desk.waiters, []
        mail = await self._redacted(desk.conversation, mail)
        if mail and not await self._step(identity, desk, mail):
            # One of them is poisoned: alone, the others are not harmed by it.
            for one in mail if len(mail) > 1 else ():
                await self._step(identity, desk, [one])
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        errands, desk.errands = desk.errands, []
        for errand, done in errands:
            await self._run(identity, desk, errand, done)

    async def _run(
        self, identity: ConversationId, desk: _Desk, errand: Errand, done: asyncio.Future[bool]
    ) -> None:
        try:
            with self._waits():
                mail = await errand() if desk.conversation is not None else []
        except Exception as error:
            if not done.done():
                done.set_exception(error)
            return
        taken = bool(mail) and await self._step(identity, desk, mail)
        if not done.done():
            done.set_result(taken)

    async def _redacted(self, conversation: Conversation | None, mail: list[Mail]) -> list[Mail]:
        """With the names of those who speak, and without what is not to go on."""
        if conversation is None:
            return mail
        with self._waits():
            if self._names is not None:
                wanted = self._terms(conversation).speakers
                mail = await self._names.put_in(conversation, mail, wanted)
            if self._redacting is not None:
                mail = await self._redacting.put_in(conversation.agent, mail)
        return mail

    async def _step(self, identity: ConversationId, desk: _Desk, mail: list[Mail]) -> bool:
        """Decide, commit, carry out; whether the mail could be decided and written down.

        What could not is set aside, loudly: an inbox entry is a dead letter from then on, a
        deadline is looked at after a while, as what always fails must not keep us busy.
        """
        if desk.conversation is None:
            return True
        terms = self._terms(desk.conversation)
        try:
            now = self._world.clock.now()
            decision = decide(desk.conversation, mail, now, terms)
            deadline = due(decision.conversation, terms)
            self._world.reached("before-step")
            await self._commit(decision)
        except Exception as error:
            if len(mail) == 1:
                _log.error("worker.poisoned", conversation=identity, error=log.where(error))
            desk.let_be = self._world.clock.now() + _LET_BE
            if len(mail) == 1:
                await self._set_aside(identity, desk, mail[0], log.where(error))
            return False
        committed = self._world.clock.now()
        self.hops.stepped(decision, committed)
        if deadline is not None:
            # Only now is anything sent: however slow the disk was, its echo has its whole time.
            deadline += committed - now
        desk.conversation, desk.deadline = decision.conversation, deadline
        self._timers.set(identity, deadline)
        if self._carrying is not None:
            await self._carrying.out(decision, now)
        return True

    async def _set_aside(
        self, identity: ConversationId, desk: _Desk, mail: Mail, reason: str
    ) -> None:
        """What nobody can take up is a dead letter; whoever said it hears so in the same step."""
        if mail.entry is None or mail.set_aside:
            return
        if isinstance(mail.event, _SAID) and mail.event.person is not None:
            told = Mail(e.NotTaken(), entry=mail.entry, set_aside=reason)
            if await self._step(identity, desk, [told]):
                return
        alone = SetAside(entry=mail.entry, at=self._world.clock.now(), reason=reason)
        try:
            await self._database.write(alone)
        except Exception as error:
            _log.error("worker.left", conversation=identity, error=log.where(error))

    async def _load(self, identity: ConversationId) -> Conversation | None:
        conversation = await self._database.read(lambda: self._store.conversation(identity))
        if conversation is None:
            _log.error("worker.conversation_missing", conversation=identity)
        return conversation

    def _take_up(self, desk: _Desk, found: Conversation) -> None:
        """As found in the store: whatever socket it had, it has none now."""
        terms = self._terms(found)
        if found.session is not None:
            lost = Mail(e.SocketLost(found.session.number))
            found = decide(found, [lost], self._world.clock.now(), terms).conversation
        desk.conversation, desk.deadline = found, due(found, terms)

    async def _commit(self, decision: Decision) -> None:
        """Until it is written: what people said waits in the inbox, PolyAI keeps its journal."""
        if decision.change is not None:
            await self._database.write(decision.change)
            self._world.reached("after-step")

    def _settle_in(self, desk: _Desk) -> None:
        """Wish for its connection and its deadline; or leave memory, if nothing can happen."""
        conversation = desk.conversation
        if conversation is None or desk.busy or desk.mail:
            return
        deadline = desk.deadline
        if deadline is not None and desk.let_be is not None:
            deadline = max(deadline, desk.let_be)
        self._timers.set(conversation.id, deadline)
        if self._connections is not None:
            self._connections.reconcile(conversation)
        if deadline is None and conversation.wish is Wish.NOTHING:
            self._desks.pop(conversation.id, None)


def _database_failed(error: DatabaseFailed) -> None:
    _log.error("worker.database_failed", error=str(error))
