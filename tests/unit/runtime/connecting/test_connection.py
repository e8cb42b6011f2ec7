"""When the history of a socket counts as told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

import pytest

from bridge.core import events as e
from bridge.model import frames as f
from bridge.model.ids import AgentName, ConversationId
from bridge.polyai.socket import Closing, Socket, SocketClosed
from bridge.polyai.wire import Decoded
from bridge.runtime.connecting.connection import MOST_AT_ONCE, Connection
from bridge.runtime.deciding import Mail
from bridge.runtime.reporting.metrics import Metrics
from bridge.runtime.timers import Timers
from bridge.runtime.worker import Worker
from bridge.runtime.world import World
from bridge.testing.clock import FakeClock
from tests.unit.runtime.house import Even


class Line:
    """The far end of a socket: three batches of history at once, then nothing."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()

    async def frames(self) -> AsyncIterator[Decoded]:
        for number in (1, 2, 3):
            frame = f.Frame(id=f"id-{number}", sequence=number, body=f.AgentThinking())
            yield Decoded(frames=(frame,), batch=True)
        await self._closed.wait()
        raise SocketClosed(1001, clean=True, ours=True)

    async def send(self, text: str) -> None:
        """Nobody listens."""

    async def ping(self) -> None:
        """Nobody answers."""
        await self._closed.wait()

    async def close(self, _code: int = 1000) -> None:
        self._closed.set()


class SlowDesk:
    """A worker whose disk takes two seconds for each step."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.told: list[e.Event] = []

    async def tell(self, _conversation: ConversationId, *mail: Mail) -> None:
        await self._clock.sleep(timedelta(seconds=2))
        self.told += [one.event for one in mail]

    hear = tell

    def present(self, _conversation: ConversationId) -> None:
        return None


@asynccontextmanager
async def served(
    clock: FakeClock, desk: SlowDesk, socket: object
) -> AsyncIterator[tuple[Connection, "asyncio.Task[Closing]"]]:
    """A socket's connection that is served, and woken, for as long as the body lasts."""
    timers = Timers(clock, lambda _conversation: connection.wake())
    waking = asyncio.create_task(timers.run())
    connection = Connection(
        cast("Socket", socket),
        conversation=ConversationId("c1"),
        number=1,
        worker=cast("Worker", desk),
        world=World(clock=clock, chance=Even()),
        metrics=Metrics(),
        timers=timers,
        agent=AgentName("default"),
    )
    serving = asyncio.create_task(connection.serve(after=0))
    yield connection, serving
    connection.drop()
    await asyncio.gather(serving, return_exceptions=True)
    waking.cancel()


async def test_a_slow_disk_is_not_taken_for_the_end_of_the_history() -> None:
    """An echo in the last batch must be seen before anything is sent again."""
    clock = FakeClock()
    desk = SlowDesk(clock)
    async with served(clock, desk, Line()):
        await clock.advance(timedelta(seconds=20))

    assert [type(event).__name__ for event in desk.told] == [*["FrameArrived"] * 3, "SocketReady"]


class Beating:
    """The far end of a socket that answers each heartbeat."""

    def __init__(self) -> None:
        self.beats = 0
        self._coming: asyncio.Queue[Decoded | None] = asyncio.Queue()
        self._coming.put_nowait(Decoded(batch=True))

    async def frames(self) -> AsyncIterator[Decoded]:
        while (decoded := await self._coming.get()) is not None:
            yield decoded
        raise SocketClosed(1001, clean=True, ours=True)

    async def send(self, _text: str) -> None:
        self.beats += 1
        echo = f.Frame(id="", sequence=None, body=f.HeartbeatEchoed())
        self._coming.put_nowait(Decoded(frames=(echo,)))

    async def close(self, _code: int = 1000) -> None:
        self._coming.put_nowait(None)


async def test_an_idle_socket_has_one_task_and_its_heartbeats_take_no_step() -> None:
    """Ten thousand of them beat hundreds of times a second."""
    clock = FakeClock()
    desk, far = SlowDesk(clock), Beating()
    async with served(clock, desk, far):
        await clock.advance(timedelta(minutes=5))
        coroutines = [str(task.get_coro()) for task in asyncio.all_tasks()]

    assert far.beats == 10
    assert [type(event).__name__ for event in desk.told] == ["SocketReady"]
    assert sum("Connection." in coroutine for coroutine in coroutines) == 1


async def test_what_fails_beside_the_reader_ends_the_socket_and_is_told() -> None:
    class Broken(SlowDesk):
        async def tell(self, _conversation: ConversationId, *mail: Mail) -> None:
            raise RuntimeError("no such step")

    clock = FakeClock()
    async with served(clock, Broken(clock), Beating()) as (_, serving):
        await clock.advance(timedelta(seconds=5))
        with pytest.raises(RuntimeError, match="no such step"):
            await serving


class Far:
    """The far end of a socket that says what it is told to."""

    def __init__(self) -> None:
        self._coming: asyncio.Queue[Decoded | None] = asyncio.Queue()
        self._coming.put_nowait(Decoded(batch=True))

    def say(self, *numbers: int) -> None:
        for number in numbers:
            said = f.Frame(id=f"id-{number}", sequence=number, body=f.AgentThinking())
            self._coming.put_nowait(Decoded(frames=(said,)))

    async def frames(self) -> AsyncIterator[Decoded]:
        while (decoded := await self._coming.get()) is not None:
            yield decoded
        raise SocketClosed(1001, clean=True, ours=True)

    async def send(self, _text: str) -> None:
        """Nobody listens."""

    async def close(self, _code: int = 1000) -> None:
        self._coming.put_nowait(None)


class CrowdedDesk(SlowDesk):
    """Mail is taken at once and in its order; but its thread is owed so much that each waits."""

    async def tell(self, _conversation: ConversationId, *mail: Mail) -> None:
        self.told += [one.event for one in mail]
        await self._clock.sleep(timedelta(seconds=2))

    hear = tell

    @property
    def numbers(self) -> list[int | None]:
        frames = (event.frame for event in self.told if isinstance(event, e.FrameArrived))
        return [frame.sequence for frame in frames]


@pytest.mark.parametrize(("first", "after"), [(1, 0), (2, 5)], ids=["history", "gap"])
async def test_what_is_read_while_many_that_waited_are_followed_comes_after_them(
    first: int, after: int
) -> None:
    """They wait for the history to be over, or for the frame before them."""
    clock = FakeClock()
    desk, far = CrowdedDesk(clock), Far()
    last = first + 2 * MOST_AT_ONCE
    async with served(clock, desk, far):
        await clock.advance(timedelta(seconds=after))
        far.say(*range(first, last))
        await clock.advance(timedelta(seconds=1.5))
        assert desk.numbers, "they are followed"
        far.say(last)
        await clock.advance(timedelta(seconds=20))

    assert desk.numbers == [*range(first, last + 1)]


async def test_a_gap_behind_frames_that_a_crowded_thread_holds_up_does_not_overtake_them() -> None:
    clock = FakeClock()
    desk, far = CrowdedDesk(clock), Far()
    async with served(clock, desk, far):
        await clock.advance(timedelta(seconds=5))
        far.say(2, 3, 4, 6, 1)
        await clock.advance(timedelta(seconds=20))

    assert desk.numbers == [1, 2, 3, 4, 6]


async def test_a_missing_frame_that_was_only_not_read_yet_is_waited_for() -> None:
    """A thread that is owed too much holds the reader up for longer than a gap is waited for."""
    clock = FakeClock()
    desk, far = CrowdedDesk(clock), Far()
    async with served(clock, desk, far):
        await clock.advance(timedelta(seconds=5))
        far.say(3, 1, 2)
        await clock.advance(timedelta(seconds=20))
        far.say(6, 4, 7)
        await clock.advance(timedelta(seconds=20))

    assert desk.numbers == [1, 2, 3, 4, 6, 7], "nor does a gap wait for ever"
