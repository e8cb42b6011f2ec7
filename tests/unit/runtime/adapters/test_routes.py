"""What adapters serve on our listener: bounded, theirs alone, and gone when they leave."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from bridge.model.ids import AdapterName
from bridge.runtime.adapters import routes
from bridge.runtime.adapters.routes import BODY_LIMIT, Routes
from bridge.runtime.listener import listening
from bridge.runtime.watching.status import Status
from tests.unit.store.given import SLACK

PATIENCE = timedelta(milliseconds=80)


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=b"got " + await request.read())


async def broken(_request: web.Request) -> web.Response:
    raise RuntimeError("my password is hunter2")


async def refusing(_request: web.Request) -> web.Response:
    raise web.HTTPForbidden(text="not you")


@dataclass
class Door:
    """A listener, and a client before it."""

    routes: Routes
    port: int
    http: aiohttp.ClientSession
    slow: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, str]:
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.http.request(method, url, data=io.BytesIO(body)) as answer:
            return answer.status, await answer.text()

    async def slowly(self, _request: web.Request) -> web.Response:
        await self.slow.wait()
        return web.Response(text="at last")


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    routes = Routes(body_patience=PATIENCE)
    async with listening("127.0.0.1", 0, Status(), routes) as port, aiohttp.ClientSession() as http:
        yield Door(routes, port, http)


async def test_whoever_asks_for_an_adapter_that_is_away_is_told_to_come_again(door: Door) -> None:
    door.routes.expect(SLACK)
    assert (await door.ask("POST", "/slack/events"))[0] == 503
    door.routes.add(SLACK, "POST", "/events", echo)
    door.routes.arrived(SLACK)
    assert (await door.ask("POST", "/slack/events", b"this"))[0] == 200
    assert (await door.ask("POST", "/slack/other"))[0] == 404
    door.routes.withdraw(SLACK)
    assert (await door.ask("POST", "/slack/events"))[0] == 503
    assert (await door.ask("POST", "/stranger/events"))[0] == 404


async def test_an_adapter_answers_below_its_name_until_it_is_withdrawn(door: Door) -> None:
    door.routes.add(SLACK, "POST", "/events", echo)
    assert await door.ask("POST", "/slack/events", b"this") == (200, "got this")

    door.routes.withdraw(SLACK)
    door.routes.withdraw(SLACK)
    assert (await door.ask("POST", "/slack/events", b"this"))[0] == 404

    door.routes.add(SLACK, "POST", "/events", echo)
    assert (await door.ask("POST", "/slack/events"))[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/slack", "/slack/", "/slack/other", "/slack/events/", "/teams/events", "/", "//events"],
)
async def test_nothing_is_found_elsewhere(door: Door, path: str) -> None:
    door.routes.add(SLACK, "POST", "/events", echo)

    assert (await door.ask("POST", path))[0] == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "PATCH"])
async def test_another_method_is_not_allowed(door: Door, method: str) -> None:
    door.routes.add(SLACK, "POST", "/events", echo)

    assert (await door.ask(method, "/slack/events"))[0] == 405


async def test_an_adapter_called_like_a_page_of_ours_hides_nothing(door: Door) -> None:
    door.routes.add(AdapterName("live"), "GET", "/live", echo)

    assert await door.ask("GET", "/live/live") == (200, "got ")
    assert await door.ask("GET", "/live") == (200, "live\n")
    assert (await door.ask("GET", "/ready"))[0] == 200
    assert "polyai_bridge" in (await door.ask("GET", "/metrics"))[1]


async def test_a_body_may_be_a_mebibyte_and_no_more(door: Door) -> None:
    door.routes.add(SLACK, "POST", "/events", echo)

    assert (await door.ask("POST", "/slack/events", bytes(BODY_LIMIT - 1)))[0] == 200
    assert (await door.ask("POST", "/slack/events", bytes(BODY_LIMIT + 1)))[0] == 413


async def test_a_body_that_does_not_come_is_not_waited_for(door: Door) -> None:
    door.routes.add(SLACK, "POST", "/events", echo)
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")

    answer = await asyncio.wait_for(reader.readline(), 5)

    assert answer.startswith(b"HTTP/1.1 408")
    writer.close()


async def test_a_body_that_breaks_off_reaches_no_handler(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[bytes] = []

    async def noting(request: web.Request) -> web.Response:
        seen.append(await request.read())
        return web.Response()

    door.routes.add(SLACK, "POST", "/events", noting)
    _, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    await writer.drain()
    writer.close()
    await asyncio.sleep(0.02)
    assert await door.ask("POST", "/slack/events", b"whole") == (200, "")

    assert seen == [b"whole"]
    assert [r.getMessage() for r in caplog.records if r.levelno > logging.INFO] == []


async def test_a_handler_that_fails_is_logged_once_and_explains_nothing(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.routes.add(SLACK, "POST", "/events", broken)
    status, text = await door.ask("POST", "/slack/events", b"hunter2")

    (line,) = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert status == 500
    assert "hunter2" not in text + line
    assert "RuntimeError" not in text
    assert all(word in line for word in ("listener.handler_failed", "slack", "/events"))


async def test_a_handler_may_refuse(door: Door) -> None:
    door.routes.add(SLACK, "POST", "/events", refusing)

    assert await door.ask("POST", "/slack/events") == (403, "not you")


async def test_an_adapter_that_leaves_finishes_what_it_has_begun(door: Door) -> None:
    door.routes.add(SLACK, "GET", "/slow", door.slowly)
    asked = asyncio.create_task(door.ask("GET", "/slack/slow"))
    await asyncio.sleep(0.02)
    leaving = asyncio.create_task(door.routes.close(SLACK))
    await asyncio.sleep(0)

    assert (await door.ask("GET", "/slack/slow"))[0] == 404
    assert not leaving.done()
    door.slow.set()
    await leaving
    assert await asked == (200, "at last")


async def test_an_adapter_that_serves_nothing_leaves_at_once(door: Door) -> None:
    await door.routes.close(SLACK)
    door.routes.add(SLACK, "GET", "/events", echo)
    await door.routes.close(SLACK)

    assert (await door.ask("GET", "/slack/events"))[0] == 404


@pytest.mark.parametrize(
    "path", ["", "/", "events", "/events/", "//x", "/a b", "/{x}", "/ü", "/a?b"]
)
def test_a_path_must_be_plain(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        Routes().add(SLACK, "POST", path, echo)


@pytest.mark.parametrize("method", ["", "post", "HEAD", "*"])
def test_a_method_must_be_one_that_handlers_answer(method: str) -> None:
    with pytest.raises(ValueError, match="POST"):
        Routes().add(SLACK, method, "/events", echo)


def test_one_place_has_one_handler() -> None:
    routes = Routes()
    routes.add(SLACK, "POST", "/events", echo)
    routes.add(SLACK, "GET", "/events", echo)
    routes.add(AdapterName("other"), "POST", "/events", echo)
    with pytest.raises(ValueError, match="already"):
        routes.add(SLACK, "POST", "/events", echo)


async def test_an_adapter_that_does_not_answer_holds_no_other_up(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "MOST_OF_ONE", 2)
    door.routes.add(AdapterName("stuck"), "GET", "/wait", door.slowly)
    door.routes.add(SLACK, "POST", "/events", echo)
    waiting = [asyncio.ensure_future(door.ask("GET", "/stuck/wait")) for _ in range(3)]
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)

    assert [one.result()[0] for one in done] == [503]
    assert await door.ask("POST", "/slack/events", b"x") == (200, "got x")
    door.slow.set()
    assert sorted([(await one)[0] for one in waiting]) == [200, 200, 503]


def test_an_adapter_has_so_many_handlers_and_no_more() -> None:
    table = Routes()
    for number in range(100):
        table.add(SLACK, "POST", f"/{number}", echo)
    with pytest.raises(ValueError, match="no more than 100"):
        table.add(SLACK, "POST", "/more", echo)


async def test_what_is_no_request_is_answered_and_leaves_no_word_of_it_in_the_log(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"GET / HTTP/1.1\r\nX-Secret : hunter2\r\nContent-Length: no\r\n\r\n")
    answer = await reader.read()
    writer.close()

    assert answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert "hunter2" not in caplog.text
    assert caplog.records == []
