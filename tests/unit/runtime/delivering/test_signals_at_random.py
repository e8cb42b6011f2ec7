"""Whatever comes in whatever order: what is shown in the end is what was wanted last."""

import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bridge.errors import MaybeDelivered, RetryLater, Unreachable
from bridge.model.ids import ThreadKey
from bridge.plugin import Signal, SignalKind
from bridge.runtime.adapters.supervisor import Adapters
from bridge.runtime.delivering.signals import SOON, Signals
from tests.unit.runtime.house import House, Plain, lived_in
from tests.unit.store.given import SLACK, opened

THINKING, TYPING, CLEAR = map(Signal, SignalKind)
_MOVES = 60
SEEDS = [*range(6), *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(6, 40))]
#: Fewer than the tries for an end: that one whose tries are all used up may stick is no fault.
_FAULTS = 2


class Window(Plain):
    """A platform on which it can be seen what is shown at present, and since when."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.visible: Signal | None = None
        self.signal_faults: list[Exception] = []
        self.calls: list[tuple[datetime, Signal]] = []
        self.slowness = timedelta()

    async def signal(self, thread: ThreadKey, signal: Signal) -> None:
        self.calls.append((self.house.clock.now(), signal))
        fault = self.signal_faults.pop() if self.signal_faults else None
        if fault is None or isinstance(fault, MaybeDelivered):
            self.visible = None if signal == CLEAR else signal
        await self.house.clock.sleep(self.slowness)
        if fault is not None:
            raise fault


class Walk:
    """A conversation in which anything may happen next."""

    def __init__(self, house: House, window: Window, seed: int) -> None:
        self.clock = house.clock
        self.window = window
        self.chance = random.Random(seed)  # noqa: S311 - a walk that can be taken again
        self.busy = set[str]()
        self.faults = 0
        adapters = Adapters()
        adapters.arrived(SLACK, window)
        self.signs = Signals(adapters, house.world, house.tasks, self.busy.__contains__)

    async def go(self, house: House) -> None:
        conversation = await opened(house.store)
        for _ in range(_MOVES):
            match self.chance.choice(("sign", "sign", "time", "message", "fault")):
                case "sign":
                    sign = self.chance.choice((THINKING, TYPING, CLEAR))
                    self.signs.show(conversation, sign)
                case "time":
                    await self.clock.advance(self.chance.choice((0.1, 0.5, 1, 3)) * SOON)
                case "message" if self.busy:
                    self.window.visible = None
                    self.busy.clear()
                    self.signs.messages_out(conversation.id)
                case "message":
                    self.busy.add(conversation.id)
                case "fault" if self.faults < _FAULTS:
                    self.faults += 1
                    self.window.signal_faults.append(self._fault())
                case _:
                    self.window.slowness = self.chance.choice((0, 0.3, 2)) * SOON
        self.busy.clear()
        self.signs.messages_out(conversation.id)

    def _fault(self) -> Exception:
        late = RetryLater("slow", after=timedelta(seconds=7))
        return self.chance.choice((late, Unreachable("away"), MaybeDelivered("who knows")))


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_end_takes_everything_away_and_nothing_is_remembered(
    tmp_path: Path, seed: int
) -> None:
    async with lived_in(tmp_path) as house:
        walk = Walk(house, Window(house), seed)
        await walk.go(house)
        walk.signs.show(await opened(house.store), CLEAR)
        await house.clock.advance(timedelta(minutes=10))

        assert walk.window.visible is None
        assert (walk.signs.remembered, house.clock.sleepers) == (0, 0)


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_is_wanted_last_is_shown_soon_and_with_few_calls(
    tmp_path: Path, seed: int
) -> None:
    async with lived_in(tmp_path) as house:
        walk = Walk(house, Window(house), seed)
        await walk.go(house)
        walk.window.signal_faults.clear()
        await house.clock.advance(timedelta(minutes=3))
        calls = len(walk.window.calls)
        conversation = await opened(house.store)
        for _ in range(9):
            walk.signs.show(conversation, TYPING)
            walk.signs.show(conversation, THINKING)
        await house.clock.advance(5 * SOON)

        assert walk.window.visible == THINKING
        assert len(walk.window.calls) - calls <= 2
