"""A sign of life is shown at once or not at all, and its end never before it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.core.state import Conversation
from bridge.errors import RetryLater, Unreachable
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
        self.busy: set[str] = set()  #: conversations with messages under way
        self._signals = Signals(self.adapters, house.world, house.tasks, self.busy.__contains__)
        self.adapters.arrived(SLACK, self.platform)

    async def show(self, *signals: Signal) -> None:
        """Each a moment after the other."""
        for signal in signals:
            self._signals.show(self.conversation, signal)
            await self.house.quiet()

    async def messages(self, *meanwhile: Signal) -> None:
        """Messages go out, and meanwhile these signs come."""
        self.busy.add(self.conversation.id)
        await self.show(*meanwhile)
        self.busy.clear()
        self._signals.messages_out(self.conversation.id)
        await self.house.quiet()

    @property
    def shown(self) -> list[str]:
        return [signal.rpartition(": ")[2] for signal in self.platform.signals]


@pytest.fixture
async def porch(tmp_path: Path) -> AsyncIterator[Porch]:
    async with lived_in(tmp_path) as house:
        yield Porch(house, await opened(house.store))


async def test_each_is_shown_as_it_comes(porch: Porch) -> None:
    await porch.show(THINKING, TYPING, THINKING, CLEAR)

    assert porch.shown == ["thinking", "typing", "thinking", "clear"]


async def test_what_is_shown_already_is_shown_again_after_a_minute(porch: Porch) -> None:
    await porch.show(TYPING, TYPING)
    await porch.house.clock.advance(timedelta(seconds=59))
    await porch.show(TYPING)
    assert porch.shown == ["typing"]

    await porch.house.clock.advance(timedelta(seconds=1))
    await porch.show(TYPING)

    assert porch.shown == ["typing", "typing"]


async def test_after_messages_a_sign_that_still_holds_is_shown_again(porch: Porch) -> None:
    await porch.show(THINKING)

    await porch.messages()

    assert porch.shown == ["thinking", "thinking"]


async def test_what_messages_may_have_left_is_taken_away_after_them(porch: Porch) -> None:
    await porch.show(THINKING)

    await porch.messages(CLEAR)
    await porch.messages()

    assert porch.shown == ["thinking", "clear"]


async def test_what_did_not_come_to_be_shown_is_not_taken_away(porch: Porch) -> None:
    await porch.messages(THINKING, CLEAR)

    assert porch.shown == []


async def test_a_message_under_way_is_not_crossed_by_a_sign_that_was_held_up(porch: Porch) -> None:
    porch.platform.signalling.clear()
    await porch.show(THINKING)
    porch.busy.add(porch.conversation.id)
    await porch.show(CLEAR)
    porch.platform.signalling.set()
    await porch.house.quiet()
    assert porch.shown == ["thinking"]

    await porch.messages()

    assert porch.shown == ["thinking", "clear"]


async def test_taking_a_sign_away_is_tried_again_and_not_for_ever(porch: Porch) -> None:
    await porch.show(THINKING)
    porch.platform.signal_faults = [Unreachable("away"), TimeoutError()]
    await porch.show(CLEAR)
    await porch.house.until(lambda: porch.shown == ["thinking", "clear"])

    await porch.show(THINKING)
    porch.platform.signal_faults = [Unreachable("away") for _ in range(9)]
    await porch.show(CLEAR)
    await porch.house.until(lambda: len(porch.platform.signal_faults) == 6)
    await porch.house.clock.advance(timedelta(hours=1))
    await porch.house.quiet()

    assert len(porch.platform.signal_faults) == 6


async def test_taking_a_sign_away_waits_as_long_as_the_platform_says(porch: Porch) -> None:
    await porch.show(THINKING)
    porch.platform.signal_faults = [RetryLater("slow", after=timedelta(seconds=30))]
    await porch.show(CLEAR)
    await porch.house.clock.advance(timedelta(seconds=29))
    await porch.house.quiet()
    assert porch.shown == ["thinking"]

    await porch.house.clock.advance(timedelta(seconds=1))
    await porch.house.quiet()
    assert porch.shown == ["thinking", "clear"]


async def test_a_new_sign_overtakes_one_that_could_not_be_taken_away(porch: Porch) -> None:
    await porch.show(THINKING)
    porch.platform.signal_faults = [Unreachable("away")]

    await porch.show(CLEAR, TYPING)
    await porch.house.until(lambda: porch.shown == ["thinking", "typing"])


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
