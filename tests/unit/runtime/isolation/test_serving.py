"""An adapter in a process of its own is lent what one within the daemon is; here both share one."""

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bridge.clock import elapsed
from bridge.config.sources import Given, Key, Value
from bridge.errors import ConfigurationError, DatabaseFailed, Unreachable
from bridge.model.delivery import Receipt
from bridge.model.ids import AdapterName, DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import Inbound, Said
from bridge.model.messages import Person
from bridge.plugin import Accepted, Glimpse
from bridge.runtime.adapters.calling import DELIVER, FIND
from bridge.runtime.adapters.routes import Routes
from bridge.runtime.isolation import logs, ration, serving, starting, verbs
from bridge.runtime.isolation.apart import Apart, _request
from bridge.runtime.isolation.host import LentHost
from bridge.runtime.isolation.line import Line, connected
from bridge.runtime.listener import listening
from bridge.runtime.watching.status import Status
from bridge.testing.clock import NOON, FakeClock
from bridge.testing.host import PlayedHost
from tests.misfit.place import Package
from tests.misfit.plugin import lines
from tests.unit.runtime.adapters.test_calling import OUTBOUND, SINCE

NAME = AdapterName("desk")
WHERE = "adapters.desk.type (b.toml)"
INBOUND = Inbound(
    thread=ThreadKey("t"),
    identities=("1",),
    order="1",
    person=Person(PersonId("ann")),
    at=NOON,
    body=Said("hello"),
)


class Talk:
    """The daemon's end of a line, and an adapter's process that is none."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "lines"
        self.clock = FakeClock()
        self.host = PlayedHost(self.clock, name=NAME)
        self.line: Line
        self.apart: Apart
        self.serving: serving.Serving
        self._listening: list[asyncio.Task[None]] = []

    async def open(self, http: aiohttp.ClientSession) -> None:
        ours, theirs = socket.socketpair()
        apart = self.apart = Apart(
            name=NAME,
            type_name="misfit",
            where=WHERE,
            given=Given("b.toml", {}),
            host=self.host,
            clock=self.clock,
            learn=lambda _: None,
        )
        self.line = await connected(ours, answers=apart._answers(), hears={})
        self.line.hears = apart._hears(self.line)
        self.serving = serving.Serving(http)
        await self.serving.connect(theirs)
        ends = (self.line, self.serving.line)
        self._listening = [asyncio.create_task(end.listen()) for end in ends]

    async def prepare(self, **keys: object) -> None:
        ours = {"type": "misfit", "isolation": "process"}
        written = {"file": str(self.file), "token": "desk-sesame", **ours, **keys}
        values: dict[Key, Value] = {(key,): Value(each, "b.toml") for key, each in written.items()}
        settings = verbs.Settings.of(Given("b.toml", values, ("adapters", NAME)))
        assert "sesame" not in repr(settings)
        loud = {"polyai_bridge": logging.INFO}
        told = verbs.Adapter(NAME, "misfit", WHERE, settings, loud, NOON, elapsed())
        await self.line.ask(verbs.PREPARE, told)

    async def connect(self) -> verbs.Connected:
        await self.prepare()
        connected: verbs.Connected = await self.line.ask(verbs.CONNECT)
        return connected

    @property
    def lent(self) -> LentHost:
        assert self.serving._host is not None
        return self.serving._host

    async def close(self) -> None:
        for one in self._listening:
            one.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)


@pytest.fixture
async def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Talk]:
    monkeypatch.syspath_prepend(str(Package(tmp_path / "installed").directory))
    made = Talk(tmp_path)
    async with aiohttp.ClientSession() as http:
        await made.open(http)
        yield made
        await made.close()
    sys.modules.pop("misfit_plugin", None)


async def test_it_connects_delivers_finds_and_leaves(talk: Talk) -> None:
    told = await talk.connect()
    staying = asyncio.ensure_future(talk.line.ask(verbs.STAY))
    receipt = await talk.line.ask(verbs.spoken(DELIVER), OUTBOUND)
    found = await talk.line.ask(verbs.spoken(FIND), OUTBOUND, SINCE)

    assert told.methods == {"deliver", "find", "name_of"}
    assert receipt == found == Receipt("c.1")
    assert [line["id"] for line in lines(talk.file)] == ["c.1"]
    assert talk.host.memory.kept == {"connected": "yes"}
    assert not staying.done()
    talk.line.say(verbs.LEAVE)
    await staying


async def test_its_clock_is_the_daemons_wherever_the_wall_clock_was_set_since(talk: Talk) -> None:
    await talk.connect()
    first = talk.lent.clock.now()

    assert timedelta() <= first - NOON < timedelta(hours=1)
    assert first <= talk.lent.clock.now()


async def test_settings_that_the_plug_in_does_not_take_are_refused_with_their_place(
    talk: Talk,
) -> None:
    with pytest.raises(ConfigurationError, match=r"adapters\.desk\.times \(b\.toml\)"):
        await talk.prepare(times="often")


async def test_what_is_said_is_accepted_by_the_daemon_or_the_database_has_failed(
    talk: Talk,
) -> None:
    await talk.connect()

    assert await talk.lent.accept(INBOUND) is Accepted.NEW
    assert await talk.lent.accept(INBOUND) is Accepted.KNOWN
    assert talk.host.accepted == [INBOUND, INBOUND]
    talk.host.failing = 1
    with pytest.raises(DatabaseFailed, match="full"):
        await talk.lent.accept(INBOUND)


async def test_whoever_is_cancelled_while_it_is_accepted_leaves_when_it_is_decided(
    talk: Talk,
) -> None:
    await talk.connect()
    accepting = asyncio.ensure_future(talk.lent.accept(INBOUND))
    await asyncio.sleep(0)
    accepting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await accepting
    assert talk.host.accepted == [INBOUND]


async def test_without_the_daemon_nothing_is_stored_and_everybody_is_told_so(talk: Talk) -> None:
    await talk.connect()
    await talk.close()

    with pytest.raises(DatabaseFailed):
        await talk.lent.accept(INBOUND)
    with pytest.raises(DatabaseFailed):
        await talk.lent.memory.remember("a", "b")


async def test_the_rest_of_what_a_host_lends_is_lent_too(talk: Talk) -> None:
    await talk.connect()
    ann, thread = PersonId("ann"), ThreadKey("t.1")
    talk.host.threads = [thread]
    glimpse = Glimpse(thread=thread, agent="default", opened_at=NOON, touched_at=NOON)  # type: ignore[arg-type]  # a name
    talk.host.glimpses = {ann: [glimpse]}
    memory = talk.lent.memory

    assert talk.lent.name == NAME
    assert await talk.lent.open_threads("t.") == [thread]
    assert await talk.lent.conversations_of(ann) == [glimpse]
    assert await talk.lent.doubled(DeliveryId("c.1"), Receipt("r"), removed=True)
    await memory.remember("key", "sealed", secret=True)
    assert (await memory.recall("key"), talk.host.memory.secrets) == ("sealed", {"key"})
    assert await memory.recall_all("k") == {"key": "sealed"}
    await memory.forget("key")
    assert await memory.recall("key") is None
    assert talk.host.doubles == [("c.1", Receipt("r"), True)]
    talk.lent.report(connected=False, detail="away")
    await memory.recall("key")  # which comes after it
    assert talk.host.reports == [False]


async def test_a_process_is_left_alone_as_long_as_it_answers(talk: Talk) -> None:
    await talk.connect()
    watching = asyncio.create_task(talk.apart._watch(talk.line))
    for _ in range(30):
        before = talk.line.frames
        await talk.clock.advance(timedelta(seconds=2))
        async with asyncio.timeout(10):
            while talk.line.frames == before:
                await asyncio.sleep(0.001)

    assert not watching.done()
    watching.cancel()


async def test_a_process_that_says_nothing_is_given_six_seconds(talk: Talk) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        line = await connected(ours, answers={}, hears={})
        listening = asyncio.create_task(line.listen())
        watching = asyncio.create_task(talk.apart._watch(line))
        await talk.clock.advance(timedelta(seconds=5.9))
        assert not watching.done()
        await talk.clock.advance(timedelta(seconds=0.2))
        with pytest.raises(Unreachable, match="no longer answered, and was killed"):
            await watching
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_requests_are_answered_as_if_the_handler_were_here(talk: Talk) -> None:
    await talk.connect()

    async def handler(request: web.Request) -> web.Response:
        if request.query.get("refuse"):
            raise web.HTTPForbidden(text="no")
        told = f"{request.method} {request.path} {request.headers['X-Word']} {request.host}"
        answer = web.json_response({"told": told, "body": (await request.post())["a"]}, status=201)
        answer.set_cookie("state", "s")
        return answer

    async def stream(_request: web.Request) -> web.StreamResponse:
        return web.StreamResponse()

    talk.lent.serve("POST", "/form", handler)
    talk.lent.serve("GET", "/stream", stream)
    with pytest.raises(ValueError, match="served already"):
        talk.lent.serve("POST", "/form", handler)
    with pytest.raises(ValueError, match="not a path"):
        talk.lent.serve("POST", "form", handler)
    await talk.lent.memory.recall("")  # which comes after them
    application = web.Application()
    for (method, path), handed in talk.host.routes.items():
        application.router.add_route(method, f"/{NAME}{path}", handed)

    async with TestClient(TestServer(application)) as client:
        answer = await client.post("/desk/form?x=1", data={"a": "ü"}, headers={"X-Word": "w"})
        told = await answer.json()
        assert (answer.status, told["body"]) == (201, "ü")
        assert told["told"] == f"POST /desk/form w 127.0.0.1:{client.port}"
        assert answer.cookies["state"].value == "s"
        refused = await client.post("/desk/form?refuse=1", data={})
        assert (refused.status, await refused.text()) == (403, "no")
        assert (await client.get("/desk/stream")).status == 500


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (verbs.Response(200, None, [("Transfer-Encoding", "chunked")], b"ok"), 200, b"ok"),
        (verbs.Response(200, None, [("connection", "close"), ("X-A", "b")], b"ok"), 200, b"ok"),
        (verbs.Response(200, None, [("X-A", "b\r\nX-B: c")], b""), 500, None),
        (verbs.Response(200, None, [("X A", "b")], b""), 500, None),
        (verbs.Response(200, "fine\r\nX-B: c", [], b""), 500, None),
        (verbs.Response(101, None, [], b""), 500, None),
        (verbs.Response(-1, None, [], b""), 500, None),
        (verbs.Response(204, None, [], b"more"), 204, b""),
        (verbs.Response(304, None, [], b"more"), 304, b""),
    ],
)
async def test_whatever_a_process_answers_whoever_asked_hears_one_answer(
    talk: Talk, answer: verbs.Response, status: int, body: bytes | None
) -> None:
    async def answered(_request: verbs.Request) -> verbs.Response:
        return answer

    table = Routes()
    table.add(NAME, "GET", "/say", partial(_request, talk.line))
    talk.serving.line._answers = {"request": (verbs.REQUEST, answered)}
    async with (
        listening("127.0.0.1", 0, Status(), table) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
    ):
        for _ in range(2):  # on one connection
            async with http.get("/desk/say") as heard:
                assert heard.status == status
                assert body is None or await heard.read() == body


async def test_nobody_answers_for_a_process_that_is_gone(talk: Talk) -> None:
    await talk.connect()
    await talk.close()
    application = web.Application()
    application.router.add_get("/desk/say", partial(_request, talk.line))

    async with TestClient(TestServer(application)) as client:
        assert (await client.get("/desk/say")).status == 503


async def test_its_log_is_written_by_the_daemon_without_secrets_and_foreign_words(
    talk: Talk,
) -> None:
    heard: list[tuple[object, ...]] = []
    log_heard = (verbs.LOG, lambda *line: heard.append(line))
    talk.line.hears = {**talk.line.hears, verbs.LOG.name: log_heard}
    await talk.connect()
    logger = logging.getLogger("polyai_bridge.desk")
    logger.debug("desk.nothing")
    try:
        raise ValueError("somebody's words")
    except ValueError:
        logger.exception("desk.failed", extra={"token": "xoxb-123456", "where": "here"})
    logging.getLogger("library").info("not heard")
    await talk.lent.memory.recall("")

    (line,) = heard
    assert line[:3] == ("polyai_bridge.desk", logging.ERROR, "desk.failed")
    fields = line[3]
    assert isinstance(fields, dict)
    assert fields.pop("error").startswith("ValueError at test_serving.py:")
    assert fields == {"token": "xoxb-[secret]", "where": "here"}


def test_a_line_of_the_log_names_its_adapter_whatever_fields_it_has(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = {"msg": "x", "a": "b", "_record": "x", "exception": "forged\nline", "no name": "x"}
    heard = logs.Heard(NAME, FakeClock())
    heard.hear("polyai_bridge.desk", logging.WARNING, "desk.odd %s", told)

    (record,) = caplog.records
    assert not {"_record", "exception", "no name"} & set(vars(record))
    assert record.getMessage() == "desk.odd %s"
    assert (vars(record)["a"], vars(record)["adapter"]) == ("b", NAME)


async def test_a_flood_of_log_lines_is_left_out_and_told_in_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    heard = logs.Heard(NAME, clock)
    for number in range(1_000):
        heard.hear(f"odd.{number}", 10**9, "x" * 1_000_000, {"a": "x" * 1_000_000})
    await clock.advance(timedelta(seconds=1))
    heard.hear("odd", logging.ERROR, "the next", {})

    *lines, left_out, last = caplog.records
    assert len(lines) == 200
    assert len({line.name for line in lines}) == 101
    assert all(len(line.getMessage()) == len(vars(line)["a"]) == 2_000 for line in lines)
    assert "adapter.log_left_out" in left_out.getMessage()
    assert "800" in left_out.getMessage()
    assert last.getMessage() == "the next"


async def test_reports_are_cut_short_and_a_flood_of_them_ends_the_line(talk: Talk) -> None:
    await talk.connect()
    for number in range(101):
        talk.lent.report(connected=number % 2 == 0, detail="x" * 1_000_000)

    with pytest.raises(DatabaseFailed, match="gone"):
        await talk.lent.memory.recall("")
    assert len(talk.host.reports) == 100


async def test_what_an_adapter_remembers_is_bounded_for_each_and_in_all(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await talk.connect()
    memory = talk.lent.memory
    with pytest.raises(DatabaseFailed, match="not kept"):
        await memory.remember("long", "x" * (verbs.LONGEST_KEPT + 1))
    with pytest.raises(DatabaseFailed, match="not kept"):
        await memory.remember("x" * 1_001, "text")
    monkeypatch.setattr(ration, "MOST_KEPT", 1_000)
    await memory.remember("a", "x" * 900)
    await memory.remember("a", "y" * 900)
    with pytest.raises(DatabaseFailed, match="as much as it may"):
        await memory.remember("b", "x" * 200)
    await memory.forget("a")
    await memory.remember("b", "x" * 200)

    assert talk.host.memory.kept == {"connected": "yes", "b": "x" * 200}


async def test_handlers_are_bounded(talk: Talk) -> None:
    await talk.connect()

    async def handler(_request: web.Request) -> web.Response:
        raise AssertionError

    for number in range(99):
        talk.lent.serve("GET", f"/{number}", handler)
    with pytest.raises(ValueError, match="no more than 100"):
        talk.lent.serve("GET", "/one-too-many", handler)
    with pytest.raises(ValueError, match="not a path"):
        talk.lent.serve("GET", "/" + "x" * 200, handler)


@pytest.mark.parametrize(
    ("code", "how"), [(0, "with exit code 0"), (-9, "by SIGKILL"), (-40, "by signal 40")]
)
async def test_how_a_process_came_to_its_end_is_told(code: int, how: str) -> None:
    number = f"import os; os.kill(os.getpid(), {-code})"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", number)
    with socket.socket() as sock:
        assert await starting.Child(process, sock).why() == f"its process ended {how}"


def test_the_process_is_told_nothing_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    managed = {"CREDENTIALS_DIRECTORY": "/c", "NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "9"}
    ours = {"POLYAI_BRIDGE_X": "s", "PATH": "/bin", "LANG": "C"} | managed
    assert starting._environment(ours) == {"PATH": "/bin", "LANG": "C"}
    monkeypatch.setattr(sys, "path", ["/elsewhere"])
    assert starting._flags() == ("-P",)
    monkeypatch.setattr(sys, "path", ["", "/elsewhere"])
    assert starting._flags() == ()
