"""M. What no service should send, and what it may send in another form."""

import json
from datetime import timedelta
from typing import Any

import pytest

from bridge.simulators.polyai_catalogue import MALFORMED
from tests.conformance.stage import GREETING, ConformanceStage, event

pytestmark = pytest.mark.conformance

Json = dict[str, Any]
ANSWERED = [GREETING, "You said: hello"]
#: What a tolerant client shows of the catalogue's frames, by their names.
STILL = {
    "batch_with_scalars": "still in the batch",
    "batch_nested": "nested",
    "bad_timestamp": "still here",
    "wrong_elements": "still with attachments",
    "custom_not_text": "still with metadata",
    "binary_json": "still in binary",
}
_MESSAGE = "EVENT_TYPE_POLY_AGENT_MESSAGE"
#: And more that makes no sense.
GARBAGE: dict[str, str | bytes] = {
    "deep": '{"type": ' + "[" * 20_000,
    "deep and closed": "[" * 5_000 + "]" * 5_000,
    "not a number": '{"type": "EVENT_TYPE_HEARTBEAT", "sequence": NaN, "payload": {}}',
    "byte order mark": "\ufeff{}",
    "no object": '"EVENT_TYPE_SESSION_END"',
    "huge sequence": json.dumps(
        {"type": _MESSAGE, "sequence": 10**40, "payload": {"text": "", "message_id": "h"}}
    ),
    "negative sequence": json.dumps({"type": _MESSAGE, "sequence": -5, "payload": {"text": ""}}),
    "type with blanks": json.dumps({"type": f" {_MESSAGE} ", "id": "blank", "payload": {}}),
    "end in lower case": json.dumps({"type": "event_type_session_end", "id": "l", "payload": {}}),
    "events of nulls": json.dumps(
        {"type": "EVENT_TYPE_EVENT_BATCH", "payload": {"events": [None] * 500}}
    ),
    "binary zeros": b"\x00" * 1000,
}


@pytest.mark.parametrize("kind", [*MALFORMED, *GARBAGE])
async def test_094_a_malformed_frame_costs_nothing_else(stage: ConformanceStage, kind: str) -> None:
    """Given a frame that is no JSON, no object, of no type, of a wrong type, binary, or wrong in
    any of its fields: what can be read of it is shown, the good event after it is followed, what is
    said next goes through, all on the same socket."""
    thread = await stage.greeted("hello")
    frame = MALFORMED.get(kind, GARBAGE.get(kind, ""))

    for session in stage.sessions:
        session.post(frame)
    stage.polyai.agent_says(None, "A good one.")
    await stage.wait(timedelta(seconds=3))
    await stage.reply(thread, "and now?")
    await stage.until(lambda: "You said: and now?" in stage.told(thread))
    await stage.settled()

    still = [STILL[kind]] if kind in STILL else []
    told = [text.partition("\n")[0] for text in stage.told(thread)]
    assert told == [*ANSWERED, *still, "A good one.", "You said: and now?"]
    assert len(stage.calls("/ws")) == 1
    assert len(stage.sessions) == 1
    assert stage.log.at_level("error") == []


async def test_094_a_storm_of_garbage_is_no_storm_of_sockets(stage: ConformanceStage) -> None:
    """Given every malformed frame there is, twenty times over: the socket stays, and the good event
    after them is followed; nothing is shown twice."""
    thread = await stage.greeted("hello")

    for _ in range(20):
        for frame in (*MALFORMED.values(), *GARBAGE.values()):
            stage.session.post(frame)
    stage.polyai.agent_says(None, "A good one.")
    await stage.settled(timedelta(minutes=2))

    told = [text.partition("\n")[0] for text in stage.told(thread)]
    assert told[:2] == ANSWERED
    assert sorted(told[2:-1]) == sorted(STILL.values())
    assert told[-1] == "A good one."
    assert len(stage.calls("/ws")) == 1


async def test_094_good_events_among_bad_ones_in_a_batch(stage: ConformanceStage) -> None:
    """Given a history batch in which every second event is malformed: the good ones are followed,
    in their order, and once, although the same batch comes twice."""
    thread = await stage.greeted("hello")
    first = stage.next_sequence()
    good = [
        event(
            "POLY_AGENT_MESSAGE", {"message_id": f"g{n}", "text": f"good {n}"}, sequence=first + n
        )
        for n in range(5)
    ]
    bad: list[object] = [
        None,
        [1, 2],
        {"payload": {"text": "no type"}},
        event("POLY_AGENT_MESSAGE", {"text": {"a": 1}, "message_id": []}, timestamp=[]),
        {"type": "EVENT_TYPE_EVENT_BATCH", "payload": {"events": "none"}},
    ]

    for _ in range(2):
        stage.deliver_batch(*(one for pair in zip(bad, good, strict=True) for one in pair))
    await stage.settled()

    assert stage.told(thread)[2:] == [f"good {n}" for n in range(5)]
    assert len(stage.calls("/ws")) == 1


async def test_094_what_is_wrong_in_the_journal_comes_again(stage: ConformanceStage) -> None:
    """Given malformed events are in the journal, so that each replay has them: after a drop and a
    death there is one socket each, and nothing is shown again."""
    thread = await stage.greeted("hello")
    said = {"message_id": "m1", "text": "A good one."}
    stage.polyai.raise_event(None, "POLY_AGENT_MESSAGE", {"text": ["x"]}, omit=["id", "timestamp"])
    stage.polyai.raise_event(None, "POLY_AGENT_MESSAGE", said, fields={"timestamp": "yesterday"})
    stage.polyai.raise_event(None, "POLY_AGENT_THINKING", fields={"payload": None})
    stage.polyai.raise_event(None, "FUTURE_THING", fields={"payload": "text"})
    stage.polyai.raise_event(None, "POLY_AGENT_MESSAGE", fields={"type": 7})
    await stage.wait(timedelta(seconds=5))

    stage.polyai.overlap_replay(10_000)
    stage.polyai.drop_sockets()
    await stage.settled()
    stage.polyai.overlap_replay(10_000)
    await stage.crash()
    await stage.start()
    await stage.settled()

    assert stage.told(thread) == [*ANSWERED, "A good one."]
    assert len(stage.calls("/ws")) == 3
    last = stage.session.journal[-1].sequence
    stage.polyai.drop_sockets()
    await stage.settled()
    assert stage.calls("/ws")[-1].cursor == str(last)


DRESSES: dict[str, Json] = {
    "bad timestamps": {"timestamps": "bad"},
    "offsets": {"timestamps": "offset"},
    "short fractions": {"timestamps": "tenth"},
    "numbers as text": {"numbers": "string"},
    "numbers as floats": {"numbers": "float"},
    "no timestamps": {"omit": ("timestamp",)},
    "no ids": {"omit": ("id",)},
    "neither": {"omit": ("id", "timestamp")},
    "no sequences": {"omit": ("sequence",)},
    "defaults left out": {"omit_defaults": True},
    "oneof bodies": {"oneof_bodies": True},
    "aliases": {"aliases": True, "agent_form": "flat"},
    "both forms": {"agent_form": "both", "replay_reversed": True, "sequence_step": 7},
}


@pytest.mark.parametrize("dress", DRESSES)
async def test_094_a_whole_conversation_in_another_form(
    cold_stage: ConformanceStage, dress: str
) -> None:
    """Given a service that writes everything in another form of those that are known or not
    excluded: a message, a streamed answer, a drop with a full replay and a live agent come out as
    ever, each once."""
    stage = cold_stage
    for name, value in DRESSES[dress].items():
        stage.polyai.options.turn(name, value)
    await stage.start()
    thread = await stage.greeted("hello")

    stage.polyai.agent_says(None, "A streamed answer, in pieces.", streamed=True)
    await stage.until(lambda: "A streamed answer, in pieces." in stage.told(thread))
    stage.polyai.overlap_replay(10_000)
    stage.polyai.drop_sockets()
    await stage.reply(thread, "still there?")
    await stage.until(lambda: "You said: still there?" in stage.told(thread))
    stage.polyai.hand_off(None)
    await stage.settled()

    assert stage.told(thread) == [
        *ANSWERED,
        "A streamed answer, in pieces.",
        "You said: still there?",
        "The wait for a person is over.",
        "Sam has joined the conversation.",
        "Sam: Hello from Sam.",
    ]
    assert stage.heard() == ["hello", "still there?"]
    assert len(stage.calls("/ws")) == 2
    assert len(stage.sessions) == 1
    assert stage.session.joins == 1
