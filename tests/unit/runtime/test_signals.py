"""A sign of life is shown at once or not at all, and its end never before it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.core.state import Conversation
from bridge.errors import Unreachable
from bridge.plugin import Signal, SignalKind
from bridge.runtime.signals import Signals
from bridge.runtime.supervisor import Adapters
from tests.unit.runtime.house import Full, House, Plain, lived_in
from tests.unit.store.given import SLACK, opened

THINKING, TYPING, CLEAR = map(Signal, SignalKind)


class Porch:
    """Signs of life, and the platform that shows them."""

    def __init__(self, house: House, conversation: Conversation) -> None:
        self.house = house
        self.conversation = conversation
        self.adapters = Adapters()
        self.platform = Full(house)
        self._signals = Signals(self.adapters, house.tasks)
        self.adapters.arrived(SLACK, self.platform)

    async def show(self, *signals: Signal) -> None:
        """Each a moment after the other."""
        for signal in signals:
            self._signals.show(self.conversation, signal)
            await self.house.quiet()

    @property
    def shown(self) -> list[str]:
        return [signal.rpartition(": ")[2] for signal in self.platform.signals]


@pytest.fixture
async def porch(tmp_path: Path) -> AsyncIterator[Porch]:
    async with lived_in(tmp_path) as house:
        yield Porch(house, await opened(house.store))


async def test_each_is_shown_as_it_comes(porch: Porch) -> None:
    await porch.show(THINKING, THINKING, TYPING, CLEAR)

    assert porch.shown == ["thinking", "thinking", "typing", "clear"]


async def test_an_end_never_overtakes_what_it_is_to_end(porch: Porch) -> None:
    porch.platform.signalling.clear()
    await porch.show(THINKING, TYPING, CLEAR)
    assert porch.shown == []

    porch.platform.signalling.set()
    await porch.house.quiet()

    assert porch.shown == ["thinking", "clear"]


async def test_one_that_fails_is_forgotten_and_the_next_is_shown(porch: Porch) -> None:
    porch.platform.signal_faults = [Unreachable("away"), KeyError("a bug")]

    await porch.show(THINKING, THINKING, CLEAR)

    assert porch.shown == ["clear"]


async def test_where_nobody_is_or_nobody_can_nothing_is_kept_for_later(porch: Porch) -> None:
    porch.adapters.left(SLACK)
    await porch.show(THINKING)
    porch.adapters.arrived(SLACK, Plain(porch.house))
    await porch.show(TYPING)
    porch.adapters.arrived(SLACK, porch.platform)
    await porch.show(CLEAR)

    assert porch.shown == ["clear"]


async def test_one_whose_platform_leaves_meanwhile_is_let_go_of(porch: Porch) -> None:
    porch.platform.signalling.clear()
    await porch.show(THINKING, CLEAR)
    porch.adapters.left(SLACK)
    porch.platform.signalling.set()
    await porch.house.quiet()

    assert porch.shown == ["thinking"]
