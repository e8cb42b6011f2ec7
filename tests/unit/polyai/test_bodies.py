"""The event catalogue: what each body says. This table is the decoder's contract."""

from typing import Any

import pytest

from bridge.model import frames
from bridge.model.frames import Capabilities, FrameBody
from bridge.model.messages import Attachment, AttachmentKind, CallAction, Suggestion
from bridge.polyai import bodies
from bridge.polyai.bodies import knows, passes, read_body

PICTURE = "https://pictures.example/1.png"

CATALOGUE: list[tuple[str, dict[str, Any], FrameBody]] = [
    ("SESSION_START", {}, frames.SessionStarted()),
    (
        "SESSION_START",
        {
            "capabilities": {
                "streaming": True,
                "max_message_size_bytes": 131072,
                "max_reconnect_attempts": 5,
                "heartbeat_interval_seconds": 30,
            },
            "context_id": "c-1",
        },
        frames.SessionStarted(Capabilities(True, 131072, 5, 30)),
    ),
    (
        "SESSION_START",
        {"capabilities": {"max_message_size_bytes": "65536", "heartbeat_interval_seconds": 0.0}},
        frames.SessionStarted(Capabilities(max_message_bytes=65536, heartbeat_seconds=0)),
    ),
    (
        "SESSION_START",
        {"capabilities": {"streaming": "true", "heartbeat_interval_seconds": -5}},
        frames.SessionStarted(),
    ),
    ("SESSION_START", {"capabilities": [1]}, frames.SessionStarted()),
    ("SESSION_END", {}, frames.SessionEnded()),
    ("SESSION_END", {"reason": None}, frames.SessionEnded()),
    ("SESSION_END", {"reason": "REASON_USER_END"}, frames.SessionEnded("REASON_USER_END")),
    ("USER_MESSAGE", {"message_id": "m", "text": "hi"}, frames.MessageEchoed("m", "hi")),
    ("USER_MESSAGE", {"text": 5}, frames.MessageEchoed("", "5")),
    ("REQUEST_POLY_AGENT_JOIN", {}, frames.JoinEchoed()),
    ("USER_END_SESSION", {}, frames.EndEchoed()),
    ("HEARTBEAT", {}, frames.HeartbeatEchoed()),
    ("POLY_AGENT_JOINED", {}, frames.AgentJoined()),
    (
        "POLY_AGENT_JOINED",
        {"agent_name": "Poly", "agent_avatar_url": PICTURE},
        frames.AgentJoined("Poly", PICTURE),
    ),
    ("POLY_AGENT_JOINED", {"avatar_url": PICTURE}, frames.AgentJoined(None, PICTURE)),
    ("POLY_AGENT_JOINED", {"agent": {"name": "Poly"}}, frames.AgentJoined("Poly")),
    ("POLY_AGENT_JOINED", {"agent_name": " ", "agent_avatar_url": ""}, frames.AgentJoined()),
    ("POLY_AGENT_THINKING", {}, frames.AgentThinking()),
    ("POLY_AGENT_MESSAGE", {}, frames.AgentMessage()),
    (
        "POLY_AGENT_MESSAGE",
        {
            "message_id": "m",
            "text": "Hello",
            "attachments": [{"content_type": "ATTACHMENT_CONTENT_TYPE_URL", "content_url": "u"}],
            "response_suggestions": [{"message_text": "Yes", "payload": "y"}],
            "chat_call_actions": [{"title": "Call", "contact_number": "+1 555"}],
            "agent_name": "Poly",
            "avatar_url": PICTURE,
            "end_conversation": True,
        },
        frames.AgentMessage(
            message_id="m",
            text="Hello",
            attachments=(Attachment(AttachmentKind.LINK, "u"),),
            suggestions=(Suggestion("Yes"),),
            call_actions=(CallAction("Call", "+1 555"),),
            name="Poly",
            picture_url=PICTURE,
            ends_conversation=True,
        ),
    ),
    ("POLY_AGENT_MESSAGE", {"text": ["no"], "end_conversation": 1}, frames.AgentMessage()),
    ("POLY_AGENT_MESSAGE_CHUNK", {"text": None}, frames.AgentChunk()),
    (
        "POLY_AGENT_MESSAGE_CHUNK",
        {"message_id": "m", "text": " lo", "chunk_index": 2, "is_complete": True},
        frames.AgentChunk("m", " lo", 2, complete=True),
    ),
    ("POLY_AGENT_MESSAGE_CHUNK", {"chunk_index": 0}, frames.AgentChunk(index=0)),
    ("POLY_AGENT_MESSAGE_CHUNK", {"chunk_index": "3"}, frames.AgentChunk(index=3)),
    ("POLY_AGENT_MESSAGE_CHUNK", {"chunk_index": 3.0}, frames.AgentChunk(index=3)),
    ("POLY_AGENT_MESSAGE_CHUNK", {"is_complete": "true"}, frames.AgentChunk()),
    (
        "POLY_AGENT_MESSAGE_CHUNK",
        {
            "attachments": [{"title": "T"}],
            "response_suggestions": [{"message_text": "Yes"}],
            "chat_call_actions": [{"contact_number": "1"}],
            "end_conversation": True,
        },
        frames.AgentChunk(
            attachments=(Attachment(AttachmentKind.OTHER, title="T"),),
            suggestions=(Suggestion("Yes"),),
            call_actions=(CallAction("", "1"),),
            ends_conversation=True,
        ),
    ),
    ("POLY_AGENT_LEFT", {}, frames.AgentLeft()),
    ("POLY_AGENT_LEFT", {"reason": "handoff"}, frames.AgentLeft("handoff")),
    ("POLY_AGENT_TRIGGERED_HANDOFF", {}, frames.HandoffTriggered()),
    ("HANDOFF_ACCEPTED", {}, frames.HandoffAccepted()),
    ("HANDOFF_ACCEPTED", {"queue_name": "sales"}, frames.HandoffAccepted("sales")),
    ("HANDOFF_QUEUE_STATUS", {}, frames.QueueMoved()),
    (
        "HANDOFF_QUEUE_STATUS",
        {
            "queue_name": "sales",
            "position_in_queue": 3,
            "estimated_wait_seconds": "120",
            "display_message": "Soon",
        },
        frames.QueueMoved("sales", 3, 120, "Soon"),
    ),
    ("HANDOFF_QUEUE_STATUS", {"position": 4}, frames.QueueMoved(position=4)),
    ("HANDOFF_QUEUE_STATUS", {"position_in_queue": None, "queue_name": None}, frames.QueueMoved()),
    (
        "LIVE_AGENT_JOINED",
        {"agent": {"id": "a", "name": "Ada", "avatar_url": PICTURE}},
        frames.LiveAgentJoined("a", "Ada", PICTURE),
    ),
    (
        "LIVE_AGENT_JOINED",
        {"agent_id": "a", "agent_name": "Ada", "avatar_url": PICTURE},
        frames.LiveAgentJoined("a", "Ada", PICTURE),
    ),
    (
        "LIVE_AGENT_JOINED",
        {"agent_name": "Ada", "agent": {"id": "a", "name": "Other", "avatar_url": PICTURE}},
        frames.LiveAgentJoined("a", "Ada", PICTURE),
    ),
    ("LIVE_AGENT_JOINED", {"agent": "Ada"}, frames.LiveAgentJoined()),
    ("LIVE_AGENT_TYPING", {}, frames.LiveAgentTyping()),
    ("LIVE_AGENT_TYPING", {"state": "SOMETHING"}, frames.LiveAgentTyping()),
    (
        "LIVE_AGENT_TYPING",
        {"state": "TYPING_STATE_STARTED", "agent_id": "a", "agent_name": "Ada"},
        frames.LiveAgentTyping(True, "a", "Ada"),
    ),
    ("LIVE_AGENT_TYPING", {"state": "TYPING_STATE_STOPPED"}, frames.LiveAgentTyping(started=False)),
    (
        "LIVE_AGENT_MESSAGE",
        {"message_id": "m", "agent_id": "a", "text": "hi", "agent_name": "Ada"},
        frames.LiveAgentMessage("m", "a", "Ada", text="hi"),
    ),
    (
        "LIVE_AGENT_MESSAGE",
        {
            "agent": {"id": "a", "name": "Ada", "avatar_url": PICTURE},
            "attachments": [{"content_url": "u"}],
            "response_suggestions": [{"message_text": "Yes"}],
            "chat_call_actions": [{"contact_number": "1"}],
        },
        frames.LiveAgentMessage(
            agent_id="a",
            name="Ada",
            picture_url=PICTURE,
            attachments=(Attachment(AttachmentKind.OTHER, "u"),),
            suggestions=(Suggestion("Yes"),),
            call_actions=(CallAction("", "1"),),
        ),
    ),
    ("LIVE_AGENT_LEFT", {}, frames.LiveAgentLeft()),
    (
        "LIVE_AGENT_LEFT",
        {"agent_id": "a", "agent_name": "Ada", "reason": "done"},
        frames.LiveAgentLeft("a", "Ada", "done"),
    ),
    (
        "CLIENT_HANDOFF_REQUIRED",
        {"reason": "POLICY", "queue_name": "sales", "route": "https://x.example"},
        frames.HandoffElsewhere("POLICY", "sales", "https://x.example"),
    ),
    ("CLIENT_HANDOFF_REQUIRED", {}, frames.HandoffElsewhere()),
    ("HANDOFF_FAILED", {}, frames.HandoffBroke()),
    ("HANDOFF_FAILED", {"reason": "no one"}, frames.HandoffBroke("no one")),
    ("HANDOFF_TIMEOUT", {}, frames.HandoffBroke(timed_out=True)),
    ("HANDOFF_TIMEOUT", {"reason": "late"}, frames.HandoffBroke("late", timed_out=True)),
    (
        "SYSTEM_MESSAGE",
        {"level": "SYSTEM_MESSAGE_LEVEL_ERROR", "message": "Error: Session not found"},
        frames.SystemMessage("error", "Error: Session not found"),
    ),
    (
        "SYSTEM_MESSAGE",
        {"level": "SYSTEM_MESSAGE_LEVEL_WARNING", "message": "w"},
        frames.SystemMessage("warning", "w"),
    ),
    (
        "SYSTEM_MESSAGE",
        {"level": "SYSTEM_MESSAGE_LEVEL_INFO", "message": "i"},
        frames.SystemMessage("info", "i"),
    ),
    ("SYSTEM_MESSAGE", {"level": "SYSTEM_MESSAGE_LEVEL_NEW"}, frames.SystemMessage()),
    ("SYSTEM_MESSAGE", {"level": 3}, frames.SystemMessage()),
    ("LANGUAGE_CHANGED", {"language_code": "fr-FR"}, frames.LanguageChanged("fr-FR")),
    ("USER_TYPING", {}, frames.Unknown("EVENT_TYPE_USER_TYPING")),
    ("SESSION_IDLE_WARNING", {}, frames.Unknown("EVENT_TYPE_SESSION_IDLE_WARNING")),
    ("SHOW_CSAT_REQUEST", {}, frames.Unknown("EVENT_TYPE_SHOW_CSAT_REQUEST")),
    ("USER_READ_MESSAGE", {}, frames.Unknown("EVENT_TYPE_USER_READ_MESSAGE")),
]


@pytest.mark.parametrize(("name", "body", "expected"), CATALOGUE)
def test_each_type_says_what_the_catalogue_says(
    name: str, body: dict[str, Any], expected: FrameBody
) -> None:
    assert read_body("EVENT_TYPE_" + name, body) == expected


def test_every_kind_of_body_is_in_the_table() -> None:
    """A body added to the model must be added here too."""
    told = {type(expected) for _, _, expected in CATALOGUE}
    assert told == set(FrameBody.__args__)


def test_a_type_is_known_by_its_exact_name_only() -> None:
    assert knows("EVENT_TYPE_HEARTBEAT")
    assert not knows("event_type_heartbeat")
    assert not knows("HEARTBEAT")
    assert read_body("event_type_heartbeat", {}) == frames.Unknown("event_type_heartbeat")


#: Every type that any source names (polyai-messaging §6), and what becomes of an event of it that
#: has no identity: followed always, only where it comes alone, or never.
ALWAYS, ALONE, NEVER = (True, True), (True, False), (False, False)
WITHOUT_IDENTITY = {
    "SESSION_START": ALWAYS,
    "SESSION_END": ALWAYS,
    "USER_MESSAGE": NEVER,
    "USER_TYPING": ALWAYS,
    "USER_END_SESSION": ALWAYS,
    "REQUEST_POLY_AGENT_JOIN": ALWAYS,
    "HEARTBEAT": ALWAYS,
    "POLY_AGENT_JOINED": ALWAYS,
    "POLY_AGENT_THINKING": ALWAYS,
    "POLY_AGENT_MESSAGE": ALONE,
    "POLY_AGENT_MESSAGE_CHUNK": NEVER,
    "POLY_AGENT_LEFT": ALWAYS,
    "POLY_AGENT_TRIGGERED_HANDOFF": ALONE,
    "LIVE_AGENT_JOINED": ALONE,
    "LIVE_AGENT_TYPING": ALWAYS,
    "LIVE_AGENT_MESSAGE": ALONE,
    "LIVE_AGENT_LEFT": ALONE,
    "HANDOFF_ACCEPTED": ALONE,
    "HANDOFF_QUEUE_STATUS": ALONE,
    "CLIENT_HANDOFF_REQUIRED": ALONE,
    "HANDOFF_FAILED": ALONE,
    "HANDOFF_TIMEOUT": ALONE,
    "SYSTEM_MESSAGE": ALONE,
    "LANGUAGE_CHANGED": ALWAYS,
    "SESSION_IDLE_WARNING": ALWAYS,
    "USER_RECEIVED_MESSAGE": ALWAYS,
    "USER_READ_MESSAGE": ALWAYS,
    "POLY_AGENT_RECEIVED_MESSAGE": ALWAYS,
    "POLY_AGENT_READ_MESSAGE": ALWAYS,
    "LIVE_AGENT_RECEIVED_MESSAGE": ALWAYS,
    "LIVE_AGENT_READ_MESSAGE": ALWAYS,
    "SHOW_CSAT_REQUEST": ALWAYS,
    "CSAT_RESPONSE": ALWAYS,
}


@pytest.mark.parametrize("name", WITHOUT_IDENTITY)
def test_every_type_of_the_catalogue_is_known_and_read_or_ignored(name: str) -> None:
    kind = "EVENT_TYPE_" + name
    assert knows(kind)
    assert (kind in bodies.IGNORED) == isinstance(read_body(kind, {}), frames.Unknown)
    assert (passes(kind, alone=True), passes(kind, alone=False)) == WITHOUT_IDENTITY[name]


def test_nothing_is_known_beyond_the_catalogue() -> None:
    named = {"EVENT_TYPE_" + name for name in WITHOUT_IDENTITY}
    assert named == {*bodies._READERS, *bodies.IGNORED}
    assert not set(bodies._READERS) & set(bodies.IGNORED)
    assert all(source for source in bodies.IGNORED.values())
    assert not passes("EVENT_TYPE_FUTURE_THING", alone=True)


def test_an_unknown_type_is_kept_short() -> None:
    assert read_body("X" * 5000, {}) == frames.Unknown("X" * 100)


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("ATTACHMENT_CONTENT_TYPE_URL", AttachmentKind.LINK),
        ("ATTACHMENT_CONTENT_TYPE_IMAGE", AttachmentKind.IMAGE),
        ("ATTACHMENT_CONTENT_TYPE_VIDEO", AttachmentKind.OTHER),
        (None, AttachmentKind.OTHER),
        (7, AttachmentKind.OTHER),
    ],
)
def test_an_attachment_has_the_kind_its_content_type_names(
    content_type: object, kind: AttachmentKind
) -> None:
    item = {
        "content_type": content_type,
        "content_url": " https://x.example ",
        "title": "T",
        "preview_image_url": "https://x.example/p.png",
        "call_to_action_text": "Open",
    }
    said = read_body("EVENT_TYPE_POLY_AGENT_MESSAGE", {"attachments": [item]})
    assert said == frames.AgentMessage(
        attachments=(Attachment(kind, "https://x.example", "T", "https://x.example/p.png", "Open"),)
    )


def test_a_blank_address_is_none() -> None:
    item = {"content_url": " ", "preview_image_url": "", "title": "T"}
    said = read_body("EVENT_TYPE_POLY_AGENT_MESSAGE", {"attachments": [item]})
    assert said == frames.AgentMessage(
        attachments=(Attachment(AttachmentKind.OTHER, None, "T", None),)
    )


def test_one_bad_element_costs_its_list_nothing_else() -> None:
    said = read_body(
        "EVENT_TYPE_POLY_AGENT_MESSAGE",
        {
            "attachments": [None, "x", {}, {"content_url": "u"}, {"title": " "}],
            "response_suggestions": [3, {"message_text": " "}, {}, {"message_text": "Yes"}],
            "chat_call_actions": ["x", {"title": "no number"}, {"contact_number": 112}],
        },
    )
    assert said == frames.AgentMessage(
        attachments=(Attachment(AttachmentKind.OTHER, "u"),),
        suggestions=(Suggestion("Yes"),),
        call_actions=(CallAction("", "112"),),
    )


@pytest.mark.parametrize("value", [None, "x", 3, True, {"a": 1}])
def test_a_list_that_is_none_is_empty(value: object) -> None:
    fields = ("attachments", "response_suggestions", "chat_call_actions")
    body = dict.fromkeys(fields, value)
    assert read_body("EVENT_TYPE_LIVE_AGENT_MESSAGE", body) == frames.LiveAgentMessage()
