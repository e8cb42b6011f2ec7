"""What happens on one socket? Frames in order, signs of life, and the end of it.

Beside the reader small machines: one settles the history, two see to the signs of life (`pulse`),
one renews the socket when it is old. Two more are there only while they have something to do, as
tasks are most of what an idle session costs: one lets late frames through, one closes. All waits
are the clock's.
"""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta

from bridge import log
from bridge.core import events as e
from bridge.core.ordering import Arrivals
from bridge.core.state import Conversation
from bridge.model.frames import Frame, SessionEnded
from bridge.model.ids import AgentName, ConversationId
from bridge.polyai.socket import Closing, Socket, SocketClosed
from bridge.polyai.wire import Decoded, encode_heartbeat
from bridge.runtime.deciding import Mail
from bridge.runtime.pulse import Pulse
from bridge.runtime.status import Status
from bridge.runtime.worker import Worker
from bridge.runtime.world import World

_log = log.get("connection")
#: How long the first batch of history may take, and how long silence after one means its end.
_FIRST_BATCH = timedelta(seconds=10)
_QUIET = timedelta(milliseconds=300)
#: And while something is in flight, whose echo may be in the history.
_QUIET_IN_DOUBT = timedelta(seconds=2)
#: But no longer than this in all.
_LONGEST_HISTORY = timedelta(seconds=30)
#: A socket proves itself by something new after its history, or by living this long.
_PROOF = timedelta(seconds=30)
#: The age at which a socket is renewed, and how far by chance: PolyAI's front end most likely cuts
#: it at two hours, and PolyAI's own SDKs come before that too (polyai-messaging §4.4).
_OLD = timedelta(minutes=110)
_OLD_SPREAD = timedelta(minutes=10)
#: How many frames are followed in one step: others' steps come between.
MOST_AT_ONCE = 256
#: How many problems with frames are logged of one socket.
MOST_PROBLEMS = 100
#: How soon an old socket that was busy is looked at again.
_LOOK_AGAIN = timedelta(seconds=15)


class Connection:
    """One socket of one session, from open to closed."""

    def __init__(
        self,
        socket: Socket,
        *,
        conversation: ConversationId,
        number: int,
        worker: Worker,
        world: World,
        status: Status,
        agent: AgentName,
        verifies_end: bool = False,
        fetches_gaps: bool = True,
    ) -> None:
        self.number = number
        self.dropped = False  #: we closed it, and it says nothing about the other side
        self.caught_up = False  #: its history was followed
        self.rest: tuple[Frame, ...] = ()  #: what still waited for a missing frame at its end
        self._socket = socket
        self._conversation = conversation
        self._worker = worker
        self._world = world
        self._status = status
        self._agent = agent
        self._verifies_end = verifies_end
        self._fetches_gaps = fetches_gaps
        self._dropping = False
        self._tasks: asyncio.TaskGroup | None = None  #: while the socket is served
        self._beside: list[asyncio.Task[None]] = []
        self._late: asyncio.Task[None] | None = None
        self._batch = asyncio.Event()
        self._batch_at: datetime | None = None
        self._first_at = world.clock.now()
        self._ready_at: datetime | None = None
        self._replayed = 0  #: the highest number of its history, or before it
        self._went_on = False  #: something new came after the history
        self._problems = 0
        self._following = False  #: while a batch is being followed, the next is not even read
        self._pulse = Pulse(world, named=self._heartbeat_seconds, beat=self._beat, ping=socket.ping)

    @property
    def proved(self) -> bool:
        """Whether it was of use: its history was followed, and it went on or lived for a while."""
        if self._ready_at is None:
            return False
        return self._went_on or self._world.clock.now() - self._ready_at >= _PROOF

    def drop(self) -> None:
        """Close it, soon."""
        self.dropped = True
        self._let_go()

    async def send(self, text: str) -> None:
        """Send a frame; a failure only means that the socket is going."""
        try:
            await self._socket.send(text)
            self._status.frame(self._agent, "out")
        except SocketClosed:
            return

    async def serve(self, *, after: int) -> Closing:
        """Follow the socket until it is closed, and say how."""
        arrivals = Arrivals(after=after)
        self._replayed = after
        closing = Closing.DROPPED
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                for machine in (self._order(arrivals), self._live(), self._watch(), self._age()):
                    self._start(tasks, machine)
                if self._dropping:
                    self._start(tasks, self._socket.close(1001))
                closing = await self._read(arrivals)
                self._tasks = None
                for task in self._beside:
                    task.cancel()
                self.rest = (*self.rest, *arrivals.rest())
        finally:
            self._tasks = None
            await self._socket.close(1001)
        return closing

    def _start(
        self, tasks: asyncio.TaskGroup, machine: Coroutine[None, None, None]
    ) -> asyncio.Task[None]:
        task = tasks.create_task(machine)
        self._beside.append(task)
        return task

    def _let_go(self) -> None:
        """Close the socket, once; whoever reads it will see."""
        if not self._dropping and self._tasks is not None:
            self._start(self._tasks, self._socket.close(1001))
        self._dropping = True

    async def _read(self, arrivals: Arrivals) -> Closing:
        try:
            async for decoded in self._socket.frames():
                self._status.frame(self._agent, "in")
                with self._pulse.busy():
                    await self._received(decoded, arrivals)
        except SocketClosed as closed:
            _log.debug(
                "socket.closed",
                conversation=self._conversation,
                code=closed.code,
                ours=closed.ours,
                reason=closed.reason,
            )
            return closed.means
        return Closing.DROPPED

    async def _received(self, decoded: Decoded, arrivals: Arrivals) -> None:
        left = max(0, MOST_PROBLEMS - self._problems)
        self._problems += len(decoded.problems)
        for problem in decoded.problems[:left]:
            _log.warning("frame.malformed", conversation=self._conversation, problem=problem)
        numbers = [frame.sequence for frame in decoded.frames if frame.sequence is not None]
        if decoded.batch:
            self._replayed = max([self._replayed, *numbers])
            self._following = True
            await self._follow(arrivals.history(decoded.frames), replayed=True)
            self._following = False
            self._batch_at = self._world.clock.now()
            self._batch.set()
            return
        if self._ready_at is not None and max(numbers, default=0) > self._replayed:
            self._went_on = True
        for frame in decoded.frames:
            now = self._world.clock.now()
            await self._follow(arrivals.live(frame, now), replayed=False)
        self._see_to_late(arrivals)
        while arrivals.full and not self._dropping:
            # The history, or a gap's patience, comes to an end.
            await self._world.clock.sleep(_QUIET)

    async def _follow(self, frames: tuple[Frame, ...], *, replayed: bool) -> None:
        """Tell the worker, and read on only when it has caught up: the socket holds the rest."""
        for start in range(0, len(frames), MOST_AT_ONCE):
            some = frames[start : start + MOST_AT_ONCE]
            mail = [Mail(e.FrameArrived(self.number, f, replayed=replayed)) for f in some]
            await self._worker.tell(self._conversation, *mail)

    async def _order(self, arrivals: Arrivals) -> None:
        if not await self._history_settled():
            _log.warning("socket.no_history", conversation=self._conversation)
            self._let_go()
            return
        released = arrivals.settle(self._world.clock.now())
        await self._follow(released, replayed=False)
        self.caught_up = True
        if self._verifies_end:
            # What had come before the end is followed; nothing is sent to what is over.
            ended = e.SessionLost(self.number, ended=True)
            await self._worker.tell(self._conversation, Mail(ended))
            self.drop()
            return
        await self._worker.tell(self._conversation, Mail(e.SocketReady(self.number)))
        self._ready_at = self._world.clock.now()
        self._see_to_late(arrivals)

    def _see_to_late(self, arrivals: Arrivals) -> None:
        """Let frames through that wait for one before them, when it has not come in time."""
        waits = self._ready_at is not None and arrivals.due is not None
        if waits and self._tasks is not None and (self._late is None or self._late.done()):
            if self._late is not None:
                self._beside.remove(self._late)
            self._late = self._start(self._tasks, self._release_late(arrivals))

    async def _release_late(self, arrivals: Arrivals) -> None:
        while arrivals.due is not None:
            await self._world.clock.sleep(arrivals.due - self._world.clock.now())
            late = arrivals.overdue(self._world.clock.now())
            if self._fetches_gaps and any(isinstance(f.body, SessionEnded) for f in late):
                # After the end nothing comes: only a replay can bring what is missing.
                self.rest = late
                self._let_go()
                return
            await self._follow(late, replayed=False)

    async def _history_settled(self) -> bool:
        patience = asyncio.create_task(self._world.clock.sleep(_FIRST_BATCH))
        first = asyncio.create_task(self._batch.wait())
        try:
            await asyncio.wait((patience, first), return_when=asyncio.FIRST_COMPLETED)
        finally:
            patience.cancel()
            first.cancel()
        while self._batch_at is not None:
            quiet_until = self._batch_at + self._quiet()
            if self._following:
                await self._world.clock.sleep(_QUIET)  # a slow disk is not the end of the history
            elif self._world.clock.now() >= quiet_until:
                return True
            else:
                await self._world.clock.sleep(quiet_until - self._world.clock.now())
        return False

    def _quiet(self) -> timedelta:
        """How long silence must last to be the end of the history.

        PolyAI does not mark it. Where it decides whether something is sent a second time, a pause
        between two batches must not be taken for it.
        """
        conversation = self._worker.present(self._conversation)
        decides = conversation is not None and conversation.in_flight is not None
        if self._world.clock.now() - self._first_at > _LONGEST_HISTORY:
            decides = False  # batches that never stop must not keep everybody waiting
        return _QUIET_IN_DOUBT if decides else _QUIET

    async def _live(self) -> None:
        """Signs of life, once the session has said how it wants them."""
        await self._batch.wait()
        await self._pulse.send()

    async def _watch(self) -> None:
        await self._batch.wait()
        await self._pulse.gone()
        _log.warning("socket.silent", conversation=self._conversation)
        self._let_go()

    async def _beat(self) -> None:
        await self.send(encode_heartbeat())

    def _heartbeat_seconds(self) -> int | None:
        conversation = self._worker.present(self._conversation)
        session = conversation.session if conversation else None
        return session.capabilities.heartbeat_seconds if session else None

    async def _age(self) -> None:
        """Renew an old socket while nothing is under way: nobody notices."""
        spread = _OLD_SPREAD * (2 * self._world.chance.random() - 1)
        await self._world.clock.sleep(_OLD + spread)
        while not _at_rest(self._worker.present(self._conversation)):
            await self._world.clock.sleep(_LOOK_AGAIN)
        _log.debug("socket.renewed", conversation=self._conversation)
        self.drop()


def _at_rest(conversation: Conversation | None) -> bool:
    """Whether nothing is unconfirmed and no message half told."""
    session = conversation.session if conversation else None
    if conversation is None or session is None:
        return True
    coming = any(not stream.told for stream in session.streams)
    return session.ready and conversation.in_flight is None and not coming
