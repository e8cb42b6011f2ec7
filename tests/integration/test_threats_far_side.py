"""A hostile agent or platform at the other end, as the threat model has them."""

import ast
import asyncio
import json
import re
import resource
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from adapters.matrix.calls import Calls, parsed
from adapters.matrix.endpoints import Request
from adapters.matrix.markup import shown
from adapters.matrix.settings import MatrixSettings
from adapters.slack.doors.requests import read_payload
from adapters.slack.front import asides
from adapters.slack.reading.interactions import Asker
from adapters.slack.rendering.mrkdwn import mrkdwn_and_words
from adapters.slack.web.sending import SlackWeb
from adapters.teams.from_teams import Unreadable as NoActivity
from adapters.teams.from_teams import activity_of
from adapters.teams.markdown import written
from adapters.webhook.inbound import Unreadable, read
from bridge import config
from bridge.clock import RandomIds, SystemClock
from bridge.core.plain import plain
from bridge.errors import BridgeError, ConfigurationError
from bridge.polyai.api import AgentConnection, Api
from bridge.polyai.refusals import TryLater
from bridge.polyai.socket import Socket, SocketClosed, Sockets
from bridge.polyai.wire import decode
from bridge.testing.clock import FakeClock
from tests.peak import level, peak
from tests.stage import Stage

pytestmark = pytest.mark.integration

threat = pytest.mark.threat
ROOT = Path(__file__).parents[2]
MEGABYTE = 1024 * 1024
CONNECTOR = "connector-hunter2"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(serve: Serve) -> AsyncIterator[str]:
    """Whoever answers there answers as it likes; its address."""

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # hung up on, as it should be
        finally:
            writer.close()

    server = await asyncio.start_server(answering, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


def agent(url: str, http: aiohttp.ClientSession) -> Api:
    connection = AgentConnection(base_url=url, connector_token=CONNECTOR, host="h")
    return Api(connection, http=http, ids=RandomIds(), clock=SystemClock())


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An answer without end."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
    piece = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    while True:
        writer.write(piece)
        await writer.drain()


@cache
def bomb() -> bytes:
    packer = zlib.compressobj(wbits=31)  # gzip
    pieces = [packer.compress(bytes(MEGABYTE)) for _ in range(128)]
    return b"".join([*pieces, packer.flush()])


async def swelling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A small answer that unpacks to 128 MB."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n")
    writer.write(b"Content-Length: %d\r\n\r\n" % len(bomb()) + bomb())
    await writer.drain()
    await reader.read()


@threat("T-40")
@pytest.mark.parametrize("serve", [endless, swelling])
async def test_an_agents_answer_is_read_so_far_and_no_further(serve: Serve) -> None:
    bomb()
    before = level()
    async with served(serve) as url, aiohttp.ClientSession() as http, asyncio.timeout(40):
        with pytest.raises(TryLater) as caught:
            await agent(url, http).open_session()
    assert CONNECTOR not in str(caught.value)
    assert peak() - before < 32 * MEGABYTE


@threat("T-50")
@pytest.mark.parametrize("serve", [endless, swelling])
async def test_a_platforms_answer_is_read_so_far_and_no_further(serve: Serve) -> None:
    bomb()
    before = level()
    async with served(serve) as url, aiohttp.ClientSession() as http, asyncio.timeout(40):
        with pytest.raises(aiohttp.ClientPayloadError):
            await SlackWeb("xoxb-hunter2", f"{url}/", http, local=True).auth_test()
        calls = Calls(MatrixSettings(homeserver=url, access_token=SecretStr("hunter2")), http)
        with pytest.raises(BridgeError) as caught:
            await calls.ask(Request("GET", "/_matrix/client/v3/sync"))
    assert "hunter2" not in str(caught.value)
    assert peak() - before < 96 * MEGABYTE


@threat("T-41")
@pytest.mark.parametrize("path", ["access-token", "sessions"])
async def test_nobody_is_followed_elsewhere_with_our_tokens(path: str) -> None:
    heard: list[bytes] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with served(elsewhere) as other:

        async def leading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            token = b'{"access_token": "a.b.c", "expires_in": 60}'
            if path.encode() in head:
                writer.write(b"HTTP/1.1 307 x\r\nLocation: %s/x\r\n" % other.encode())
                writer.write(b"Content-Length: 0\r\nConnection: close\r\n\r\n")
            else:
                writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n")
                writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(token), token))

        async with served(leading) as url, aiohttp.ClientSession() as http:
            with pytest.raises(BridgeError):
                await agent(url, http).open_session()
    assert heard == []


def frame(payload: bytes, first: int) -> bytes:
    """One frame of a server (RFC 6455, 5.2)."""
    return bytes([first, 127]) + struct.pack("!Q", len(payload)) + payload


def deflated(size: int) -> bytes:
    """So many spaces as permessage-deflate sends them (RFC 7692, 7.2.1)."""
    packer = zlib.compressobj(wbits=-15)
    pieces = [packer.compress(b" " * MEGABYTE) for _ in range(size // MEGABYTE)]
    return b"".join([*pieces, packer.flush(zlib.Z_SYNC_FLUSH)])[:-4]


DEEP = b'{"type":"EVENT_TYPE_EVENT_BATCH","payload":' + b'{"a":' * 100_000
FRAMES = {
    "swelling": lambda: frame(deflated(256 * MEGABYTE), 0xC1),
    "longer than any": lambda: bytes([0x81, 127]) + struct.pack("!Q", 2**62),
    "in pieces without end": lambda: frame(b"a" * 65_536, 0x01) + frame(b"a" * 65_536, 0x00) * 400,
    "a frame of the future": lambda: frame(b"x", 0x83),
}


@threat("T-42")
@pytest.mark.parametrize("name", FRAMES)
async def test_a_frame_beyond_bounds_ends_its_socket_and_nothing_else(name: str) -> None:
    frames = FRAMES[name]()

    async def hostile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(upgraded(head))
        writer.write(frames)
        await reader.read(1)  # that it will have no more

    before = level()
    async with served(hostile) as url, asyncio.timeout(40):
        connection = AgentConnection(base_url=url, connector_token=CONNECTOR, host="h")
        socket = await Sockets(FakeClock()).connect(connection, session_id="s", token="t", cursor=0)
        with pytest.raises(SocketClosed):
            await nothing_of(socket)
    assert peak() - before < 96 * MEGABYTE


async def nothing_of(socket: Socket) -> None:
    """Read to the end what must not be read."""
    async for decoded in socket.frames():
        raise AssertionError(decoded)


def upgraded(head: bytes) -> bytes:
    """The answer to a handshake, with whatever compression is offered."""
    import base64
    import hashlib

    (key,) = re.findall(rb"(?i)sec-websocket-key: (\S+)", head)
    magic = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key + magic, usedforsecurity=False).digest())
    packed = b"Sec-WebSocket-Extensions: permessage-deflate\r\n" if b"deflate" in head else b""
    return (
        b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %s\r\n%s\r\n" % (accept, packed)
    )


@threat("T-43")
@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"events":[', b'[{"a":['])
@pytest.mark.parametrize("closed", [True, False])
def test_json_nested_without_end_is_left_out_everywhere(opening: bytes, *, closed: bool) -> None:
    closing = {91: b"]", 123: b"}"}
    depth = 100_000
    end = b"".join(closing[c] for c in reversed(opening) if c in closing) * depth
    deep = opening * depth + (b"1" + end if closed else b"")

    assert decode(deep).frames == ()
    assert decode(DEEP).frames == ()
    assert read_payload(deep, "application/json") is None
    assert read_payload(b"payload=" + deep, "application/x-www-form-urlencoded") is None
    assert parsed(deep.decode()) is None
    with pytest.raises(Unreadable):
        read(deep)
    with pytest.raises(Unreadable):
        read(b'{"kind":"said","x":' + deep)
    with pytest.raises(NoActivity):
        activity_of(deep)


@threat("T-44")
async def test_no_address_that_an_agent_or_a_person_names_is_ever_called(stage: Stage) -> None:
    called: list[bytes] = []

    async def canary(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append(await reader.read(1_000))

    async with served(canary) as url:
        thread = await stage.opened()
        attachments = [
            {
                "title": f"see {url}/title",
                "content_url": f"{url}/content",
                "preview_image_url": f"{url}/preview.png",
                "content_type": f"ATTACHMENT_CONTENT_TYPE_{kind}",
                "call_to_action_text": "open",
            }
            for kind in ("URL", "IMAGE", "UNSPECIFIED")
        ]
        text = f"done ![a]({url}/a.png) <img src='{url}/b.png'> [c]({url}/c) <{url}/d> {url}/e"
        stage.polyai.agent_says(None, text, attachments=attachments, suggestions=[f"{url}/f"])
        stage.polyai.emit(
            None,
            "LIVE_AGENT_JOINED",
            {"agent": {"id": "sam", "name": "Sam", "avatar_url": f"{url}/sam.png"}},
        )
        file = {"id": "F1", "name": "x.png", "url_private": f"{url}/g", "permalink": f"{url}/h"}
        said = f"look <{url}/i> <{url}/j|here>"
        await stage.slack.say(stage.channel, stage.ann, said, thread_ts=thread, files=[file])
        await stage.until(lambda: any("done" in told for told in stage.told(thread)))
        await stage.until(lambda: len(stage.heard()) == 2)
        await stage.quiet()
    assert url.partition("://")[2] in "".join(stage.told(thread))  # it was passed on, as words
    assert called == []


@threat("T-44")
def test_each_call_that_leaves_is_known_and_follows_nobody() -> None:
    """A call that is not in this list has to be looked at first: who names its address?"""
    known = {
        "adapters/matrix/calls.py": "homeserver",
        "adapters/slack/doors/socket.py": "what Slack answers to apps.connections.open",
        "adapters/slack/front/asides.py": "a response_url, of Slack's own domain",
        "adapters/slack/web/sending.py": "api_url",
        "adapters/teams/answers.py": "login_url, openid_url, and services on service_hosts",
        "adapters/webhook/callback.py": "callback_url",
        "bridge/plugin/canary.py": "the same as those of the adapters",
        "bridge/polyai/api.py": "base_url",
        "bridge/runtime/reporting/alerts.py": "the address of the alert hook",
        "bridge/runtime/reporting/otlp.py": "otlp_endpoint",
    }
    found: dict[str, list[ast.Call]] = {}
    for path in [*(ROOT / "bridge").rglob("*.py"), *(ROOT / "adapters").rglob("*.py")]:
        place = path.relative_to(ROOT).as_posix()
        if "simulators" in place or "testing" in place or "stand_in" in place or "/cli/" in place:
            continue
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and leaves(call):
                found.setdefault(place, []).append(call)
    followers = [
        place
        for place, calls in found.items()
        for call in calls
        if "ws_connect" not in ast.unparse(call.func)
        and "allow_redirects=False" not in ast.unparse(call)
    ]

    assert found.keys() - known == set()
    assert len(found) > 5
    assert followers == []


def leaves(call: ast.Call) -> bool:
    """Whether it is a request by an HTTP session."""
    match call.func:
        case ast.Attribute(
            attr="get" | "post" | "put" | "patch" | "delete" | "request" | "ws_connect" | "head"
        ):
            return re.search(r"\b_?http$", ast.unparse(call.func.value)) is not None
    return False


@threat("T-45")
@pytest.mark.parametrize(
    "address",
    [
        "http://messaging.us-1.poly.ai", "https://user:hunter2@messaging.us-1.poly.ai",
        "https://messaging.us-1.poly.ai/?x=hunter2", "file:///etc/passwd", "https://",
        "https://messaging.us-1.poly.ai\r\nX-Evil: 1", "gopher://127.0.0.1", "https://[::1",
    ],
)  # fmt: skip
def test_an_agents_address_is_one_of_the_web_and_encrypted(tmp_path: Path, address: str) -> None:
    example = (ROOT / "config.example.toml").read_text()
    (tmp_path / "bridge.toml").write_text(
        example.replace('"https://messaging.us-1.poly.ai"', json.dumps(address))
    )
    with pytest.raises(ConfigurationError) as caught:
        config.load(
            tmp_path / "bridge.toml", {"POLYAI_BRIDGE_AGENTS__DEFAULT__CONNECTOR_TOKEN": "t"}
        )

    assert "agents.default.base_url" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@threat("T-51")
@pytest.mark.parametrize(
    "host", ["127.0.0.1:{port}", "localhost:{port}", "slack.com.evil.example", "evilslack.com"]
)
async def test_an_answers_address_that_is_not_slacks_is_not_called(host: str) -> None:
    called: list[bytes] = []

    async def canary(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append(await reader.read(1_000))

    async with served(canary) as url, aiohttp.ClientSession() as http:
        address = f"http://{host.format(port=url.rpartition(':')[2])}/actions"
        asker = Asker(team="T1", channel="C1", person="U1", root="", response_url=address)
        await asides.tell(asker, "hello", None, http, "https://slack.com/api/")
    assert called == []


@threat("T-51")
async def test_an_answers_address_that_leads_on_is_not_followed() -> None:
    called: list[bytes] = []

    async def leading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append(await reader.readuntil(b"\r\n"))
        writer.write(b"HTTP/1.1 307 x\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")

    async with served(leading) as url, aiohttp.ClientSession() as http:
        asker = Asker(team="T1", channel="C1", person="U1", root="", response_url=f"{url}/actions")
        await asides.tell(asker, "hello", None, http, f"{url}/api/")
    assert [line.split()[1] for line in called] == [b"/actions"]


def table(columns: int) -> str:
    return "|a" * columns + "|\n" + "|-" * columns + "|\n" + ("|b" * columns + "|\n") * 200


BOMBS = {
    "[": "[" * 20_000, "links": "[a](" * 5_000, "images": "![a](" * 4_000, "*": "*a **b " * 3_000,
    "_": "_a" * 10_000, "nest": "*" * 10_000 + "a" + "*" * 10_000, "`": "`a" * 10_000,
    "fences": "".join("`" * (n % 300 + 1) + " " for n in range(200)), "quotes": ">" * 20_000,
    "quote lines": ">a\n" * 6_000, "lists": "- " * 10_000, "numbers": "1. a\n\n" * 3_000,
    "table": table(30), "wide table": "|a" * 5_000 + "|\n" + "|-" * 5_000 + "|\n|b|\n",
    "html": "<b>" * 6_000, "open html": "<b " * 6_000, "attributes": '<a href="' * 2_000,
    "comments": "<!--" * 5_000, "styles": "<style>" * 3_000, "entities": "&#" + "1" * 20_000,
    "addresses": "http://" * 3_000, "references": "[a]: b\n" * 3_000, "\\": "\\" * 20_000,
    "tags": "<ul><li>" * 2_500, "ends": "</b>" * 5_000, "headings": "a\n=\n" * 5_000,
}  # fmt: skip


@threat("T-33")
@pytest.mark.parametrize("name", BOMBS)
def test_no_text_of_an_agent_takes_long_to_lay_out(name: str) -> None:
    """Each as long as the platform takes at once; they take 0.2 s at most: this is generous."""
    text = BOMBS[name]
    started = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    mrkdwn_and_words(text[:3_000], limit=3_000, most=45)
    shown(text[:14_000])
    written(text[:3_000])
    plain(text)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - started < 3
