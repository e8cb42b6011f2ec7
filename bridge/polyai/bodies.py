"""What does the body of each of PolyAI's events say? Pure; nothing here raises.

Aliases that only PolyAI's own SDKs know are read beside the documented names. A boolean is only a
JSON boolean; whatever is missing or of the wrong type is as if it were not there.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from bridge.model import frames
from bridge.model.frames import FrameBody
from bridge.model.messages import Attachment, AttachmentKind, CallAction, Suggestion
from bridge.model.value import Value
from bridge.polyai.fields import Object, as_name, as_number, as_object, as_text, objects_in

PREFIX: Final = "EVENT_TYPE_"

_MAX_TYPE = 100  # characters of an unknown type that are kept


def knows(kind: str) -> bool:
    """Whether the type is in the catalogue."""
    return kind in _READERS or kind in IGNORED


def passes(kind: str, *, alone: bool) -> bool:
    """Whether an event of this type may be followed although nothing tells it from a repeat.

    - A sign of life, and what is the same said twice (that the session began or ended, that the
      agent is there, which language it speaks, the echo of a frame of ours that is sent one at a
      time): always.
    - What would be shown again (a whole message, words of the system, each turn of a handoff):
      `alone`, since a single event is news. In a batch of history it may have been shown before.
    - The rest never: a chunk without a message to belong to, the echo of a message that names
      neither it nor itself, a type nobody knows.
    """
    return kind in _REPEATABLE or kind in IGNORED or (alone and kind in _NEWS)


def read_body(kind: str, body: Object) -> FrameBody:
    """What an event of this type says."""
    reader = _READERS.get(kind)
    return reader(body) if reader else frames.Unknown(kind.replace("\x00", "")[:_MAX_TYPE])


class _Agent(Value, frozen=True):
    """Who speaks: flat fields win, a nested `agent` fills the gaps."""

    id: str
    name: str | None
    picture_url: str | None


def _agent(body: Object) -> _Agent:
    nested = as_object(body.get("agent"))
    return _Agent(
        as_text(body.get("agent_id"), nested.get("id"), nested.get("agent_id")),
        as_name(body.get("agent_name"), nested.get("name"), nested.get("agent_name")),
        as_name(
            body.get("agent_avatar_url"),
            body.get("avatar_url"),
            nested.get("avatar_url"),
            nested.get("agent_avatar_url"),
        ),
    )


_ATTACHMENT_KINDS = {
    "ATTACHMENT_CONTENT_TYPE_URL": AttachmentKind.LINK,
    "ATTACHMENT_CONTENT_TYPE_IMAGE": AttachmentKind.IMAGE,
}


def _attachments(body: Object) -> tuple[Attachment, ...]:
    return tuple(_shown(map(_attachment, objects_in(body.get("attachments")))))


def _attachment(item: Object) -> Attachment:
    return Attachment(
        kind=_ATTACHMENT_KINDS.get(as_text(item.get("content_type")), AttachmentKind.OTHER),
        url=as_name(item.get("content_url")),
        title=as_text(item.get("title")),
        preview_url=as_name(item.get("preview_image_url")),
        action_text=as_text(item.get("call_to_action_text")),
    )


def _shown(attachments: Iterable[Attachment]) -> Iterator[Attachment]:
    """Without those that show nothing: a message of them alone would be an empty post."""
    return (item for item in attachments if item.url or item.preview_url or item.title.strip())


def _suggestions(body: Object) -> tuple[Suggestion, ...]:
    offered = objects_in(body.get("response_suggestions"))
    texts = (as_text(item.get("message_text")) for item in offered)
    return tuple(Suggestion(text) for text in texts if text.strip())


def _call_actions(body: Object) -> tuple[CallAction, ...]:
    actions = (
        CallAction(as_text(item.get("title")), as_text(item.get("contact_number")))
        for item in objects_in(body.get("chat_call_actions"))
    )
    return tuple(action for action in actions if action.number.strip())


def _session_started(body: Object) -> FrameBody:
    said = as_object(body.get("capabilities"))
    return frames.SessionStarted(
        frames.Capabilities(
            streaming=said.get("streaming") is True,
            max_message_bytes=as_number(said.get("max_message_size_bytes")),
            max_reconnect_attempts=as_number(said.get("max_reconnect_attempts")),
            heartbeat_seconds=as_number(said.get("heartbeat_interval_seconds")),
        )
    )


def _agent_joined(body: Object) -> FrameBody:
    agent = _agent(body)
    return frames.AgentJoined(agent.name, agent.picture_url)


def _agent_message(body: Object) -> FrameBody:
    agent = _agent(body)
    return frames.AgentMessage(
        message_id=as_text(body.get("message_id")),
        text=as_text(body.get("text")),
        attachments=_attachments(body),
        suggestions=_suggestions(body),
        call_actions=_call_actions(body),
        name=agent.name,
        picture_url=agent.picture_url,
        ends_conversation=body.get("end_conversation") is True,
    )


def _agent_chunk(body: Object) -> FrameBody:
    return frames.AgentChunk(
        message_id=as_text(body.get("message_id")),
        text=as_text(body.get("text")),
        index=as_number(body.get("chunk_index")),
        complete=body.get("is_complete") is True,
        attachments=_attachments(body),
        suggestions=_suggestions(body),
        call_actions=_call_actions(body),
        ends_conversation=body.get("end_conversation") is True,
    )


def _queue_moved(body: Object) -> FrameBody:
    return frames.QueueMoved(
        queue=as_text(body.get("queue_name")),
        position=as_number(body.get("position_in_queue"), body.get("position")),
        wait_seconds=as_number(body.get("estimated_wait_seconds")),
        message=as_text(body.get("display_message")),
    )


def _live_agent_joined(body: Object) -> FrameBody:
    agent = _agent(body)
    return frames.LiveAgentJoined(agent.id, agent.name, agent.picture_url)


def _live_agent_typing(body: Object) -> FrameBody:
    agent = _agent(body)
    # A missing or unknown state is a beginning: an end is only ever said.
    started = body.get("state") != "TYPING_STATE_STOPPED"
    return frames.LiveAgentTyping(started, agent.id, agent.name)


def _live_agent_message(body: Object) -> FrameBody:
    agent = _agent(body)
    return frames.LiveAgentMessage(
        message_id=as_text(body.get("message_id")),
        agent_id=agent.id,
        name=agent.name,
        picture_url=agent.picture_url,
        text=as_text(body.get("text")),
        attachments=_attachments(body),
        suggestions=_suggestions(body),
        call_actions=_call_actions(body),
    )


def _live_agent_left(body: Object) -> FrameBody:
    agent = _agent(body)
    return frames.LiveAgentLeft(agent.id, agent.name, as_text(body.get("reason")))


def _handoff_elsewhere(body: Object) -> FrameBody:
    return frames.HandoffElsewhere(
        reason=as_text(body.get("reason")),
        queue=as_text(body.get("queue_name")),
        route=as_text(body.get("route")),
    )


def _system_message(body: Object) -> FrameBody:
    level = as_text(body.get("level")).removeprefix("SYSTEM_MESSAGE_LEVEL_").lower()
    return frames.SystemMessage(
        level=level if level in ("warning", "error") else "info",
        text=as_text(body.get("message"), body.get("text")),
    )


#: The documented catalogue of events (D-events-receive, D-events-send, D-streaming, D-handoff),
#: but for the batch, which is the wire's. With `IGNORED` it is all that any source names.
_READERS: dict[str, Callable[[Object], FrameBody]] = {
    PREFIX + name: reader
    for name, reader in {
        "SESSION_START": _session_started,
        "SESSION_END": lambda body: frames.SessionEnded(as_text(body.get("reason"))),
        "USER_MESSAGE": lambda body: frames.MessageEchoed(
            as_text(body.get("message_id")), as_text(body.get("text"))
        ),
        "REQUEST_POLY_AGENT_JOIN": lambda _: frames.JoinEchoed(),
        "USER_END_SESSION": lambda _: frames.EndEchoed(),
        "HEARTBEAT": lambda _: frames.HeartbeatEchoed(),
        "POLY_AGENT_JOINED": _agent_joined,
        "POLY_AGENT_THINKING": lambda _: frames.AgentThinking(),
        "POLY_AGENT_MESSAGE": _agent_message,
        "POLY_AGENT_MESSAGE_CHUNK": _agent_chunk,
        "POLY_AGENT_LEFT": lambda body: frames.AgentLeft(as_text(body.get("reason"))),
        "POLY_AGENT_TRIGGERED_HANDOFF": lambda _: frames.HandoffTriggered(),
        "HANDOFF_ACCEPTED": lambda body: frames.HandoffAccepted(as_text(body.get("queue_name"))),
        "HANDOFF_QUEUE_STATUS": _queue_moved,
        "LIVE_AGENT_JOINED": _live_agent_joined,
        "LIVE_AGENT_TYPING": _live_agent_typing,
        "LIVE_AGENT_MESSAGE": _live_agent_message,
        "LIVE_AGENT_LEFT": _live_agent_left,
        "CLIENT_HANDOFF_REQUIRED": _handoff_elsewhere,
        "HANDOFF_FAILED": lambda body: frames.HandoffBroke(as_text(body.get("reason"))),
        "HANDOFF_TIMEOUT": lambda body: frames.HandoffBroke(
            as_text(body.get("reason")), timed_out=True
        ),
        "SYSTEM_MESSAGE": _system_message,
        "LANGUAGE_CHANGED": lambda body: frames.LanguageChanged(as_text(body.get("language_code"))),
    }.items()
}

#: What is in the catalogue and means nothing to us, each with who knows of it. Followed like any
#: other event, so that the cursor can pass it, and read as `Unknown`.
IGNORED: Final[dict[str, str]] = {
    PREFIX + name: source
    for name, source in {
        "USER_TYPING": "documented as ours to send; PolyAI's SDKs accept its echo",
        "SESSION_IDLE_WARNING": "PolyAI's SDKs alone, as not sent yet",
        "USER_RECEIVED_MESSAGE": "PolyAI's SDKs alone: a read receipt",
        "USER_READ_MESSAGE": "PolyAI's SDKs alone: a read receipt",
        "POLY_AGENT_RECEIVED_MESSAGE": "PolyAI's SDKs alone: a read receipt",
        "POLY_AGENT_READ_MESSAGE": "PolyAI's SDKs alone: a read receipt",
        "LIVE_AGENT_RECEIVED_MESSAGE": "PolyAI's SDKs alone: a read receipt",
        "LIVE_AGENT_READ_MESSAGE": "PolyAI's SDKs alone: a read receipt",
        "SHOW_CSAT_REQUEST": "PolyAI's SDKs alone: a survey, whose answer a client may not send",
        "CSAT_RESPONSE": "PolyAI's SDKs alone: a survey's answer",
    }.items()
}

#: What says the same said twice.
_REPEATABLE = frozenset(
    PREFIX + name
    for name in (
        "HEARTBEAT",
        "LIVE_AGENT_TYPING",
        "POLY_AGENT_THINKING",
        "SESSION_START",
        "SESSION_END",
        "REQUEST_POLY_AGENT_JOIN",
        "USER_END_SESSION",
        "POLY_AGENT_JOINED",
        "POLY_AGENT_LEFT",
        "LANGUAGE_CHANGED",
    )
)
#: What is shown, or changes who answers: once.
_NEWS = frozenset(
    PREFIX + name
    for name in (
        "POLY_AGENT_MESSAGE",
        "LIVE_AGENT_MESSAGE",
        "SYSTEM_MESSAGE",
        "POLY_AGENT_TRIGGERED_HANDOFF",
        "HANDOFF_ACCEPTED",
        "HANDOFF_QUEUE_STATUS",
        "HANDOFF_FAILED",
        "HANDOFF_TIMEOUT",
        "CLIENT_HANDOFF_REQUIRED",
        "LIVE_AGENT_JOINED",
        "LIVE_AGENT_LEFT",
    )
)
