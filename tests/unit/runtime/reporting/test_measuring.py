"""What is measured of adapters' calls."""

import asyncio
from datetime import timedelta

import pytest

from bridge.errors import RetryLater
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import AdapterName, DeliveryId, ThreadKey
from bridge.model.messages import Notice, NoticeKind
from bridge.plugin import Finder, Queuer, Reviser
from bridge.runtime.reporting.measuring import Calls
from bridge.runtime.reporting.metrics import Metrics
from bridge.testing.clock import NOON, FakeClock

SLACK = AdapterName("slack")
HELLO = Outbound(
    id=DeliveryId("c1.1"),
    thread=ThreadKey("C1:1"),
    content=Notice(next(iter(NoticeKind))),
    owed_at=NOON,
)


class Gated:
    """A platform whose turns are given by hand, and which may put a post off."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.turns: list[asyncio.Future[None]] = []
        self.puts_off: timedelta | None = None

    async def deliver(self, outbound: Outbound) -> Receipt:
        if self.puts_off is not None:
            raise RetryLater("too fast", after=self.puts_off)
        await self.clock.advance(timedelta(milliseconds=200))
        return Receipt("r")

    async def turn(self, outbound: Outbound, *, revising: bool = False) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.turns.append(turn)
        await turn


class Scene:
    def __init__(self) -> None:
        self.clock, self.metrics = FakeClock(NOON), Metrics()
        self.platform = Gated(self.clock)
        self.adapter = Calls(self.metrics, self.clock).measured(SLACK, self.platform)

    def figure(self, name: str, /, **labels: str) -> float | None:
        whole = {"adapter": "slack", **labels}
        return self.metrics.registry.get_sample_value(f"polyai_bridge_{name}", whole)

    async def given(self, after: float) -> None:
        """After so many seconds the next turn comes."""
        await self.clock.advance(timedelta(seconds=after))
        self.platform.turns.pop(0).set_result(None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_each_call_is_measured_and_what_it_brings_is_handed_on() -> None:
    scene = Scene()
    assert await scene.adapter.deliver(HELLO) == Receipt("r")

    assert scene.figure("adapter_call_seconds_sum", call="deliver") == pytest.approx(0.2)


def test_a_measured_adapter_can_do_what_it_could() -> None:
    adapter: object = Scene().adapter
    assert isinstance(adapter, Queuer)
    assert not isinstance(adapter, Finder | Reviser)


async def test_what_the_platform_put_off_is_counted_and_how_long_it_lasts() -> None:
    scene = Scene()
    scene.platform.puts_off = timedelta(seconds=30)
    with pytest.raises(RetryLater):
        await scene.adapter.deliver(HELLO)
    assert scene.figure("rate_limited_total", call="deliver") == 1

    await scene.clock.advance(timedelta(seconds=10))
    assert scene.figure("wait_seconds", call="deliver") == 20
    await scene.clock.advance(timedelta(seconds=30))
    assert scene.figure("wait_seconds", call="deliver") == 0


async def test_whoever_waits_for_a_turn_waits_as_long_as_the_queue_takes() -> None:
    scene = Scene()
    queuer: object = scene.adapter
    assert isinstance(queuer, Queuer)
    tasks = [asyncio.ensure_future(queuer.turn(HELLO)) for _ in range(6)]
    await asyncio.sleep(0)
    assert scene.figure("turns_waiting") == 6

    await scene.given(after=2)
    await scene.given(after=2)

    assert scene.figure("turns_waiting") == 4
    assert scene.figure("wait_seconds", call="turn") == 8  # four turns at two seconds each
    await scene.clock.advance(timedelta(seconds=20))
    assert scene.figure("wait_seconds", call="turn") == 24  # the first has waited for so long
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert scene.figure("turns_waiting") == 0
    assert scene.figure("wait_seconds", call="turn") is None
