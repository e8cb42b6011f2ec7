"""What the agent's side tells us: one value for each frame of PolyAI's event catalogue."""

from datetime import datetime

from bridge.model.messages import Attachment, CallAction, Suggestion
from bridge.model.value import Value


class Capabilities(Value, frozen=True):
    """What `SESSION_START` said of the session; None where it said nothing."""

    streaming: bool = False
    max_message_bytes: int | None = None
    max_reconnect_attempts: int | None = None
    heartbeat_seconds: int | None = None


class SessionStarted(Value, frozen=True, tag="session_start"):
    """The first frame of a session's journal."""

    capabilities: Capabilities = Capabilities()


class SessionEnded(Value, frozen=True, tag="session_end"):
    """Nothing more will come."""

    reason: str = ""


class MessageEchoed(Value, frozen=True, tag="user_message"):
    """PolyAI's copy of a person's message: its receipt."""

    message_id: str = ""
    text: str = ""


class JoinEchoed(Value, frozen=True, tag="join"):
    """PolyAI's copy of our request that the agent join."""


class EndEchoed(Value, frozen=True, tag="end"):
    """PolyAI's copy of our request to end the session."""


class HeartbeatEchoed(Value, frozen=True, tag="heartbeat"):
    """PolyAI's copy of our heartbeat: a sign of life, nothing more."""


class AgentJoined(Value, frozen=True, tag="agent_joined"):
    """The agent is there."""

    name: str | None = None
    picture_url: str | None = None


class AgentThinking(Value, frozen=True, tag="agent_thinking"):
    """The agent is preparing an answer."""


class AgentMessage(Value, frozen=True, tag="agent_message"):
    """A whole message of the agent."""

    message_id: str = ""
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    call_actions: tuple[CallAction, ...] = ()
    name: str | None = None
    picture_url: str | None = None
    ends_conversation: bool = False


class AgentChunk(Value, frozen=True, tag="agent_chunk"):
    """A piece of a streamed message; `index` is None where PolyAI gave none."""

    message_id: str = ""
    text: str = ""
    index: int | None = None
    complete: bool = False
    attachments: tuple[Attachment, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    call_actions: tuple[CallAction, ...] = ()
    ends_conversation: bool = False


class AgentLeft(Value, frozen=True, tag="agent_left"):
    """The agent has left, as it does before a handoff; not an end."""

    reason: str = ""


class HandoffTriggered(Value, frozen=True, tag="handoff_triggered"):
    """The agent passes the conversation on."""


class HandoffAccepted(Value, frozen=True, tag="handoff_accepted"):
    """The live agents' system took the request."""

    queue: str = ""


class QueueMoved(Value, frozen=True, tag="queue_status"):
    """Where the conversation stands in the live agents' queue."""

    queue: str = ""
    position: int | None = None
    wait_seconds: int | None = None
    message: str = ""


class LiveAgentJoined(Value, frozen=True, tag="live_agent_joined"):
    """A person has taken over."""

    agent_id: str = ""
    name: str | None = None
    picture_url: str | None = None


class LiveAgentTyping(Value, frozen=True, tag="live_agent_typing"):
    """The live agent began (or stopped) typing."""

    started: bool = True
    agent_id: str = ""
    name: str | None = None


class LiveAgentMessage(Value, frozen=True, tag="live_agent_message"):
    """A message of the live agent."""

    message_id: str = ""
    agent_id: str = ""
    name: str | None = None
    picture_url: str | None = None
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    call_actions: tuple[CallAction, ...] = ()


class LiveAgentLeft(Value, frozen=True, tag="live_agent_left"):
    """The live agent has left; not by itself an end."""

    agent_id: str = ""
    name: str | None = None
    reason: str = ""


class HandoffElsewhere(Value, frozen=True, tag="client_handoff"):
    """PolyAI asks the client to route the person itself."""

    reason: str = ""
    queue: str = ""
    route: str = ""


class HandoffBroke(Value, frozen=True, tag="handoff_failed"):
    """The handoff failed or timed out; the session goes on."""

    reason: str = ""
    timed_out: bool = False


class SystemMessage(Value, frozen=True, tag="system_message"):
    """PolyAI's own words about the session; `level` is info, warning or error."""

    level: str = "info"
    text: str = ""


class LanguageChanged(Value, frozen=True, tag="language_changed"):
    """The agent now speaks this language (BCP 47)."""

    code: str = ""


class Unknown(Value, frozen=True, tag="unknown"):
    """A type we do not know, or need not: counted as followed, otherwise ignored."""

    event_type: str = ""


FrameBody = (
    SessionStarted
    | SessionEnded
    | MessageEchoed
    | JoinEchoed
    | EndEchoed
    | HeartbeatEchoed
    | AgentJoined
    | AgentThinking
    | AgentMessage
    | AgentChunk
    | AgentLeft
    | HandoffTriggered
    | HandoffAccepted
    | QueueMoved
    | LiveAgentJoined
    | LiveAgentTyping
    | LiveAgentMessage
    | LiveAgentLeft
    | HandoffElsewhere
    | HandoffBroke
    | SystemMessage
    | LanguageChanged
    | Unknown
)


#: What of `custom` says who spoke: people choose their names, so no text there is an id of ours.
NAMES_OF_PEOPLE = ("person", "person_name")


class Frame(Value, frozen=True, kw_only=True):
    """One journaled or transient frame. `sequence` is None for transient ones (typing, heartbeat).

    `custom` is our own `metadata.custom`, as far as it came back.
    """

    id: str = ""
    sequence: int | None = None
    at: datetime | None = None
    body: FrameBody
    custom: dict[str, str] = {}
