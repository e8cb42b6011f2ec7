"""What the simulated PolyAI says and does when told to: any frame, any trouble in an exchange."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from bridge.simulators.polyai_catalogue import HANDOFF_STEPS, LADDER, MALFORMED, SYSTEM_TEXTS
from bridge.testing.clock import FakeClock
from tests.contract.raw_polyai import (
    HEARTBEAT,
    JOIN,
    Client,
    Line,
    replay,
    settled,
    short,
    shorts,
    simulator,
)

CHUNK = "POLY_AGENT_MESSAGE_CHUNK"
MESSAGE = "POLY_AGENT_MESSAGE"


async def mute(line: Line) -> bool:
    """Whether nothing at all comes."""
    with pytest.raises(TimeoutError):
        await line.socket.receive(timeout=0.02)
    return True


# -- closing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "received", "reason"),
    [
        (408, None, ""),
        (1005, 1005, ""),
        (1006, None, ""),
        (4001, 4001, "unknown"),
        (1012, 1012, ""),
    ],
)
async def test_any_code_goes_out_as_it_is(
    client: Client, code: int, received: int | None, reason: str
) -> None:
    session = await client.session()
    url = client.polyai.base_url.replace("http", "ws")
    url += f"/ws?session_id={session.id}&access_token={session.token}"
    async with connect(url) as socket:
        await socket.recv()
        client.polyai.drop_sockets(code=code, reason=reason)
        with pytest.raises(ConnectionClosed) as caught:
            await socket.recv()
    # An illegal code is no close frame to this library: nothing was received.
    told = caught.value.rcvd
    assert (told.code if told else None) == received
    assert told is None or told.reason == reason


async def test_an_illegal_code_is_an_error_to_another_library(client: Client) -> None:
    _, line = await client.talk()
    client.polyai.drop_sockets(code=408)
    message = await line.socket.receive(timeout=2)
    assert message.type is aiohttp.WSMsgType.ERROR
    assert "408" in str(message.data)


@pytest.mark.parametrize("after_history", [False, True])
async def test_a_socket_is_closed_as_soon_as_it_is_open(
    client: Client, after_history: bool
) -> None:
    session = await client.session()
    client.polyai.drop_opened(code=4001, after_history=after_history)
    line = await client.open(session)
    if after_history:
        assert short(await line.next()) == "EVENT_BATCH"
    assert (await line.socket.receive(timeout=2)).data == 4001
    assert short(await (await client.open(session)).next()) == "EVENT_BATCH"


async def test_a_dead_socket_is_deaf_and_dumb_but_open(client: Client) -> None:
    session, line = await client.talk()
    client.polyai.freeze_sockets()
    await line.send(HEARTBEAT)
    client.polyai.agent_says(None, "unheard")
    assert await mute(line)
    assert session.record.heartbeats == []
    assert len(session.sockets) == 1
    assert await line.socket.close()


async def test_a_socket_can_be_stuck_for_a_while(http: aiohttp.ClientSession) -> None:
    clock = FakeClock()
    async with simulator(clock=clock, streaming_pace=timedelta()) as polyai:
        client = Client(polyai, http)
        _, line = await client.talk()
        polyai.freeze_sockets(seconds=20)
        await line.send(HEARTBEAT)
        assert await mute(line)
        await clock.advance(timedelta(seconds=20))
        assert short(await line.next()) == "HEARTBEAT"


async def test_heartbeats_are_lost(client: Client) -> None:
    session, line = await client.talk()
    client.polyai.lose_heartbeats()
    await line.send(HEARTBEAT)
    assert await line.quiet()
    assert len(session.record.heartbeats) == 2


@pytest.mark.parametrize("seconds", [5, None])
async def test_history_comes_late_or_never(
    http: aiohttp.ClientSession, seconds: float | None
) -> None:
    clock = FakeClock()
    async with simulator(clock=clock) as polyai:
        client = Client(polyai, http)
        session = await client.session()
        polyai.delay_history(seconds)
        line = await client.open(session)
        polyai.emit(None, "LANGUAGE_CHANGED", {"language_code": "en-GB"})
        assert short(await line.next()) == "LANGUAGE_CHANGED"
        assert await line.quiet()
        await clock.advance(timedelta(seconds=5))
        if seconds is None:
            assert await line.quiet()
        else:
            assert short(await line.next()) == "EVENT_BATCH"


# -- messages and joins ----------------------------------------------------------------------


async def test_an_echo_comes_late(http: aiohttp.ClientSession) -> None:
    clock = FakeClock()
    async with simulator(clock=clock, streaming_pace=timedelta()) as polyai:
        client = Client(polyai, http)
        session, line = await client.talk()
        polyai.delay_echo(8)
        await line.say("hello")
        assert shorts(await line.until(MESSAGE))[0] == "POLY_AGENT_THINKING"
        await clock.advance(timedelta(seconds=8))
        echo = await line.next()
        assert (short(echo), echo["sequence"]) == ("USER_MESSAGE", 6)
        assert session.accepted[0].sequence == 6


@pytest.mark.parametrize(("text", "echoed"), [(None, "a b"), ("other", "other")])
async def test_an_echo_is_altered(client: Client, text: str | None, echoed: str) -> None:
    _, line = await client.talk()
    client.polyai.alter_echo(text)
    await line.say("a  b ")
    assert (await line.next())["payload"]["text"] == echoed


async def test_another_client_speaks_in_the_session(client: Client) -> None:
    session, line = await client.talk()
    client.polyai.someone_else_says(session.id, "elsewhere", custom={"local_id": "theirs"})
    echo, *_, reply = await line.until(MESSAGE)
    assert echo["metadata"] == {"custom": {"local_id": "theirs"}}
    assert reply["payload"]["text"] == "You said: elsewhere"


@pytest.mark.parametrize("accepted", [False, True])
async def test_messages_are_refused_with_their_own_metadata(client: Client, accepted: bool) -> None:
    session, line = await client.talk()
    client.polyai.refuse_messages("high_load", accepted=accepted)
    await line.say("hello", local_id="u1")
    refusal = await line.next()
    assert refusal["payload"]["message"] == SYSTEM_TEXTS["high_load"][1]
    assert refusal["metadata"] == {"custom": {"local_id": "u1"}}
    assert len(session.accepted) == int(accepted)


@pytest.mark.parametrize(
    ("how", "seen"),
    [
        ("ignore", []),
        ("echo_only", ["REQUEST_POLY_AGENT_JOIN"]),
        ("refuse", ["SYSTEM_MESSAGE"]),
        (
            "joined_twice",
            [
                "REQUEST_POLY_AGENT_JOIN",
                "POLY_AGENT_JOINED",
                "POLY_AGENT_JOINED",
                "POLY_AGENT_THINKING",
                MESSAGE,
            ],
        ),
        ("no_greeting", ["REQUEST_POLY_AGENT_JOIN", "POLY_AGENT_JOINED"]),
    ],
)
async def test_a_join_goes_wrong_once(client: Client, how: str, seen: list[str]) -> None:
    session = await client.session()
    line = await client.open(session)
    await line.next()
    client.polyai.spoil_join(how)
    await line.send(JOIN)
    assert shorts([await line.next() for _ in seen]) == seen
    assert await line.quiet()
    await line.join()
    assert (session.joins, session.greetings) == (2, 2 if how == "joined_twice" else 1)
    assert len(session.record.joined_at) == 2


async def test_a_join_is_refused_with_any_text(client: Client) -> None:
    line = await client.open(await client.session())
    await line.next()
    client.polyai.spoil_join("refuse", text="no_connector")
    await line.send(JOIN)
    assert (await line.next())["payload"]["message"] == "Error: Connector not found"
    with pytest.raises(ValueError, match="how is"):
        client.polyai.spoil_join("politely")


# -- streams ---------------------------------------------------------------------------------


async def test_a_stream_stalls_and_goes_on(http: aiohttp.ClientSession) -> None:
    clock = FakeClock()
    async with simulator(clock=clock, streaming_pace=timedelta()) as polyai:
        client = Client(polyai, http)
        _, line = await client.talk(streaming=True)
        polyai.spoil_stream(2, seconds=40)
        await line.say("1234")
        await line.until(CHUNK)
        assert short(await line.next()) == CHUNK
        assert await line.quiet()
        await clock.advance(timedelta(seconds=40))
        assert [(await line.next())["payload"]["chunk_index"] for _ in range(3)] == [3, 4, 5]


@pytest.mark.parametrize(("how", "after"), [("stall", None), ("break", "SYSTEM_MESSAGE")])
async def test_a_stream_is_never_completed(client: Client, how: str, after: str | None) -> None:
    session, line = await client.talk(streaming=True)
    client.polyai.spoil_stream(1, how)
    await line.say("1234")
    await line.until(CHUNK)
    if after is not None:
        assert (await line.next())["payload"]["message"] == SYSTEM_TEXTS["stream_failed"][1]
    await line.say("say more")
    assert shorts(await line.until(MESSAGE)) == ["USER_MESSAGE", "POLY_AGENT_THINKING", MESSAGE]
    assert sum(f.type.endswith("CHUNK") for f in session.journal) == 1
    with pytest.raises(ValueError, match="how is"):
        client.polyai.spoil_stream(1, "politely")


async def test_chunks_come_in_any_order_and_shape(client: Client) -> None:
    session, line = await client.talk()
    polyai = client.polyai
    polyai.stream_chunks(session.id, ["a", {"text": None}], message_id="m1")
    polyai.stream_chunks(session.id, ["x"], message_id="m2", omit=["chunk_index"])
    polyai.stream_chunks(
        session.id,
        ["b", {"text": "c", "chunk_index": 2, "is_complete": True}],
        message_id="m1",
        journaled=False,
    )
    seen = [(await line.next()) for _ in range(5)]
    told = [
        (c["payload"]["message_id"], c["payload"].get("chunk_index"), c["payload"]["text"])
        for c in seen
    ]
    assert told == [
        ("m1", 1, "a"),
        ("m1", 2, None),
        ("m2", None, "x"),
        ("m1", 3, "b"),
        ("m1", 2, "c"),
    ]
    assert [c["payload"]["is_complete"] for c in seen] == [False] * 4 + [True]
    assert [c["sequence"] for c in seen] == [6, 7, 8, None, None]


# -- frames ----------------------------------------------------------------------------------


async def test_an_event_is_raised_with_any_identity(client: Client) -> None:
    session, line = await client.talk()
    polyai = client.polyai
    polyai.raise_event(None, "FUTURE_THING", {"new": True}, fields={"id": ""}, times=2)
    polyai.raise_event(
        session.id,
        MESSAGE,
        {"text": "hi"},
        fields={"payload": None, "type": "event_type_lower"},
        omit=["timestamp", "sequence"],
        metadata={"custom": {"n": 1}},
        journaled=False,
    )
    polyai.raise_event(None, "LANGUAGE_CHANGED", {"language_code": "fr"}, in_batch=True, times=2)
    first, second, odd, batch = [await line.next() for _ in range(4)]
    assert first == second
    assert (short(first), first["id"], first["sequence"]) == ("FUTURE_THING", "", 6)
    assert set(odd) == {"id", "type", "payload", "metadata"}
    assert (odd["payload"], odd["type"]) == (None, "event_type_lower")
    assert shorts(batch["payload"]["events"]) == ["LANGUAGE_CHANGED"] * 2
    assert shorts(await replay(client, session, "5"))[1:] == ["FUTURE_THING", "LANGUAGE_CHANGED"]


async def test_batches_come_unasked(client: Client) -> None:
    session, line = await client.talk()
    client.polyai.raise_batch(None, times=2)
    client.polyai.raise_batch(session.id, [{"sequence": 3}, None])
    client.polyai.repeat_history(session.id, 3, times=2)
    frames = [await line.next() for _ in range(5)]
    assert [len(f["payload"]["events"]) for f in frames] == [0, 0, 2, 3, 3]
    assert [e["sequence"] for e in frames[4]["payload"]["events"]] == [1, 4, 5]


async def test_every_malformed_frame_goes_out(client: Client) -> None:
    _, line = await client.talk()
    client.polyai.send_malformed()
    client.polyai.send_malformed(kind="array")
    seen = [(await line.socket.receive(timeout=2)).data for _ in range(len(MALFORMED) + 1)]
    assert seen == [*MALFORMED.values(), "[1, 2]"]
    with pytest.raises(KeyError):
        client.polyai.send_malformed(kind="charming")


async def test_the_newest_message_is_said_again_whole(client: Client) -> None:
    session, line = await client.talk()
    polyai = client.polyai
    polyai.restate_message(changes={"attachments": [{"title": "late"}]})
    again = await line.next()
    assert again["payload"]["message_id"] == session.journal[4].payload["message_id"]
    assert again["id"] != session.journal[4].id
    assert again["payload"]["attachments"] == [{"title": "late"}]
    polyai.stream_chunks(None, ["a", "b", {"is_complete": True, "attachments": [{}]}])
    polyai.restate_message(session.id, fields={"id": ""}, journaled=False)
    *_, whole = [await line.next() for _ in range(4)]
    assert (whole["id"], whole["sequence"]) == ("", None)
    assert whole["payload"] == {"message_id": "streamed", "text": "ab", "attachments": [{}]}
    with pytest.raises(LookupError):
        polyai.restate_message((await client.session()).id)


@pytest.mark.parametrize("name", SYSTEM_TEXTS)
async def test_every_system_message_can_be_said(client: Client, name: str) -> None:
    _, line = await client.talk()
    await line.say("hello", local_id="u1")
    await line.until(MESSAGE)
    client.polyai.complain(None, name)
    client.polyai.complain(None, name, own_custom=True, journaled=True, level="info", ends=True)
    level, text = SYSTEM_TEXTS[name]
    first, second, end = [await line.next() for _ in range(3)]
    assert first["payload"] == {"level": level, "message": text}
    assert (first["sequence"], "metadata" in first) == (None, False)
    assert second["payload"]["level"] == "SYSTEM_MESSAGE_LEVEL_INFO"
    assert (second["sequence"], second["metadata"]) == (9, {"custom": {"local_id": "u1"}})
    assert short(end) == "SESSION_END"


async def test_a_handoff_climbs_whatever_ladder_it_is_given(client: Client) -> None:
    session, line = await client.talk()
    nulls = {"queue_name": None, "position_in_queue": None, "display_message": "Soon"}
    steps = [*LADDER[:3], ["queue", nulls], ["wait", 0.001], *LADDER[4:], "live_left", "end"]
    client.polyai.hand_off(session.id, steps, pace=0.001)
    seen = await line.until("SESSION_END")
    assert shorts(seen) == [
        "POLY_AGENT_TRIGGERED_HANDOFF",
        "POLY_AGENT_LEFT",
        "HANDOFF_ACCEPTED",
        "HANDOFF_QUEUE_STATUS",
        "LIVE_AGENT_JOINED",
        "LIVE_AGENT_TYPING",
        "LIVE_AGENT_MESSAGE",
        "LIVE_AGENT_TYPING",
        "LIVE_AGENT_LEFT",
        "SESSION_END",
    ]
    assert seen[3]["payload"] == nulls | {"estimated_wait_seconds": 60}


async def test_every_step_of_a_handoff_is_a_verb_of_its_own(client: Client) -> None:
    session, line = await client.talk()
    for step, (kind, _, transient) in HANDOFF_STEPS.items():
        client.polyai.hand_off(session.id, [step])
        frame = await line.next()
        assert (frame["type"], frame["sequence"] is None) == (kind, transient)
    with pytest.raises(LookupError):
        client.polyai.hand_off(session.id, ["jump"])


@pytest.mark.parametrize(("end_after", "streamed"), [(0.001, False), (None, True)])
async def test_a_farewell_is_followed_by_the_end_or_not(
    client: Client, end_after: float | None, streamed: bool
) -> None:
    session, line = await client.talk(streaming=True)
    client.polyai.say_goodbye(end_after=end_after, reason=None, streamed=streamed)
    if end_after is None:
        await settled(session, CHUNK, 5)
        assert session.journal[-1].payload["end_conversation"] is True
        assert session.ended is None
    else:
        said, end = await line.until("SESSION_END")
        assert said["payload"]["end_conversation"] is True
        assert end["payload"] == {"reason": None}


async def test_a_hole_is_left_in_the_sequences(client: Client) -> None:
    session, line = await client.talk()
    client.polyai.skip_sequences(3, session.id)
    client.polyai.agent_says(None, "after")
    assert (await line.next())["sequence"] == 9
    assert [e["sequence"] for e in await replay(client, session, "5")] == [1, 9]


@pytest.mark.parametrize(("reason", "payload"), [(None, {"reason": None}), ("", {})])
async def test_a_session_ends_for_no_reason(
    client: Client, reason: str | None, payload: dict[str, Any]
) -> None:
    _, line = await client.talk()
    client.polyai.end_session(reason=reason)
    assert (await line.next())["payload"] == payload


# -- what was seen ---------------------------------------------------------------------------


async def test_everything_that_was_seen_has_its_instant(http: aiohttp.ClientSession) -> None:
    clock = FakeClock()
    async with simulator(clock=clock, streaming_pace=timedelta()) as polyai:
        client = Client(polyai, http)
        session, line = await client.talk()
        start = clock.now()
        await clock.advance(timedelta(seconds=5))
        other = await client.open(session, "5")
        await other.quiet()
        await clock.advance(timedelta(seconds=5))
        await line.socket.close(code=4000)
        polyai.drop_sockets(code=1012)
        await other.closed()
        async with asyncio.timeout(2):
            while any(life.closed_at is None for life in session.record.sockets):
                await asyncio.sleep(0.001)

        record = session.record
        first, second = record.sockets
        later, last = start + timedelta(seconds=5), start + timedelta(seconds=10)
        assert (first.opened_at, first.closed_at, first.cursor) == (start, last, None)
        assert (first.server_code, first.client_code) == (None, 4000)
        assert (second.opened_at, second.closed_at, second.cursor) == (later, last, "5")
        # aiohttp's client answers every close frame with 1000.
        assert (second.server_code, second.client_code) == (1012, 1000)
        assert (record.most_sockets, record.greeted_at, record.joined_at) == (2, [start], [start])
        assert record.heartbeats == [later]
        assert [call.at for call in polyai.calls if call.status == 101] == [start, later]
        text = json.dumps(polyai.state())
        assert '"most_sockets": 2' in text
        assert session.token not in text


async def test_the_new_verbs_work_over_http(client: Client) -> None:
    session, line = await client.talk()
    for verb, arguments in (
        ("raise_event", {"session_id": session.id, "type": "SHOW_CSAT_REQUEST", "omit": ["id"]}),
        ("hand_off", {"steps": ["failed", ["queue", {"position_in_queue": 9}]]}),
        ("refuse", {"call": "token", "status": 503, "n": None}),
        ("complain", {"session_id": None, "name": "no_agent"}),
    ):
        assert (await client.post(f"/_simulator/{verb}", json.dumps(arguments)))[0] == 200
    kinds = {short(await line.next()) for _ in range(4)}
    assert kinds == {
        "SHOW_CSAT_REQUEST",
        "HANDOFF_FAILED",
        "HANDOFF_QUEUE_STATUS",
        "SYSTEM_MESSAGE",
    }
    assert (await client.post("/api/v1/access-token", "{}"))[0] == 503
    assert (await client.post("/_simulator/complain", '{"session_id": null, "name": "x"}'))[
        0
    ] == 404
