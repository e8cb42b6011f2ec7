"""One WebSocket, against a small real server on loopback."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiohttp import WSMsgType, web
from multidict import CIMultiDict
from websockets.utils import accept_key

from bridge.errors import BridgeError, Unreachable
from bridge.model import frames
from bridge.polyai.api import AgentConnection
from bridge.polyai.handshake import HandshakeRefused, Refusal
from bridge.polyai.socket import Closing, Socket, SocketClosed, Sockets
from bridge.polyai.wire import Decoded, encode_heartbeat, encode_message
from bridge.testing.clock import FakeClock

TOKEN = "the.t0k+/=.en"
SESSION = "s3ssion-1"
HEARTBEAT = '{"type": "EVENT_TYPE_HEARTBEAT"}'

Served = Callable[[web.WebSocketResponse], Awaitable[object]]


@dataclass
class Server:
    """Refuses handshakes as planned, then serves sockets with `serve`."""

    url: str = ""
    refusals: list[web.Response] = field(default_factory=list)
    serve: Served | None = None
    heard: list[str] = field(default_factory=list)
    handshakes: list[web.Request] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.handshakes.append(request)
        if self.refusals:
            return self.refusals.pop(0)
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        if self.serve is not None:
            await self.serve(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self.heard.append(message.data)
        return socket

    def cursors(self) -> list[str | None]:
        return [request.query.get("cursor") for request in self.handshakes]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    planned = Server()
    app = web.Application()
    app.router.add_get("/ws", planned.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    planned.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield planned
    await runner.cleanup()


@pytest.fixture
def sockets() -> Sockets:
    return Sockets(FakeClock())


def to(url: str) -> AgentConnection:
    return AgentConnection(base_url=url, connector_token="connector-t0k", host="h")


async def open_socket(server: Server, sockets: Sockets, cursor: int = 0) -> Socket:
    return await sockets.connect(to(server.url), session_id=SESSION, token=TOKEN, cursor=cursor)


def check_nothing_shows(error: BaseException) -> None:
    """No token, session or address in an error, or in anything it hangs on."""
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
    for secret in ("t0k", SESSION, "access_token", "?session_id"):
        assert secret not in shown


async def refusal_of(server: Server, sockets: Sockets, cursor: int = 0) -> HandshakeRefused:
    with pytest.raises(HandshakeRefused) as caught:
        await open_socket(server, sockets, cursor)
    check_nothing_shows(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


async def read(socket: Socket) -> tuple[list[Decoded], SocketClosed]:
    """Everything that comes, and the end."""
    found: list[Decoded] = []
    try:
        async for decoded in socket.frames():
            found.append(decoded)  # noqa: PERF401 - a comprehension would lose them at the end
    except SocketClosed as closed:
        check_nothing_shows(closed)
        return found, closed
    raise AssertionError("the frames ended without saying how")


async def test_the_handshake_names_session_and_token(server: Server, sockets: Sockets) -> None:
    socket = await open_socket(server, sockets)
    (request,) = server.handshakes
    assert dict(request.query) == {"session_id": SESSION, "access_token": TOKEN}
    assert request.headers["User-Agent"].startswith("polyai-bridge/")
    assert "Sec-WebSocket-Extensions" not in request.headers
    assert "Origin" not in request.headers
    await socket.close()


async def test_the_cursor_is_a_plain_number(server: Server, sockets: Sockets) -> None:
    socket = await open_socket(server, sockets, 12)
    assert server.cursors() == ["12"]
    await socket.close()


async def test_frames_come_as_text_or_bytes_until_the_end(server: Server, sockets: Sockets) -> None:
    async def serve(socket: web.WebSocketResponse) -> None:
        await socket.send_str(HEARTBEAT)
        await socket.send_bytes(HEARTBEAT.encode())
        await socket.send_str("no JSON")
        await socket.send_bytes(b"\xff")
        await socket.send_str(HEARTBEAT)
        await socket.close(code=1000)

    server.serve = serve
    found, closed = await read(await open_socket(server, sockets))
    beat = (frames.HeartbeatEchoed(),)
    bodies = [tuple(frame.body for frame in decoded.frames) for decoded in found]
    assert bodies == [beat, beat, (), (), beat]
    assert [bool(decoded.problems) for decoded in found] == [False, False, True, True, False]
    assert (closed.code, closed.clean, closed.means) == (1000, True, Closing.ENDED)


async def test_a_large_history_is_taken(server: Server, sockets: Sockets) -> None:
    async def serve(socket: web.WebSocketResponse) -> None:
        await socket.send_str('{"type": "EVENT_TYPE_HEARTBEAT", "id": "' + "x" * 2_000_000 + '"}')
        await socket.close()

    server.serve = serve
    found, _ = await read(await open_socket(server, sockets))
    assert len(found[0].frames[0].id) == 2_000_000


@pytest.mark.parametrize("text", ["hi", "é🙂" * 20_000, "x" * 8000, "x" * 8001])
async def test_what_is_sent_arrives_whole(server: Server, sockets: Sockets, text: str) -> None:
    """Long messages go in several WebSocket frames, and are one message all the same."""
    socket = await open_socket(server, sockets)
    await socket.send(encode_message(text, "c-1"))
    await socket.send(encode_heartbeat())
    await socket.ping()
    assert server.heard == [encode_message(text, "c-1"), encode_heartbeat()]
    await socket.close()


async def test_no_websocket_frame_is_longer_than_32_kb() -> None:
    """A raw server, since any other joins the pieces."""
    sizes: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        key = next(
            line.partition(b": ")[2]
            for line in (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key")
        )
        writer.write(handshake_answer(key))
        opcode = 0
        while opcode != 8:
            opcode, size = await read_frame(reader)
            sizes.append(size)
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    socket = await Sockets(FakeClock()).connect(
        to(f"http://127.0.0.1:{port}"), session_id=SESSION, token=TOKEN, cursor=0
    )
    text = encode_message("🙂" * 25_000, "c-1")
    await socket.send(text)
    await socket.close()
    listener.close()
    await listener.wait_closed()
    assert sum(sizes[:-1]) == len(text.encode())
    assert max(sizes) <= 32_768


def handshake_answer(key: bytes) -> bytes:
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(key.decode())}\r\n\r\n"
    ).encode()


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, int]:
    """The opcode and payload size of one masked frame."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2))
    elif size == 127:
        size = int.from_bytes(await reader.readexactly(8))
    await reader.readexactly(4 + size)
    return first & 0x0F, size


@pytest.mark.parametrize(
    ("code", "means"),
    [
        (1000, Closing.ENDED),
        (4001, Closing.GONE),
        (1001, Closing.DROPPED),
        (1008, Closing.GONE),
        (1009, Closing.TOO_BIG),
        (1011, Closing.DROPPED),
        (1012, Closing.DROPPED),
        (1013, Closing.DROPPED),
        (3000, Closing.DROPPED),
        (4000, Closing.DROPPED),
        (4002, Closing.DROPPED),
        (4003, Closing.DROPPED),
    ],
)
async def test_the_code_says_what_a_close_means(
    server: Server, sockets: Sockets, code: int, means: Closing
) -> None:
    server.serve = lambda socket: socket.close(code=code, message=f"bye {TOKEN}".encode())
    _, closed = await read(await open_socket(server, sockets))
    assert (closed.code, closed.means, closed.ours) == (code, means, False)
    assert closed.clean
    assert closed.reason == "bye …"
    assert str(code) in str(closed)


async def test_the_illegal_code_408_is_a_drop(server: Server, sockets: Sockets) -> None:
    server.serve = lambda socket: socket.close(code=408)
    _, closed = await read(await open_socket(server, sockets))
    assert (closed.code, closed.clean, closed.means) == (None, False, Closing.DROPPED)


async def test_a_cut_without_farewell_is_a_drop(server: Server, sockets: Sockets) -> None:
    async def serve(socket: web.WebSocketResponse) -> None:
        transport = server.handshakes[0].transport
        assert transport is not None
        transport.abort()

    server.serve = serve
    socket = await open_socket(server, sockets)
    _, closed = await read(socket)
    assert (closed.code, closed.clean, closed.means) == (None, False, Closing.DROPPED)
    with pytest.raises(SocketClosed):
        await socket.send("late")
    with pytest.raises(SocketClosed):
        await socket.ping()
    await socket.close()


async def test_our_own_close_says_nothing_about_the_session(
    server: Server, sockets: Sockets
) -> None:
    socket = await open_socket(server, sockets)
    await socket.close()
    await socket.close()
    _, closed = await read(socket)
    assert (closed.code, closed.ours, closed.means) == (1000, True, Closing.DROPPED)
    with pytest.raises(SocketClosed):
        await socket.send("late")


async def test_closing_wakes_the_reader(server: Server, sockets: Sockets) -> None:
    socket = await open_socket(server, sockets)
    reading = asyncio.create_task(read(socket))
    await asyncio.sleep(0)
    await socket.close(4000)
    _, closed = await reading
    assert closed.ours


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (400, "invalid connection parameters", Refusal.BROKEN),
        (401, "authentication failed", Refusal.SESSION_GONE),
        (403, "forbidden", Refusal.SESSION_GONE),
        (404, "session not found", Refusal.SESSION_GONE),
        (410, "gone", Refusal.SESSION_GONE),
        (405, "method not allowed", Refusal.BROKEN),
        (408, "timeout", Refusal.AWAY),
        (429, "connection limit exceeded for session", Refusal.BUSY),
        (500, "oops", Refusal.AWAY),
        (503, "", Refusal.AWAY),
        (200, "a page", Refusal.AWAY),
    ],
)
async def test_a_refused_handshake_says_what_it_means(
    server: Server, sockets: Sockets, status: int, text: str, kind: Refusal
) -> None:
    server.refusals = [web.json_response({"message": text}, status=status)]
    refused = await refusal_of(server, sockets)
    assert (refused.status, refused.kind) == (status, kind)
    assert text in refused.text
    assert str(status) in str(refused)
    assert len(server.handshakes) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "Tue, 01 Jan 2030 12:00:09 GMT"}, 9.0),
        ({"Retry-After": "3600"}, 30.0),
        ({"Retry-After": "soon"}, None),
    ],
)
async def test_a_refused_handshake_says_how_long_to_wait(
    server: Server, sockets: Sockets, headers: dict[str, str], seconds: float | None
) -> None:
    server.refusals = [web.Response(status=429, text="connection limit exceeded", headers=headers)]
    refused = await refusal_of(server, sockets)
    assert refused.after == (None if seconds is None else timedelta(seconds=seconds))


async def test_a_refused_handshake_names_its_correlation_id(
    server: Server, sockets: Sockets
) -> None:
    """Two headers of one name, as a proxy may add its own, are no trouble."""
    headers = CIMultiDict({"X-Polyai-Correlation-Id": "first"})
    headers.add("X-Polyai-Correlation-Id", "their-1")
    server.refusals = [web.Response(status=503, headers=headers)]
    refused = await refusal_of(server, sockets)
    assert refused.correlation_id == "their-1"
    assert "their-1" in str(refused)


async def test_an_answer_that_quotes_the_address_is_not_quoted(
    server: Server, sockets: Sockets
) -> None:
    """As some servers do, in whatever encoding."""

    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=404, text=f"Cannot GET {request.raw_path} {TOKEN} {SESSION}")

    app = web.Application()
    app.router.add_get("/ws", refuse)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with pytest.raises(HandshakeRefused) as caught:
        await sockets.connect(
            to(f"http://127.0.0.1:{runner.addresses[0][1]}"),
            session_id=SESSION,
            token=TOKEN,
            cursor=0,
        )
    await runner.cleanup()
    assert "t0k" not in str(caught.value)
    assert SESSION not in str(caught.value)


async def test_a_redirect_is_not_followed(server: Server, sockets: Sockets) -> None:
    where = {"Location": server.url + "/ws?elsewhere"}
    server.refusals = [web.Response(status=307, headers=where)]
    refused = await refusal_of(server, sockets)
    assert refused.kind is Refusal.BROKEN
    assert len(server.handshakes) == 1


def bad_cursor() -> web.Response:
    return web.Response(status=400, text="invalid cursor: must be a non-negative integer")


async def test_a_refused_cursor_is_tried_in_its_older_form_and_that_is_remembered(
    server: Server, sockets: Sockets
) -> None:
    server.refusals = [bad_cursor()]
    await (await open_socket(server, sockets, 12)).close()
    await (await open_socket(server, sockets, 13)).close()
    assert server.cursors() == ["12", "seq:12", "seq:13"]


async def test_a_remembered_form_that_fails_gives_way_to_the_other(
    server: Server, sockets: Sockets
) -> None:
    server.refusals = [bad_cursor()]
    await (await open_socket(server, sockets, 12)).close()
    server.refusals = [bad_cursor()]
    await (await open_socket(server, sockets, 13)).close()
    await (await open_socket(server, sockets, 14)).close()
    assert server.cursors() == ["12", "seq:12", "seq:13", "13", "14"]


async def test_the_last_resort_is_no_cursor_and_is_not_remembered(
    server: Server, sockets: Sockets
) -> None:
    server.refusals = [bad_cursor(), bad_cursor()]
    await (await open_socket(server, sockets, 12)).close()
    await (await open_socket(server, sockets, 13)).close()
    assert server.cursors() == ["12", "seq:12", None, "13"]


async def test_a_server_that_takes_no_cursor_at_all_is_told_so(
    server: Server, sockets: Sockets
) -> None:
    server.refusals = [bad_cursor(), bad_cursor(), bad_cursor()]
    refused = await refusal_of(server, sockets, 12)
    assert refused.kind is Refusal.BAD_CURSOR
    assert len(server.handshakes) == 3


async def test_another_refusal_stops_the_ladder(server: Server, sockets: Sockets) -> None:
    server.refusals = [bad_cursor(), web.Response(status=404, text="session not found")]
    refused = await refusal_of(server, sockets, 12)
    assert refused.kind is Refusal.SESSION_GONE
    assert server.cursors() == ["12", "seq:12"]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:9", "127.0.0.1:9 refuses the connection"),
        ("https://127.0.0.1:9", "127.0.0.1:9 refuses the connection"),
        ("http://", "PolyAI's address is no WebSocket address"),
        ("ftp://127.0.0.1", "127.0.0.1 refuses the connection"),
    ],
)
async def test_nobody_there_is_unreachable(sockets: Sockets, url: str, told: str) -> None:
    with pytest.raises(Unreachable) as caught:
        await sockets.connect(to(url), session_id=SESSION, token=TOKEN, cursor=3)
    check_nothing_shows(caught.value)
    assert str(caught.value).endswith(told)
    assert caught.value.__cause__ is None


async def test_no_tls_where_it_is_due_is_unreachable(server: Server, sockets: Sockets) -> None:
    with pytest.raises(Unreachable) as caught:
        await sockets.connect(
            to(server.url.replace("http:", "https:")), session_id=SESSION, token=TOKEN, cursor=0
        )
    check_nothing_shows(caught.value)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "the connection broke before the answer came"),
        (b"BABBLE\r\n\r\n", "is no WebSocket handshake"),
        (b"HTTP/1.1 101 X\r\n\r\n", "is no WebSocket handshake"),
    ],
)
async def test_an_answer_that_is_no_handshake_is_unreachable(
    sockets: Sockets, answer: bytes, told: str
) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    listener = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    with pytest.raises(BridgeError) as caught:
        await sockets.connect(
            to(f"http://127.0.0.1:{port}"), session_id=SESSION, token=TOKEN, cursor=0
        )
    check_nothing_shows(caught.value)
    assert isinstance(caught.value, Unreachable)
    assert told in str(caught.value)
    listener.close()
    await listener.wait_closed()


async def test_no_log_holds_the_address_at_any_level(
    server: Server, sockets: Sockets, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="polyai_bridge.websocket")
    socket = await open_socket(server, sockets, 5)
    await socket.close()
    server.refusals = [web.Response(status=404)]
    await refusal_of(server, sockets)
    assert "t0k" not in caplog.text
    assert SESSION not in caplog.text
