"""The decoder against anything at all."""

import json
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
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["7", "7.0", "TYPING_STATE_STOPPED", "2026-05-19T10:00:00Z"])
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
TYPES = st.sampled_from([*sorted(bodies._READERS), "EVENT_TYPE_NEW", "event_type_heartbeat"])
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
            "sequence": st.integers(0, 20) | SCALARS,
            "timestamp": SCALARS | st.datetimes().map(lambda at: at.isoformat()),
            "payload": BODIES,
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


def check(decoded: Decoded) -> None:
    numbered = [frame.sequence for frame in decoded.frames if frame.sequence is not None]
    assert numbered == sorted(numbered)
    assert all(frame.sequence is not None for frame in decoded.frames[: len(numbered)])
    for frame in decoded.frames:
        assert all(isinstance(value, str) for value in frame.custom.values())
        assert frame.at is None or frame.at.tzinfo is not None
    # What we keep must be storable: no half characters, no numbers a column cannot hold.
    assert msgspec.json.decode(msgspec.json.encode(decoded), type=Decoded) == decoded
    assert all(number < 2**63 for number in numbered)


@given(st.text(st.characters(exclude_categories=())) | st.binary())
def test_any_text_or_bytes_can_be_decoded(text: str | bytes) -> None:
    check(decode(text))


@given(ANY_JSON)
def test_any_json_can_be_decoded(value: object) -> None:
    check(decode(json.dumps(value)))


@given(EVENTS, st.booleans())
def test_anything_like_an_event_can_be_decoded(value: dict[str, Any], ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    decoded = decode(text)
    check(decoded)
    assert decode(text) == decoded


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
