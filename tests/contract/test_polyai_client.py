"""Our side of the Messaging API against the simulated PolyAI: both keep to the same reference."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Literal

import aiohttp
import pytest

from bridge.clock import RandomIds, SystemClock
from bridge.core.sending import MAX_MESSAGE_BYTES
from bridge.errors import CredentialsRefused
from bridge.model import frames
from bridge.model.frames import Frame, FrameBody
from bridge.polyai import wire
from bridge.polyai.api import AgentConnection, Api, OpenedSession
from bridge.polyai.handshake import HandshakeRefused, Refusal
from bridge.polyai.refusals import TryLater
from bridge.polyai.socket import Closing, Socket, SocketClosed, Sockets
from bridge.polyai.tokens import token_usable
from bridge.simulators.polyai import PolyAISimulator
from bridge.simulators.polyai_agent import GREETING, GREETING_SUGGESTIONS, RuleAgent
from bridge.simulators.polyai_options import CursorMode

TICK = timedelta(milliseconds=1)


@pytest.fixture
async def polyai() -> AsyncIterator[PolyAISimulator]:
    agent = RuleAgent(slow_pace=TICK, handoff_pace=TICK)
    async with PolyAISimulator(
        clock=SystemClock(), ids=RandomIds(), agent=agent, streaming_pace=TICK
    ) as running:
        yield running


class Client:
    """One agent's door, and the sockets opened through it."""

    def __init__(self, polyai: PolyAISimulator, http: aiohttp.ClientSession) -> None:
        self.connection = connection_to(polyai)
        self.api = Api(self.connection, http=http, ids=RandomIds(), clock=SystemClock())
        self.sockets = Sockets(SystemClock())
        self.lines: list[Line] = []

    async def line(self, session: OpenedSession, cursor: int = 0) -> "Line":
        socket = await self.sockets.connect(
            self.connection,
            session_id=session.session_id,
            token=session.token.value,
            cursor=cursor,
        )
        self.lines.append(Line(socket))
        return self.lines[-1]


class Line:
    """A socket, read frame by frame."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.problems: list[str] = []
        self._frames = self._read()

    async def _read(self) -> AsyncIterator[Frame]:
        async for decoded in self.socket.frames():
            self.problems.extend(decoded.problems)
            for frame in decoded.frames:
                yield frame

    async def until(self, kind: type[FrameBody]) -> list[Frame]:
        """All frames up to the first of this kind."""
        seen: list[Frame] = []
        async with asyncio.timeout(5):
            async for frame in self._frames:
                seen.append(frame)
                if isinstance(frame.body, kind):
                    return seen
        raise AssertionError("unreachable: the frames end with SocketClosed")

    async def end(self) -> tuple[list[Frame], SocketClosed]:
        """What else comes, and how it ends."""
        seen: list[Frame] = []
        try:
            async with asyncio.timeout(5):
                async for frame in self._frames:
                    seen.append(frame)  # noqa: PERF401 - a comprehension would lose them
        except SocketClosed as closed:
            return seen, closed
        raise AssertionError("unreachable: the frames end with SocketClosed")


def connection_to(polyai: PolyAISimulator, *, streaming: bool = True) -> AgentConnection:
    return AgentConnection(
        base_url=polyai.base_url,
        connector_token="simulated-connector-token",
        host="https://demo.example",
        streaming=streaming,
    )


@pytest.fixture
async def client(polyai: PolyAISimulator) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        opened = Client(polyai, http)
        yield opened
        for line in opened.lines:
            await line.socket.close()
            assert line.problems == []
    assert polyai.violations == []


def bodies(seen: Sequence[Frame]) -> list[FrameBody]:
    return [frame.body for frame in seen]


async def greeted(client: Client) -> tuple[OpenedSession, Line, int]:
    """A session whose agent has greeted; the last sequence seen."""
    session = await client.api.open_session()
    line = await client.line(session)
    await line.until(frames.SessionStarted)
    await line.socket.send(wire.encode_join())
    seen = await line.until(frames.AgentMessage)
    return session, line, max(frame.sequence or 0 for frame in seen)


async def test_a_session_opens_and_the_agent_greets(
    polyai: PolyAISimulator, client: Client
) -> None:
    session = await client.api.open_session()
    assert token_usable(session.token.value, SystemClock().now())
    assert session.expires_at is not None
    line = await client.line(session)
    (start,) = await line.until(frames.SessionStarted)
    assert start.sequence == 1
    assert start.body == frames.SessionStarted(frames.Capabilities(True, 131_072, 5, 30))
    await line.socket.send(wire.encode_join())
    seen = await line.until(frames.AgentMessage)
    assert [type(body) for body in bodies(seen)] == [
        frames.JoinEchoed,
        frames.AgentJoined,
        frames.AgentThinking,
        frames.AgentMessage,
    ]
    greeting = seen[-1].body
    assert isinstance(greeting, frames.AgentMessage)
    assert greeting.text == GREETING
    assert tuple(each.text for each in greeting.suggestions) == GREETING_SUGGESTIONS
    assert [call.path for call in polyai.calls] == [
        "/api/v1/access-token",
        "/api/v1/sessions",
        "/ws",
    ]


@pytest.mark.parametrize("oneof_bodies", [False, True])
async def test_a_message_comes_back_with_our_id_live_and_replayed(
    polyai: PolyAISimulator, client: Client, *, oneof_bodies: bool
) -> None:
    polyai.configure(oneof_bodies=oneof_bodies)
    session, line, cursor = await greeted(client)
    await line.socket.send(wire.encode_message("hello 🙂", "c-1"))
    (*_, echo) = await line.until(frames.MessageEchoed)
    assert isinstance(echo.body, frames.MessageEchoed)
    assert echo.body.text == "hello 🙂"
    assert echo.custom == {"client_event_id": "c-1", "local_id": "c-1"}
    again = await client.line(session, cursor)
    replay = await again.until(frames.MessageEchoed)
    assert echo in replay
    assert all(f.sequence is None or f.sequence > cursor or f.sequence == 1 for f in replay)


async def test_heartbeats_come_back(polyai: PolyAISimulator, client: Client) -> None:
    polyai.configure(bare_heartbeats=True)
    _, line, _ = await greeted(client)
    await line.socket.send(wire.encode_heartbeat())
    (*_, beat) = await line.until(frames.HeartbeatEchoed)
    assert (beat.id, beat.sequence, beat.at) == ("", None, None)


async def test_the_largest_message_is_taken_whole(client: Client) -> None:
    _, line, _ = await greeted(client)
    text = "é" * ((MAX_MESSAGE_BYTES - wire.message_size("", "c-1")) // 2)
    assert wire.message_size(text, "c-1") in (MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES - 1)
    await line.socket.send(wire.encode_message(text, "c-1"))
    (*_, echo) = await line.until(frames.MessageEchoed)
    assert isinstance(echo.body, frames.MessageEchoed)
    assert echo.body.text == text


async def test_an_end_asked_for_is_echoed_and_closes_normally(client: Client) -> None:
    session, line, _ = await greeted(client)
    await line.socket.send(wire.encode_end())
    seen, closed = await line.end()
    assert bodies(seen)[-2:] == [frames.EndEchoed(), frames.SessionEnded("REASON_USER_END")]
    assert (closed.code, closed.means) == (1000, Closing.ENDED)
    assert session.session_id not in str(closed)


@pytest.mark.parametrize(
    ("code", "means"),
    [
        (None, Closing.DROPPED),
        (408, Closing.DROPPED),
        (1011, Closing.DROPPED),
        (1000, Closing.ENDED),
        (1008, Closing.GONE),
        (1009, Closing.TOO_BIG),
        (4001, Closing.GONE),
    ],
)
async def test_a_close_means_what_its_code_says(
    polyai: PolyAISimulator, client: Client, code: int | None, means: Closing
) -> None:
    _, line, _ = await greeted(client)
    polyai.drop_sockets(code=code)
    _, closed = await line.end()
    assert closed.means is means


@pytest.mark.parametrize(
    ("mode", "cursors"),
    [
        ("plain", [None, "{n}", "{n}"]),
        ("plain_only", [None, "{n}", "{n}"]),
        ("lenient", [None, "{n}", "{n}"]),
        ("seq_only", [None, "{n}", "seq:{n}", "seq:{n}"]),
    ],
)
async def test_the_cursor_is_taken_in_one_form_or_the_other(
    polyai: PolyAISimulator, client: Client, mode: CursorMode, cursors: list[str | None]
) -> None:
    polyai.configure(cursor_mode=mode)
    session, _, cursor = await greeted(client)
    for _ in range(2):
        await client.line(session, cursor)
    handshakes = [call.cursor for call in polyai.calls if call.path == "/ws"]
    assert handshakes == [each and each.format(n=cursor) for each in cursors]


async def test_a_session_that_expired_is_gone(polyai: PolyAISimulator, client: Client) -> None:
    session, _, cursor = await greeted(client)
    polyai.expire_session()
    with pytest.raises(HandshakeRefused) as caught:
        await client.line(session, cursor)
    assert caught.value.kind is Refusal.SESSION_GONE


async def test_another_token_does_not_open_a_session(client: Client) -> None:
    session, other = [await client.api.open_session() for _ in range(2)]
    mixed = OpenedSession(session_id=session.session_id, token=other.token, expires_at=None)
    with pytest.raises(HandshakeRefused) as caught:
        await client.line(mixed)
    assert (caught.value.status, caught.value.kind) == (401, Refusal.SESSION_GONE)
    assert caught.value.correlation_id


@pytest.mark.parametrize(("status", "kind"), [(429, Refusal.BUSY), (503, Refusal.AWAY)])
async def test_a_refusal_that_passes_leaves_the_session_alone(
    polyai: PolyAISimulator, client: Client, status: int, kind: Refusal
) -> None:
    session, _, cursor = await greeted(client)
    polyai.refuse_handshakes(status)
    with pytest.raises(HandshakeRefused) as caught:
        await client.line(session, cursor)
    assert caught.value.kind is kind
    await client.line(session, cursor)


@pytest.mark.parametrize("shape", ["flat", "nested", "plain"])
async def test_a_refused_connector_is_told_in_any_shape_of_error(
    polyai: PolyAISimulator, client: Client, shape: Literal["flat", "nested", "plain"]
) -> None:
    polyai.configure(error_shape=shape)
    polyai.refuse_tokens(401, text="Connector token does not exist")
    with pytest.raises(CredentialsRefused, match="Connector token does not exist"):
        await client.api.prove()
    assert "demo.example" in await client.api.prove()


async def test_a_rate_limit_and_a_lost_answer_are_for_later(
    polyai: PolyAISimulator, client: Client
) -> None:
    polyai.refuse_tokens(429, retry_after=1.5)
    with pytest.raises(TryLater) as caught:
        await client.api.open_session()
    assert caught.value.after == timedelta(seconds=1.5)
    polyai.lose_responses(1)
    with pytest.raises(TryLater) as caught:
        await client.api.open_session()
    assert caught.value.status == 0
    await client.api.open_session()


async def test_an_invalid_access_token_is_minted_anew(
    polyai: PolyAISimulator, client: Client
) -> None:
    polyai.refuse_sessions(401, text="Invalid access token")
    await client.api.open_session()
    assert [call.path.rpartition("/")[2] for call in polyai.calls] == [
        "access-token",
        "sessions",
        "access-token",
        "sessions",
    ]
