"""How does one conversation keep its socket? One task tries until it has what it wishes for.

It has the session opened, keeps its socket, and reports what happens as events. After a crash there
is a state to satisfy and nothing to replay.
"""

from dataclasses import dataclass
from datetime import timedelta

from bridge import log
from bridge.core import events as e
from bridge.core.state import Conversation, Session, Wish
from bridge.errors import Unreachable
from bridge.model.frames import Frame
from bridge.model.ids import ConversationId
from bridge.polyai.handshake import HandshakeRefused, Refusal
from bridge.polyai.socket import Closing, Socket, Sockets
from bridge.polyai.tokens import token_usable
from bridge.runtime.connecting.agents import AgentDoor, Agents, door_of
from bridge.runtime.connecting.connection import Connection
from bridge.runtime.connecting.opening import Opening
from bridge.runtime.connecting.pace import Gate, Pace
from bridge.runtime.connecting.recalling import Recall
from bridge.runtime.connecting.reconnecting import Reconnects, Verdict
from bridge.runtime.deciding import Mail
from bridge.runtime.timers import Timers
from bridge.runtime.watching.status import Status
from bridge.runtime.worker import Worker
from bridge.runtime.world import World
from bridge.store import Store

_log = log.get("sessions")
#: From this HTTP status on it is the service that is in trouble, and not what we asked for.
_SERVER_TROUBLE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What every keeper works with."""

    store: Store
    worker: Worker
    world: World
    agents: Agents
    sockets: Sockets
    pace: Pace
    status: Status


@dataclass(frozen=True, slots=True)
class Shared:
    """What all keepers have together."""

    timers: Timers  #: wake each conversation's connection
    gate: Gate
    recall: Recall


class Keeper:
    """Satisfies one conversation's wish, and holds its socket."""

    __slots__ = (
        "_identity",
        "_means",
        "_metrics",
        "_opening",
        "_reconnects",
        "_shared",
        "_surprises",
        "_unfollowed",
        "_why",
        "_world",
        "connection",
    )

    def __init__(self, identity: ConversationId, means: Means, shared: Shared) -> None:
        self.connection: Connection | None = None
        self._identity = identity
        self._means = means
        self._shared = shared
        self._world = means.world
        self._opening = Opening(identity, means.worker, means.world, means.status)
        self._reconnects = Reconnects(0)
        self._surprises = 0  #: in a row
        self._why = "start"  #: it is to be connected, in a word
        self._metrics = means.status.metrics
        #: What a closed socket had brought and nobody followed, as a frame before it was missing. A
        #: replay brings it again, unless there is none any more.
        self._unfollowed: tuple[Frame, ...] = ()

    async def keep(self) -> None:
        """Serve the conversation for as long as it wishes for anything."""
        while True:
            conversation = self._means.worker.present(self._identity)
            if conversation is None or conversation.wish is Wish.NOTHING:
                return
            door = door_of(self._means.agents, conversation)
            if door is None:
                _log.error(
                    "sessions.no_such_agent", conversation=self._identity, agent=conversation.agent
                )
                await self._tell(e.SessionUnavailable())
                return
            await self._satisfy(conversation, door)

    async def _satisfy(self, conversation: Conversation, door: AgentDoor) -> None:
        """One try at what the conversation wishes for. A surprise costs it a pause, no more."""
        try:
            if conversation.session is None:
                await self._opening.attempt(conversation, door)
            else:
                await self._serve(conversation, conversation.session, door)
            self._surprises = 0
        except Exception as error:
            _log.error(
                "sessions.surprise",
                conversation=self._identity,
                agent=door.name,
                error=log.where(error),
            )
            self._surprises += 1
            await self._world.pause(self._surprises, longest=door.reconnect_max)

    async def _serve(self, conversation: Conversation, session: Session, door: AgentDoor) -> None:
        if self._reconnects.number != session.number:
            self._reconnects, self._unfollowed = Reconnects(session.number), ()
        try:
            with self._shared.recall.expecting(self._identity, session.number, door.sealer):
                async with self._shared.gate.passing(self._identity, hurried=conversation.asked):
                    connected = await self._connect(session, door)
        except HandshakeRefused as error:
            self._metrics.handshake(door.name, error.kind.value)
            await self._refused(session, error, door)
        except Unreachable as error:
            self._metrics.handshake(door.name, "unreachable")
            await self._unreachable(session, error, door)
        else:
            if connected is not None:
                await self._hold(*connected, door)

    async def _connect(self, session: Session, door: AgentDoor) -> tuple[Session, Socket] | None:
        """Open its socket; with the session as it then stands. None: it came to something else.

        Raises:
            HandshakeRefused: PolyAI answered otherwise.
            Unreachable: no answer.
        """
        record = await self._shared.recall.session(self._identity, session.number, door.sealer)
        if record is None or record.token is None or not self._worth_a_try(session, record.token):
            await self._lost(session)
            return None
        # Meanwhile the wish may have gone, or the cursor have moved on.
        present = self._wished(session.number)
        if present is None:
            return None
        socket = await self._means.sockets.connect(
            door.connection,
            session_id=record.session_id,
            token=record.token,
            cursor=present.cursor,
        )
        if door.unreachable:
            _log.info("socket.reachable", agent=door.name)
        door.unreachable = False
        door.hearing.opened()
        self._metrics.handshake(door.name, "opened")
        return present, socket

    async def _hold(self, session: Session, socket: Socket, door: AgentDoor) -> None:
        """Follow the socket to its end, and see what that means."""
        connection = Connection(
            socket,
            conversation=self._identity,
            number=session.number,
            worker=self._means.worker,
            world=self._world,
            metrics=self._metrics,
            timers=self._shared.timers,
            agent=door.name,
            verifies_end=self._reconnects.verifies_end,
            fetches_gaps=not self._unfollowed,
        )
        self.connection = connection
        if self._wished(session.number) is None:
            connection.drop()
        try:
            closing = await connection.serve(after=session.cursor)
        except Exception:
            # A surprise is a loss too: or the next socket would be sent to before its history.
            self.connection = None
            self._lost_for("surprise", session, door)
            await self._tell(e.SocketLost(session.number))
            raise
        finally:
            self.connection = None
        if connection.caught_up and session.cursor:
            self._metrics.replayed(door.name, self._why)
        self._lost_for(connection.reason or closing.value, session, door)
        if connection.caught_up or connection.rest:  # a history has brought what was missing before
            self._unfollowed = connection.rest
        await self._tell(e.SocketLost(session.number, too_big=closing is Closing.TOO_BIG))
        if not connection.dropped:
            await self._closed(session, closing, door, proved=connection.proved)
        elif connection.proved:
            self._reconnects.restore()

    def _lost_for(self, reason: str, session: Session, door: AgentDoor) -> None:
        """Its socket is gone; if it is still wished for, that is why it is opened again."""
        self._why = reason
        if self._wished(session.number) is not None:
            self._metrics.reconnect(door.name, reason)

    async def _closed(
        self, session: Session, closing: Closing, door: AgentDoor, *, proved: bool
    ) -> None:
        match self._reconnects.closed(closing, proved=proved):
            case Verdict.GONE:
                _log.info(
                    "session.gone",
                    conversation=self._identity,
                    agent=door.name,
                    number=session.number,
                    error="PolyAI closed two sockets in a row as of a session it does not know",
                )
                await self._lost(session)
            case Verdict.ENDED:
                await self._follow_rest(session)
                await self._tell(e.SessionLost(session.number, ended=True))
            case Verdict.AGAIN:
                await self._again(session, None, door)
            case Verdict.VERIFY:
                pass  # at once

    async def _refused(self, session: Session, error: HandshakeRefused, door: AgentDoor) -> None:
        if error.status < _SERVER_TROUBLE:
            door.hearing.opened()  # as far as the service is concerned
        if error.kind is Refusal.SESSION_GONE:
            _log.info(
                "session.gone",
                conversation=self._identity,
                agent=door.name,
                number=session.number,
                status=error.status,
                correlation_id=error.correlation_id,
            )
            await self._lost(session)
            return
        self._reconnects.unopened()
        if error.status >= _SERVER_TROUBLE:
            door.hearing.missed(self._world.clock.now(), error.message)
        if error.kind in (Refusal.BROKEN, Refusal.BAD_CURSOR):
            _log.error("socket.not_understood", **self._told(session, error, door))
            await self._leave_alone(session, door)
            return
        if self._reconnects.attempts == 1:
            _log.warning("socket.refused", **self._told(session, error, door))
        await self._again(session, error.after, door)

    def _told(
        self, session: Session, error: HandshakeRefused, door: AgentDoor
    ) -> dict[str, object]:
        return {
            "conversation": self._identity,
            "agent": door.name,
            "number": session.number,
            "error": str(error),
            "status": error.status,
            "correlation_id": error.correlation_id,
        }

    async def _unreachable(self, session: Session, error: Unreachable, door: AgentDoor) -> None:
        self._reconnects.unopened()
        door.hearing.missed(self._world.clock.now(), error.message)
        if not door.unreachable:
            _log.warning("socket.unreachable", agent=door.name, error=str(error))
        door.unreachable = True
        await self._again(session, None, door)

    async def _again(self, session: Session, after: timedelta | None, door: AgentDoor) -> None:
        """Pause before the next connect, unless there were as many as PolyAI allows."""
        present = self._wished(session.number)
        if present is None:
            return
        if self._reconnects.spent(present.capabilities.max_reconnect_attempts):
            await self._leave_alone(session, door)
        else:
            failures = self._reconnects.failures
            await self._world.pause(failures, longest=door.reconnect_max, asked=after)

    async def _leave_alone(self, session: Session, door: AgentDoor) -> None:
        """Until the next message, or for as long as the core thinks fit: it wishes anew then."""
        _log.warning(
            "socket.unavailable",
            conversation=self._identity,
            agent=door.name,
            number=session.number,
            attempts=self._reconnects.attempts,
        )
        self._reconnects.begin_again()
        await self._tell(e.SocketUnavailable(session.number))

    async def _follow_rest(self, session: Session) -> None:
        """There is no replay to wait for: better with a gap than not at all."""
        rest, self._unfollowed = self._unfollowed, ()
        mail = [Mail(e.FrameArrived(session.number, frame)) for frame in rest]
        if mail:
            await self._means.worker.tell(self._identity, *mail)

    async def _lost(self, session: Session) -> None:
        await self._follow_rest(session)
        ended = self._reconnects.verifies_end
        await self._tell(e.SessionLost(session.number, ended=ended))

    def _worth_a_try(self, session: Session, token: str) -> bool:
        """A session that was never connected is tried, whatever its token looks like."""
        return not session.proved or token_usable(token, self._world.clock.now())

    def _wished(self, number: int) -> Session | None:
        """The session as it stands, if its socket is still wished for."""
        conversation = self._means.worker.present(self._identity)
        return conversation.session if wished(conversation, number) and conversation else None

    async def _tell(self, event: e.Event) -> None:
        await self._means.worker.tell(self._identity, Mail(event))


def wished(conversation: Conversation | None, number: int) -> bool:
    """Whether this session's socket should exist."""
    if conversation is None or conversation.wish is not Wish.SOCKET:
        return False
    return conversation.session is not None and conversation.session.number == number
