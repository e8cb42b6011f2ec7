"""How the simulated PolyAI joins, echoes, answers and ends."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest
from websockets.asyncio.client import connect

from bridge.simulators.polyai_agent import (
    FAREWELL,
    GREETING,
    GREETING_SUGGESTIONS,
    HOSTILE,
    HOURS,
    ORDER_QUESTION,
    long_text,
)
from tests.contract.raw_polyai import (
    HEARTBEAT,
    INVALID,
    JOIN,
    QUICK,
    Client,
    settled,
    short,
    shorts,
    simulator,
)

# -- joining and exchanges -------------------------------------------------------------------


async def test_a_join_brings_the_agent_and_a_second_one_a_second_greeting(client: Client) -> None:
    session = await client.session()
    line = await client.open(session)
    await line.next()
    for count in (1, 2):
        await line.send(JOIN)
        seen = await line.until("POLY_AGENT_MESSAGE")
        assert shorts(seen) == [
            "REQUEST_POLY_AGENT_JOIN",
            "POLY_AGENT_JOINED",
            "POLY_AGENT_THINKING",
            "POLY_AGENT_MESSAGE",
        ]
        offered = [s["message_text"] for s in seen[-1]["payload"]["response_suggestions"]]
        assert (session.joins, session.greetings) == (count, count)
        assert (seen[1]["payload"]["agent_name"], offered) == ("Ava", list(GREETING_SUGGESTIONS))


async def test_a_message_is_echoed_to_every_socket_then_answered(client: Client) -> None:
    session, line = await client.talk()
    other = await client.open(session)
    await other.next()
    await line.say("hello", local_id="u1")

    for listener in (line, other):
        echo, _, reply = await listener.until("POLY_AGENT_MESSAGE")
        assert (echo["payload"]["text"], echo["metadata"]) == (
            "hello",
            {"custom": {"local_id": "u1"}},
        )
        assert echo["payload"]["message_id"]
        assert reply["payload"]["text"] == "You said: hello"
    assert [(m.text, m.custom, m.sequence) for m in session.accepted] == [
        ("hello", {"local_id": "u1"}, 6)
    ]


async def test_a_message_sent_twice_is_answered_twice(client: Client) -> None:
    session, line = await client.talk()
    for _ in range(2):
        await line.say("hello", local_id="same")
        await line.until("POLY_AGENT_MESSAGE")
    assert [m.custom for m in session.accepted] == [{"local_id": "same"}] * 2


async def test_heartbeats_and_typing_leave_no_trace_in_the_journal(client: Client) -> None:
    session, line = await client.talk()
    for state in ("STARTED", "STOPPED"):
        payload = {"state": f"TYPING_STATE_{state}"}
        await line.send({"type": "EVENT_TYPE_USER_TYPING", "payload": payload})
    await line.send(HEARTBEAT)

    echo = await line.next()
    assert (short(echo), echo["sequence"]) == ("HEARTBEAT", None)
    client.polyai.options.bare_heartbeats = True
    await line.send(HEARTBEAT)
    assert await line.next() == HEARTBEAT
    assert len(session.journal) == 5
    assert client.polyai.violations == []


async def test_a_message_before_any_join_finds_no_conversation(client: Client) -> None:
    session = await client.session()
    line = await client.open(session)
    await line.next()
    await line.say("hello", local_id="u1")
    answer = await line.next()

    assert answer["payload"]["message"] == "Error: Conversation not found"
    assert answer["metadata"]["custom"] == {"local_id": "u1"}
    assert (session.accepted, len(client.polyai.violations)) == ([], 1)


BAD_FRAMES = [
    ("{not json", INVALID),
    ("[1]", INVALID),
    ({"payload": {}}, INVALID),
    ({"type": "EVENT_TYPE_NO_SUCH", "payload": {}}, INVALID),
    ({"type": "event_type_heartbeat", "payload": {}}, INVALID),
    (
        {"type": "EVENT_TYPE_SESSION_END", "payload": {}},
        "Event type not allowed: EVENT_TYPE_SESSION_END",
    ),
    ({"type": "EVENT_TYPE_HEARTBEAT"}, INVALID),
    ({"type": "EVENT_TYPE_HEARTBEAT", "payload": []}, INVALID),
    (HEARTBEAT | {"id": "x"}, INVALID),
    (HEARTBEAT | {"sequence": 1}, INVALID),
    (HEARTBEAT | {"timestamp": "now"}, INVALID),
    (HEARTBEAT | {"metadata": {"local_id": "x"}}, INVALID),
    (HEARTBEAT | {"metadata": {"custom": {"n": 1}}}, INVALID),
    ({"type": "EVENT_TYPE_USER_TYPING", "payload": {"state": "yes"}}, INVALID),
    ({"type": "EVENT_TYPE_USER_MESSAGE", "payload": {}}, INVALID),
    ({"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": " \n"}}, INVALID),
    ({"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": "x" * 131_072}}, INVALID),
]


@pytest.mark.parametrize(("frame", "words"), BAD_FRAMES)
async def test_a_bad_frame_is_refused_noted_and_survived(
    client: Client, frame: object, words: str
) -> None:
    session, line = await client.talk()
    await line.send(frame)
    answer = await line.next()

    assert short(answer) == "SYSTEM_MESSAGE"
    assert answer["payload"] == {"level": "SYSTEM_MESSAGE_LEVEL_ERROR", "message": words}
    assert len(client.polyai.violations) == 1
    assert session.accepted == []
    assert await line.quiet()


async def test_a_refusal_carries_the_custom_map_back(client: Client) -> None:
    _, line = await client.talk()
    await line.send({"type": "EVENT_TYPE_NO", "metadata": {"custom": {"local_id": "u1"}}})
    assert (await line.next())["metadata"] == {"custom": {"local_id": "u1"}}


async def test_a_binary_frame_is_refused(client: Client) -> None:
    _, line = await client.talk()
    await line.socket.send_bytes(json.dumps(HEARTBEAT).encode())
    assert (await line.next())["payload"]["message"] == INVALID
    assert client.polyai.violations == ["a binary frame"]


async def test_a_frame_at_the_limit_is_taken(client: Client) -> None:
    session, line = await client.talk()
    empty = json.dumps({"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": ""}})
    await line.say("x" * (131_072 - len(empty)))
    await line.until("POLY_AGENT_MESSAGE")
    assert len(session.received[-1]) == 131_072
    assert client.polyai.violations == []


async def test_another_client_library_is_served_alike(client: Client) -> None:
    session = await client.session()
    url = client.polyai.base_url.replace("http", "ws")
    url += f"/ws?session_id={session.id}&access_token={session.token}"
    async with connect(url) as socket:
        assert short(json.loads(await socket.recv())) == "EVENT_BATCH"
        await socket.send(json.dumps(JOIN))
        assert short(json.loads(await socket.recv())) == "REQUEST_POLY_AGENT_JOIN"
        client.polyai.drop_sockets(code=4002)
        await socket.wait_closed()
    assert socket.close_code == 4002


# -- what the agent says ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Opening hours", HOURS),
        ("Track my order", ORDER_QUESTION),
        ("say  <b>X</b> & more", " <b>X</b> & more"),
        ("SAY two\nlines", "two\nlines"),
        ("ping me", HOSTILE),
        ("long", long_text()),
        ("slow", "Thank you for waiting."),
        ("anything else", "You said: anything else"),
    ],
)
async def test_the_agent_answers_by_rule(client: Client, said: str, answer: str) -> None:
    _, line = await client.talk()
    await line.say(said)
    *_, thinking, reply = await line.until("POLY_AGENT_MESSAGE")
    assert (short(thinking), reply["payload"]["text"]) == ("POLY_AGENT_THINKING", answer)


def test_a_long_answer_has_ten_thousand_characters() -> None:
    assert len(long_text()) == 10_000


async def test_an_order_is_streamed_in_a_session_that_streams(client: Client) -> None:
    _, line = await client.talk(streaming=True)
    await line.say("it is 1234")
    chunks = (await line.until("POLY_AGENT_MESSAGE_CHUNK"))[-1:]
    while not chunks[-1]["payload"]["is_complete"]:
        chunks.append(await line.next())

    assert [c["payload"]["chunk_index"] for c in chunks] == [1, 2, 3, 4, 5]
    assert len({c["payload"]["message_id"] for c in chunks}) == 1
    text = "".join(c["payload"]["text"] for c in chunks)
    assert text == "Order 1234 left our warehouse yesterday and arrives **tomorrow** by noon."
    last = chunks[-1]["payload"]
    assert last["text"] == ""
    assert last["attachments"][0]["content_url"] == "https://demo.example/orders/1234"
    assert len(last["response_suggestions"]) == 2


async def test_an_order_comes_whole_in_a_session_that_does_not(client: Client) -> None:
    _, line = await client.talk()
    await line.say("1234")
    reply = (await line.until("POLY_AGENT_MESSAGE"))[-1]["payload"]
    assert len(reply["attachments"]) == 1
    assert len(reply["response_suggestions"]) == 2


async def test_the_agent_can_stream_everything(http: aiohttp.ClientSession) -> None:
    async with simulator(agent=replace(QUICK, stream_all=True)) as polyai:
        client = Client(polyai, http)
        session = await client.session(streaming=True)
        line = await client.open(session)
        await line.send(JOIN)
        await settled(session, "POLY_AGENT_MESSAGE_CHUNK", 5)
        await line.socket.close()
    chunks = [f.payload for f in session.journal if f.type.endswith("_CHUNK")]
    assert "".join(chunk["text"] for chunk in chunks) == GREETING


async def test_a_handoff_climbs_its_ladder_and_ends_with_the_live_agent(client: Client) -> None:
    session, line = await client.talk()
    await line.say("Talk to a person")
    ladder = (await line.until("LIVE_AGENT_MESSAGE"))[3:]

    assert shorts(ladder) == [
        "POLY_AGENT_TRIGGERED_HANDOFF",
        "POLY_AGENT_LEFT",
        "HANDOFF_ACCEPTED",
        "HANDOFF_QUEUE_STATUS",
        "HANDOFF_QUEUE_STATUS",
        "HANDOFF_QUEUE_STATUS",
        "LIVE_AGENT_JOINED",
        "LIVE_AGENT_TYPING",
        "LIVE_AGENT_MESSAGE",
    ]
    assert ladder[2]["payload"]["queue_name"]
    assert [f["payload"]["position_in_queue"] for f in ladder[3:6]] == [3, 2, 1]
    assert ladder[6]["payload"]["agent"]["name"] == "Sam"
    assert ladder[7]["sequence"] is None

    await line.say("Opening hours")
    assert "I see" in (await line.until("LIVE_AGENT_MESSAGE"))[-1]["payload"]["text"]
    await line.say("Thanks, that is all")
    ending = await line.until("SESSION_END")
    assert shorts(ending)[-2:] == ["LIVE_AGENT_LEFT", "SESSION_END"]
    assert ending[-1]["payload"] == {"reason": "REASON_NATURAL_END"}
    assert await line.closed() == 1000
    assert session.ended == "REASON_NATURAL_END"


# -- the end ---------------------------------------------------------------------------------


async def test_a_person_ends_the_session(client: Client) -> None:
    session, line = await client.talk()
    await line.send({"type": "EVENT_TYPE_USER_END_SESSION", "payload": {}})
    echo, end = await line.next(), await line.next()

    assert (short(echo), end["payload"]) == ("USER_END_SESSION", {"reason": "REASON_USER_END"})
    assert await line.closed() == 1000
    assert session.sockets == []


async def test_the_agent_ends_the_session_after_its_farewell(client: Client) -> None:
    _, line = await client.talk()
    await line.say("bye")
    *_, farewell, end = await line.until("SESSION_END")
    assert farewell["payload"]["text"] == FAREWELL
    assert end["payload"] == {"reason": "REASON_NATURAL_END"}


async def test_an_ended_session_can_still_be_read_once_more(client: Client) -> None:
    session, _ = await client.talk()
    client.polyai.end_session(session.id)

    late = await client.open(session, "5")
    events = (await late.next())["payload"]["events"]
    assert shorts(events) == ["SESSION_START", "SESSION_END"]
    assert await late.closed() == 1000
    client.polyai.options.replay_ended = False
    query = {"session_id": session.id, "access_token": session.token}
    assert await client.refused(query) == (404, "session not found")


async def test_a_session_nobody_speaks_in_is_abandoned(http: aiohttp.ClientSession) -> None:
    async with simulator(session_life=timedelta(milliseconds=60)) as polyai:
        client = Client(polyai, http)
        session = await client.session()
        line = await client.open(session)
        await line.next()

        end = await line.next()
        assert end["payload"] == {"reason": "REASON_USER_ABANDONED"}
        assert await line.closed() == 1000
        query = {"session_id": session.id, "access_token": session.token}
        assert await client.refused(query) == (404, "session not found")


async def test_heartbeats_keep_a_session(http: aiohttp.ClientSession) -> None:
    async with simulator(session_life=timedelta(milliseconds=100)) as polyai:
        client = Client(polyai, http)
        session = await client.session()
        line = await client.open(session)
        await line.next()
        for _ in range(8):
            await asyncio.sleep(0.02)
            assert await line.quiet()
        assert session.ended is None
