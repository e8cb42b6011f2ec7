"""Which agents are there? Each with its door to PolyAI, through which everybody asks in turn."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeVar

from bridge.core.handoff_rules import HandoffRule
from bridge.core.state import Conversation, Terms
from bridge.model.ids import AgentName
from bridge.polyai.api import AgentConnection, Api, Enter, OpenedSession
from bridge.polyai.refusals import ConnectorRefused, SessionRefused, TryLater
from bridge.polyai.wire import message_size
from bridge.runtime.holding import Hold
from bridge.runtime.pace import Pace
from bridge.store import Sealer

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class AgentDoor:
    """One configured PolyAI agent."""

    name: AgentName
    connection: AgentConnection
    api: Api
    pace: Pace
    hold: Hold
    sealer: Sealer
    idle_timeout: timedelta
    echo_timeout: timedelta
    reconnect_max: timedelta
    handoffs: tuple[HandoffRule, ...] = ()
    person_words: str = Terms().person_words
    edits: Literal["ignore", "correct"] = "ignore"
    speakers: Literal["never", "several", "always"] = "several"
    speaker_format: str = Terms().speaker_format
    unreachable: bool = False  #: its sockets are, and that was told

    def terms(self, *, text_limit: int, suggestion_limit: int, streaming: bool = False) -> Terms:
        """What a step must know, for conversations with this agent on that platform."""
        return Terms(
            text_limit=text_limit,
            suggestion_limit=suggestion_limit,
            streaming=streaming,
            echo_timeout=self.echo_timeout,
            idle_timeout=self.idle_timeout,
            handoffs=self.handoffs,
            person_words=self.person_words,
            edits=self.edits,
            speakers=self.speakers,
            speaker_format=self.speaker_format,
            frame_size=message_size,
        )

    async def open_session(self) -> OpenedSession:
        """Open a session, each call in its turn.

        Raises:
            Held: nobody may ask now.
            ConnectorRefused: a person must act.
            SessionRefused: a person must act, too.
            TryLater: nothing was decided.
        """
        return await self._ask(self.api.open_session)

    async def prove(self) -> str:
        """Prove the credentials without opening a session; one line that says so.

        Raises like `open_session`.
        """
        return await self._ask(self.api.prove)

    async def _ask(self, call: Callable[[Enter], Awaitable[T]]) -> T:
        visitor = object()

        async def enter() -> None:
            await self.pace.turn()
            # Only now: while we waited for our turn, somebody may have been refused.
            self.hold.admit(visitor)

        try:
            answer = await call(enter)
        except (ConnectorRefused, SessionRefused, TryLater) as error:
            self.hold.note(error)
            raise
        self.hold.lift()
        return answer


Agents = dict[AgentName, AgentDoor]


def door_of(agents: Agents, conversation: Conversation) -> AgentDoor | None:
    """The conversation's agent, unless the configuration no longer has it."""
    return agents.get(conversation.agent)
