"""Which agents are there? Each with its door to PolyAI, through which everybody asks in turn."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, TypeVar

import msgspec

from bridge.core.handoff_rules import HandoffRule
from bridge.core.state import Conversation
from bridge.core.terms import Shows, Terms
from bridge.model.ids import AgentName
from bridge.plugin import Capabilities, Grade, notice_text
from bridge.polyai.api import AgentConnection, Api, Enter, OpenedSession
from bridge.polyai.refusals import ConnectorRefused, SessionRefused, TryLater
from bridge.polyai.wire import message_size
from bridge.runtime.connecting.hearing import Hearing
from bridge.runtime.connecting.holding import Hold
from bridge.runtime.connecting.pace import Pace
from bridge.store import Sealer

T = TypeVar("T")

#: What is told on a platform of which nobody knows what it shows: nothing but short, plain words.
UNKNOWN = Capabilities(text_limit=1000)
#: How many suggestions are numbered.
MOST_NUMBERS = 20


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
    hearing: Hearing = field(default_factory=Hearing)
    provable: bool = True  #: what was refused last can be proved without opening a session
    answered: Callable[[], None] = lambda: None  #: told whenever its service has answered a call

    def terms(self, platform: Capabilities) -> Terms:
        """What a step must know, for conversations with this agent on that platform."""
        return msgspec.structs.replace(
            terms_on(platform),
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
            self.provable = not isinstance(error, SessionRefused)
            raise
        self.answered()
        self.hold.lift()
        return answer


def terms_on(platform: Capabilities) -> Terms:
    """What a step must know of a platform; of the agent nothing yet."""
    shows = Shows(
        formatting=platform.formatting > Grade.NONE,
        # Who can offer none has to number them: else they would be lost.
        suggestions=platform.suggestions > Grade.NONE and platform.suggestion_limit > 0,
        pictures=platform.pictures > Grade.NONE,
        attachments=platform.attachments > Grade.NONE,
        authorship=platform.authorship > Grade.NONE,
        edits=platform.edits > Grade.NONE,
    )
    return Terms(
        shows=shows,
        worded=notice_text,
        text_limit=platform.text_limit,
        suggestion_limit=platform.suggestion_limit if shows.suggestions else MOST_NUMBERS,
        streaming=platform.streaming > Grade.NONE and shows.edits,
    )


Agents = dict[AgentName, AgentDoor]


def door_of(agents: Agents, conversation: Conversation) -> AgentDoor | None:
    """The conversation's agent, unless the configuration no longer has it."""
    return agents.get(conversation.agent)
