"""The simulated PolyAI keeps to the reference: what it refuses, replays, echoes and breaks."""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import aiohttp
import pytest
from websockets.asyncio.client import connect

from bridge.clock import RandomIds, SystemClock
from bridge.simulators.polyai import Options, PolyAISimulator, SimulatedSession
from bridge.simulators.polyai_agent import (
    FAREWELL,
    GREETING,
    GREETING_SUGGESTIONS,
    HOSTILE,
    HOURS,
    ORDER_QUESTION,
    Act,
    Party,
    RuleAgent,
    long_text,
)
from bridge.simulators.polyai_frames import CursorMode

ErrorShape = Literal["flat", "nested", "plain"]
TOKEN = "simulated-connector-token"
HOST = "https://demo.example"
TICK = timedelta(milliseconds=1)
QUICK = RuleAgent(slow_pace=TICK, handoff_pace=TICK)
JOIN = {"type": "EVENT_TYPE_REQUEST_POLY_AGENT_JOIN", "payload": {}}
HEARTBEAT = {"type": "EVENT_TYPE_HEARTBEAT", "payload": {}}
INVALID = "Unknown event type or invalid message format"


def simulator(**changes: object) -> PolyAISimulator:
    settings: dict[str, Any] = {"agent": QUICK, "streaming_pace": TICK} | changes
    return PolyAISimulator(clock=SystemClock(), ids=RandomIds(), **settings)


@pytest.fixture
async def polyai() -> AsyncIterator[PolyAISimulator]:
    async with simulator() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
        while OPENED:
            await OPENED.pop().socket.close()


class Line:
    """A raw client's socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self) -> dict[str, Any]:
        frame: dict[str, Any] = await self.socket.receive_json(timeout=2)
        return frame

    async def until(self, kind: str) -> list[dict[str, Any]]:
        """All frames up to the first of this type."""
        seen = [await self.next()]
        while short(seen[-1]) != kind:
            seen.append(await self.next())
        return seen

    async def quiet(self) -> bool:
        """Whether nothing but the answer to a heartbeat comes."""
        await self.send(HEARTBEAT)
        return short(await self.next()) == "HEARTBEAT"

    async def closed(self) -> int | None:
        """The code the socket was closed with, after whatever else it still brought."""
        while True:
            message = await self.socket.receive(timeout=2)
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                return self.socket.close_code

    async def send(self, frame: object) -> None:
        await self.socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def say(self, text: str, **custom: str) -> None:
        frame: dict[str, Any] = {"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": text}}
        await self.send(frame | ({"metadata": {"custom": custom}} if custom else {}))

    async def join(self) -> None:
        """Join and read all of the greeting."""
        await self.send(JOIN)
        await self.until("POLY_AGENT_MESSAGE")


#: What a test opened, closed by the fixture `http` in the end.
OPENED: list[Line] = []


class Client:
    """A raw client of one simulator."""

    def __init__(self, polyai: PolyAISimulator, http: aiohttp.ClientSession) -> None:
        self.polyai = polyai
        self.http = http

    async def post(self, path: str, data: str | None, **headers: str) -> tuple[int, dict[str, Any]]:
        sent = {"Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        async with self.http.post(self.polyai.base_url + path, data=data, headers=sent) as answer:
            return answer.status, await answer.json(content_type=None)

    async def token(self) -> str:
        status, body = await self.post("/api/v1/access-token", "{}", X_Token=TOKEN, X_Host=HOST)
        assert status == 200
        return str(body["access_token"])

    async def session(self, *, streaming: bool = False) -> SimulatedSession:
        wishes = json.dumps({"streaming_enabled": streaming, "platform": "custom"})
        bearer = f"Bearer {await self.token()}"
        status, body = await self.post("/api/v1/sessions", wishes, Authorization=bearer)
        assert status == 200
        return self.polyai.sessions[body["session_id"]]

    async def open(self, session: SimulatedSession, cursor: str | None = None) -> Line:
        """A socket; its first batches are not read yet."""
        query = {"session_id": session.id, "access_token": session.token}
        return await self.handshake(query | ({} if cursor is None else {"cursor": cursor}))

    async def handshake(self, query: dict[str, str]) -> Line:
        url = self.polyai.base_url + "/ws"
        line = Line(await self.http.ws_connect(url, params=query, max_msg_size=0))
        OPENED.append(line)
        return line

    async def refused(self, query: dict[str, str]) -> tuple[int, str]:
        """The status and words of a refused handshake."""
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        url = self.polyai.base_url + "/ws"
        async with self.http.get(url, params=query, headers=upgrade) as answer:
            return answer.status, (await answer.json())["error"]

    async def talk(self, *, streaming: bool = False) -> tuple[SimulatedSession, Line]:
        """A session with the agent in it, the greeting read."""
        session = await self.session(streaming=streaming)
        line = await self.open(session)
        await line.next()
        await line.join()
        return session, line


@pytest.fixture
def client(polyai: PolyAISimulator, http: aiohttp.ClientSession) -> Client:
    return Client(polyai, http)


def short(frame: dict[str, Any]) -> str:
    return str(frame["type"]).removeprefix("EVENT_TYPE_")


def shorts(frames: list[dict[str, Any]]) -> list[str]:
    return [short(frame) for frame in frames]


async def replay(client: Client, session: SimulatedSession, cursor: str | None = None) -> list[Any]:
    """The events of the first batch of a fresh socket."""
    line = await client.open(session, cursor)
    batch = await line.next()
    await line.socket.close()
    assert short(batch) == "EVENT_BATCH"
    return list(batch["payload"]["events"])


async def settled(session: SimulatedSession, kind: str, count: int = 1) -> None:
    """Wait until the journal holds this many frames of a type."""
    async with asyncio.timeout(2):
        while sum(f.type == f"EVENT_TYPE_{kind}" for f in session.journal) < count:
            await asyncio.sleep(0.001)


# -- access tokens and sessions --------------------------------------------------------------


async def test_a_token_is_a_jwt_with_an_expiry(client: Client) -> None:
    status, body = await client.post("/api/v1/access-token", "{}", X_Token=TOKEN, X_Host=HOST)
    head, claims, signature = body["access_token"].split(".")

    assert (status, body["expires_in"], body["token_type"]) == (200, 86_400, "Bearer")
    assert head
    assert signature
    padded = claims + "=" * (-len(claims) % 4)
    assert isinstance(json.loads(base64.urlsafe_b64decode(padded))["exp"], int)


@pytest.mark.parametrize(
    ("headers", "data", "refusal"),
    [
        ({"X_Host": HOST}, "{}", (401, "Missing authentication headers")),
        ({"X_Token": TOKEN}, "{}", (401, "Missing authentication headers")),
        ({"X_Token": "wrong", "X_Host": HOST}, "{}", (401, "Connector token does not exist")),
        ({"X_Token": TOKEN, "X_Host": HOST + "/"}, "{}", (401, "Failed to validate connector")),
        ({"X_Token": TOKEN, "X_Host": HOST}, "[]", (400, "Error parsing request")),
        ({"X_Token": TOKEN, "X_Host": HOST}, "", (400, "Error parsing request")),
        (
            {"X_Token": TOKEN, "X_Host": HOST, "Content_Type": "text/plain"},
            "{}",
            (400, "Error parsing request"),
        ),
    ],
)
async def test_token_calls_are_refused_in_the_documented_words(
    client: Client, headers: dict[str, str], data: str, refusal: tuple[int, str]
) -> None:
    status, body = await client.post("/api/v1/access-token", data, **headers)

    assert (status, body["error"]) == refusal
    assert client.polyai.calls[-1].status == status


async def test_a_connector_without_a_registered_host_is_refused(
    http: aiohttp.ClientSession,
) -> None:
    async with simulator(host="") as polyai:
        client = Client(polyai, http)
        status, body = await client.post("/api/v1/access-token", "{}", X_Token=TOKEN, X_Host=HOST)
    assert (status, body["error"]) == (401, "Connector missing host domain")


@pytest.mark.parametrize(
    ("headers", "data", "refusal"),
    [
        ({}, "{}", (400, "Missing access token")),
        ({"Authorization": "Basic abc"}, "{}", (401, "Missing authentication headers")),
        ({"Authorization": "Bearer "}, "{}", (401, "Missing authentication headers")),
        ({"Authorization": "Bearer a.b.c"}, "{}", (401, "Invalid access token")),
        ({"Authorization": "good"}, "{not json", (400, "Error parsing request")),
        ({"Authorization": "good"}, '{"platform": "slack"}', (400, "Error parsing request")),
        ({"Authorization": "good"}, '{"streaming_enabled": 1}', (400, "Error parsing request")),
        ({"Authorization": "good"}, '{"device_type": "fridge"}', (400, "Error parsing request")),
    ],
)
async def test_session_calls_are_refused_in_the_documented_words(
    client: Client, headers: dict[str, str], data: str, refusal: tuple[int, str]
) -> None:
    if headers.get("Authorization") == "good":
        headers = {"Authorization": f"Bearer {await client.token()}"}

    status, body = await client.post("/api/v1/sessions", data, **headers)

    assert (status, body["error"]) == refusal
    assert not client.polyai.sessions


async def test_the_body_of_a_session_call_may_be_missing(client: Client) -> None:
    bearer = f"Bearer {await client.token()}"
    status, body = await client.post("/api/v1/sessions", None, Authorization=bearer)
    assert status == 200
    assert client.polyai.sessions[body["session_id"]].streaming is False


async def test_an_expired_token_opens_nothing(client: Client) -> None:
    client.polyai.options.token_seconds = 0
    bearer = f"Bearer {await client.token()}"
    status, body = await client.post("/api/v1/sessions", "{}", Authorization=bearer)
    assert (status, body["error"]) == (401, "Invalid access token")


async def test_the_correlation_id_is_echoed_or_minted(client: Client) -> None:
    url = client.polyai.base_url + "/api/v1/access-token"
    async with client.http.post(url, headers={"X-Polyai-Correlation-Id": "ours"}) as answer:
        assert answer.headers["X-Polyai-Correlation-Id"] == "ours"
        assert (await answer.json())["error_id"] == "ours"
    async with client.http.post(url) as answer:
        minted = answer.headers["X-Polyai-Correlation-Id"]
        assert minted == (await answer.json())["error_id"]


@pytest.mark.parametrize(
    ("shape", "words"),
    [("nested", '"message": "Missing access token"'), ("plain", "Missing access token")],
)
async def test_errors_come_in_any_of_their_shapes(
    client: Client, shape: ErrorShape, words: str
) -> None:
    client.polyai.options.error_shape = shape
    async with client.http.post(client.polyai.base_url + "/api/v1/sessions") as answer:
        assert words in await answer.text()


async def test_calls_are_recorded_without_the_access_token(client: Client) -> None:
    session = await client.session()
    await client.open(session, "seq:0")

    asked = [(c.method, c.path, c.status) for c in client.polyai.calls]
    assert asked == [
        ("POST", "/api/v1/access-token", 200),
        ("POST", "/api/v1/sessions", 200),
        ("GET", "/ws", 101),
    ]
    first, last = client.polyai.calls[0], client.polyai.calls[-1]
    assert (first.headers["X-Host"], first.body) == (HOST, "{}")
    assert (last.session_id, last.cursor) == (session.id, "seq:0")
    assert session.token not in repr(client.polyai.calls)
    assert session.token not in repr(session)


async def test_the_connector_token_on_a_session_call_is_a_violation(client: Client) -> None:
    bearer = f"Bearer {await client.token()}"
    await client.post("/api/v1/sessions", "{}", Authorization=bearer, X_Token=TOKEN)
    assert len(client.polyai.violations) == 1


async def test_an_unknown_path_or_method_is_refused_and_recorded(client: Client) -> None:
    async with client.http.get(client.polyai.base_url + "/api/v1/sessions") as answer:
        assert answer.status == 405
    assert client.polyai.calls[-1].status == 405


# -- handshakes ------------------------------------------------------------------------------


async def test_handshakes_are_refused_in_the_documented_words(client: Client) -> None:
    session, other = await client.session(), await client.session()
    good = {"session_id": session.id, "access_token": session.token}

    expected = [
        ({"session_id": session.id}, (400, "invalid connection parameters")),
        ({"access_token": session.token}, (400, "invalid connection parameters")),
        (good | {"session_id": "none"}, (404, "session not found")),
        (good | {"access_token": "a.b.c"}, (401, "authentication failed")),
        (good | {"access_token": other.token}, (401, "authentication failed")),
        (good | {"cursor": "-1"}, (400, "invalid cursor: must be a non-negative integer")),
        (good | {"cursor": "seq:x"}, (400, "invalid cursor: must be a non-negative integer")),
    ]
    for query, refusal in expected:
        assert await client.refused(query) == refusal


async def test_a_plain_get_is_not_a_handshake(client: Client) -> None:
    session = await client.session()
    query = {"session_id": session.id, "access_token": session.token}
    async with client.http.get(client.polyai.base_url + "/ws", params=query) as answer:
        assert answer.status == 400


async def test_the_eleventh_socket_of_a_session_is_refused(client: Client) -> None:
    session = await client.session()
    lines = [await client.open(session) for _ in range(10)]
    query = {"session_id": session.id, "access_token": session.token}

    assert await client.refused(query) == (429, "connection limit exceeded for session")
    await lines[0].socket.close()
    async with asyncio.timeout(2):
        while len(session.sockets) == 10:
            await asyncio.sleep(0.001)
    assert short(await (await client.open(session)).next()) == "EVENT_BATCH"


@pytest.mark.parametrize(
    ("mode", "taken", "refused"),
    [
        ("plain", ["4", "seq:4"], ["x", "", "+4", "٤"]),
        ("plain_only", ["4"], ["seq:4"]),
        ("seq_only", ["seq:4"], ["4"]),
    ],
)
async def test_each_cursor_mode_takes_its_forms_only(
    client: Client, mode: CursorMode, taken: list[str], refused: list[str]
) -> None:
    session, _ = await client.talk()
    client.polyai.options.cursor_mode = mode

    for cursor in taken:
        events = await replay(client, session, cursor)
        assert [e["sequence"] for e in events] == [1, 5]
    for cursor in refused:
        query = {"session_id": session.id, "access_token": session.token, "cursor": cursor}
        assert (await client.refused(query))[0] == 400
    assert session.handshakes == [None, *taken]


async def test_a_lenient_service_answers_a_bad_cursor_with_everything(client: Client) -> None:
    session, _ = await client.talk()
    client.polyai.options.cursor_mode = "lenient"
    events = await replay(client, session, "nonsense")
    assert [e["sequence"] for e in events] == [1, 2, 3, 4, 5]


# -- replay ----------------------------------------------------------------------------------


async def test_a_new_session_replays_its_start_with_the_capabilities(client: Client) -> None:
    session = await client.session(streaming=True)
    (start,) = await replay(client, session)

    assert short(start) == "SESSION_START"
    assert start["payload"]["capabilities"] == {
        "streaming": True,
        "max_message_size_bytes": 131_072,
        "max_reconnect_attempts": 5,
        "heartbeat_interval_seconds": 30,
    }


async def test_a_long_history_comes_in_several_batches(client: Client) -> None:
    session, _ = await client.talk()
    client.polyai.options.batch_size = 2
    line = await client.open(session)
    sizes = [len((await line.next())["payload"]["events"]) for _ in range(3)]
    assert sizes == [2, 2, 1]


async def test_without_a_restated_start_there_may_be_an_empty_batch(client: Client) -> None:
    session, _ = await client.talk()
    client.polyai.options.restate_start = False
    assert await replay(client, session, "5") == []


async def test_bodies_may_come_under_their_oneof_names(client: Client) -> None:
    session, _ = await client.talk()
    client.polyai.options.oneof_bodies = True
    events = await replay(client, session)
    assert "payload" not in events[-1]
    assert events[-1]["poly_agent_message"]["text"] == GREETING


async def test_what_the_agent_says_while_nobody_listens_is_replayed(client: Client) -> None:
    session, line = await client.talk()
    await line.say("count 3")
    await line.socket.close()
    await settled(session, "POLY_AGENT_MESSAGE", 4)

    events = await replay(client, session, "5")
    told = [e["payload"]["text"] for e in events if short(e) == "POLY_AGENT_MESSAGE"]
    assert told == ["Message 1", "Message 2", "Message 3"]


async def test_the_journal_is_numbered_from_one_without_a_gap(client: Client) -> None:
    session, line = await client.talk()
    await line.say("hello")
    await line.until("POLY_AGENT_MESSAGE")
    assert [f.sequence for f in session.journal] == list(range(1, 9))
    assert len({f.id for f in session.journal}) == 8


async def test_metadata_can_be_lost_in_the_replay(client: Client) -> None:
    session, line = await client.talk()
    await line.say("hello", local_id="u1")
    await line.until("POLY_AGENT_MESSAGE")

    kept = await replay(client, session, "5")
    client.polyai.lose_metadata_in_replay()
    lost = await replay(client, session, "5")
    assert kept[1]["metadata"] == {"custom": {"local_id": "u1"}}
    assert "metadata" not in lost[1]


async def test_a_replay_can_overlap_what_was_seen(client: Client) -> None:
    session, _ = await client.talk()
    client.polyai.overlap_replay(2)
    first, second = await replay(client, session, "5"), await replay(client, session, "5")
    assert [e["sequence"] for e in first] == [1, 4, 5]
    assert [e["sequence"] for e in second] == [1]


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


# -- faults ----------------------------------------------------------------------------------


async def test_an_echo_is_lost_but_journaled(client: Client) -> None:
    session, line = await client.talk()
    client.polyai.lose_echo()
    await line.say("one")
    assert shorts(await line.until("POLY_AGENT_MESSAGE"))[0] == "POLY_AGENT_THINKING"
    assert session.journal[5].payload["text"] == "one"
    await line.say("two")
    assert short(await line.next()) == "USER_MESSAGE"


async def test_a_swallowed_message_leaves_no_trace_but_the_raw_frame(client: Client) -> None:
    session, line = await client.talk()
    client.polyai.swallow_messages(1, session.id)
    await line.say("one")
    assert await line.quiet()
    assert (len(session.accepted), len(session.journal)) == (0, 5)
    assert "one" in session.received[-2]


@pytest.mark.parametrize(
    ("before_echo", "accepted", "echoes", "kept"),
    [(True, True, 0, 1), (False, True, 1, 1), (True, False, 0, 0)],
)
async def test_the_socket_is_lost_around_a_message(
    client: Client, before_echo: bool, accepted: bool, echoes: int, kept: int
) -> None:
    session, line = await client.talk()
    client.polyai.drop_after_next_message(before_echo=before_echo, accepted=accepted)
    await line.say("one")
    if echoes:
        assert short(await line.next()) == "USER_MESSAGE"
    assert await line.closed() == 1006
    assert len(session.accepted) == kept


async def test_the_socket_is_lost_amid_a_stream(client: Client) -> None:
    session, line = await client.talk(streaming=True)
    client.polyai.drop_after_chunks(2)
    await line.say("1234")
    await line.until("POLY_AGENT_MESSAGE_CHUNK")
    assert short(await line.next()) == "POLY_AGENT_MESSAGE_CHUNK"
    assert await line.closed() == 1006
    await settled(session, "POLY_AGENT_MESSAGE_CHUNK", 5)


@pytest.mark.parametrize(("code", "seen"), [(None, 1006), (1006, 1006), (1011, 1011), (4001, 4001)])
async def test_sockets_are_dropped_and_the_session_lives(
    client: Client, code: int | None, seen: int
) -> None:
    session, line = await client.talk()
    client.polyai.drop_sockets(session.id, code)
    assert await line.closed() == seen
    assert [e["sequence"] for e in await replay(client, session, "4")] == [1, 5]


async def test_frames_are_repeated(client: Client) -> None:
    _, line = await client.talk()
    client.polyai.repeat_frames(2)
    await line.say("one")
    seen = await line.until("POLY_AGENT_MESSAGE")
    assert [f["sequence"] for f in seen] == [6, 6, 7, 7, 8]
    assert seen[0]["id"] == seen[1]["id"]


async def test_two_frames_are_swapped(client: Client) -> None:
    _, line = await client.talk()
    client.polyai.reorder_next()
    await line.say("one")
    assert [(await line.next())["sequence"] for _ in range(3)] == [7, 6, 8]


async def test_an_echo_comes_without_metadata(client: Client) -> None:
    _, line = await client.talk()
    client.polyai.echo_without_metadata()
    await line.say("one", local_id="u1")
    assert "metadata" not in (await line.until("POLY_AGENT_MESSAGE"))[0]
    await line.say("two", local_id="u2")
    assert (await line.next())["metadata"] == {"custom": {"local_id": "u2"}}


async def test_calls_are_refused_as_planned_and_no_more(client: Client) -> None:
    polyai = client.polyai
    polyai.refuse_tokens(429, 1, "slow down", retry_after=7)
    url = polyai.base_url + "/api/v1/access-token"
    async with client.http.post(url) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    polyai.refuse_tokens(200, body="<html>")
    async with client.http.post(url) as answer:
        assert (answer.status, await answer.text()) == (200, "<html>")
    bearer = f"Bearer {await client.token()}"
    polyai.refuse_sessions(500, 1, "Failed to create session")
    status, body = await client.post("/api/v1/sessions", "{}", Authorization=bearer)
    assert (status, body["error"]) == (500, "Failed to create session")

    session = await client.session()
    polyai.refuse_handshakes(503, 2, "away")
    query = {"session_id": session.id, "access_token": session.token}
    assert [await client.refused(query) for _ in range(2)] == [(503, "away")] * 2
    assert len(await replay(client, session)) == 1


async def test_planned_faults_can_be_called_off(client: Client) -> None:
    client.polyai.refuse_tokens(500, 5)
    client.polyai.heal()
    assert await client.token()


async def test_a_response_is_lost_after_its_effect(client: Client) -> None:
    bearer = f"Bearer {await client.token()}"
    client.polyai.lose_responses()
    with pytest.raises(aiohttp.ClientError):
        await client.post("/api/v1/sessions", "{}", Authorization=bearer)
    assert len(client.polyai.sessions) == 1


async def test_a_socket_opens_and_stays_mute(client: Client) -> None:
    session = await client.session()
    client.polyai.silent_handshakes()
    mute, line = await client.open(session), await client.open(session)
    assert short(await line.next()) == "EVENT_BATCH"
    await mute.send(HEARTBEAT)
    with pytest.raises(TimeoutError):
        await mute.socket.receive(timeout=0.02)


async def test_a_session_expires_without_a_word(client: Client) -> None:
    session, line = await client.talk()
    client.polyai.expire_session(session.id)
    assert await line.closed() == 1006
    query = {"session_id": session.id, "access_token": session.token}
    assert await client.refused(query) == (404, "session not found")
    assert session.ended is None


@pytest.mark.parametrize("gone", [True, False])
async def test_a_clean_close_without_an_end(client: Client, gone: bool) -> None:
    session, line = await client.talk()
    client.polyai.close_cleanly(session.id, gone=gone)
    assert await line.closed() == 1000
    if gone:
        query = {"session_id": session.id, "access_token": session.token}
        assert (await client.refused(query))[0] == 404
    else:
        assert len(await replay(client, session)) == 5


async def test_the_service_forgets_the_conversation_until_the_next_join(client: Client) -> None:
    session, line = await client.talk()
    client.polyai.forget_conversation()
    await line.say("one")
    assert (await line.next())["payload"]["message"] == "Error: Conversation not found"
    await line.join()
    await line.say("two")
    assert short(await line.next()) == "USER_MESSAGE"
    assert [m.text for m in session.accepted] == ["two"]
    assert client.polyai.violations == []


async def test_the_service_says_anything_when_told_to(client: Client) -> None:
    session, line = await client.talk()
    polyai = client.polyai
    polyai.system_message(session.id, "warning", "Careful", custom={"local_id": "u1"})
    polyai.send_raw(session.id, "{broken")
    polyai.send_raw(session.id, "{}", binary=True)
    polyai.emit(session.id, "LANGUAGE_CHANGED", {"language_code": "fr-FR"})
    polyai.agent_says(session.id, "By the way", suggestions=["Yes"])

    warning = await line.next()
    assert warning["payload"] == {"level": "SYSTEM_MESSAGE_LEVEL_WARNING", "message": "Careful"}
    assert (warning["sequence"], warning["metadata"]["custom"]) == (None, {"local_id": "u1"})
    assert await line.socket.receive_str() == "{broken"
    assert await line.socket.receive_bytes() == b"{}"
    changed, said = await line.next(), await line.next()
    assert (short(changed), changed["sequence"]) == ("LANGUAGE_CHANGED", 6)
    assert said["payload"]["text"] == "By the way"


# -- steering it from another process --------------------------------------------------------


async def test_verbs_and_options_work_over_http(client: Client) -> None:
    assert (await client.post("/_simulator/lose_echo", '{"n": 1}'))[0] == 200
    assert (await client.post("/_simulator/configure", '{"batch_size": 1}'))[0] == 200
    assert client.polyai.options.batch_size == 1

    _, line = await client.talk()
    await line.say("one")
    assert short(await line.next()) == "POLY_AGENT_THINKING"


@pytest.mark.parametrize(
    ("verb", "arguments", "status"),
    [
        ("no_such", "{}", 404),
        ("_plan", "{}", 404),
        ("state", "{}", 404),
        ("end_session", '{"session_id": "none"}', 404),
        ("lose_echo", '{"times": 1}', 400),
        ("configure", '{"no_such": 1}', 400),
        ("lose_echo", "[]", 400),
    ],
)
async def test_a_wrong_verb_is_refused(
    client: Client, verb: str, arguments: str, status: int
) -> None:
    assert (await client.post(f"/_simulator/{verb}", arguments))[0] == status


async def test_a_browser_cannot_steer_it(client: Client) -> None:
    status, _ = await client.post("/_simulator/heal", "{}", Content_Type="text/plain")
    assert status == 400


async def test_the_state_tells_everything_but_the_tokens(client: Client) -> None:
    session, line = await client.talk()
    await line.say("hello")
    await line.until("POLY_AGENT_MESSAGE")
    async with client.http.get(client.polyai.base_url + "/_simulator/state") as answer:
        text = await answer.text()

    (told,) = json.loads(text)["sessions"]
    assert (told["id"], told["joins"], told["sockets"]) == (session.id, 1, 1)
    assert [m["text"] for m in told["accepted"]] == ["hello"]
    assert len(told["journal"]) == 8
    assert session.token not in text
    assert TOKEN not in text


# -- leaving and being left -----------------------------------------------------------------


DOOMED = """
import asyncio, sys
from websockets.asyncio.client import connect

async def main():
    async with connect(sys.argv[1]) as socket:
        await socket.recv()
        await socket.send(sys.argv[2])
        await socket.send(sys.argv[3])
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_it_outlives_a_client_that_is_killed_and_talks_on(client: Client) -> None:
    session = await client.session()
    url = client.polyai.base_url.replace("http", "ws")
    url += f"/ws?session_id={session.id}&access_token={session.token}"
    said = json.dumps({"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": "count 20"}})
    command = (sys.executable, "-c", DOOMED, url, json.dumps(JOIN), said)
    doomed = await asyncio.create_subprocess_exec(*command)
    async with asyncio.timeout(10):
        while not session.accepted:
            await asyncio.sleep(0.001)
    doomed.kill()
    await doomed.wait()

    await settled(session, "POLY_AGENT_MESSAGE", 21)
    assert session.sockets == []
    assert len(await replay(client, session)) == len(session.journal)


async def test_it_leaves_no_task_behind(http: aiohttp.ClientSession) -> None:
    before = asyncio.all_tasks()
    async with simulator(agent=RuleAgent(slow_pace=timedelta(hours=1))) as polyai:
        client = Client(polyai, http)
        _, line = await client.talk()
        await line.say("slow")
        await line.until("POLY_AGENT_THINKING")
    assert asyncio.all_tasks() == before
    assert await line.closed() == 1006


async def test_it_listens_on_loopback_at_the_port_asked_for(http: aiohttp.ClientSession) -> None:
    async with simulator() as first:
        port = int(first.base_url.rsplit(":", 1)[1])
    async with simulator(port=port, options=Options(batch_size=3)) as second:
        assert second.base_url == f"http://127.0.0.1:{port}"
        assert await Client(second, http).token()


async def test_an_agent_that_fails_is_reported_on_leaving(http: aiohttp.ClientSession) -> None:
    class Broken(RuleAgent):
        def answer(self, party: Party, text: str) -> Sequence[Act]:
            raise LookupError(text)

    polyai = await simulator(agent=Broken()).__aenter__()
    _, line = await Client(polyai, http).talk()
    await line.say("hello")
    await line.next()
    assert await line.quiet()
    with pytest.raises(ExceptionGroup, match="the simulator itself failed") as caught:
        await polyai.__aexit__(None, None, None)
    assert isinstance(caught.value.exceptions[0], LookupError)
