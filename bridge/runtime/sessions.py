"""Who keeps the connections that conversations wish for? One reconciler makes each wish so.

A conversation's state says whether a session and its socket should exist. A keeper, one task for
each conversation that wishes for something, opens the session, keeps its socket, and reports what
happens as events. After a crash there is a state to satisfy and nothing to replay.
"""

import asyncio
from dataclasses import dataclass

from bridge import log
from bridge.core import events as e
from bridge.core.effects import Recycle, SendKind, Transmit
from bridge.core.state import Conversation, Session, Wish
from bridge.errors import BridgeError, CredentialsRefused, DatabaseFailed, Unreachable
from bridge.model.ids import ConversationId
from bridge.polyai.api import OpenedSession
from bridge.polyai.handshake import HandshakeRefused, Refusal
from bridge.polyai.refusals import TryLater
from bridge.polyai.socket import Closing, Socket, Sockets
from bridge.polyai.tokens import token_usable
from bridge.polyai.wire import encode_end, encode_join, encode_message
from bridge.runtime.agents import REFUSED_FOR, AgentDoor, Agents, door_of
from bridge.runtime.connection import Connection
from bridge.runtime.deciding import Mail
from bridge.runtime.pace import Pace
from bridge.runtime.status import Status
from bridge.runtime.worker import Worker
from bridge.runtime.world import World
from bridge.store import NewSession, SessionRecord, Store

_log = log.get("sessions")
#: After so many failures in a row a thread is told that its agent cannot be reached.
_TELL_AFTER = 4


@dataclass(slots=True)
class _Keeper:
    """The task that satisfies one conversation's wish, and the socket it holds."""

    connection: Connection | None = None
    failures: int = 0  #: in a row
    closed_cleanly: bool = False  #: the last socket was, which wants one verification
    called_gone: bool = False  #: and so does a socket closed because the session is unknown


class Sessions:
    """Every conversation's connection."""

    def __init__(
        self,
        store: Store,
        worker: Worker,
        world: World,
        agents: Agents,
        sockets: Sockets,
        pace: Pace,
        status: Status,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._store = store
        self._worker = worker
        self._world = world
        self._agents = agents
        self._sockets = sockets
        self._pace = pace
        self._status = status
        self._tasks = tasks
        self._keepers: dict[ConversationId, _Keeper] = {}

    @property
    def open(self) -> int:
        """How many sockets are open."""
        return sum(keeper.connection is not None for keeper in self._keepers.values())

    def reconcile(self, conversation: Conversation) -> None:
        """Make the connection what the conversation wishes for."""
        keeper = self._keepers.get(conversation.id)
        if keeper is None:
            if conversation.wish is not Wish.NOTHING:
                keeper = self._keepers[conversation.id] = _Keeper()
                self._tasks.create_task(self._keep(conversation.id, keeper), name="keeper")
            return
        connection = keeper.connection
        if connection is not None and not _wished(conversation, connection.number):
            connection.drop()

    async def transmit(self, conversation: ConversationId, frame: Transmit) -> None:
        """Send a frame if its session's socket is there; if not, a replay will tell."""
        keeper = self._keepers.get(conversation)
        connection = keeper.connection if keeper else None
        if connection is not None and connection.number == frame.number:
            await connection.send(_encoded(frame))
            self._world.reached("after-transmit")

    def recycle(self, conversation: ConversationId, effect: Recycle) -> None:
        """Drop the socket; the keeper connects anew."""
        keeper = self._keepers.get(conversation)
        connection = keeper.connection if keeper else None
        if connection is not None and connection.number == effect.number:
            connection.drop()

    async def _keep(self, identity: ConversationId, keeper: _Keeper) -> None:
        try:
            while True:
                conversation = self._worker.present(identity)
                if conversation is None or conversation.wish is Wish.NOTHING:
                    return
                door = door_of(self._agents, conversation)
                if door is None:
                    _log.error(
                        "sessions.no_such_agent", conversation=identity, agent=conversation.agent
                    )
                    await self._tell(conversation, e.SessionUnavailable())
                    return
                await self._satisfy(conversation, door, keeper)
        finally:
            del self._keepers[identity]

    async def _satisfy(self, conversation: Conversation, door: AgentDoor, keeper: _Keeper) -> None:
        """One try at what the conversation wishes for. A surprise costs it a pause, no more."""
        try:
            if conversation.session is None:
                await self._open(conversation, door, keeper)
            else:
                await self._serve(_Visit(conversation, conversation.session, door, keeper))
        except Exception as error:
            _log.error("sessions.surprise", conversation=conversation.id, error=log.where(error))
            keeper.failures += 1
            await self._pause(keeper, door, None)

    async def _open(self, conversation: Conversation, door: AgentDoor, keeper: _Keeper) -> None:
        trouble = await self._try_to_open(conversation, door)
        if trouble is None:
            keeper.failures = 0
            self._status.agent(door.name, None)
            return
        keeper.failures += 1
        if isinstance(trouble, CredentialsRefused) or keeper.failures >= _TELL_AFTER:
            self._status.agent(door.name, str(trouble))
            await self._tell(conversation, e.SessionUnavailable())
        await self._pause(keeper, door, trouble)

    async def _try_to_open(self, conversation: Conversation, door: AgentDoor) -> BridgeError | None:
        now = self._world.clock.now()
        if door.refused_until is not None:
            if now < door.refused_until:
                return CredentialsRefused("PolyAI refused the credentials a moment ago")
            # However many conversations wait for it, only this one asks again.
            door.refused_until = now + REFUSED_FOR
        await self._pace.turn()
        try:
            opened = await door.api.open_session()
        except CredentialsRefused as error:
            door.refused_until = self._world.clock.now() + REFUSED_FOR
            return error
        except BridgeError as error:
            return error
        door.refused_until = None
        number = conversation.sessions + 1
        sealed = _sealed(opened, number, door)
        await self._tell(conversation, e.SessionOpened(number), session=sealed)
        _log.info("session.opened", conversation=conversation.id, number=number)
        return None

    async def _serve(self, visit: "_Visit") -> None:
        conversation, session, door = visit.conversation, visit.session, visit.door
        record = await self._record(conversation, session, door)
        if record is None or record.token is None or not self._usable(record):
            await self._tell(conversation, e.SessionLost(session.number))
            return
        await self._pace.turn()
        try:
            socket = await self._sockets.connect(
                door.connection,
                session_id=record.session_id,
                token=record.token,
                cursor=session.cursor,
            )
        except HandshakeRefused as error:
            await self._refused(visit, error)
        except Unreachable as error:
            visit.keeper.failures += 1
            if visit.keeper.failures == _TELL_AFTER:
                _log.warning("socket.unreachable", agent=door.name, error=str(error))
            await self._pause(visit.keeper, door, error)
        else:
            await self._hold(visit, socket)

    async def _hold(self, visit: "_Visit", socket: Socket) -> None:
        connection = Connection(
            socket,
            conversation=visit.conversation.id,
            number=visit.session.number,
            worker=self._worker,
            world=self._world,
            status=self._status,
            agent=visit.door.name,
        )
        visit.keeper.connection = connection
        present = self._worker.present(visit.conversation.id)
        if present is not None and not _wished(present, visit.session.number):
            connection.drop()
        try:
            closing = await connection.serve(after=visit.session.cursor)
        finally:
            visit.keeper.connection = None
        if connection.proved:
            visit.keeper.failures = 0
        await self._tell(visit.conversation, e.SocketLost(visit.session.number))
        if not connection.dropped:
            await self._taken(visit, closing)

    async def _taken(self, visit: "_Visit", closing: Closing) -> None:
        """A socket was closed, and not by us."""
        keeper = visit.keeper
        if closing is Closing.ENDED:
            # A clean close without SESSION_END ends a conversation; one more connect verifies it.
            if keeper.closed_cleanly:
                await self._tell(
                    visit.conversation, e.SessionLost(visit.session.number, ended=True)
                )
            keeper.closed_cleanly = not keeper.closed_cleanly
            return
        keeper.closed_cleanly = False
        if closing is Closing.GONE and keeper.called_gone:
            keeper.called_gone = False
            await self._tell(visit.conversation, e.SessionLost(visit.session.number))
            return
        keeper.called_gone = closing is Closing.GONE
        keeper.failures += 1
        await self._pause(keeper, visit.door, None)

    async def _refused(self, visit: "_Visit", error: HandshakeRefused) -> None:
        keeper, number = visit.keeper, visit.session.number
        if error.kind is Refusal.SESSION_GONE:
            _log.info("session.gone", conversation=visit.conversation.id, number=number)
            ended, keeper.closed_cleanly = keeper.closed_cleanly, False
            keeper.called_gone = False
            await self._tell(visit.conversation, e.SessionLost(number, ended=ended))
            return
        keeper.failures += 1
        if keeper.failures in (1, _TELL_AFTER):
            _log.warning("socket.refused", conversation=visit.conversation.id, error=str(error))
        await self._pause(keeper, visit.door, error)

    async def _record(
        self, conversation: Conversation, session: Session, door: AgentDoor
    ) -> SessionRecord | None:
        failures = 0
        while True:
            try:
                return await self._store.session(conversation.id, session.number, door.sealer)
            except DatabaseFailed:
                failures += 1
                await self._world.pause(failures)

    def _usable(self, record: SessionRecord) -> bool:
        return record.token is not None and token_usable(record.token, self._world.clock.now())

    async def _tell(
        self, conversation: Conversation, event: e.Event, session: NewSession | None = None
    ) -> None:
        await self._worker.tell(conversation.id, Mail(event, session=session))

    async def _pause(self, keeper: _Keeper, door: AgentDoor, trouble: BridgeError | None) -> None:
        """Wait before the next try, as long as PolyAI asks or as is decent."""
        if isinstance(trouble, TryLater) and trouble.after is not None:
            await self._world.clock.sleep(trouble.after)
        elif isinstance(trouble, CredentialsRefused):
            await self._world.clock.sleep(REFUSED_FOR)
        else:
            await self._world.pause(keeper.failures, longest=door.reconnect_max)


@dataclass(frozen=True, slots=True)
class _Visit:
    """One session being served, and by whom."""

    conversation: Conversation
    session: Session
    door: AgentDoor
    keeper: _Keeper


def _wished(conversation: Conversation, number: int) -> bool:
    session = conversation.session
    return session is not None and session.number == number and not session.released


def _sealed(opened: OpenedSession, number: int, door: AgentDoor) -> NewSession:
    return NewSession(
        number=number,
        session_id=opened.session_id,
        sealed_token=door.sealer.seal(opened.token.value),
        expires_at=opened.expires_at,
    )


def _encoded(frame: Transmit) -> str:
    match frame.kind:
        case SendKind.JOIN:
            return encode_join()
        case SendKind.END:
            return encode_end()
        case SendKind.MESSAGE:
            return encode_message(frame.text, frame.delivery or "")
