"""What the Matrix adapter makes of homeservers that answer oddly; each is a real HTTP server."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.matrix import PLUGIN
from bridge.errors import CredentialsRefused, MaybeDelivered, RetryLater, Unreachable
from bridge.model.delivery import Outbound
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.inbound import Said
from bridge.model.messages import AgentReply, Author, AuthorKind
from bridge.testing.clock import NOON, FakeClock
from bridge.testing.host import PlayedHost

OUTBOUND = Outbound(
    id=DeliveryId("c.1"),
    thread=ThreadKey("!r $root"),
    content=AgentReply(Author(AuthorKind.AGENT), "x"),
    owed_at=NOON,
)
Answer = Callable[[web.Request], web.StreamResponse | None]


class Odd:
    """A homeserver that answers by `answers`, the path's end first; a sync without one waits."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.clock = FakeClock()
        self.host = PlayedHost(self.clock, http, name="matrix")
        self.settings = PLUGIN.settings.model_validate({"homeserver": url, "access_token": "t"})
        self.http = http
        self.answers: dict[str, Answer] = {}
        self.syncs: list[Any] = [{"next_batch": "s1"}]
        self.asked: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        end = request.path.rpartition("/")[2]
        if end == "versions":  # whether we are there is asked of everybody, now and then
            return web.json_response({})
        self.asked.append(f"{end} {request.query.get('since', '')}".strip())
        for part, answer in self.answers.items():
            if part in request.path and (given := answer(request)) is not None:
                return given
        if end == "whoami":
            return web.json_response({"user_id": "@poly:e.example"})
        if end == "sync":
            if not self.syncs:
                await asyncio.Event().wait()
            told = self.syncs.pop(0)
            return told if isinstance(told, web.StreamResponse) else web.json_response(told)
        if end == "joined_members":
            return web.json_response({"joined": {"@poly:e.example": {}, "@ann:e.example": None}})
        return web.json_response({"errcode": "M_NOT_FOUND"}, status=404)

    async def until(self, seen: Callable[[], object]) -> None:
        """Wait for it, while the adapter's own waits take no time."""
        async with asyncio.timeout(20):
            while not seen():
                await self.clock.advance(timedelta(minutes=1))
                await asyncio.sleep(0.005)


@pytest.fixture
async def odd() -> AsyncIterator[Odd]:
    async with running() as made:
        yield made


@asynccontextmanager
async def running() -> AsyncIterator[Odd]:
    app = web.Application()
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.01)
    async with aiohttp.ClientSession() as http:
        made = Odd("http://127.0.0.1:1", http)
        app.router.add_route("*", "/{path:.*}", made.handle)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        made.settings = made.settings.model_copy(update={"homeserver": url})
        try:
            yield made
        finally:
            await runner.cleanup()


def said(text: str) -> dict[str, Any]:
    event = {
        "type": "m.room.message",
        "event_id": f"${text}",
        "sender": "@ann:e.example",
        "origin_server_ts": 1,
        "content": {"msgtype": "m.text", "body": text},
    }
    return {"!r": {"timeline": {"events": [event]}}}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda _: web.json_response({"user_id": 5}), Unreachable),
        (lambda _: web.Response(text="<html>", content_type="text/html"), Unreachable),
        (lambda _: web.Response(status=502, text="Bad Gateway"), Unreachable),
        (lambda _: web.Response(status=404, text="nginx"), Unreachable),
        (lambda _: web.Response(status=302, headers={"Location": "/else"}), Unreachable),
        (lambda _: web.json_response({"errcode": "M_LIMIT_EXCEEDED"}, status=429), Unreachable),
        (
            lambda _: web.json_response({"errcode": "M_UNKNOWN_TOKEN"}, status=401),
            CredentialsRefused,
        ),
    ],
)
async def test_what_is_no_homeserver_proves_nothing(
    odd: Odd, answer: Answer, error: type[Exception]
) -> None:
    odd.answers["whoami"] = answer
    with pytest.raises(error):
        await PLUGIN.prove(odd.settings, odd.http)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda _: web.json_response({}), MaybeDelivered),
        (lambda _: web.json_response([]), MaybeDelivered),
        (lambda _: web.Response(text="<html>"), MaybeDelivered),
        (lambda _: web.Response(status=504, text="Gateway Time-out"), MaybeDelivered),
        (lambda _: web.Response(status=404, text="nginx"), Unreachable),
        (lambda _: web.Response(status=429, headers={"Retry-After": "7"}), RetryLater),
    ],
)
async def test_an_odd_answer_to_a_post_says_what_is_known(
    odd: Odd, answer: Answer, error: type[Exception]
) -> None:
    odd.answers["/send/"] = answer
    async with PLUGIN.connect(odd.settings, odd.host) as adapter:
        with pytest.raises(error) as caught:
            await adapter.deliver(OUTBOUND)
    if isinstance(caught.value, RetryLater):
        assert caught.value.after == timedelta(seconds=7)


async def test_odd_answers_to_a_sync_are_asked_again_and_nothing_is_passed_over(odd: Odd) -> None:
    odd.syncs += [
        {"next_batch": 5, "rooms": {"join": said("hi")}},
        [],
        web.Response(text="<html>"),
        web.Response(status=500),
        {"rooms": []},
        {"next_batch": "s2", "rooms": {"join": said("hi"), "leave": 5, "invite": {"!x": None}}},
        {
            "next_batch": "s3",
            "rooms": {"join": {"!r": {"timeline": {"events": [5, {}, {"type": 1}]}}}},
        },
    ]
    async with PLUGIN.connect(odd.settings, odd.host):
        await odd.until(lambda: odd.asked[-1] == "sync s3")

    assert {inbound.body for inbound in odd.host.accepted} == {Said("hi")}
    assert len({inbound.identities for inbound in odd.host.accepted}) == 1
    assert odd.asked.count("sync s1") == 6
    assert odd.host.reports == [True, False, True]


async def test_a_place_that_the_server_forgot_is_told_and_it_goes_on_from_now(
    odd: Odd, caplog: pytest.LogCaptureFixture
) -> None:
    odd.syncs += [
        *(web.json_response({"errcode": "M_UNKNOWN"}, status=400) for _ in range(3)),
        {"next_batch": "n1", "rooms": {"join": said("history")}},
        {"next_batch": "n2", "rooms": {"join": said("now")}},
    ]
    with caplog.at_level(logging.ERROR):
        async with PLUGIN.connect(odd.settings, odd.host):
            await odd.until(lambda: odd.asked[-1] == "sync n2")

    assert [inbound.body for inbound in odd.host.accepted] == [Said("now")]
    assert "matrix.place_refused" in [record.getMessage() for record in caplog.records]


async def test_another_account_begins_now_and_the_order_goes_on(odd: Odd) -> None:
    odd.host.memory.kept["sync"] = '{"user": "@old:e.example", "since": "x", "count": 41}'
    odd.syncs.append({"next_batch": "s2", "rooms": {"join": said("hi")}})
    async with PLUGIN.connect(odd.settings, odd.host):
        await odd.until(lambda: odd.host.accepted)

    assert "sync x" not in odd.asked
    assert odd.host.accepted[0].order > f"{41:016}"


async def test_a_memory_that_makes_no_sense_is_none(odd: Odd) -> None:
    odd.host.memory.kept["sync"] = "{"
    async with PLUGIN.connect(odd.settings, odd.host):
        assert odd.asked[-1] == "sync"


async def test_a_gap_without_an_end_does_not_go_on_for_ever(
    odd: Odd, caplog: pytest.LogCaptureFixture
) -> None:
    odd.answers["/messages"] = lambda _: web.json_response({"chunk": [], "end": "again"})
    limited = said("hi")
    limited["!r"]["timeline"] |= {"limited": True, "prev_batch": "p1"}
    odd.syncs.append({"next_batch": "s2", "rooms": {"join": limited}})
    with caplog.at_level(logging.ERROR):
        async with PLUGIN.connect(odd.settings, odd.host):
            await odd.until(lambda: odd.asked[-1] == "sync s2")

    assert [inbound.body for inbound in odd.host.accepted] == [Said("hi")]
    assert "matrix.gap" in [record.getMessage() for record in caplog.records]


async def test_a_room_with_too_much_to_look_through_leaves_a_doubt(odd: Odd) -> None:
    odd.answers["/messages"] = lambda _: web.json_response({"chunk": [], "end": "again"})
    async with PLUGIN.connect(odd.settings, odd.host) as adapter:
        assert hasattr(adapter, "find")
        with pytest.raises(MaybeDelivered):
            await adapter.find(OUTBOUND, since=NOON)


@pytest.mark.parametrize(("tries", "status"), [(5, 504), (1, 404)])
async def test_a_room_that_cannot_be_entered_does_not_hold_up_the_others(
    odd: Odd, tries: int, status: int
) -> None:
    state = [{"type": "m.room.member", "state_key": "@poly:e.example", "sender": "@ann:e.example"}]
    batch = {
        "next_batch": "s2",
        "rooms": {"invite": {"!x": {"invite_state": {"events": state}}}, "join": said("hi")},
    }
    odd.syncs.append(batch)
    odd.answers["/join/"] = lambda _: web.json_response({"errcode": "M_UNKNOWN"}, status=status)
    async with PLUGIN.connect(odd.settings, odd.host):
        await odd.until(lambda: odd.host.accepted and odd.asked.count("!x") == tries)
        await odd.until(lambda: "invited !x" not in odd.host.memory.kept)

    assert odd.asked.count("!x") == tries
    assert [inbound.body for inbound in odd.host.accepted] == [Said("hi")]


async def test_half_a_character_holds_nothing_up(odd: Odd) -> None:
    room = said("x")
    room["!r"]["timeline"]["events"][0]["content"]["body"] = "a\ud800b \U0001f600"
    text = json.dumps({"next_batch": "s2", "rooms": {"join": room}})
    odd.syncs.append(web.Response(text=text, content_type="application/json"))
    async with PLUGIN.connect(odd.settings, odd.host):
        await odd.until(lambda: odd.host.accepted)

    assert odd.host.accepted[0].body == Said("a?b \U0001f600")


def came(membership: str, before: str = "") -> dict[str, Any]:
    """We were invited, or came."""
    event = {
        "type": "m.room.member",
        "event_id": f"${membership}",
        "sender": "@ann:e.example",
        "state_key": "@poly:e.example",
        "content": {"membership": membership},
    }
    return event | ({"unsigned": {"prev_content": {"membership": before}}} if before else {})


@pytest.mark.parametrize(
    ("between", "heard"),
    [
        ([came("invite"), "b", came("join", "invite")], ["b", "c"]),
        ([came("invite"), "b", came("join")], ["b", "c"]),
        (["b", came("join", "leave")], ["c"]),
        (["b", came("join")], ["c"]),
        (["b", came("join", "join")], ["a", "b", "c"]),
        (["b", came("leave"), came("invite"), came("join", "invite")], ["c"]),
    ],
)
async def test_what_was_said_before_we_were_called_is_history(
    odd: Odd, between: list[Any], heard: list[str]
) -> None:
    events = [
        each if isinstance(each, dict) else said(each)["!r"]["timeline"]["events"][0]
        for each in ["a", *between, "c"]
    ]
    room = {"!r": {"timeline": {"events": events}}}
    odd.syncs.append({"next_batch": "s2", "rooms": {"join": room}})
    async with PLUGIN.connect(odd.settings, odd.host):
        await odd.until(lambda: odd.asked[-1] == "sync s2")

    assert [inbound.body for inbound in odd.host.accepted] == [Said(text) for text in heard]
