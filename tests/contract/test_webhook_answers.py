"""Is each answer of a system, and each way of not answering, taken as it is meant?"""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from adapters.webhook.adapter import Webhook, connect, prove
from adapters.webhook.callback import judged
from adapters.webhook.settings import WebhookSettings
from adapters.webhook.signing import distrust
from bridge.clock import wall_time
from bridge.errors import (
    BridgeError,
    CredentialsRefused,
    MaybeDelivered,
    Rejected,
    RetryLater,
    ThreadClosed,
    Unreachable,
)
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.messages import AgentReply, Author, AuthorKind
from bridge.testing.clock import NOON, FakeClock
from bridge.testing.host import PlayedHost
from tests.contract.webhook_front import SECRET, eventually

OWED = Outbound(
    id=DeliveryId("c1.1"),
    thread=ThreadKey("t"),
    content=AgentReply(Author(AuthorKind.AGENT), "Hello"),
    owed_at=NOON,
)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def received_by(answer: Answer) -> AsyncIterator[str]:
    """The address of a system that answers so."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/callback/hidden"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def answered_by(
    answer: Answer, lent: aiohttp.ClientSession | None = None, **keys: object
) -> AsyncIterator[Webhook]:
    """The adapter, before a system that takes a ping and answers anything else so."""

    async def ping_or(request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        return web.Response() if body["kind"] == "ping" else await answer(request)

    async with received_by(ping_or) as url, aiohttp.ClientSession() as http:
        table = {"secret": SECRET, "callback_url": url, "callback_timeout": "20s", **keys}
        host = PlayedHost(FakeClock(), lent or http, name="webhook")
        async with connect(WebhookSettings.model_validate(table), host) as adapter:
            yield adapter


def saying(status: int, body: bytes = b"", **headers: str) -> Answer:
    async def answer(_request: web.Request) -> web.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers=given)

    return answer


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (saying(400), Rejected),
        (saying(404), Rejected),
        (saying(422), Rejected),
        (saying(410), ThreadClosed),
        (saying(401), CredentialsRefused),
        (saying(403), CredentialsRefused),
        (saying(408), MaybeDelivered),
        (saying(500), MaybeDelivered),
        (saying(502), MaybeDelivered),
        (saying(503), MaybeDelivered),
        (saying(301, Location="/elsewhere"), Unreachable),
        (saying(307, Location="http://127.0.0.1:1/"), Unreachable),
    ],
)
async def test_each_answer_raises_what_it_means(answer: Answer, error: type[BridgeError]) -> None:
    async with answered_by(answer) as adapter:
        with pytest.raises(BridgeError) as raised:
            await adapter.deliver(OWED)
        assert type(raised.value) is error
        assert "hidden" not in str(raised.value)  # a path may be a secret


@pytest.mark.parametrize(
    ("answer", "after"),
    [
        (saying(429), 30),
        (saying(429, Retry_After="7"), 7),
        (saying(429, Retry_After="soon"), 30),
        (saying(503, Retry_After="7"), 7),
        (saying(503, Retry_After="99999999"), 3600),
        (saying(503, Retry_After="0"), 1),
        (saying(429, Retry_After="Fri, 01 Jan 2100 00:00:00 GMT"), 3600),
        (saying(429, Retry_After="-5"), 30),
        (saying(429, Retry_After="\u00b2"), 30),
        (saying(429, Retry_After="Fri, 01 Jan 2010 00:00:00 GMT"), 1),
    ],
)
async def test_a_pause_is_kept_within_reason(answer: Answer, after: int) -> None:
    async with answered_by(answer) as adapter:
        with pytest.raises(RetryLater) as raised:
            await adapter.deliver(OWED)
        assert raised.value.after == timedelta(seconds=after)


def test_a_date_without_a_zone_is_not_read_by_the_clock_on_our_wall(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        asked = {"Retry-After": "Tue, 01 Jan 2030 12:00:10 -0000"}
        later = judged(429, asked, NOON, "system.example")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert isinstance(later, RetryLater)
    assert later.after == timedelta(seconds=10)


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        (saying(200, b'{"reference": "m-1"}'), "m-1"),
        (saying(201, b'{"reference": "m-1", "more": {}}'), "m-1"),
        (saying(409, b'{"reference": "m-1"}'), "m-1"),
        (saying(202), "c1.1"),
        (saying(204), "c1.1"),
        (saying(409), "c1.1"),
        (saying(200, b"ok"), "c1.1"),
        (saying(200, b"\xff"), "c1.1"),
        (saying(200, b'{"reference": 7}'), "c1.1"),
        (saying(200, b'{"reference": ""}'), "c1.1"),
        (saying(200, b'{"reference": "' + b"x" * 501 + b'"}'), "c1.1"),
        (saying(200, b'{"more": ' + b"[" * 60_000), "c1.1"),
        (saying(200, b'{"reference": "m-1"}' + b" " * 70_000), "c1.1"),
    ],
)
async def test_what_the_system_calls_it_is_kept_if_it_is_fit_to_be(
    answer: Answer, reference: str
) -> None:
    async with answered_by(answer) as adapter:
        assert await adapter.deliver(OWED) == Receipt(reference)


@pytest.mark.thorough  # the time limit itself
async def test_an_answer_that_never_ends_counts_by_its_status() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"reference": "')
        await asyncio.sleep(60)
        return response

    async with answered_by(endless, callback_timeout="2s") as adapter:
        assert await adapter.deliver(OWED) == Receipt("c1.1")


async def test_a_system_that_does_not_answer_takes_no_connection_from_others() -> None:
    reached, over = 0, asyncio.Event()

    async def silent(request: web.Request) -> web.Response:
        nonlocal reached
        if request.method == "POST":
            reached += 1
            await over.wait()
        return web.Response()

    async with (
        aiohttp.ClientSession() as http,
        answered_by(silent, http) as adapter,
        received_by(silent) as another,
    ):
        told = [asyncio.create_task(adapter.deliver(OWED)) for _ in range(100)]
        await eventually(lambda: reached == len(told))
        async with http.get(another) as answer:
            assert answer.status == 200
        assert not any(each.done() for each in told)
        over.set()
        await asyncio.gather(*told)


async def test_each_callback_is_signed_at_the_instant_it_leaves() -> None:
    judged: list[object] = []

    async def answer(request: web.Request) -> web.Response:
        body, window = await request.read(), timedelta(minutes=1)
        clocks = (wall_time(),)
        judged.append(
            distrust(request.headers, body, secrets=(SECRET,), window=window, clocks=clocks)
        )
        return web.Response()

    async with answered_by(answer) as adapter:
        await adapter.deliver(OWED)
    assert judged == [None]


async def test_a_redirect_carries_nothing_on() -> None:
    visited: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        visited.append(request.path)
        return web.Response(status=307, headers={"Location": "/stranger"})

    async with answered_by(answer) as adapter:
        with pytest.raises(Unreachable, match="callback_url"):
            await adapter.deliver(OWED)
    assert visited == ["/callback/hidden"]


async def test_a_system_that_speaks_no_http_leaves_the_outcome_open() -> None:
    async def gibberish(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"gibberish\r\n\r\n")
        writer.close()

    async with (
        await asyncio.start_server(gibberish, "127.0.0.1", 0) as server,
        aiohttp.ClientSession() as http,
    ):
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/"
        table = WebhookSettings.model_validate({"secret": SECRET, "callback_url": url})
        async with connect(table, PlayedHost(FakeClock(), http)) as adapter:
            with pytest.raises(MaybeDelivered):
                await adapter.deliver(OWED)


@pytest.mark.parametrize(("scheme", "words"), [("https", "no TLS that we do"), ("http", "refused")])
async def test_what_never_left_is_certainly_absent(scheme: str, words: str) -> None:
    async def rude(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"not TLS at all\r\n")
        writer.close()

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = int(unused.getsockname()[1])
    async with (
        await asyncio.start_server(rude, "127.0.0.1", 0) as server,
        aiohttp.ClientSession() as http,
    ):
        port = server.sockets[0].getsockname()[1] if scheme == "https" else nobody
        url = f"{scheme}://127.0.0.1:{port}/"
        table = WebhookSettings.model_validate({"secret": SECRET, "callback_url": url})
        async with connect(table, PlayedHost(FakeClock(), http)) as adapter:
            with pytest.raises(Unreachable, match=words):
                await adapter.deliver(OWED)


@pytest.mark.parametrize(
    "url", ["https://nobody.invalid/", "https://a..b/", f"https://{'x' * 64}.invalid/"]
)
async def test_a_name_that_nobody_knows_is_certainly_absent(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        table = WebhookSettings.model_validate({"secret": SECRET, "callback_url": url})
        with pytest.raises(Unreachable, match="the name is not known"):
            await prove(table, http)


@pytest.mark.parametrize("status", [301, 400, 429, 500])
async def test_a_ping_that_is_not_taken_proves_nothing(status: int) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    async with received_by(answer) as url, aiohttp.ClientSession() as http:
        table = WebhookSettings.model_validate({"secret": SECRET, "callback_url": url})
        with pytest.raises(Unreachable) as raised:
            await prove(table, http)
        assert raised.value.remedy
