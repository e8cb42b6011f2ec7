"""What happens on one socket? Frames in order, signs of life, and the end of it.

One task reads. Whatever is due at some time (the end of the history, a sign of life, a late frame,
the renewal of an old socket) is seen to by `wake`, which one heap of timers calls for all sockets:
a task of its own for each would be most of what an idle session costs. A task is there beside the
reader only while it has something to do. All waits are the clock's.
"""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta

from bridge import log
from bridge.core import events as e
from bridge.core.ordering import Arrivals
from bridge.core.state import Conversation
from bridge.model.frames import Frame, HeartbeatEchoed, SessionEnded
from bridge.model.ids import AgentName, ConversationId
from bridge.polyai.socket import Closing, Socket, SocketClosed
from bridge.polyai.wire import Decoded, encode_heartbeat
from bridge.runtime.connecting.pulse import Pulse, Sign
from bridge.runtime.deciding import Mail
from bridge.runtime.reporting.metrics import Metrics
from bridge.runtime.timers import Timers
from bridge.runtime.worker import Worker
from bridge.runtime.world import World

_log = log.get("connection")
_HEARTBEAT = encode_heartbeat()
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
#: What is due is seen to at the next multiple of so many microseconds: whatever is due at about the
#: same time on thousands of sockets, at once.
_TICK = 50_000


class Connection:
    """One socket of one session, from open to closed."""

    __slots__ = (
        "_agent",
        "_arrivals",
        "_batch_at",
        "_beat_sent_at",
        "_beside",
        "_conversation",
        "_dropping",
        "_failure",
        "_fetches_gaps",
        "_first_at",
        "_following",
        "_late",
        "_metrics",
        "_old_at",
        "_ponged_at",
        "_problems",
        "_pulse",
        "_ready_at",
        "_replayed",
        "_serving",
        "_settling",
        "_sign",
        "_socket",
        "_timers",
        "_verifies_end",
        "_went_on",
        "_worker",
        "_world",
        "caught_up",
        "dropped",
        "number",
        "reason",
        "rest",
    )

    def __init__(
        self,
        socket: Socket,
        *,
        conversation: ConversationId,
        number: int,
        worker: Worker,
        world: World,
        metrics: Metrics,
        timers: Timers,
        agent: AgentName,
        verifies_end: bool = False,
        fetches_gaps: bool = True,
    ) -> None:
        self.number = number
        self.dropped = False  #: we closed it, and it says nothing about the other side
        self.reason = ""  #: why we let it go, in a word
        self.caught_up = False  #: its history was followed
        self.rest: tuple[Frame, ...] = ()  #: what still waited for a missing frame at its end
        self._socket = socket
        self._conversation = conversation
        self._worker = worker
        self._world = world
        self._metrics = metrics
        self._timers = timers
        self._agent = agent
        self._verifies_end = verifies_end
        self._fetches_gaps = fetches_gaps
        self._dropping = False
        self._serving = False
        self._beside: tuple[asyncio.Task[None], ...] = ()
        self._failure: BaseException | None = None  #: of one of them
        self._late: asyncio.Task[None] | None = None  #: lets frames through
        self._sign: asyncio.Task[None] | None = None  #: sends a sign of life
        self._settling = False  #: the history is over
        self._batch_at: datetime | None = None
        self._first_at = world.clock.now()
        self._old_at = self._first_at + _OLD + _OLD_SPREAD * (2 * world.chance.random() - 1)
        self._ready_at: datetime | None = None
        self._arrivals = Arrivals(after=0)
        self._replayed = 0  #: the highest number of its history, or before it
        self._went_on = False  #: something new came after the history
        self._problems = 0
        self._following = False  #: what was read is being followed, and nothing else is read
        self._pulse = Pulse(world.clock)
        self._ponged_at: datetime | None = None
        self._beat_sent_at: datetime | None = None  #: of the heartbeat that is not echoed yet

    @property
    def proved(self) -> bool:
        """Whether it was of use: its history was followed, and it went on or lived for a while."""
        if self._ready_at is None:
            return False
        return self._went_on or self._world.clock.now() - self._ready_at >= _PROOF

    def drop(self, reason: str = "") -> None:
        """Close it, soon."""
        self.dropped = True
        self._let_go(reason)

    async def send(self, text: str) -> bool:
        """Send a frame; whether it was: a failure only means that the socket is going."""
        try:
            await self._socket.send(text)
            self._metrics.frame(self._agent, "out")
        except SocketClosed:
            return False
        return True

    @property
    def agent(self) -> AgentName:
        """Whose socket it is."""
        return self._agent

    @property
    def quiet_since(self) -> datetime | None:
        """The last sign of life, a pong too; None where silence would say nothing now."""
        felt = None if self._dropping else self._pulse.quiet_since
        return max(felt, self._ponged_at) if felt and self._ponged_at else felt

    @property
    def _who(self) -> dict[str, object]:
        """Whose socket it is, for the log."""
        return {
            "conversation": self._conversation,
            "agent": self._agent,
            "number": self.number,
        }

    async def pinged(self) -> bool:
        """Whether a ping was answered, which may take for ever; False: the socket is closed."""
        try:
            await self._socket.ping()
        except SocketClosed:
            return False
        # No sign for the pulse: a front end may answer pings for an agent that is dead behind it.
        self._ponged_at = self._world.clock.now()
        return True

    def renew(self) -> None:
        """It is deaf: have another one opened."""
        _log.warning("socket.silent", **self._who)
        self._let_go("deaf")

    async def serve(self, *, after: int) -> Closing:
        """Follow the socket until it is closed, and say how."""
        self._arrivals = Arrivals(after=after)
        self._replayed = after
        self._serving = True
        try:
            if self._dropping:
                self._start(self._socket.close(1001))
            self._sleep()
            closing = await self._read()
        finally:
            self._serving = False
            self._timers.set(self._conversation, None)
            await self._ended()
        if self._failure is not None:
            raise self._failure
        return closing

    async def _ended(self) -> None:
        """Nothing goes on beside a socket that is not read any more."""
        try:
            for task in self._beside:
                task.cancel()
            await asyncio.gather(*self._beside, return_exceptions=True)
            self.rest = (*self.rest, *self._arrivals.rest())
        finally:
            await self._socket.close(1001)

    def wake(self) -> None:
        """See to whatever is due."""
        if not self._serving or self._dropping:
            return
        now = self._world.clock.now()
        self._see_to_history(now)
        self._see_to_late(now)
        self._see_to_life()
        self._see_to_age(now)
        self._sleep()

    def _sleep(self) -> None:
        """Have `wake` called when something is due, unless all is over."""
        if self._dropping or not self._serving:
            self._timers.set(self._conversation, None)
            return
        history = None if self._settling else self._history_due()
        late = self._late_due()
        life = self._pulse.due(self._heartbeat_seconds())
        due = min([at for at in (history, late, life, self._old_at) if at is not None])
        due += timedelta(microseconds=-due.microsecond % _TICK)
        self._timers.set(self._conversation, due)

    def _start(self, machine: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(machine)
        self._beside = (*self._beside, task)
        task.add_done_callback(self._stopped)
        return task

    def _stopped(self, task: asyncio.Task[None]) -> None:
        self._beside = tuple([one for one in self._beside if one is not task])
        if not task.cancelled() and task.exception() is not None:
            self._failure = self._failure or task.exception()
            self._let_go()

    def _let_go(self, reason: str = "") -> None:
        """Close the socket, once; whoever reads it will see."""
        self.reason = self.reason or reason
        if not self._dropping and self._serving:
            self._start(self._socket.close(1001))
        self._dropping = True

    async def _read(self) -> Closing:
        try:
            async for decoded in self._socket.frames():
                self._metrics.frame(self._agent, "in")
                with self._pulse, self._world.progress.at_work("reader", self._conversation):
                    await self._received(decoded)
        except SocketClosed as closed:
            _log.debug(
                "socket.closed",
                **self._who,
                code=closed.code,
                ours=closed.ours,
                reason=closed.reason,
            )
            return closed.means
        return Closing.DROPPED

    async def _received(self, decoded: Decoded) -> None:
        arrivals = self._arrivals
        if decoded.problems:
            self._tell_problems(decoded.problems)
        numbers = [frame.sequence for frame in decoded.frames if frame.sequence is not None]
        if decoded.batch:
            self._replayed = max([self._replayed, *numbers])
            self._following = True
            await self._follow(arrivals.history(decoded.frames))
            self._following = False
            self._batch_at = self._world.clock.now()
            self._pulse.begin(self._heartbeat_seconds(), self._world.chance.random())
            self._sleep()
            return
        if self._ready_at is not None and max(numbers, default=0) > self._replayed:
            self._went_on = True
        for frame in decoded.frames:
            if frame.sequence is None and isinstance(frame.body, HeartbeatEchoed):
                self._heartbeat_echoed()
                continue  # a sign of life and no more: it takes no step
            now = self._world.clock.now()
            if live := self._mail(arrivals.live(frame, now)):
                self._following = True
                await self._worker.hear(self._conversation, *live)
                self._following = False
                if arrivals.due is not None:
                    arrivals.unread(self._world.clock.now() - now)
        if arrivals.due is not None:
            self._sleep()
        while arrivals.full and not self._dropping:
            # The history, or a gap's patience, comes to an end.
            await self._world.rest(_QUIET)

    def _tell_problems(self, problems: tuple[str, ...]) -> None:
        left = max(0, MOST_PROBLEMS - self._problems)
        self._problems += len(problems)
        for problem in problems[:left]:
            _log.warning("frame.malformed", **self._who, problem=problem)

    async def _follow(self, history: tuple[Frame, ...]) -> None:
        """Tell the worker, and read on only when it has caught up: the socket holds the rest."""
        for start in range(0, len(history), MOST_AT_ONCE):
            some = history[start : start + MOST_AT_ONCE]
            await self._worker.tell(self._conversation, *self._mail(some, replayed=True))

    async def _release(self, frames: tuple[Frame, ...]) -> None:
        """Tell the worker at once of all that waited: what is read meanwhile comes behind it."""
        if frames:
            await self._worker.tell(self._conversation, *self._mail(frames))

    def _mail(self, frames: tuple[Frame, ...], *, replayed: bool = False) -> list[Mail]:
        at = self._world.clock.now()
        return [Mail(e.FrameArrived(self.number, f, replayed=replayed), at=at) for f in frames]

    def _history_due(self) -> datetime:
        """When the history may be over, as far as is known."""
        if self._batch_at is None:
            return self._first_at + _FIRST_BATCH
        if self._following:
            return self._world.clock.now() + _QUIET  # a slow disk is not the end of the history
        return self._batch_at + self._quiet()

    def _see_to_history(self, now: datetime) -> None:
        if self._settling or now < self._history_due():
            return
        self._settling = True
        if self._batch_at is None:
            _log.warning("socket.no_history", **self._who)
            self._let_go("no_history")
        else:
            self._start(self._settle())

    async def _settle(self) -> None:
        released = self._arrivals.settle(self._world.clock.now())
        await self._release(released)
        self.caught_up = True
        if self._verifies_end:
            # What had come before the end is followed; nothing is sent to what is over.
            ended = e.SessionLost(self.number, ended=True)
            await self._worker.tell(self._conversation, Mail(ended))
            self.drop()
            return
        await self._worker.tell(self._conversation, Mail(e.SocketReady(self.number)))
        self._ready_at = self._world.clock.now()
        self._sleep()

    def _see_to_late(self, now: datetime) -> None:
        """Let frames through that wait for one before them, when it has not come in time."""
        due = self._late_due()
        if due is not None and due <= now:
            self._late = self._start(self._release_late())

    def _late_due(self) -> datetime | None:
        """When to do so. Not while nothing is read: the missing one may be the next."""
        if self._ready_at is None or self._following or _runs(self._late):
            return None
        return self._arrivals.due

    async def _release_late(self) -> None:
        late = self._arrivals.overdue(self._world.clock.now())
        if self._fetches_gaps and any(isinstance(f.body, SessionEnded) for f in late):
            # After the end nothing comes: only a replay can bring what is missing.
            self.rest = late
            self._let_go("gap")
            return
        await self._release(late)
        self._late = None
        self._sleep()

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

    def _see_to_life(self) -> None:
        """Signs of life, once the session has said how it wants them."""
        sign = self._pulse.look(self._heartbeat_seconds())
        if sign is Sign.GONE:
            _log.warning("socket.silent", **self._who)
            self._let_go("silent")
        # A dead socket takes no more, or never answers; and another sign adds nothing.
        elif sign in (Sign.BEAT, Sign.PING) and not _runs(self._sign):
            self._beat_sent_at = self._beat_sent_at or self._world.clock.now()
            self._sign = self._start(self._ping() if sign is Sign.PING else self._beat())

    async def _beat(self) -> None:
        await self.send(_HEARTBEAT)

    def _heartbeat_echoed(self) -> None:
        sent_at, self._beat_sent_at = self._beat_sent_at, None
        if sent_at is not None:
            took = self._world.clock.now() - sent_at
            self._metrics.heartbeat(self._agent, took.total_seconds())

    async def _ping(self) -> None:
        try:
            await self._socket.ping()
        except SocketClosed:
            return
        self._heartbeat_echoed()
        self._pulse.felt()

    def _heartbeat_seconds(self) -> int | None:
        conversation = self._worker.present(self._conversation)
        session = conversation.session if conversation else None
        return session.capabilities.heartbeat_seconds if session else None

    def _see_to_age(self, now: datetime) -> None:
        """Renew an old socket while nothing is under way: nobody notices."""
        if now < self._old_at:
            return
        if _at_rest(self._worker.present(self._conversation)):
            _log.debug("socket.renewed", **self._who)
            self.drop("renewed")
        self._old_at = now + _LOOK_AGAIN


def _runs(task: asyncio.Task[None] | None) -> bool:
    return task is not None and not task.done()


def _at_rest(conversation: Conversation | None) -> bool:
    """Whether nothing is unconfirmed and no message half told."""
    session = conversation.session if conversation else None
    if conversation is None or session is None:
        return True
    coming = any(not stream.told for stream in session.streams)
    return session.ready and conversation.in_flight is None and not coming
