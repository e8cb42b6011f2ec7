"""The decoder against anything at all. `test_wire_mutants` shows that its laws notice faults."""

import json
import re
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import frames
from bridge.polyai import bodies, wire
from bridge.polyai.wire import Decoded, decode

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=8)
    | st.sampled_from(
        ["7", "7.0", "-7", "7.5", "\ud83d!", "TYPING_STATE_STOPPED", "2026-05-19T10:00:00Z"]
    )
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
TYPES = st.sampled_from(
    [*sorted(bodies._READERS), *sorted(bodies.IGNORED), "EVENT_TYPE_NEW", "event_type_heartbeat"]
)
FIELDS = st.sampled_from(
    [
        "message_id",
        "text",
        "attachments",
        "response_suggestions",
        "chat_call_actions",
        "agent",
        "chunk_index",
        "is_complete",
        "capabilities",
        "state",
        "level",
        "message",
        "position",
        "content_url",
        "message_text",
        "contact_number",
        "streaming",
        "events",
        "name",
        "sequence",
    ]
)
BODIES = st.recursive(
    SCALARS,
    lambda inner: st.dictionaries(FIELDS, inner | st.lists(inner, max_size=3), max_size=6),
    max_leaves=10,
)
EVENTS = st.recursive(
    st.fixed_dictionaries(
        {"type": TYPES | SCALARS},
        optional={
            "id": SCALARS,
            "sequence": st.integers(-2, 20) | SCALARS,
            "timestamp": SCALARS | st.datetimes().map(lambda at: at.isoformat()),
            "payload": BODIES | st.fixed_dictionaries({"sequence": st.integers(0, 20)}),
            "poly_agent_message": BODIES,
            "metadata": ANY_JSON | st.fixed_dictionaries({"custom": ANY_JSON}),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {
            "type": st.just("EVENT_TYPE_EVENT_BATCH"),
            "payload": st.fixed_dictionaries({"events": st.lists(inner | ANY_JSON, max_size=5)}),
        }
    ),
    max_leaves=8,
)


def the_frames_are_in_order(decoded: Decoded) -> None:
    """By number; those without one last."""
    numbered = [frame.sequence for frame in decoded.frames if frame.sequence is not None]
    assert numbered == sorted(numbered)
    assert all(frame.sequence is not None for frame in decoded.frames[: len(numbered)])


def the_frames_can_be_stored(decoded: Decoded) -> None:
    """No half characters, no numbers a column cannot hold, no local times, no foreign values."""
    assert msgspec.json.decode(msgspec.json.encode(decoded), type=Decoded) == decoded
    for frame in decoded.frames:
        assert frame.sequence is None or 0 <= frame.sequence < 2**63
        assert all(isinstance(value, str) for value in frame.custom.values())
        assert frame.at is None or frame.at.tzinfo is not None


def no_number_is_made_up(decoded: Decoded, value: object) -> None:
    """The cursor follows these numbers: each stood under `sequence` in an event of the message."""
    said = list(numbers_in(value))
    for frame in decoded.frames:
        if frame.sequence is not None:
            assert frame.sequence in said
            said.remove(frame.sequence)


def no_event_is_made_up(decoded: Decoded, value: object) -> None:
    """At most one frame for each event, and each id one that was said."""
    events = list(events_in(value))
    assert len(decoded.frames) <= len(events)
    # What no column can hold is left out of every text.
    ids = [str(event.get("id")).replace("\x00", "") for event in events]
    for frame in decoded.frames:
        assert not frame.id or "\ufffd" in frame.id or any(frame.id in i for i in ids)


def nothing_is_lost_in_silence(decoded: Decoded, value: object) -> None:
    """Whatever is not a frame is a problem."""
    batches = sum(event.get("type") == "EVENT_TYPE_EVENT_BATCH" for event in events_in(value))
    lost = len(list(events_in(value))) - batches - len(decoded.frames)
    assert lost <= len(decoded.problems)


def no_problem_quotes(decoded: Decoded, value: object) -> None:
    """What is said stays out of the log."""
    known = {*bodies._READERS, *bodies.IGNORED}
    for problem in decoded.problems:
        words = re.sub("|".join(sorted(known, key=len, reverse=True)), "", problem)
        assert re.fullmatch(r"[a-z ,:_A-Z]*", words)
        assert "EVENT_TYPE" not in words


def what_repeats_is_known(decoded: Decoded) -> None:
    """In a history nothing is shown that could not be told from its repeat."""
    if decoded.batch:
        for frame in decoded.frames:
            shown = isinstance(
                frame.body,
                frames.AgentMessage
                | frames.AgentChunk
                | frames.LiveAgentMessage
                | frames.SystemMessage
                | frames.HandoffBroke
                | frames.LiveAgentJoined
                | frames.LiveAgentLeft,
            )
            message_id = getattr(frame.body, "message_id", "")
            assert not shown or frame.id or frame.sequence is not None or message_id


def events_in(value: object) -> list[dict[str, Any]]:
    """Every event of a message, the batches too, however deep."""
    if not isinstance(value, dict):
        return []
    if value.get("type") != "EVENT_TYPE_EVENT_BATCH":
        return [value]
    body = value.get("payload") or value.get("event_batch")
    events = body.get("events") if isinstance(body, dict) else None
    inner = events if isinstance(events, list) else []
    return [value, *(found for each in inner for found in events_in(each))]


def numbers_in(value: object) -> list[int]:
    """Every whole number under `sequence` in an event, read in another way than the decoder's."""
    found = []
    for event in events_in(value):
        match event.get("sequence"):
            case bool():
                continue
            case int() as number if number >= 0:
                found.append(number)
            case float() as number if number >= 0 and number.is_integer():
                found.append(int(number))
            case str() as text if re.fullmatch(r"[0-9]+(\.0+)?", text.replace("\x00", "")):
                found.append(int(text.replace("\x00", "").partition(".")[0]))
    return found


def check(decoded: Decoded, value: object) -> None:
    """All the laws; `value` is what the message held."""
    the_frames_are_in_order(decoded)
    the_frames_can_be_stored(decoded)
    no_number_is_made_up(decoded, value)
    no_event_is_made_up(decoded, value)
    nothing_is_lost_in_silence(decoded, value)
    no_problem_quotes(decoded, value)
    what_repeats_is_known(decoded)


def read(text: str | bytes) -> object:
    """The JSON value as Python's own reader takes it, None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


@given(st.text(st.characters(exclude_categories=())) | st.binary())
def test_any_text_or_bytes_can_be_decoded(text: str | bytes) -> None:
    decoded = wire.decode(text)
    check(decoded, read(text))
    assert decoded.frames or decoded.problems or decoded.batch


@given(ANY_JSON)
def test_any_json_can_be_decoded(value: object) -> None:
    check(wire.decode(json.dumps(value)), value)


@given(EVENTS, st.booleans())
def test_anything_like_an_event_can_be_decoded(value: dict[str, Any], ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    decoded = wire.decode(text)
    check(decoded, json.loads(text))
    assert wire.decode(text) == decoded


@given(EVENTS, st.data())
def test_a_message_cut_anywhere_makes_nothing_up(
    value: dict[str, Any], data: st.DataObject
) -> None:
    text = json.dumps(value).encode()
    cut = data.draw(st.integers(0, len(text)))
    check(wire.decode(text[:cut]), read(text[:cut]))


@given(st.lists(st.integers(0, 50) | st.none(), max_size=30))
def test_a_batch_loses_nothing_and_keeps_the_order_of_equals(sequences: list[int | None]) -> None:
    events = [
        {"type": "EVENT_TYPE_POLY_AGENT_LEFT", "id": str(index), "sequence": sequence}
        for index, sequence in enumerate(sequences)
    ]
    text = json.dumps({"type": "EVENT_TYPE_EVENT_BATCH", "payload": {"events": events}})
    found = [(frame.sequence, int(frame.id)) for frame in decode(text).frames]
    numbered = sorted((s, i) for i, s in enumerate(sequences) if s is not None)
    unnumbered = [(None, i) for i, s in enumerate(sequences) if s is None]
    assert found == [*numbered, *unnumbered]


SAYABLE = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")


@given(st.text(SAYABLE), st.text("abc123", min_size=1))
def test_what_we_say_comes_back_as_we_said_it(text: str, client_event_id: str) -> None:
    sent = wire.encode_message(text, client_event_id)
    echo = json.loads(sent) | {"id": "e", "sequence": 1}
    (frame,) = decode(json.dumps(echo)).frames
    assert frame.body == frames.MessageEchoed(text=text)
    assert frame.custom == {"client_event_id": client_event_id, "local_id": client_event_id}
    assert wire.message_size(text, client_event_id) == len(sent.encode())
