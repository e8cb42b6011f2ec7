"""Which texts and frames does the contract list one by one? System messages, garbage, handoffs."""

import json
from collections.abc import Iterable
from typing import Any

from bridge.simulators import polyai_frames as frames
from bridge.simulators.polyai_agent import QUEUE, SAM_ID, SAM_PICTURE
from bridge.simulators.polyai_frames import Json

INFO = "SYSTEM_MESSAGE_LEVEL_INFO"
WARNING = "SYSTEM_MESSAGE_LEVEL_WARNING"
ERROR = "SYSTEM_MESSAGE_LEVEL_ERROR"

#: The system messages of the reference's §16, by names of ours: level and text.
SYSTEM_TEXTS: dict[str, tuple[str, str]] = {
    "bad_format": (ERROR, frames.INVALID_FORMAT),
    "not_allowed": (ERROR, "Event type not allowed: EVENT_TYPE_CSAT_RESPONSE"),
    "high_load": (
        ERROR,
        "Our system is experiencing high load. Please try again in a moment.",
    ),
    "cannot_start": (
        ERROR,
        "Sorry, I'm unable to start a conversation right now. Please try again later.",
    ),
    "turn_failed": (ERROR, "Sorry, I'm having trouble responding right now. Please try again."),
    "stream_failed": (ERROR, "Sorry, I encountered an error. Please try again."),
    "session_not_found": (ERROR, "Error: Session not found"),
    "session_unavailable": (ERROR, "Error: Unable to retrieve session"),
    "no_connector": (ERROR, "Error: Connector not found"),
    "no_conversation": (ERROR, "Error: Conversation not found"),
    "no_conversation_id": (ERROR, "Error: Conversation ID not found in session"),
    "no_agent": (ERROR, "Sorry, we could not connect you to an agent. Please try again."),
    "not_forwarded": (ERROR, "Failed to forward message to live agent"),
    "no_handoff": (ERROR, "Sorry, handoff could not be initiated."),
    "unknown_info": (INFO, "The weather is fine."),
    "unknown_warning": (WARNING, "The weather may change."),
    "unknown_error": (ERROR, "The weather is broken."),
}


def system_text(name: str) -> str:
    """The text of a system message by its name in `SYSTEM_TEXTS`; else the name is the text."""
    return SYSTEM_TEXTS[name][1] if name in SYSTEM_TEXTS else name


def _frame(kind: str, **fields: Any) -> str:  # noqa: ANN401 - any JSON
    return json.dumps({"type": kind} | fields)


def _event(text: str, **fields: Any) -> Json:  # noqa: ANN401 - any JSON
    payload = {"message_id": f"malformed-{text.replace(' ', '-')}", "text": text}
    event: Json = {
        "id": payload["message_id"],
        "sequence": None,
        "timestamp": "2026-01-01T00:00:00Z",
    }
    return event | {"type": frames.MESSAGE, "payload": payload} | fields


#: Frames no service should send (scenario 94, reference §5), by names of ours. Those with a text
#: "still …" are events that a tolerant client shows.
MALFORMED: dict[str, str | bytes] = {
    "not_json": "{not json",
    "empty": "",
    "truncated": _frame(frames.MESSAGE, payload={"text": "cut"})[:-4],
    "array": "[1, 2]",
    "number": "42",
    "null": "null",
    "no_type": json.dumps({"payload": {}}),
    "type_not_text": json.dumps({"type": 7, "payload": {}}),
    "lower_case_type": _frame(frames.MESSAGE.lower(), payload={"text": "lower"}),
    "unknown_type": _frame("EVENT_TYPE_FUTURE_THING", id="future", payload={"new": [1]}),
    "payload_null": _frame(frames.THINKING, id="null-payload", payload=None),
    "payload_list": _frame(frames.THINKING, id="list-payload", payload=[]),
    "batch_null": _frame(frames.EVENT_BATCH, payload=None),
    "batch_events_null": _frame(frames.EVENT_BATCH, payload={"events": None}),
    "batch_with_scalars": _frame(
        frames.EVENT_BATCH, payload={"events": [1, None, "x", _event("still in the batch")]}
    ),
    "batch_nested": _frame(
        frames.EVENT_BATCH,
        payload={
            "events": [{"type": frames.EVENT_BATCH, "payload": {"events": [_event("nested")]}}]
        },
    ),
    "bad_timestamp": json.dumps(_event("still here", timestamp="yesterday")),
    "wrong_types": json.dumps(
        {
            "id": 5,
            "sequence": "many",
            "timestamp": 12,
            "type": frames.MESSAGE,
            "payload": {
                "message_id": 7,
                "text": ["a"],
                "attachments": {},
                "response_suggestions": 1,
            },
            "metadata": "none",
        }
    ),
    "wrong_elements": json.dumps(
        _event(
            "still with attachments",
            payload={
                "message_id": "malformed-elements",
                "text": "still with attachments",
                "attachments": [
                    None,
                    3,
                    {"title": "Good", "content_url": "https://demo.example/a"},
                ],
                "response_suggestions": ["x", {"message_text": "Good"}, {"message_text": None}],
                "chat_call_actions": [None, {"title": "Call", "contact_number": 5}],
            },
        )
    ),
    "custom_not_text": json.dumps(_event("still with metadata", metadata={"custom": {"n": 1}})),
    "binary": b"\xff\xfe\x00",
    "binary_json": json.dumps(_event("still in binary")).encode(),
}

#: The steps of a handoff (reference §15) by names of ours: type, payload, and whether it has no
#: sequence.
HANDOFF_STEPS: dict[str, tuple[str, Json, bool]] = {
    "triggered": (frames.HANDOFF_TRIGGERED, {}, False),
    "agent_left": (frames.AGENT_LEFT, {}, False),
    "accepted": (frames.HANDOFF_ACCEPTED, {"queue_name": QUEUE}, False),
    "queue": (
        frames.QUEUE_STATUS,
        {"queue_name": QUEUE, "position_in_queue": 1, "estimated_wait_seconds": 60},
        False,
    ),
    "live_joined": (
        frames.LIVE_JOINED,
        {"agent": {"id": SAM_ID, "name": "Sam", "avatar_url": SAM_PICTURE}},
        False,
    ),
    "typing": (
        frames.LIVE_TYPING,
        {"state": "TYPING_STATE_STARTED", "agent_id": SAM_ID},
        True,
    ),
    "typing_stopped": (
        frames.LIVE_TYPING,
        {"state": "TYPING_STATE_STOPPED", "agent_id": SAM_ID},
        True,
    ),
    "live_says": (frames.LIVE_MESSAGE, {"agent_id": SAM_ID, "text": "Hello from Sam."}, False),
    "live_left": (frames.LIVE_LEFT, {"agent_id": SAM_ID, "agent_name": "Sam"}, False),
    "failed": (frames.HANDOFF_FAILED, {"reason": "no agents"}, False),
    "timeout": (frames.HANDOFF_TIMEOUT, {}, False),
    "client_required": (frames.CLIENT_HANDOFF, {}, False),
}
#: The whole ladder of a handoff the service manages.
LADDER = (
    "triggered",
    "agent_left",
    "accepted",
    "queue",
    "live_joined",
    "typing",
    "live_says",
    "typing_stopped",
)
#: What CLIENT_HANDOFF_REQUIRED says, by `Options.client_handoff`.
CLIENT_HANDOFF_PAYLOADS: dict[str, Json] = {
    "reason": {"reason": "COMPLEX_QUERY", "queue_name": QUEUE},
    "route": {"route": "https://demo.example/handoff"},
    "both": {
        "reason": "COMPLEX_QUERY",
        "queue_name": QUEUE,
        "route": "https://demo.example/handoff",
    },
}


def read_steps(steps: object) -> list[tuple[str, Any]]:
    """The steps of a handoff, each by its name, with what is laid over its payload.

    That is nothing for `end`, and a number of seconds for `wait`.

    Raises:
        LookupError: there is no such step.
        TypeError: it is no step at all.
        ValueError: what stands beside its name does not fit it.
    """
    if isinstance(steps, str | dict) or not isinstance(steps, Iterable):
        raise TypeError('steps is a list, such as ["triggered", ["queue", {"queue_name": "A"}]]')
    return [_read_step(step) for step in steps]


def _read_step(step: object) -> tuple[str, Any]:
    name, given = step if isinstance(step, list | tuple) and len(step) == 2 else (step, {})
    if not isinstance(name, str):
        raise TypeError('a step is a name, or a name and an object: ["queue", {"queue_name": "A"}]')
    if name == "wait":
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise ValueError('the step wait has a number of seconds: ["wait", 5]')
    elif name != "end" and name not in HANDOFF_STEPS:
        known = ", ".join([*HANDOFF_STEPS, "end", "wait"])
        raise LookupError(f"the step {name}; known are: {known}")
    elif not isinstance(given, dict) or (given and name == "end"):
        what = "nothing beside its name" if name == "end" else "an object beside its name"
        raise ValueError(f"the step {name} has {what}")
    return name, given
