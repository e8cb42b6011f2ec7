"""Frames: the envelope, batches, what is tolerated, and what we send."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.core.sending import MAX_MESSAGE_BYTES
from bridge.model import frames
from bridge.model.frames import Frame
from bridge.model.ids import PersonId
from bridge.model.messages import Person
from bridge.polyai import wire
from bridge.polyai.wire import Decoded, decode
from bridge.testing.builders import ANN

_T = "EVENT_TYPE_"


def event(name: str, payload: dict[str, Any] | None = None, **fields: object) -> dict[str, Any]:
    return {"type": _T + name, "id": f"id-{name}", "payload": payload or {}, **fields}


def batch(*events: object) -> str:
    return json.dumps({"type": _T + "EVENT_BATCH", "payload": {"events": events}})


def one(fields: dict[str, Any]) -> Frame:
    decoded = decode(json.dumps(fields))
    assert decoded.problems == ()
    (frame,) = decoded.frames
    return frame


def test_a_frame_keeps_its_envelope() -> None:
    frame = one(
        {
            "id": "e-1",
            "sequence": 4,
            "timestamp": "2026-05-19T10:00:00.5Z",
            "type": "EVENT_TYPE_USER_MESSAGE",
            "payload": {"message_id": "m-1", "text": "hi"},
            "metadata": {"custom": {"local_id": "c-1"}},
        }
    )
    assert frame == Frame(
        id="e-1",
        sequence=4,
        at=datetime(2026, 5, 19, 10, 0, 0, 500_000, UTC),
        body=frames.MessageEchoed("m-1", "hi"),
        custom={"local_id": "c-1"},
    )


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        ("2026-05-19T10:00:00Z", datetime(2026, 5, 19, 10, tzinfo=UTC)),
        ("2026-05-19T12:00:00+02:00", datetime(2026, 5, 19, 10, tzinfo=UTC)),
        ("2026-05-19T10:00:00.123456789Z", datetime(2026, 5, 19, 10, 0, 0, 123456, UTC)),
        ("2026-05-19T10:00:00", datetime(2026, 5, 19, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("", None),
        (1779184800, None),
        (None, None),
    ],
)
def test_a_timestamp_that_cannot_be_read_costs_only_itself(
    timestamp: object, at: datetime | None
) -> None:
    assert one(event("POLY_AGENT_LEFT", timestamp=timestamp)).at == at


@pytest.mark.parametrize(
    ("sequence", "expected"), [(7, 7), ("7", 7), (7.0, 7), (0, 0), (None, None), ("x", None)]
)
def test_a_sequence_may_come_as_text_or_float(sequence: object, expected: int | None) -> None:
    assert one(event("POLY_AGENT_LEFT", sequence=sequence)).sequence == expected


@pytest.mark.parametrize("payload", [None, "x", 3, [], True])
def test_a_payload_that_is_no_object_is_empty(payload: object) -> None:
    fields = event("SESSION_END") | {"payload": payload}
    assert one(fields).body == frames.SessionEnded()


def test_custom_keeps_only_its_texts() -> None:
    metadata = {"custom": {"local_id": "c-1", "n": 1, "o": {}}}
    assert one(event("USER_MESSAGE", metadata=metadata)).custom == {"local_id": "c-1"}
    assert one(event("USER_MESSAGE", metadata={"custom": []})).custom == {}
    assert one(event("USER_MESSAGE", metadata="x")).custom == {}


@pytest.mark.parametrize("as_batch", [True, False])
def test_a_body_may_stand_under_its_oneof_name(as_batch: bool) -> None:
    fields = {"type": _T + "POLY_AGENT_MESSAGE", "id": "e", "poly_agent_message": {"text": "hi"}}
    decoded = decode(batch(fields) if as_batch else json.dumps(fields))
    assert [frame.body for frame in decoded.frames] == [frames.AgentMessage(text="hi")]
    assert decoded.batch is as_batch


def test_payload_is_preferred_to_the_oneof_name() -> None:
    fields = event("POLY_AGENT_MESSAGE", {"text": "a"}, poly_agent_message={"text": "b"})
    assert one(fields).body == frames.AgentMessage(text="a")


def test_a_batch_itself_may_stand_under_its_oneof_name() -> None:
    text = json.dumps({"type": _T + "EVENT_BATCH", "event_batch": {"events": [event("HEARTBEAT")]}})
    assert [frame.body for frame in decode(text).frames] == [frames.HeartbeatEchoed()]


def test_a_batch_is_sorted_by_sequence_with_the_unnumbered_last_in_order() -> None:
    decoded = decode(
        batch(
            event("LIVE_AGENT_TYPING", id="t1"),
            event("POLY_AGENT_LEFT", id="e3", sequence=3),
            event("POLY_AGENT_LEFT", id="e1", sequence=1),
            event("LIVE_AGENT_TYPING", id="t2", sequence=None),
            event("POLY_AGENT_LEFT", id="e2", sequence="2"),
            event("POLY_AGENT_LEFT", id="e2b", sequence=2),
        )
    )
    assert [frame.id for frame in decoded.frames] == ["e1", "e2", "e2b", "e3", "t1", "t2"]
    assert decoded.batch


def test_batches_in_batches_are_flattened_to_a_bound() -> None:
    nested: dict[str, Any] = event("POLY_AGENT_LEFT", sequence=1)
    for _ in range(8):
        nested = {"type": _T + "EVENT_BATCH", "payload": {"events": [nested]}}
    assert len(decode(json.dumps(nested)).frames) == 1
    deeper = batch(nested, event("POLY_AGENT_LEFT", sequence=2))
    decoded = decode(deeper)
    assert [frame.sequence for frame in decoded.frames] == [2]
    assert decoded.problems == ("batches are nested too deep",)


def test_one_bad_event_costs_its_batch_nothing_else() -> None:
    decoded = decode(batch("x", None, event("POLY_AGENT_LEFT", sequence=1), [], {"no": "type"}))
    assert [frame.sequence for frame in decoded.frames] == [1]
    assert decoded.problems == (
        "an event is not an object",
        "an event is not an object",
        "an event is not an object",
        "an event has no type",
        "dropped an event without id, sequence or message_id: an unknown type",
    )


@pytest.mark.parametrize("payload", [None, {}, {"events": None}, {"events": {}}])
def test_a_batch_without_events_is_an_empty_batch(payload: object) -> None:
    decoded = decode(json.dumps({"type": _T + "EVENT_BATCH", "payload": payload}))
    assert decoded == Decoded(batch=True, problems=("a batch has no list of events",))


@pytest.mark.parametrize("text", ["", "{", "secret words", b"\xff\xfe\x00", "[" * 10_000])
def test_what_is_not_json_is_a_problem_that_does_not_quote_it(text: str | bytes) -> None:
    assert decode(text) == Decoded(problems=("a message is not JSON",))


@pytest.mark.parametrize("text", ["[]", "null", "3", '"secret words"', '[{"type": "x"}]'])
def test_what_is_no_object_is_a_problem(text: str) -> None:
    assert decode(text) == Decoded(problems=("a message is not an object",))


def test_bytes_are_read_as_utf8() -> None:
    text = json.dumps(event("POLY_AGENT_MESSAGE", {"text": "né 🙂"}), ensure_ascii=False)
    assert decode(text.encode()) == decode(text)
    assert decode(text).frames[0].body == frames.AgentMessage(text="né 🙂")


@pytest.mark.parametrize("half", ["\\ud83d", "\\ude42", "\\ud83d\\u0041"])
def test_half_an_emoji_costs_one_character(half: str) -> None:
    text = json.dumps(event("POLY_AGENT_MESSAGE", {"text": "HALF!"})).replace("HALF", half)
    body = decode(text).frames[0].body
    assert isinstance(body, frames.AgentMessage)
    assert body.text.startswith("\ufffd")
    assert body.text.endswith("!")
    body.text.encode()


@pytest.mark.parametrize("number", ["1e400", "NaN", "-Infinity", "9" * 400])
def test_a_number_out_of_range_costs_only_itself(number: str) -> None:
    text = batch(
        event("POLY_AGENT_LEFT", id="e1", sequence="X"), event("POLY_AGENT_LEFT", id="e2")
    ).replace('"X"', number)
    assert [(frame.id, frame.sequence) for frame in decode(text).frames] == [
        ("e1", None),
        ("e2", None),
    ]


@pytest.mark.parametrize("name", ["HEARTBEAT", "SESSION_END", "POLY_AGENT_JOINED", "CSAT_RESPONSE"])
def test_what_says_the_same_said_twice_needs_no_identity(name: str) -> None:
    fields = {"type": _T + name}
    assert one(fields).id == ""
    assert len(decode(batch(fields)).frames) == 1


@pytest.mark.parametrize("name", ["SYSTEM_MESSAGE", "POLY_AGENT_MESSAGE", "HANDOFF_FAILED"])
def test_what_is_shown_needs_no_identity_alone_but_does_in_a_history(name: str) -> None:
    fields = {"type": _T + name, "payload": {"text": "secret"}}
    assert one(fields).sequence is None
    decoded = decode(batch(fields))
    assert decoded.frames == ()
    assert decoded.problems == (f"dropped an event without id, sequence or message_id: {_T}{name}",)


@pytest.mark.parametrize("name", ["USER_MESSAGE", "POLY_AGENT_MESSAGE_CHUNK", "FUTURE_THING"])
def test_anything_else_without_identity_is_dropped(name: str) -> None:
    decoded = decode(json.dumps({"type": _T + name, "id": "", "payload": {"text": "secret"}}))
    assert decoded.frames == ()
    (problem,) = decoded.problems
    assert "without id, sequence or message_id" in problem
    assert "secret" not in problem
    assert "FUTURE" not in problem


@pytest.mark.parametrize("key", ["client_event_id", "local_id"])
def test_an_echo_is_known_by_the_id_we_gave_it(key: str) -> None:
    fields = {"type": _T + "USER_MESSAGE", "metadata": {"custom": {key: "c-1"}}}
    assert one(fields).custom == {key: "c-1"}
    assert len(decode(batch(fields)).frames) == 1
    other = fields | {"metadata": {"custom": {"theirs": "c-1"}}}
    assert decode(json.dumps(other)).frames == ()


@pytest.mark.parametrize(
    "fields",
    [{"id": "e"}, {"sequence": 1}, {"payload": {"message_id": "m"}}, {"id": "", "sequence": 1}],
)
def test_any_one_identity_is_enough(fields: dict[str, Any]) -> None:
    one({"type": _T + "POLY_AGENT_MESSAGE"} | fields)


def test_an_unknown_type_is_kept_so_that_the_cursor_can_pass_it() -> None:
    assert one(event("FUTURE_THING", sequence=9)) == Frame(
        id="id-FUTURE_THING", sequence=9, body=frames.Unknown("EVENT_TYPE_FUTURE_THING")
    )


def test_an_event_of_no_type_is_kept_where_it_has_a_sequence() -> None:
    decoded = decode('{"sequence": 9, "type": 5}')
    assert decoded.frames == (Frame(sequence=9, body=frames.Unknown()),)
    assert decoded.problems == ("an event has no type",)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (wire.encode_join(), "REQUEST_POLY_AGENT_JOIN"),
        (wire.encode_end(), "USER_END_SESSION"),
        (wire.encode_heartbeat(), "HEARTBEAT"),
    ],
)
def test_a_bare_frame_has_a_type_and_an_empty_payload(text: str, name: str) -> None:
    assert json.loads(text) == {"type": _T + name, "payload": {}}


def test_a_message_carries_its_id_under_both_keys() -> None:
    assert json.loads(wire.encode_message("hi", "c-1")) == {
        "type": "EVENT_TYPE_USER_MESSAGE",
        "payload": {"text": "hi"},
        "metadata": {"custom": {"client_event_id": "c-1", "local_id": "c-1"}},
    }


@pytest.mark.parametrize(
    ("person", "told"),
    [
        (ANN, {"person": "U1", "person_name": "Ann"}),
        (Person(PersonId("U3")), {"person": "U3"}),
    ],
)
def test_a_message_says_who_speaks_as_far_as_that_is_known(
    person: Person, told: dict[str, str]
) -> None:
    frame = wire.encode_message("hi", "c-1", person)
    assert json.loads(frame)["metadata"]["custom"] == {
        "client_event_id": "c-1",
        "local_id": "c-1",
        **told,
    }
    assert wire.message_size("hi", "c-1", person) == len(frame.encode())


def test_a_message_is_sent_unescaped_and_measured_in_bytes() -> None:
    bare = wire.message_size("", "c-1")
    assert "你好🙂" in wire.encode_message("你好🙂", "c-1")
    assert wire.message_size("你好🙂", "c-1") == bare + 3 + 3 + 4
    assert wire.message_size("x" * (MAX_MESSAGE_BYTES - bare), "c-1") == 131_072


def test_half_an_emoji_of_ours_can_still_be_sent() -> None:
    text = wire.encode_message("a\ud83db \ud83d\ude42", "c-1")
    assert json.loads(text.encode())["payload"] == {"text": "a\ufffdb 🙂"}
