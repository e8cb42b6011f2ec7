"""How does one conversation come by a session? One try at a time, and what to say of failures."""

from typing import Final

from bridge import log
from bridge.core import events as e
from bridge.core.state import Conversation
from bridge.model.ids import ConversationId
from bridge.polyai.api import OpenedSession
from bridge.polyai.refusals import ConnectorRefused, SessionRefused, TryLater
from bridge.runtime.connecting.agents import AgentDoor
from bridge.runtime.connecting.holding import REFUSED_FOR, Held
from bridge.runtime.deciding import Mail
from bridge.runtime.watching.status import Status
from bridge.runtime.worker import Worker
from bridge.runtime.world import World
from bridge.store import NewSession

_log = log.get("sessions")
#: How an attempt came out, in the words of the metric.
_WORDS: Final = {
    ConnectorRefused: "credentials_refused",
    SessionRefused: "refused",
    TryLater: "later",
}
#: After so many failures in a row a thread is told that its agent cannot be reached.
_TELL_AFTER: Final = 4


class Opening:
    """A conversation's tries to have a session."""

    __slots__ = ("_failures", "_identity", "_status", "_worker", "_world")

    def __init__(
        self, identity: ConversationId, worker: Worker, world: World, status: Status
    ) -> None:
        self._identity = identity
        self._worker = worker
        self._world = world
        self._status = status
        self._failures = 0  #: in a row

    async def attempt(self, conversation: Conversation, door: AgentDoor) -> None:
        """Ask once; after a failure, return when it is decent to ask again."""
        try:
            opened = await door.open_session()
        except (Held, ConnectorRefused, SessionRefused, TryLater) as error:
            self._failures += 1
            await self._failed(error, door)
            return
        self._world.reached("after-opening")
        self._failures = 0
        self._status.agent(door.name, None)
        self._status.metrics.opening(door.name, "opened")
        log.learn(opened.token.value)
        number = conversation.sessions + 1
        event = e.SessionOpened(number, opened.expires_at)
        sealed = _sealed(opened, number, door)
        await self._worker.tell(self._identity, Mail(event, session=sealed))
        _log.info(
            "session.opened",
            conversation=self._identity,
            agent=door.name,
            number=number,
            correlation_id=opened.correlation_id,
        )

    async def _failed(
        self, error: Held | ConnectorRefused | SessionRefused | TryLater, door: AgentDoor
    ) -> None:
        cause = error.because if isinstance(error, Held) else error
        if not isinstance(error, Held):  # which asked nobody
            self._status.metrics.opening(door.name, _WORDS[type(error)])
        if isinstance(error, TryLater) and self._failures == 1:
            _log.warning(
                "session.not_opened",
                conversation=self._identity,
                agent=door.name,
                error=str(error),
                status=error.status,
                correlation_id=error.correlation_id,
            )
        if not isinstance(cause, TryLater) or self._failures >= _TELL_AFTER:
            self._status.agent(door.name, str(cause), correlation_id=cause.correlation_id)
            await self._worker.tell(self._identity, Mail(e.SessionUnavailable()))
        asked = error.after if isinstance(error, Held | TryLater) else REFUSED_FOR
        await self._world.pause(self._failures, longest=door.reconnect_max, asked=asked)


def _sealed(opened: OpenedSession, number: int, door: AgentDoor) -> NewSession:
    return NewSession(
        number=number,
        session_id=opened.session_id,
        sealed_token=door.sealer.seal(opened.token.value),
        expires_at=opened.expires_at,
        correlation_id=opened.correlation_id,
    )
