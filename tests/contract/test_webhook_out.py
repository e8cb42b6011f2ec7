"""Is a callback told once and signed, to one address alone, and its answer taken as it is meant?"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.webhook.adapter import Editing, Finding, Webhook, connect, prove
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
from bridge.model.ids import DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import Clicked
from bridge.model.messages import (
    AgentReply,
    Attachment,
    AttachmentKind,
    Author,
    AuthorKind,
    CallAction,
    Choice,
    Content,
    Control,
    Notice,
    NoticeKind,
    Person,
    Suggestion,
)
from bridge.model.signal import Signal, SignalKind
from bridge.plugin import Announcer, Finder, Reviser, Signaller
from bridge.testing.clock import NOON, FakeClock
from bridge.testing.host import PlayedHost
from bridge.testing.stand_in import Fault
from tests.contract.webhook_front import SECRET, Front, fronted

AGENT = Author(AuthorKind.AGENT, "Poly")
REPLY = AgentReply(AGENT, "Hello", suggestions=(Suggestion("Yes"), Suggestion("No")))


def outbound(
    content: Content = REPLY, *, place: str = "", only_for: PersonId | None = None
) -> Outbound:
    return Outbound(
        id=DeliveryId("c1.1"),
        thread=ThreadKey("t"),
        content=content,
        owed_at=NOON,
        place=place,
        only_for=only_for,
    )


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    async with fronted() as served:
        yield served


def told(front: Front) -> list[dict[str, Any]]:
    return [body for _, _, body in front.system.requests if body["kind"] != "ping"]


async def test_a_message_is_told_whole_and_signed_under_its_own_key(front: Front) -> None:
    receipt = await front.adapter.deliver(outbound())
    (key, headers, body) = front.system.requests[-1]
    assert key == "c1.1"
    assert headers["Content-Type"] == "application/json"
    assert body == {
        "kind": "message",
        "id": "c1.1",
        "thread": "t",
        "text": "Hello",
        "author": {"kind": "agent", "name": "Poly", "picture_url": None},
        "suggestions": [
            {"index": 0, "text": "Yes", "mark": "85a39ab3"},
            {"index": 1, "text": "No", "mark": "1ea442a1"},
        ],
        "controls": [],
        "attachments": [],
        "calls": [],
        "chosen": None,
        "notice": None,
        "only_for": None,
        "owed_at": "2030-01-01T12:00:00Z",
    }
    assert receipt == Receipt((await front.system.seen("t"))[0].id)


async def test_what_stands_beside_the_text_is_told_in_parts(front: Front) -> None:
    image = Attachment(AttachmentKind.IMAGE, "https://x.example/a.png", "A")
    reply = AgentReply(
        Author(AuthorKind.LIVE_AGENT, "Sam", "https://x.example/sam.png"),
        "Look",
        attachments=(image,),
        call_actions=(CallAction("Us", "+44"),),
        chosen=Choice("Yes", Person(PersonId("ann"), "Ann")),
    )
    await front.adapter.deliver(outbound(reply, only_for=PersonId("ann")))
    (body,) = told(front)
    assert body["author"] == {
        "kind": "live_agent",
        "name": "Sam",
        "picture_url": "https://x.example/sam.png",
    }
    assert body["attachments"][0]["kind"] == "image"
    assert body["calls"] == [{"title": "Us", "number": "+44"}]
    assert body["chosen"] == {"text": "Yes", "person": "ann", "name": "Ann"}
    assert body["only_for"] == "ann"
    (seen,) = await front.system.seen("t")
    assert (seen.author, seen.pictures) == ("Sam", ("https://x.example/a.png",))


async def test_a_notice_is_told_in_words_and_by_its_kind(front: Front) -> None:
    notice = Notice(NoticeKind.ENDED, {"reason": "REASON_USER_END"}, (Control.START,))
    await front.adapter.deliver(outbound(notice))
    (body,) = told(front)
    assert body["author"]["kind"] == "bridge"
    assert body["text"].startswith("The conversation was ended")
    assert body["notice"] == {"kind": "ended", "details": {"reason": "REASON_USER_END"}}
    assert body["controls"] == ["start"]


async def test_what_is_asked_for_by_number_is_not_offered_to_press(front: Front) -> None:
    notice = Notice(NoticeKind.ENDED, controls=(Control.START,), numbers=(1,))
    await front.adapter.deliver(outbound(notice))
    (body,) = told(front)
    assert (body["controls"], "reply 1" in body["text"]) == ([], True)


async def test_half_a_character_does_not_keep_a_message_back(front: Front) -> None:
    await front.adapter.deliver(outbound(AgentReply(AGENT, "half \ud800")))
    assert told(front)[0]["text"] == "half \ud800"


async def test_a_call_for_help_names_its_place(front: Front) -> None:
    assert isinstance(front.adapter, Announcer)
    await front.adapter.announce(outbound(Notice(NoticeKind.HANDOFF_CALL), place="SALES"))
    (body,) = front.system.announced
    assert (body["kind"], body["place"], body["thread"]) == ("announcement", "SALES", "t")


async def test_a_change_brings_the_systems_own_name_back(front: Front) -> None:
    adapter = front.adapter
    assert isinstance(adapter, Editing)
    receipt = await adapter.deliver(outbound())
    await adapter.revise(outbound(AgentReply(AGENT, "Changed")), receipt)
    body = told(front)[-1]
    assert (body["kind"], body["id"], body["reference"]) == ("change", "c1.1", receipt.reference)
    (seen,) = await front.system.seen("t")
    assert (seen.text, seen.suggestions) == ("Changed", ())


async def test_what_is_changed_and_changed_back_is_no_repetition() -> None:
    clock = FakeClock()
    async with fronted(clock) as front:
        adapter = front.adapter
        assert isinstance(adapter, Editing)
        receipt = await adapter.deliver(outbound())
        for text in ("one", "two", "one"):
            await clock.advance(timedelta(milliseconds=1))
            await adapter.revise(outbound(AgentReply(AGENT, text)), receipt)
        assert len({key for key, _, body in front.system.requests if body["kind"] == "change"}) == 3
        assert (await front.system.seen("t"))[0].text == "one"


async def test_signs_of_life_are_told_to_a_system_that_shows_them(front: Front) -> None:
    assert isinstance(front.adapter, Signaller)
    await front.adapter.signal(ThreadKey("t"), Signal(SignalKind.TYPING, "Sam"))
    assert front.system.signals("t") == ["typing"]


async def test_a_system_is_asked_only_for_what_it_can() -> None:
    async with fronted(show=[]) as front:
        assert isinstance(front.adapter, Finder)
        assert not isinstance(front.adapter, Reviser | Signaller)


@pytest.mark.parametrize(
    ("fault", "error", "shown"),
    [
        (Fault.RATE_LIMITED, RetryLater, 0),
        (Fault.REFUSED, Rejected, 0),
        (Fault.LOST_ANSWER, MaybeDelivered, 1),
        (Fault.LOST_REQUEST, MaybeDelivered, 0),
        (Fault.SILENT, MaybeDelivered, 0),
    ],
)
async def test_each_fault_raises_what_is_known(
    fault: Fault, error: type[BridgeError], shown: int
) -> None:
    async with fronted(callback_timeout="1s" if fault is Fault.SILENT else "20s") as front:
        await front.system.fail(fault)
        with pytest.raises(error):
            await front.adapter.deliver(outbound())
        assert len(await front.system.seen("t")) == shown


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.LOST_REQUEST])
async def test_a_doubt_is_settled_by_telling_it_again_under_the_same_key(
    front: Front, fault: Fault
) -> None:
    await front.system.fail(fault)
    with pytest.raises(MaybeDelivered):
        await front.adapter.deliver(outbound())
    assert isinstance(front.adapter, Finding)
    receipt = await front.adapter.find(outbound(), since=NOON)
    (seen,) = await front.system.seen("t")
    assert receipt == Receipt(seen.id)
    first, second = told(front)
    assert first == second
    assert {key for key, *_ in front.system.requests[1:]} == {"c1.1"}


async def test_a_doubt_stays_open_while_the_system_cannot_be_asked(front: Front) -> None:
    assert isinstance(front.adapter, Finding)
    await front.system.fail(Fault.LOST_REQUEST)
    with pytest.raises(Unreachable):
        await front.adapter.find(outbound(), since=NOON)
    await front.system.leave()
    with pytest.raises(Unreachable):
        await front.adapter.find(outbound(), since=NOON)


async def test_without_a_promise_nothing_is_told_twice() -> None:
    async with fronted(callback_idempotent=False) as front:
        await front.system.fail(Fault.LOST_ANSWER)
        with pytest.raises(MaybeDelivered):
            await front.adapter.deliver(outbound())
        assert not isinstance(front.adapter, Finder)  # so that nobody asks again
        assert len(told(front)) == 1
        assert all(headers["Connection"] == "close" for _, headers, _ in front.system.requests)


async def test_a_press_comes_back_as_the_choice_it_was(front: Front) -> None:
    await front.adapter.deliver(outbound())
    (seen,) = await front.system.seen("t")
    await front.system.press(seen, 1)
    (inbound,) = front.host.accepted
    assert inbound.body == Clicked(DeliveryId("c1.1"), 1, Suggestion("No").mark)


async def test_a_system_that_does_not_believe_us_is_told_at_once() -> None:
    async with fronted() as front:
        wrong = WebhookSettings.model_validate(dict(front.system.wrong_settings))
        with pytest.raises(CredentialsRefused):
            await prove(wrong, front.host.http)
        with pytest.raises(CredentialsRefused):
            async with connect(wrong, PlayedHost(FakeClock(), front.host.http)):
                raise AssertionError("it must not connect")


async def test_callbacks_have_a_secret_of_their_own_if_that_is_wished() -> None:
    own = "a-secret-for-callbacks-alone-0123"
    async with fronted() as front:
        table = {**front.system.settings, "callback_secret": own}
        with pytest.raises(CredentialsRefused):  # the system knows the other one alone
            await prove(WebhookSettings.model_validate(table), front.host.http)


async def test_a_system_that_is_away_is_heard_all_the_same(front: Front) -> None:
    await front.system.leave()
    table = WebhookSettings.model_validate(dict(front.system.settings))
    host = PlayedHost(FakeClock(), front.host.http)
    async with connect(table, host) as adapter:
        with pytest.raises(Unreachable, match="refused"):
            await adapter.deliver(outbound())
    assert ("POST", "/messages") in host.routes
    with pytest.raises(Unreachable):
        await prove(table, front.host.http)


async def test_a_proof_says_where_it_was_answered(front: Front) -> None:
    table = WebhookSettings.model_validate(dict(front.system.settings))
    assert "takes callbacks" in await prove(table, front.host.http)


@pytest.mark.parametrize("status", [301, 400, 429, 500])
async def test_a_ping_that_is_not_taken_proves_nothing(status: int) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    async with received_by(answer) as url, aiohttp.ClientSession() as http:
        table = WebhookSettings.model_validate({"secret": SECRET, "callback_url": url})
        with pytest.raises(Unreachable) as raised:
            await prove(table, http)
        assert raised.value.remedy


# -- systems that answer otherwise ----------------------------------------------------------------

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
async def answered_by(answer: Answer, **keys: object) -> AsyncIterator[Webhook]:
    """The adapter, before a system that takes a ping and answers anything else so."""

    async def ping_or(request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        return web.Response() if body["kind"] == "ping" else await answer(request)

    async with received_by(ping_or) as url, aiohttp.ClientSession() as http:
        table = {"secret": SECRET, "callback_url": url, "callback_timeout": "20s", **keys}
        host = PlayedHost(FakeClock(), http, name="webhook")
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
            await adapter.deliver(outbound())
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
        (saying(429, Retry_After="Fri, 01 Jan 2010 00:00:00 GMT"), 1),
    ],
)
async def test_a_pause_is_kept_within_reason(answer: Answer, after: int) -> None:
    async with answered_by(answer) as adapter:
        with pytest.raises(RetryLater) as raised:
            await adapter.deliver(outbound())
        assert raised.value.after == timedelta(seconds=after)


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
        assert await adapter.deliver(outbound()) == Receipt(reference)


@pytest.mark.thorough  # the time limit itself
async def test_an_answer_that_never_ends_counts_by_its_status() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"reference": "')
        await asyncio.sleep(60)
        return response

    async with answered_by(endless, callback_timeout="2s") as adapter:
        assert await adapter.deliver(outbound()) == Receipt("c1.1")


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
        await adapter.deliver(outbound())
    assert judged == [None]


async def test_a_redirect_carries_nothing_on() -> None:
    visited: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        visited.append(request.path)
        return web.Response(status=307, headers={"Location": "/stranger"})

    async with answered_by(answer) as adapter:
        with pytest.raises(Unreachable, match="callback_url"):
            await adapter.deliver(outbound())
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
                await adapter.deliver(outbound())


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
                await adapter.deliver(outbound())


async def test_a_name_that_nobody_knows_is_certainly_absent() -> None:
    async with aiohttp.ClientSession() as http:
        url = "https://nobody.invalid/"
        table = WebhookSettings.model_validate({"secret": SECRET, "callback_url": url})
        with pytest.raises(Unreachable, match="the name is not known"):
            await prove(table, http)


async def test_nothing_in_a_message_says_where_it_goes(front: Front) -> None:
    hostile = outbound(
        AgentReply(AGENT, "http://elsewhere.example/"), place="http://elsewhere.example/"
    )
    before = len(front.system.requests)
    await front.adapter.deliver(hostile)
    assert len(front.system.requests) == before + 1
