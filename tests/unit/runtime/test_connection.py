"""When the history of a socket counts as told."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import cast

from bridge.core import events as e
from bridge.model import frames as f
from bridge.model.ids import AgentName, ConversationId
from bridge.polyai.socket import Socket, SocketClosed
from bridge.polyai.wire import Decoded
from bridge.runtime.connection import Connection
from bridge.runtime.deciding import Mail
from bridge.runtime.status import Status
from bridge.runtime.timers import Timers
from bridge.runtime.worker import Worker
from bridge.runtime.world import World
from bridge.testing.clock import FakeClock


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


async def test_a_slow_disk_is_not_taken_for_the_end_of_the_history() -> None:
    """An echo in the last batch must be seen before anything is sent again."""
    clock = FakeClock()
    desk = SlowDesk(clock)
    timers = Timers(clock, lambda _conversation: connection.wake())
    waking = asyncio.create_task(timers.run())
    connection = Connection(
        cast("Socket", Line()),
        conversation=ConversationId("c1"),
        number=1,
        worker=cast("Worker", desk),
        world=World(clock=clock),
        status=Status(),
        timers=timers,
        agent=AgentName("default"),
    )
    serving = asyncio.create_task(connection.serve(after=0))
    await clock.advance(timedelta(seconds=20))
    connection.drop()
    await serving
    waking.cancel()

    assert [type(event).__name__ for event in desk.told] == [*["FrameArrived"] * 3, "SocketReady"]
