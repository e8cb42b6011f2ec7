"""Adapters are connected again and again, each on its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from bridge.errors import ConfigurationError, CredentialsRefused, Unreachable
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import AdapterName, ThreadKey
from bridge.plugin import Adapter, Signal
from bridge.runtime.adapters.routes import Routes
from bridge.runtime.adapters.supervisor import Adapters, Post, Supervisor
from bridge.runtime.watching.status import Status
from bridge.runtime.world import World
from bridge.testing.clock import NOON, FakeClock
from tests.unit.runtime.house import Even

SLACK, TEAMS = AdapterName("slack"), AdapterName("teams")


class Line:
    """A platform: it refuses to connect as told, and what is connected can be broken."""

    def __init__(self, clock: FakeClock, *refusals: Exception) -> None:
        self._clock = clock
        self.refusals = list(refusals)
        self.connects: list[float] = []
        self.left = 0
        self.slow: asyncio.Event | None = None  #: connecting waits for it
        self._broken = asyncio.Event()
        self._fault: Exception | None = None

    def breaks(self, fault: Exception) -> None:
        """Whoever is connected crashes with it."""
        self._fault = fault
        self._broken.set()

    def connect(self) -> AbstractAsyncContextManager[Adapter]:
        return self._connected()

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Adapter]:
        self.connects.append((self._clock.now() - NOON).total_seconds())
        if self.refusals:
            raise self.refusals.pop(0)
        if self.slow is not None:
            await self.slow.wait()
        self._broken.clear()
        try:
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(self._watch())
                yield self
                watch.cancel()
        finally:
            self.left += 1

    async def _watch(self) -> None:
        await self._broken.wait()
        if self._fault is not None:
            raise self._fault

    async def deliver(self, outbound: Outbound) -> Receipt:
        raise AssertionError(outbound)

    def post(self, name: AdapterName) -> Post:
        return Post(name=name, connect=self.connect)


class Lively(Line):
    """It can show signs of life, too."""

    async def signal(self, thread: ThreadKey, signal: Signal) -> None:
        raise AssertionError(thread, signal)


class Theatre:
    """A supervisor and its adapters."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.adapters = Adapters()
        self.status = Status()
        self.stop = asyncio.Event()
        world = World(clock=self.clock, chance=Even())
        self.routes = Routes()
        self.supervisor = Supervisor(self.adapters, self.status, world, self.routes)
        self.running: list[asyncio.Task[None]] = []

    async def run(self, line: Line, name: AdapterName = SLACK) -> "asyncio.Task[None]":
        task = asyncio.create_task(self.supervisor.run(line.post(name), self.stop))
        self.running.append(task)
        await self.clock.settle()
        return task

    async def passes(self, seconds: float) -> None:
        await self.clock.advance(timedelta(seconds=seconds))


@pytest.fixture
async def theatre() -> AsyncIterator[Theatre]:
    theatre = Theatre()
    yield theatre
    for task in theatre.running:
        task.cancel()
    await asyncio.gather(*theatre.running, return_exceptions=True)


async def test_an_adapter_is_there_while_it_is_connected(theatre: Theatre) -> None:
    line = Line(theatre.clock)
    wanted = asyncio.create_task(theatre.adapters.connected(SLACK))
    assert theatre.adapters.now(SLACK) is None

    task = await theatre.run(line)
    assert theatre.adapters.now(SLACK) is line
    assert await wanted is line

    theatre.stop.set()
    await task
    assert theatre.adapters.now(SLACK) is None
    assert (line.connects, line.left) == ([0], 1)


async def test_who_can_show_signs_of_life_is_known_while_it_is_connected() -> None:
    adapters, mute, lively = Adapters(), Line(FakeClock()), Lively(FakeClock())
    assert adapters.signaller(SLACK) is None
    adapters.arrived(SLACK, mute)
    assert adapters.signaller(SLACK) is None
    adapters.arrived(SLACK, lively)
    assert adapters.signaller(SLACK) is lively
    adapters.left(SLACK)
    assert adapters.signaller(SLACK) is None


async def test_who_cannot_connect_tries_again_ever_more_slowly(theatre: Theatre) -> None:
    line = Line(theatre.clock, *(Unreachable("away") for _ in range(8)))

    await theatre.run(line)
    assert theatre.status.causes == ["adapter slack: away (restarting, attempt 2)"]
    await theatre.passes(200)

    assert line.connects == [0, 1, 3, 7, 15, 31, 61, 91, 121]
    assert theatre.adapters.now(SLACK) is line


async def test_who_crashes_is_connected_again(theatre: Theatre) -> None:
    line = Line(theatre.clock)
    await theatre.run(line)

    line.breaks(ZeroDivisionError("a bug"))
    await theatre.clock.settle()
    assert theatre.adapters.now(SLACK) is None
    assert line.left == 1

    await theatre.passes(2)
    assert theatre.adapters.now(SLACK) is line
    assert line.connects == [0, 1]


async def test_a_crash_of_one_is_nothing_to_another(theatre: Theatre) -> None:
    good, bad = Line(theatre.clock), Line(theatre.clock, *(KeyError("x") for _ in range(50)))
    await theatre.run(good, SLACK)
    await theatre.run(bad, TEAMS)
    await theatre.passes(600)

    assert theatre.adapters.now(SLACK) is good
    assert (len(good.connects), good.left) == (1, 0)
    assert [t.done() for t in theatre.running] == [False, False]


@pytest.mark.parametrize(
    "wrapped", [lambda e: e, lambda e: ExceptionGroup("in a group", [e])], ids=["plain", "group"]
)
async def test_credentials_refused_at_the_first_connect_are_for_a_person(
    theatre: Theatre, wrapped: Callable[[Exception], Exception]
) -> None:
    line = Line(theatre.clock, wrapped(CredentialsRefused("bad token", remedy="fix it")))

    task = await theatre.run(line)

    with pytest.raises(CredentialsRefused, match="bad token"):
        await task


async def test_credentials_refused_later_are_a_trouble_and_end_nothing(theatre: Theatre) -> None:
    """A token revoked in one workspace must not take the other adapters down."""
    line = Line(theatre.clock)
    task = await theatre.run(line)
    line.refusals = [CredentialsRefused("revoked")]
    line.breaks(Unreachable("closed"))

    await theatre.passes(30)
    assert not task.done()
    assert theatre.status.causes == ["adapter slack: revoked (refused, attempt 3)"]
    assert line.connects == [0, 1]

    await theatre.passes(60)
    assert theatre.adapters.now(SLACK) is line
    assert theatre.status.causes == []


async def test_a_crash_is_told_by_its_name_alone(
    theatre: Theatre, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever foreign code raises may quote an address with a secret in it, or words."""
    line = Line(theatre.clock, ValueError("wss://x/?ticket=s3cret"))
    await theatre.run(line)
    await theatre.passes(5)
    line.breaks(OSError("wss://x/?ticket=s3cret"))
    await theatre.clock.settle()

    assert theatre.status.causes == ["adapter slack: OSError (restarting, attempt 3)"]
    assert "s3cret" not in caplog.text


async def test_we_are_not_ready_before_an_adapter_was_ever_connected(theatre: Theatre) -> None:
    line = Line(theatre.clock)
    line.slow = asyncio.Event()
    await theatre.run(line)
    assert theatre.status.causes == ["adapter slack: not connected yet"]

    line.slow.set()
    await theatre.clock.settle()
    assert theatre.status.causes == []


async def test_a_stop_does_not_wait_for_the_next_try(theatre: Theatre) -> None:
    line = Line(theatre.clock, *(Unreachable("away") for _ in range(50)))
    task = await theatre.run(line)
    await theatre.passes(100)

    theatre.stop.set()
    await theatre.clock.settle()

    assert task.done()
    assert theatre.clock.sleepers == 0


async def _answer(_request: web.Request) -> web.Response:
    return web.Response()


@pytest.mark.parametrize("broken", [True, False])
async def test_what_an_adapter_served_is_gone_when_it_leaves(
    theatre: Theatre, *, broken: bool
) -> None:
    line = Line(theatre.clock)
    await theatre.run(line)
    theatre.routes.add(SLACK, "POST", "/events", _answer)

    if broken:
        line.breaks(Unreachable("gone"))
    else:
        theatre.stop.set()
    await theatre.clock.settle()

    theatre.routes.add(SLACK, "POST", "/events", _answer)


class Whim(Line):
    """It does what it likes when it is to come, and when it is to go."""

    def __init__(
        self, clock: FakeClock, *, coming: Callable[[], object] = str, going: object = None
    ) -> None:
        super().__init__(clock)
        self._coming, self._going = coming, going

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Adapter]:
        coming = self._coming()
        if asyncio.iscoroutine(coming):
            await coming
        async with super()._connected():
            yield self
        if callable(self._going):
            await self._going()


def stubborn(enough: asyncio.Event) -> Callable[[], Awaitable[None]]:
    """It goes on until it has had enough, whoever calls it off."""

    async def going_on() -> None:
        while not enough.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await enough.wait()

    return going_on


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), ValueError("secret")]
)
async def test_whatever_is_raised_on_connecting_is_tried_again(
    theatre: Theatre, error: BaseException
) -> None:
    def coming() -> None:
        raise error

    task = await theatre.run(Whim(theatre.clock, coming=coming))
    await theatre.passes(1)

    name = type(error).__name__
    assert theatre.status.causes == [f"adapter slack: {name} (restarting, attempt 3)"]
    assert not task.done()


async def test_a_stop_waits_neither_for_who_is_coming_nor_for_who_will_not_go(
    theatre: Theatre,
) -> None:
    supervisor = Supervisor(
        theatre.adapters,
        theatre.status,
        World(clock=theatre.clock, chance=Even()),
        connecting=timedelta(seconds=60),
        leaving=timedelta(milliseconds=1),
    )
    enough = asyncio.Event()
    coming = Whim(theatre.clock, coming=stubborn(enough))
    going = Whim(theatre.clock, going=stubborn(enough))
    running = [
        asyncio.create_task(supervisor.run(coming.post(SLACK), theatre.stop)),
        asyncio.create_task(supervisor.run(going.post(TEAMS), theatre.stop)),
    ]
    theatre.running += running
    await theatre.clock.settle()
    assert theatre.adapters.now(TEAMS) is going

    theatre.stop.set()
    await asyncio.wait_for(asyncio.gather(*running), 10)

    assert theatre.adapters.now(TEAMS) is None
    left = [task for task in asyncio.all_tasks() if task.get_name().startswith("adapter ")]
    assert left == []  # nobody will wait for those that are left
    enough.set()
    await theatre.clock.settle()
    assert (coming.left, going.left) == (1, 1)


async def test_who_takes_too_long_to_connect_is_called_off_and_tried_again(
    theatre: Theatre,
) -> None:
    supervisor = Supervisor(
        theatre.adapters,
        theatre.status,
        World(clock=theatre.clock, chance=Even()),
        connecting=timedelta(milliseconds=1),
    )
    line = Line(theatre.clock)
    line.slow = asyncio.Event()
    theatre.running.append(asyncio.create_task(supervisor.run(line.post(SLACK), theatre.stop)))
    async with asyncio.timeout(10):
        while len(line.connects) < 2:
            await asyncio.sleep(0.001)
            await theatre.passes(1)

    (trouble,) = theatre.status.causes
    assert trouble.startswith("adapter slack: it took too long to connect")


async def test_who_served_for_a_while_is_tried_again_as_if_it_had_never_failed(
    theatre: Theatre,
) -> None:
    line = Line(theatre.clock, *(Unreachable("away") for _ in range(4)))
    await theatre.run(line)
    await theatre.passes(15)
    assert line.connects == [0, 1, 3, 7, 15]

    line.breaks(Unreachable("at once"))
    await theatre.passes(15)
    assert line.connects[5:] == []
    await theatre.passes(1 + 60)
    line.breaks(Unreachable("after a while"))
    await theatre.passes(1)

    assert len(line.connects) == 7
    restarts = theatre.status.metrics.registry.get_sample_value(
        "polyai_bridge_adapter_restarts_total", {"adapter": "slack"}
    )
    assert restarts == 6


def among(theatre: Theatre, *names: AdapterName) -> Supervisor:
    world = World(clock=theatre.clock, chance=Even())
    return Supervisor(theatre.adapters, theatre.status, world, among=names)


@pytest.mark.parametrize("other", [Unreachable("away"), None])
async def test_one_that_is_refused_does_not_end_what_another_serves_or_may_serve(
    theatre: Theatre, other: Exception | None
) -> None:
    supervisor = among(theatre, SLACK, TEAMS)
    refused = Line(theatre.clock, *(CredentialsRefused("bad token") for _ in range(3)))
    beside = Line(theatre.clock, *([other] if other else []))
    theatre.running += [
        asyncio.create_task(supervisor.run(refused.post(SLACK), theatre.stop)),
        asyncio.create_task(supervisor.run(beside.post(TEAMS), theatre.stop)),
    ]
    await theatre.passes(30)

    assert theatre.status.causes == ["adapter slack: bad token (refused, attempt 2)"]
    await theatre.passes(90)
    assert refused.connects == [0, 60, 120]
    assert not any(task.done() for task in theatre.running)


async def test_if_all_are_refused_or_cannot_be_used_it_is_over(theatre: Theatre) -> None:
    supervisor = among(theatre, SLACK, TEAMS)
    unusable = Line(theatre.clock, *(ConfigurationError("no module") for _ in range(9)))
    refused = Line(theatre.clock, CredentialsRefused("bad token"))
    theatre.running.append(asyncio.create_task(supervisor.run(unusable.post(TEAMS), theatre.stop)))
    await theatre.passes(10)
    assert theatre.status.causes[0].startswith("adapter teams: no module (unusable, attempt ")
    assert not theatre.running[0].done()

    task = asyncio.create_task(supervisor.run(refused.post(SLACK), theatre.stop))
    await theatre.clock.settle()

    with pytest.raises(CredentialsRefused, match="bad token"):
        await task


async def test_what_is_called_is_what_the_post_makes_of_the_adapter(theatre: Theatre) -> None:
    line, other = Line(theatre.clock), Line(theatre.clock)
    post = replace(line.post(SLACK), called=lambda _adapter: other)
    theatre.running.append(asyncio.create_task(theatre.supervisor.run(post, theatre.stop)))
    await theatre.clock.settle()

    assert theatre.adapters.now(SLACK) is other
