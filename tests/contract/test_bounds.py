"""What happens at each bound: `docs/bounds.md` says it, and this holds the code to it."""

import asyncio
import importlib
import itertools
import re
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, make_mocked_request
from slack_bolt.app.async_app import AsyncApp

from adapters.slack.doors.socket import MOST_ENVELOPES, Pace, Socket
from adapters.slack.front.asides import MOST_ASIDES, Asides
from adapters.slack.front.reception import Reply
from bridge.core import events as e
from bridge.core.assembly import MOST_CHARACTERS, MOST_PIECES
from bridge.core.effects import Grow
from bridge.core.handoffs import MOST_AGENTS
from bridge.core.ordering import MOST_HELD
from bridge.core.saying import MOST_WAITING
from bridge.errors import DatabaseFailed
from bridge.model import frames as f
from bridge.model.delivery import DeliveryState, Post, Receipt
from bridge.model.frames import Frame
from bridge.model.ids import AdapterName, AgentName, ConversationId, DeliveryId, ThreadKey
from bridge.model.messages import AgentReply, Author, AuthorKind, NoticeKind
from bridge.polyai.socket import Socket as AgentSocket
from bridge.polyai.socket import SocketClosed
from bridge.polyai.wire import Decoded
from bridge.runtime.adapters.routes import MOST_AT_WORK, MOST_OF_ONE, Routes
from bridge.runtime.adapters.supervisor import Adapters
from bridge.runtime.connecting.connection import MOST_AT_ONCE, MOST_PROBLEMS, Connection
from bridge.runtime.deciding import Mail
from bridge.runtime.delivering.dispatcher import MOST_OWED
from bridge.runtime.delivering.growing import MOST_LANDED, Growth
from bridge.runtime.entering.crowding import (
    MOST_BEHIND,
    MOST_ENTERING,
    MOST_ENTERING_A_THREAD,
    Crowd,
)
from bridge.runtime.reporting.metrics import Metrics
from bridge.runtime.reporting.noting import Hops
from bridge.runtime.timers import Timers
from bridge.runtime.worker import Worker
from bridge.runtime.world import World
from bridge.store import Notes, Store, ThreadDelivery
from bridge.testing.builders import Talk, frame, piece, said
from bridge.testing.clock import NOON, FakeClock
from tests.unit.runtime.house import lived_in
from tests.unit.runtime.office import Office
from tests.unit.store.given import SLACK

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "bounds.md").read_text("utf-8")
#: Each constant of the page's tables, with its value.
ROWS = re.findall(r"^\|[^|]*\| `([\w.]+)\.(\w+)` \| ([\d,]+) \|", PAGE, flags=re.MULTILINE)
#: Where everything that is called `MOST…` bounds what comes from outside.
BOUNDED = ("bridge/core", "bridge/runtime", "adapters/slack/doors", "adapters/slack/front")
C1, C2 = ConversationId("c1"), ConversationId("c2")
T1, T2 = ThreadKey("T1"), ThreadKey("T2")


# -- the page ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("module", "name", "value"), ROWS)
def test_the_page_names_each_bound_as_the_code_has_it(module: str, name: str, value: str) -> None:
    assert getattr(importlib.import_module(module), name) == int(value.replace(",", ""))


def test_the_page_leaves_no_bound_out() -> None:
    known = {(module, name) for module, name, _ in ROWS}
    found = {
        (".".join(path.relative_to(ROOT).with_suffix("").parts), name)
        for room in BOUNDED
        for path in (ROOT / room).rglob("*.py")
        for name in re.findall(r"^(_?MOST\w*)\b", path.read_text("utf-8"), flags=re.MULTILINE)
    }
    assert found - known == set()


# -- what people bring ---------------------------------------------------------------------------


class Behind:
    """A worker as far as a crowd looks at it: how much mail waits, by conversation."""

    def __init__(self) -> None:
        self.mail: dict[str, int] = {}

    def behind(self, identity: ConversationId) -> int:
        return self.mail.get(identity, 0)


def test_a_thread_is_refused_alone_while_much_of_it_is_being_stored() -> None:
    crowd = Crowd(cast("Worker", Behind()))
    with ExitStack() as inside:
        for _ in range(MOST_ENTERING_A_THREAD):
            inside.enter_context(crowd.entered(T1))
        with pytest.raises(DatabaseFailed), crowd.entered(T1):
            pass
        with crowd.entered(T2):
            assert crowd.entering == MOST_ENTERING_A_THREAD + 1

    with crowd.entered(T1):
        assert crowd.entering == 1


def test_many_threads_together_are_refused_where_the_disk_does_not_keep_up() -> None:
    crowd = Crowd(cast("Worker", Behind()))
    with ExitStack() as inside:
        for number in range(MOST_ENTERING):
            inside.enter_context(crowd.entered(ThreadKey(f"T{number % 100}")))
        with pytest.raises(DatabaseFailed), crowd.entered(ThreadKey("other")):
            pass
        assert crowd.entering == MOST_ENTERING

    assert crowd.entering == 0


def test_a_thread_whose_steps_are_far_behind_is_refused_until_they_are_not() -> None:
    worker = Behind()
    crowd = Crowd(cast("Worker", worker))
    worker.mail[C1] = MOST_BEHIND
    crowd.note(T1, C1)

    with pytest.raises(DatabaseFailed), crowd.entered(T1):
        pass
    with crowd.entered(T2):
        pass
    worker.mail[C1] = MOST_BEHIND - 1
    with crowd.entered(T1):
        pass


def test_beyond_what_may_wait_for_the_agent_people_are_told_once_to_slow_down() -> None:
    talk = Talk()
    told: list[NoticeKind] = []
    for number in range(MOST_WAITING + 100):
        told += talk.say(f"message {number}").notices

    assert len(talk.conversation.waiting) == MOST_WAITING
    assert told.count(NoticeKind.TOO_FAST) == 1


# -- what the agent brings -----------------------------------------------------------------------


def test_of_many_messages_begun_at_once_the_oldest_are_shown_as_far_as_they_came() -> None:
    talk = Talk().joined()
    texts: list[str] = []
    for number in range(1_000):
        texts += talk.hear(piece(f"begun {number}", 1, f"m{number}")).texts

    assert len(talk.session.streams) == 8
    assert texts == [f"begun {number}" for number in range(1_000 - 8)]


@pytest.mark.thorough
def test_a_message_in_pieces_without_end_is_shown_as_far_as_it_came() -> None:
    talk = Talk().joined()
    for number in range(1, MOST_PIECES):
        talk.hear(piece("x", number))
    assert talk.texts == []

    assert "".join(talk.hear(piece("x", MOST_PIECES)).texts) == "x" * MOST_PIECES
    assert talk.session.streams == ()
    assert talk.hear(piece("y", MOST_PIECES + 1)).session.streams == (), "of the rest nothing stays"


def test_nor_is_a_message_longer_than_anybody_reads_put_together() -> None:
    talk = Talk().joined().hear(piece("x" * MOST_CHARACTERS, 1))

    assert talk.session.streams == ()
    assert sum(map(len, talk.texts)) == MOST_CHARACTERS


def test_only_so_many_live_agents_are_known_those_who_came_last() -> None:
    talk = Talk().joined()
    for number in range(MOST_AGENTS * 3):
        talk.hear(f.LiveAgentJoined(agent_id=f"a{number}", name="Sam"))
        talk.hear(f.LiveAgentLeft(agent_id=f"a{number}"))
        talk.hear(f.HandoffTriggered())

    assert len(talk.session.live_agents) == MOST_AGENTS
    assert f"a{MOST_AGENTS * 3 - 1}" in talk.session.live_agents
    assert len(talk.session.gone_agents) <= MOST_AGENTS


class Flood:
    """A socket whose far end never stops; what was read of it is counted."""

    def __init__(self, coming: Callable[[int], Decoded], first: Decoded | None = None) -> None:
        self._coming = coming
        self._first = first or Decoded(frames=(), batch=True)
        self._closed = asyncio.Event()
        self.read = 0

    async def frames(self) -> AsyncIterator[Decoded]:
        yield self._first
        for number in itertools.count(1):
            if self._closed.is_set() or self.read == 3 * MOST_HELD:
                break
            self.read += 1
            yield self._coming(number)
        await self._closed.wait()
        raise SocketClosed(1001, clean=True, ours=True)

    async def send(self, _text: str) -> None: ...

    async def ping(self) -> None:
        await self._closed.wait()

    async def close(self, _code: int = 1000) -> None:
        self._closed.set()


class Told:
    """A worker that notes how much it is told at a time."""

    def __init__(self) -> None:
        self.told: list[list[Frame]] = []

    async def tell(self, _conversation: ConversationId, *mail: Mail) -> None:
        events = (one.event for one in mail)
        self.told.append([event.frame for event in events if isinstance(event, e.FrameArrived)])

    hear = tell

    def present(self, _conversation: ConversationId) -> None:
        return None


_TIMERS = "the socket's timers"


def listening(line: Flood, desk: Told, clock: FakeClock) -> Connection:
    timers = Timers(clock, lambda _conversation: connection.wake())
    connection = Connection(
        cast("AgentSocket", line),
        conversation=C1,
        number=1,
        worker=cast("Worker", desk),
        world=World(clock=clock),
        metrics=Metrics(),
        timers=timers,
        agent=AgentName("default"),
    )
    asyncio.create_task(timers.run(), name=_TIMERS)  # noqa: RUF006 - found by its name
    return connection


async def ended(connection: Connection, serving: "asyncio.Task[object]", clock: FakeClock) -> None:
    connection.drop()
    await clock.advance(timedelta(seconds=10))
    await serving
    next(task for task in asyncio.all_tasks() if task.get_name() == _TIMERS).cancel()


async def test_nothing_more_is_read_while_too_many_frames_wait_for_a_missing_one() -> None:
    clock, desk = FakeClock(), Told()
    # Every second number is missing: what follows the history waits for each.
    line = Flood(lambda n: Decoded(frames=(frame(f.AgentThinking(), 2 * n),)))
    connection = listening(line, desk, clock)
    serving = asyncio.create_task(connection.serve(after=0))
    await clock.settle()

    assert line.read == MOST_HELD, "before the history is settled"
    await clock.advance(timedelta(seconds=3))
    assert MOST_HELD < line.read < MOST_HELD + 10, "a gap has a second's patience"
    await ended(connection, serving, clock)


@pytest.mark.thorough
async def test_a_long_history_is_followed_in_many_steps() -> None:
    clock, desk = FakeClock(), Told()
    history = tuple(frame(said(f"message {n}"), n) for n in range(1, 10_001))
    line = Flood(lambda _: Decoded(frames=()), Decoded(frames=history, batch=True))
    connection = listening(line, desk, clock)
    serving = asyncio.create_task(connection.serve(after=0))
    await clock.settle()

    assert tuple(itertools.chain(*desk.told)) == history
    assert max(map(len, desk.told)) == MOST_AT_ONCE
    await ended(connection, serving, clock)


async def test_a_socket_full_of_nonsense_does_not_fill_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, desk = FakeClock(), Told()
    line = Flood(lambda _: Decoded(frames=(), problems=("no JSON",)))
    connection = listening(line, desk, clock)
    serving = asyncio.create_task(connection.serve(after=0))
    await clock.settle()

    assert line.read == 3 * MOST_HELD
    assert sum("frame.malformed" in str(r.msg) for r in caplog.records) == MOST_PROBLEMS
    await ended(connection, serving, clock)


# -- what threads are owed -----------------------------------------------------------------------


async def test_an_agent_is_not_read_while_its_thread_is_owed_too_much(tmp_path: Path) -> None:
    async with lived_in(tmp_path) as house:
        office = Office(house)
        worker = Worker(house.store, house.world, lambda _: Talk().terms, house.tasks)
        worker.attach(office.dispatcher, Nobody())
        reply = Post(content=AgentReply(author=Author(AuthorKind.AGENT), text="Hello"))
        owed = owing(C1, reply)
        for _ in range(MOST_OWED):
            office.dispatcher.owe(owed)
        heard = e.FrameArrived(1, frame(said("more"), 1))
        reading = asyncio.create_task(worker.tell(C1, Mail(heard)))
        elsewhere = asyncio.create_task(worker.tell(C2, Mail(heard)))
        other = asyncio.create_task(worker.tell(C1, Mail(e.Woke())))

        await house.until(lambda: elsewhere.done() and other.done(), winding=False)
        await house.quiet()
        assert not reading.done()
        assert office.dispatcher.crowded(C1)
        assert not office.dispatcher.crowded(C2)
        reading.cancel()


def owing(identity: ConversationId, body: Post, number: int = 1) -> ThreadDelivery:
    return ThreadDelivery(
        id=DeliveryId(f"{identity}.{number}"),
        conversation=identity,
        adapter=SLACK,
        thread=T1,
        body=body,
        state=DeliveryState.PENDING,
        attempts=0,
        owed_at=NOON,
        receipt=Receipt("there"),
    )


class Nobody:
    """Keeps no sockets."""

    def reconcile(self, conversation: object) -> None: ...

    async def transmit(self, conversation: ConversationId, frame: object) -> None: ...

    def recycle(self, conversation: ConversationId, effect: object) -> None: ...


class Shelf:
    """A store that counts how often it is asked for a delivery."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def thread_delivery(self, identity: DeliveryId) -> ThreadDelivery:
        self.asked.append(identity)
        reply = AgentReply(author=Author(AuthorKind.AGENT), text="Hello")
        return owing(C1, Post(content=reply))


@pytest.mark.thorough
async def test_where_messages_grow_is_known_of_so_many_and_asked_for_again_of_others() -> None:
    shelf = Shelf()
    reply = AgentReply(author=Author(AuthorKind.AGENT), text="Hello", unfinished=True)
    numbers = [*range(MOST_LANDED + 1), MOST_LANDED, 0]
    async with asyncio.TaskGroup() as tasks:
        hops = Hops(Notes())
        growth = Growth(cast("Store", shelf), Adapters(), tasks, lambda _: False, World(), hops)
        for number in numbers:
            growth.grow(C1, Grow(DeliveryId(f"c1.{number}"), reply))
            await growth.stop(C1, DeliveryId("none"))
            while growth.under_way:
                await asyncio.sleep(0)

    assert shelf.asked == [f"c1.{n}" for n in [*range(MOST_LANDED + 1), 0]]


# -- the doors -----------------------------------------------------------------------------------


@pytest.mark.thorough
async def test_requests_beyond_what_is_answered_at_once_are_told_to_come_back() -> None:
    routes, go_on = Routes(), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        await go_on.wait()
        return web.Response(text="done")

    def request(adapter: str) -> web.Request:
        names = {"adapter": adapter, "path": "events"}
        return make_mocked_request("POST", f"/{adapter}/events", match_info=names)

    def asked(adapter: str) -> list[asyncio.Task[web.StreamResponse]]:
        asking = range(MOST_OF_ONE)
        return [asyncio.create_task(routes.answer(request(adapter))) for _ in asking]

    for name in ("slack", "chat", "third"):
        routes.add(AdapterName(name), "POST", "/events", slow)
    answering = asked("slack")
    await asyncio.sleep(0)
    with pytest.raises(web.HTTPServiceUnavailable):
        await routes.answer(request("slack"))  # there is room for others only
    answering += asked("chat")
    await asyncio.sleep(0)
    assert len(answering) == MOST_AT_WORK
    with pytest.raises(web.HTTPServiceUnavailable):
        await routes.answer(request("third"))

    go_on.set()
    assert {answer.status for answer in await asyncio.gather(*answering)} == {200}
    assert (await routes.answer(request("slack"))).status == 200


async def test_asides_beyond_so_many_are_left_out() -> None:
    asides, told = Asides(), list[int]()

    async def tell(number: int) -> None:
        await asyncio.sleep(0)
        told.append(number)

    for number in range(MOST_ASIDES + 5):
        asides.start(tell(number))
    while len(told) < MOST_ASIDES:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    asides.start(tell(-1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert told == [*range(MOST_ASIDES), -1]
    await asides.close()


async def test_a_slack_socket_is_not_read_while_too_many_of_its_envelopes_are_served() -> None:
    sent = MOST_ENVELOPES + 500

    async def flood(request: web.Request) -> web.WebSocketResponse:
        wire = web.WebSocketResponse()
        await wire.prepare(request)
        await wire.send_json({"type": "hello", "num_connections": 1})
        for number in range(sent):
            frame = {"type": "events_api", "envelope_id": str(number), "payload": {}}
            await wire.send_json(frame)
        async for _ in wire:
            pass
        return wire

    go_on = asyncio.Event()

    async def slow(_: object) -> Reply:
        await go_on.wait()
        return Reply()

    application = web.Application()
    application.router.add_get("/", flood)
    async with TestServer(application) as server, aiohttp.ClientSession() as http:
        socket = Socket(cast("AsyncApp", None), slow, http, Pace())
        await socket.open(str(server.make_url("/")), None, lambda: None)
        await seen(lambda: socket.events >= MOST_ENVELOPES)
        for _ in range(100):
            await asyncio.sleep(0)
        assert socket.events == MOST_ENVELOPES

        go_on.set()
        await seen(lambda: socket.events == sent)
        await socket.leave()


async def seen(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not what():
            await asyncio.sleep(0)
