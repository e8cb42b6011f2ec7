"""What happens on one socket? Frames in order, heartbeats out, and the end of it.

Two small machines beside the reader: one settles the history and lets late frames through, the
other sends heartbeats and notices silence. All waits are the clock's.
"""

import asyncio
from datetime import datetime, timedelta

from bridge import log
from bridge.core import events as e
from bridge.core.ordering import Arrivals
from bridge.model.frames import Frame
from bridge.model.ids import AgentName, ConversationId
from bridge.polyai.socket import Closing, Socket, SocketClosed
from bridge.polyai.wire import Decoded, encode_heartbeat
from bridge.runtime.deciding import Mail
from bridge.runtime.status import Status
from bridge.runtime.worker import Worker
from bridge.runtime.world import World

_log = log.get("connection")
#: How long the first batch of history may take, and how long silence after one means its end.
_FIRST_BATCH = timedelta(seconds=10)
_QUIET = timedelta(milliseconds=300)
#: Seconds between heartbeats unless the session says otherwise (S-ws).
_HEARTBEAT = 30
#: No session is asked for a sign of life less often, whatever it says.
_SLOWEST_HEARTBEAT = 600
#: So many heartbeat intervals without any frame, and the socket is taken for dead.
_SILENCE = 2.5


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
    ) -> None:
        self.number = number
        self.proved = False  #: its history was followed
        self.dropped = False  #: we closed it ourselves
        self._socket = socket
        self._conversation = conversation
        self._worker = worker
        self._world = world
        self._status = status
        self._agent = agent
        self._drop = asyncio.Event()
        self._batch = asyncio.Event()
        self._held = asyncio.Event()
        self._batch_at: datetime | None = None
        self._following = False  #: while a batch is being followed, the next is not even read
        self._seen_at = world.clock.now()

    def drop(self) -> None:
        """Close it, soon."""
        self.dropped = True
        self._drop.set()

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
        closing = Closing.DROPPED
        try:
            async with asyncio.TaskGroup() as tasks:
                beside = [
                    tasks.create_task(self._order(arrivals)),
                    tasks.create_task(self._beat()),
                    tasks.create_task(self._close_when_dropped()),
                ]
                closing = await self._read(arrivals)
                for task in beside:
                    task.cancel()
        finally:
            await self._socket.close(1001)
        return closing

    async def _read(self, arrivals: Arrivals) -> Closing:
        try:
            async for decoded in self._socket.frames():
                self._seen_at = self._world.clock.now()
                self._status.frame(self._agent, "in")
                await self._received(decoded, arrivals)
        except SocketClosed as closed:
            return closed.means
        return Closing.DROPPED

    async def _received(self, decoded: Decoded, arrivals: Arrivals) -> None:
        for problem in decoded.problems:
            _log.warning("frame.malformed", conversation=self._conversation, problem=problem)
        if decoded.batch:
            self._following = True
            await self._follow(arrivals.history(decoded.frames), replayed=True)
            self._following = False
            self._batch_at = self._world.clock.now()
            self._batch.set()
            return
        for frame in decoded.frames:
            await self._follow(arrivals.live(frame, self._seen_at), replayed=False)
        if arrivals.due is not None:
            self._held.set()

    async def _follow(self, frames: tuple[Frame, ...], *, replayed: bool) -> None:
        """Tell the worker, and read on only when it has caught up: the socket holds the rest."""
        if frames:
            mail = [Mail(e.FrameArrived(self.number, f, replayed=replayed)) for f in frames]
            await self._worker.tell(self._conversation, *mail)

    async def _order(self, arrivals: Arrivals) -> None:
        if not await self._history_settled():
            _log.warning("socket.no_history", conversation=self._conversation)
            self.drop()
            return
        released = arrivals.settle(self._world.clock.now())
        await self._follow(released, replayed=False)
        await self._worker.tell(self._conversation, Mail(e.SocketReady(self.number)))
        self.proved = True
        while True:
            if arrivals.due is None:
                self._held.clear()
                await self._held.wait()
            if arrivals.due is not None:
                await self._world.clock.sleep(arrivals.due - self._world.clock.now())
                await self._follow(arrivals.overdue(self._world.clock.now()), replayed=False)

    async def _history_settled(self) -> bool:
        patience = asyncio.create_task(self._world.clock.sleep(_FIRST_BATCH))
        first = asyncio.create_task(self._batch.wait())
        try:
            await asyncio.wait((patience, first), return_when=asyncio.FIRST_COMPLETED)
        finally:
            patience.cancel()
            first.cancel()
        while self._batch_at is not None:
            quiet_until = self._batch_at + _QUIET
            if self._following:
                await self._world.clock.sleep(_QUIET)  # a slow disk is not the end of the history
            elif self._world.clock.now() >= quiet_until:
                return True
            else:
                await self._world.clock.sleep(quiet_until - self._world.clock.now())
        return False

    async def _beat(self) -> None:
        """Heartbeats, out of step with everybody else's; silence for too long drops the socket."""
        await self._batch.wait()
        first = self._world.chance.random()
        while True:
            interval = self._interval()
            if interval is None:
                await self._world.clock.sleep(timedelta(seconds=_HEARTBEAT))
                continue
            await self._world.clock.sleep(interval * first)
            first = 1.0
            await self.send(encode_heartbeat())
            if self._world.clock.now() - self._seen_at > interval * _SILENCE:
                _log.warning("socket.silent", conversation=self._conversation)
                self.drop()

    def _interval(self) -> timedelta | None:
        conversation = self._worker.present(self._conversation)
        session = conversation.session if conversation else None
        return heartbeat_interval(session.capabilities.heartbeat_seconds if session else None)

    async def _close_when_dropped(self) -> None:
        await self._drop.wait()
        await self._socket.close(1001)


def heartbeat_interval(named: int | None) -> timedelta | None:
    """A session's own interval, within reason; None if it wants no heartbeats (capability 0)."""
    if named == 0:
        return None
    seconds = named if named is not None and named > 0 else _HEARTBEAT
    return timedelta(seconds=min(seconds, _SLOWEST_HEARTBEAT))
