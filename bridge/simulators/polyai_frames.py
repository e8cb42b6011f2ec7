"""What is a frame? The simulated PolyAI's side of the wire format: strict in, documented out."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

#: One JSON object of the wire.
Json = dict[str, Any]

PREFIX = "EVENT_TYPE_"
#: The documented limit of one WebSocket message (reference §4.4).
LARGEST_FRAME = 131_072

SESSION_START = "EVENT_TYPE_SESSION_START"
SESSION_END = "EVENT_TYPE_SESSION_END"
EVENT_BATCH = "EVENT_TYPE_EVENT_BATCH"
SYSTEM_MESSAGE = "EVENT_TYPE_SYSTEM_MESSAGE"
JOIN = "EVENT_TYPE_REQUEST_POLY_AGENT_JOIN"
USER_MESSAGE = "EVENT_TYPE_USER_MESSAGE"
USER_TYPING = "EVENT_TYPE_USER_TYPING"
USER_END_SESSION = "EVENT_TYPE_USER_END_SESSION"
HEARTBEAT = "EVENT_TYPE_HEARTBEAT"
JOINED = "EVENT_TYPE_POLY_AGENT_JOINED"
THINKING = "EVENT_TYPE_POLY_AGENT_THINKING"
MESSAGE = "EVENT_TYPE_POLY_AGENT_MESSAGE"
CHUNK = "EVENT_TYPE_POLY_AGENT_MESSAGE_CHUNK"
AGENT_LEFT = "EVENT_TYPE_POLY_AGENT_LEFT"
HANDOFF_TRIGGERED = "EVENT_TYPE_POLY_AGENT_TRIGGERED_HANDOFF"
HANDOFF_ACCEPTED = "EVENT_TYPE_HANDOFF_ACCEPTED"
QUEUE_STATUS = "EVENT_TYPE_HANDOFF_QUEUE_STATUS"
LIVE_JOINED = "EVENT_TYPE_LIVE_AGENT_JOINED"
LIVE_TYPING = "EVENT_TYPE_LIVE_AGENT_TYPING"
LIVE_MESSAGE = "EVENT_TYPE_LIVE_AGENT_MESSAGE"
LIVE_LEFT = "EVENT_TYPE_LIVE_AGENT_LEFT"
HANDOFF_FAILED = "EVENT_TYPE_HANDOFF_FAILED"
HANDOFF_TIMEOUT = "EVENT_TYPE_HANDOFF_TIMEOUT"
CLIENT_HANDOFF = "EVENT_TYPE_CLIENT_HANDOFF_REQUIRED"

#: What somebody said, in pieces or whole.
SAID = frozenset({USER_MESSAGE, MESSAGE, CHUNK, LIVE_MESSAGE})
#: What Android's voice module sends, and only `Options.link_allowed` lets in (reference §6.1).
LINK = "EVENT_TYPE_LINK_TO_WEBRTC_CONVERSATION"
#: The only types a client may send (reference §6.1).
CLIENT_TYPES = frozenset({JOIN, USER_MESSAGE, USER_TYPING, USER_END_SESSION, HEARTBEAT})
#: Types that exist but that only the server may send.
SERVER_TYPES = frozenset(
    {
        SESSION_START,
        SESSION_END,
        EVENT_BATCH,
        SYSTEM_MESSAGE,
        JOINED,
        THINKING,
        MESSAGE,
        CHUNK,
        AGENT_LEFT,
        HANDOFF_TRIGGERED,
        HANDOFF_ACCEPTED,
        QUEUE_STATUS,
        LIVE_JOINED,
        LIVE_TYPING,
        LIVE_MESSAGE,
        LIVE_LEFT,
        CLIENT_HANDOFF,
        HANDOFF_FAILED,
        HANDOFF_TIMEOUT,
        LINK,
        "EVENT_TYPE_REQUEST_POLY_AGENT_JOIN_WITH_GREETING_MESSAGE",
        "EVENT_TYPE_LANGUAGE_CHANGED",
        "EVENT_TYPE_SESSION_IDLE_WARNING",
        "EVENT_TYPE_USER_RECEIVED_MESSAGE",
        "EVENT_TYPE_USER_READ_MESSAGE",
        "EVENT_TYPE_POLY_AGENT_RECEIVED_MESSAGE",
        "EVENT_TYPE_POLY_AGENT_READ_MESSAGE",
        "EVENT_TYPE_LIVE_AGENT_RECEIVED_MESSAGE",
        "EVENT_TYPE_LIVE_AGENT_READ_MESSAGE",
        "EVENT_TYPE_SHOW_CSAT_REQUEST",
        "EVENT_TYPE_CSAT_RESPONSE",
    }
)

INVALID_FORMAT = "Unknown event type or invalid message format"
_TYPING_STATES = frozenset({"TYPING_STATE_STARTED", "TYPING_STATE_STOPPED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class JournaledFrame:
    """One frame of a session's journal; `metadata` is None where the client sent no custom map."""

    id: str
    sequence: int
    timestamp: str
    type: str
    payload: Json
    metadata: Json | None = None
    fields: Json = field(default_factory=dict)  #: laid over the frame as it is, whatever they are
    omit: tuple[str, ...] = ()  #: left out of it
    role: Literal["", "chunk", "copy"] = ""  #: a piece of a finished stream, or its whole message

    def wire(self) -> Json:
        """The frame as an object of the wire, in its documented form."""
        frame: Json = {
            "id": self.id,
            "sequence": self.sequence,
            "timestamp": self.timestamp,
            "type": self.type,
            "payload": self.payload,
        }
        return frame if self.metadata is None else {**frame, "metadata": self.metadata}


@dataclass(frozen=True, slots=True)
class ClientFrame:
    """A frame the service accepts from a client."""

    type: str
    payload: Json
    custom: dict[str, str] | None = None

    @property
    def metadata(self) -> Json | None:
        """The metadata an echo of this frame carries."""
        return None if self.custom is None else {"custom": self.custom}


@dataclass(eq=False)
class BadFrame(Exception):
    """A client frame the service refuses: what it answers, and what was wrong in our words."""

    problem: str
    answer: str = INVALID_FORMAT
    metadata: Json | None = field(default=None, repr=False)


class Oversized(BadFrame):
    """The frame is larger than the service takes."""


def read_client_frame(raw: str | bytes, *, limit: int, link_allowed: bool = False) -> ClientFrame:
    """The frame a client sent; `limit` is in bytes, 0 for none.

    Raises:
        Oversized: it is larger than the limit.
        BadFrame: it breaks a rule of the reference's §5, §6.1 or §18.
    """
    if isinstance(raw, bytes):
        raise BadFrame("a binary frame")
    if 0 < limit < len(raw.encode()):
        raise Oversized(f"a frame above {limit} bytes")
    try:
        frame = json.loads(raw)
    except ValueError as exc:
        raise BadFrame("a frame that is not JSON") from exc
    if not isinstance(frame, dict):
        raise BadFrame("a frame that is not an object")
    metadata = _echoable(frame)
    linking = link_allowed and frame.get("type") == LINK
    problem = _envelope_problem(frame, linking=linking) or _payload_problem(frame)
    if problem is not None:
        raise BadFrame(problem, _answer_to(frame.get("type")), metadata)
    return ClientFrame(frame["type"], frame["payload"], frame.get("metadata", {}).get("custom"))


def encode(frame: Json) -> str:
    """The frame as text of the wire, non-ASCII unescaped."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def _echoable(frame: Json) -> Json | None:
    """The custom map of a frame, good or bad: errors carry it back."""
    metadata = frame.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("custom"), dict):
        return None
    return {"custom": metadata["custom"]}


def _answer_to(kind: object) -> str:
    if isinstance(kind, str) and kind in SERVER_TYPES:
        return f"Event type not allowed: {kind}"
    return INVALID_FORMAT


def _envelope_problem(frame: Json, *, linking: bool) -> str | None:
    kind = frame.get("type")
    if not linking and (not isinstance(kind, str) or kind not in CLIENT_TYPES):
        known = isinstance(kind, str) and kind in SERVER_TYPES
        return f"a server's type: {kind}" if known else "an unknown type"
    foreign = sorted(set(frame) - {"type", "payload", "metadata"})
    if foreign:
        return f"{kind} with {', '.join(foreign)}"
    if not isinstance(frame.get("payload"), dict):
        return f"{kind} whose payload is not an object"
    return _metadata_problem(str(kind), frame)


def _metadata_problem(kind: str, frame: Json) -> str | None:
    if "metadata" not in frame:
        return None
    metadata = frame["metadata"]
    if not isinstance(metadata, dict) or set(metadata) - {"custom"}:
        return f"{kind} whose metadata is not an object holding only custom"
    custom = metadata.get("custom", {})
    if not isinstance(custom, dict) or not all(isinstance(v, str) for v in custom.values()):
        return f"{kind} whose custom metadata is not a map of strings"
    return None


def _payload_problem(frame: Json) -> str | None:
    payload = frame["payload"]
    if frame["type"] == USER_MESSAGE:
        text = payload.get("text")
        if not isinstance(text, str) or not text.strip():
            return "USER_MESSAGE without text"
    if frame["type"] == USER_TYPING and payload.get("state") not in _TYPING_STATES:
        return "USER_TYPING without a documented state"
    return None
