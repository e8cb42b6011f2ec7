"""Does every call go by its own name, through its own gate?"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.slack.web.answers import Refusal
from adapters.slack.web.calls import Calls, web_client
from adapters.slack.web.governor import Turns, governing
from bridge.errors import RetryLater
from bridge.model.delivery import Urgency
from bridge.testing.clock import FakeClock
from bridge.testing.host import PlayedHost


class Far:
    """A server that keeps the names of what is called, and answers as told."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.answer: dict[str, Any] = {"ok": True}
        self.status = 200
        self.reached = asyncio.Event()
        self.held: asyncio.Event | None = None  #: until when nothing is answered

    async def serve(self, request: web.Request) -> web.Response:
        self.called.append(request.match_info["method"])
        self.reached.set()
        if self.held is not None:
            await self.held.wait()
        return web.json_response(self.answer, status=self.status)


@pytest.fixture
def far() -> Far:
    return Far()


@pytest.fixture
async def turns() -> AsyncIterator[Turns]:
    async with governing(PlayedHost(FakeClock())) as governor:
        yield governor.of("T1")


@pytest.fixture
async def calls(far: Far, turns: Turns) -> AsyncIterator[Calls]:
    application = web.Application()
    application.router.add_route("*", "/api/{method}", far.serve)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    async with aiohttp.ClientSession() as http:
        yield Calls(web_client("xoxb-1", base, http, local=True), turns)
    await runner.cleanup()


@pytest.mark.parametrize(
    ("attribute", "arguments", "name"),
    [
        ("chat_postMessage", {"channel": "C1", "text": "Hello"}, "chat.postMessage"),
        (
            "assistant_threads_setStatus",
            {"channel_id": "C1", "thread_ts": "1.2", "status": ""},
            "assistant.threads.setStatus",
        ),
        ("users_info", {"user": "U1"}, "users.info"),
        ("chat.update", {"channel": "C1", "ts": "1.2", "text": "Hello"}, "chat.update"),
        ("api_call", {"api_method": "blocks.validate"}, "blocks.validate"),
    ],
)
async def test_a_call_is_paused_under_the_name_it_goes_by(
    calls: Calls, far: Far, attribute: str, arguments: dict[str, Any], name: str
) -> None:
    method = attribute if "." in attribute else getattr(calls.web, attribute)
    await calls.ask(method, **arguments)
    far.answer, far.status = {"ok": False, "error": "ratelimited"}, 429
    with pytest.raises(Refusal):
        await calls.ask(method, **arguments)
    assert far.called == [name, name]
    with pytest.raises(RetryLater):  # 30 seconds, where Slack does not say
        await calls.ask(method, urgency=Urgency.SIGNAL, **arguments)
    assert far.called == [name, name]


async def test_whether_a_method_is_to_be_had_can_be_asked(calls: Calls, far: Far) -> None:
    assert calls.has("chat.startStream", "C1")
    far.answer = {"ok": False, "error": "channel_type_not_supported"}
    with pytest.raises(Refusal):
        await calls.ask(calls.web.chat_startStream, channel="C1", thread_ts="1.2")
    assert not calls.has("chat.startStream", "C1")
    assert calls.has("chat.startStream", "D1")
    await calls.turn("chat.startStream", owed="d1", channel="C1")  # in vain, so at once
    assert Calls(calls.web).has("chat.startStream", "C1")


async def test_without_gates_everything_goes_at_once(calls: Calls, far: Far) -> None:
    free = Calls(calls.web)
    await free.turn("chat.postMessage", owed="d1", channel="C1")
    for _ in range(10):
        await free.ask(free.web.chat_postMessage, channel="C1", text="Hello")
    assert len(far.called) == 10


async def test_what_an_earlier_token_is_refused_late_holds_nothing_of_its_successors(
    calls: Calls, far: Far
) -> None:
    far.answer = {"ok": False, "error": "token_expired"}
    far.held = asyncio.Event()
    late = asyncio.create_task(calls.ask(calls.web.chat_postMessage, channel="C1", text="Hello"))
    await asyncio.wait_for(far.reached.wait(), 5)
    calls.go_on_with("xoxb-2")
    far.held.set()
    with pytest.raises(Refusal):
        await late
    far.answer = {"ok": True}
    await calls.ask(calls.web.chat_postMessage, channel="C1", text="Hello")
