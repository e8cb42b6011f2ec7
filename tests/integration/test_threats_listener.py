"""Strangers at the HTTP listener, as the threat model has them: the real one, over real sockets."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from bridge.model.ids import AdapterName
from bridge.runtime.adapters.routes import BODY_LIMIT, Routes
from bridge.runtime.listener import listening
from bridge.runtime.visitors import Leave
from bridge.runtime.watching.status import Status
from tests.peak import level, peak

pytestmark = pytest.mark.integration

threat = pytest.mark.threat
SHORT = timedelta(milliseconds=600)
HOST = b"Host: 127.0.0.1\r\n"


class Door:
    """A listener with one adapter behind it, which counts what reaches it."""

    def __init__(self, port: int, routes: Routes) -> None:
        self.port = port
        self.seen: list[tuple[str, bytes]] = []
        for method in ("POST", "GET"):
            routes.add(AdapterName("slack"), method, "/events", self._taken)

    async def _taken(self, request: web.Request) -> web.Response:
        self.seen.append((request.method, await request.read()))
        return web.Response(text="taken")

    async def open(self, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        return reader, writer

    async def ask(self, sent: bytes) -> bytes:
        """What a request, as bytes, is answered until the listener has said all it says."""
        reader, writer = await self.open(sent)
        async with asyncio.timeout(40):
            answer = await answer_of(reader)
        writer.close()
        return answer

    async def get(self, path: str, *further: bytes) -> bytes:
        lines = b"".join(line + b"\r\n" for line in further)
        host = b"" if any(line.lower().startswith(b"host:") for line in further) else HOST
        return await self.ask(b"GET %s HTTP/1.1\r\n%s%s\r\n" % (path.encode(), host, lines))

    async def alive(self) -> bool:
        """Whether a monitor is answered."""
        return all(
            [status(await self.get(path)) == 200 for path in ("/live", "/ready", "/metrics")]
        )


async def answer_of(reader: asyncio.StreamReader) -> bytes:
    """One answer, whole."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        return error.partial
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return head + await reader.read(int(length)) if length else head


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


@asynccontextmanager
async def opened(*, host: str = "127.0.0.1", most: int = 2_000) -> AsyncIterator[Door]:
    routes = Routes(body_patience=SHORT)
    leave = Leave(first=SHORT, next=2 * SHORT)
    async with listening(host, 0, Status(), routes, leave=leave, most=most) as port:
        yield Door(port, routes)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with opened() as there:
        yield there


def post(*lines: bytes, body: bytes = b"") -> bytes:
    head = b"".join(line + b"\r\n" for line in lines)
    return b"POST /slack/events HTTP/1.1\r\n" + HOST + head + b"\r\n" + body


SMUGGLED = b"GET /slack/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"


@threat("T-10")
@pytest.mark.parametrize(
    "sent",
    [
        post(b"Content-Length: 6", CHUNKED, body=b"0\r\n\r\n" + SMUGGLED),
        post(CHUNKED, b"Content-Length: 6", body=b"0\r\n\r\n" + SMUGGLED),
        post(b"Content-Length: 3", b"Content-Length: 5", body=b"abcde" + SMUGGLED),
        post(b"Content-Length: 3, 3", body=b"abc" + SMUGGLED),
        post(b"Content-Length: +3", body=b"abc" + SMUGGLED),
        post(b"Content-Length: -3", body=SMUGGLED),
        post(b"Content-Length: 0x3", body=b"abc" + SMUGGLED),
        post(b"Content-Length: 99999999999999999999999", body=SMUGGLED),
        post(b"Transfer-Encoding: xchunked", body=b"3\r\nabc\r\n0\r\n\r\n" + SMUGGLED),
        post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n" + SMUGGLED),
        post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n" + SMUGGLED),
        post(b"X-A: b", b" folded: c", b"Content-Length: 0", body=SMUGGLED),
        post(b"X-A: b\0c", b"Content-Length: 0", body=SMUGGLED),
        post(CHUNKED, body=b"3\nabc\n0\n\n" + SMUGGLED),
        post(CHUNKED, body=b"3;a\nb\r\nabc\r\n0\r\n\r\n" + SMUGGLED),
        post(CHUNKED, body=b"0x3\r\nabc\r\n0\r\n\r\n" + SMUGGLED),
        post(CHUNKED, body=b"ffffffffffffffffff\r\nabc\r\n0\r\n\r\n" + SMUGGLED),
        b"POST /slack/events HTTP/1.1\nHost: x\nContent-Length: 3\n\nabc" + SMUGGLED,
    ],
)
async def test_what_two_servers_could_read_as_two_requests_is_none(door: Door, sent: bytes) -> None:
    reader, writer = await door.open(sent)
    async with asyncio.timeout(40):
        answer = await reader.read()  # to the end: the connection is of no more use

    assert status(answer) == 400
    assert answer.count(b"HTTP/1.") == 1
    assert ("GET", b"") not in door.seen
    writer.close()


@threat("T-11")
@pytest.mark.parametrize(
    "sent",
    [
        b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /live HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 9_000 + b"\r\n\r\n",
        b"GET /live HTTP/1.1\r\n"
        + HOST
        + b"".join(b"X-%d: a\r\n" % n for n in range(200))
        + b"\r\n",
        b"GET /live HTTP/1.1\r\n" + HOST + b"A" * 100_000,
        b"G" * 100_000,
    ],
)
async def test_a_head_without_end_is_refused_where_it_is_too_long(door: Door, sent: bytes) -> None:
    assert status(await door.ask(sent)) == 400
    assert await door.alive()


@threat("T-12")
@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_that_is_too_long_is_not_read_to_its_end(
    door: Door, *, declared: bool
) -> None:
    size = 4 * BODY_LIMIT
    framing = b"Content-Length: %d" % size if declared else CHUNKED
    reader, writer = await door.open(post(framing))
    answer = asyncio.ensure_future(answer_of(reader))
    piece = b"a" * 65_536 if declared else b"10000\r\n%s\r\n" % (b"a" * 65_536)
    async with asyncio.timeout(40):
        await poured(writer, piece, size if declared else None)
    assert status(await answer) == 413
    assert door.seen == []
    assert await door.alive()
    writer.transport.abort()


@threat("T-13")
@pytest.mark.parametrize(
    ("name", "packed"), [(b"gzip", gzip.compress), (b"deflate", zlib.compress)]
)
async def test_a_small_body_that_swells_is_refused_before_it_has(
    door: Door, name: bytes, packed: Callable[[bytes], bytes]
) -> None:
    bomb = packed(bytes(64 * BODY_LIMIT))
    before = level()
    answer = await door.ask(
        post(b"Content-Encoding: " + name, b"Content-Length: %d" % len(bomb), body=bomb)
    )
    assert status(answer) == 413
    assert door.seen == []
    assert peak() - before < 16 * BODY_LIMIT


async def poured(writer: asyncio.StreamWriter, piece: bytes, most: int | None = None) -> None:
    """Write until so much is written, or until the other side hangs up."""
    sent = 0
    try:
        while most is None or sent < most:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
            sent += len(piece)
    except ConnectionError:
        pass


@threat("T-14")
@pytest.mark.parametrize("begun", [b"", b"GET /li", b"GET /live HTTP/1.1\r\nHost: 127"])
async def test_who_never_sends_a_whole_head_is_dropped(door: Door, begun: bytes) -> None:
    reader, writer = await door.open(begun)
    drip = asyncio.ensure_future(dripped(writer, b"a"))
    async with asyncio.timeout(40):
        assert status(await closed(reader)) in {0, 400}
    drip.cancel()
    writer.close()


async def dripped(writer: asyncio.StreamWriter, byte: bytes) -> None:
    """A byte now and then."""
    while not writer.is_closing():
        await asyncio.sleep(0.05)
        writer.write(byte)


async def closed(reader: asyncio.StreamReader) -> bytes:
    """What is read until it ends, however that is."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


@threat("T-14")
async def test_who_never_sends_a_whole_body_is_told_and_dropped(door: Door) -> None:
    reader, writer = await door.open(post(b"Content-Length: 1000"))
    drip = asyncio.ensure_future(dripped(writer, b"a"))
    async with asyncio.timeout(40):
        assert status(await answer_of(reader)) == 408
        await closed(reader)
    drip.cancel()
    writer.close()
    assert door.seen == []


@threat("T-15")
async def test_who_does_not_read_answers_is_dropped(door: Door) -> None:
    reader, writer = await door.open()
    reader._transport.pause_reading()  # type: ignore[attr-defined]  # the kernel's buffer fills
    asked = b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n"
    async with asyncio.timeout(40):
        await poured(writer, asked * 100)
    assert await door.alive()


@threat("T-16")
async def test_a_flood_of_idle_connections_keeps_no_monitor_out() -> None:
    async with opened(most=50) as door:
        idle = [await door.open(b"GET /live HT") for _ in range(200)]
        assert await door.alive()
        assert status(await door.ask(post(b"Content-Length: 2", body=b"hi"))) == 200
        async with asyncio.timeout(40):
            for reader, _ in idle[:100]:  # the oldest made room
                assert await closed(reader) == b""
        for _, writer in idle:
            writer.close()


@threat("T-17")
@pytest.mark.parametrize(
    "path",
    [
        "/slack/../metrics", "/slack/%2e%2e/metrics", "/slack%2f..%2fmetrics", "//metrics",
        "/slack%2fevents", "//slack//events", "/slack/events/", "/Slack/events",
        "/slack/events;a=b", "/slack/events%00", "/./slack/events", "/%2e/slack/events",
        "/metrics/", "/metrics%20",
    ],
)  # fmt: skip
async def test_a_path_means_what_it_says_and_nothing_else(door: Door, path: str) -> None:
    assert status(await door.get(path)) == 404
    assert door.seen == []


@threat("T-18")
async def test_no_header_makes_a_request_another_one(door: Door) -> None:
    for line in (b"X-Original-URL: /metrics", b"X-Rewrite-URL: /metrics"):
        assert (await door.get("/live", line)).endswith(b"live\n")
    await door.get("/slack/events", b"X-HTTP-Method-Override: POST")
    assert [method for method, _ in door.seen] == ["GET"]


@threat("T-18")
@pytest.mark.parametrize(
    "method", [b"TRACE", b"OPTIONS", b"CONNECT", b"HEAD", b"PROPFIND", b"DELETE"]
)
async def test_no_method_but_those_served_does_anything(door: Door, method: bytes) -> None:
    answer = await door.ask(
        method + b" /slack/events HTTP/1.1\r\n" + HOST + b"X-Secret: hunter2\r\n\r\n"
    )
    assert status(answer) in {400, 404, 405}
    assert b"hunter2" not in answer
    assert door.seen == []


@threat("T-18")
async def test_nobody_is_switched_to_another_protocol(door: Door) -> None:
    upgrade = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13")
    assert (
        status(await door.get("/live", *upgrade, b"Sec-WebSocket-Key: YWJjZGVmZ2hpamtsbW5vcA=="))
        == 200
    )
    assert status(await door.ask(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) == 400
    assert await door.alive()


@threat("T-19")
@pytest.mark.parametrize("path", ["/ready", "/metrics"])
@pytest.mark.parametrize(
    "line",
    [
        b"Host: evil.example:8080",  # a page whose name leads to 127.0.0.1 a minute later
        b"Host: 127.0.0.1.evil.example",
        b"Host: [::1",
        b"Host: bridge.example",
        b"X-Forwarded-For: 203.0.113.7",
        b"Forwarded: for=203.0.113.7",
        b"Via: 1.1 proxy",
        b"CF-Connecting-IP: 203.0.113.7",
    ],
)
async def test_what_is_told_of_the_bridge_is_told_on_its_machine_alone(
    door: Door, path: str, line: bytes
) -> None:
    assert status(await door.get(path, line)) == 403
    assert status(await door.get(path, b"Host: localhost:8080")) == 200
    assert status(await door.get("/live", line)) == 200


@threat("T-19")
async def test_who_listens_for_others_is_warned_and_answers_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with opened():
        assert "listener.open_to_others" not in caplog.text
    async with opened(host="0.0.0.0") as door:  # noqa: S104 - that is what it is about
        assert "listener.open_to_others" in caplog.text
        assert status(await door.get("/ready", b"Host: pod.example")) == 200


@threat("T-20")
async def test_an_answer_quotes_no_request_and_names_no_version(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    for sent in (
        b"GET / HTTP/1.1\r\n" + HOST + b"X-Secret : hunter2\r\n\r\n",
        b"HUNTER2 \xff\r\n\r\n",
        b"GET /slack/hunter2 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /live HTTP/1.1\r\n" + HOST + b"\r\n",
    ):
        answer = (await door.ask(sent)).lower()
        assert answer.startswith(b"http/1.")
        assert b"hunter2" not in answer
        assert b"server: polyai-bridge\r\n" in answer
        assert not any(word in answer for word in (b"aiohttp", b"python"))
    assert "hunter2" not in caplog.text.lower()
