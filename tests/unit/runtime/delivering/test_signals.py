"""A sign of life is shown when it is of use, and its end never before it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.core.state import Conversation
from bridge.errors import MaybeDelivered, RetryLater, Unreachable
from bridge.plugin import Signal, SignalKind
from bridge.runtime.adapters.supervisor import Adapters
from bridge.runtime.delivering.signals import SOON, Signals
from tests.unit.runtime.house import Full, House, Plain, lived_in
from tests.unit.store.given import SLACK, opened

THINKING, TYPING, CLEAR = map(Signal, SignalKind)
MOMENT = timedelta(milliseconds=1)
MINUTE = timedelta(minutes=1)


class Porch:
    """Signs of life, and the platform that shows them."""

    def __init__(self, house: House, conversation: Conversation) -> None:
        self.house = house
        self.conversation = conversation
        self.adapters = Adapters()
        self.platform = Full(house)
        self.busy: set[str] = set()  #: conversations with messages under way
        self.signs = Signals(self.adapters, house.world, house.tasks, self.busy.__contains__)
        self.adapters.arrived(SLACK, self.platform)

    async def show(self, *signals: Signal) -> None:
        """Each a moment after the other, in which no time passes."""
        for signal in signals:
            self.signs.show(self.conversation, signal)
            await self.house.quiet()

    async def wait(self, duration: timedelta = SOON) -> None:
        """Let time pass."""
        await self.house.clock.advance(duration)
        await self.house.quiet()

    async def shows(self, *signals: Signal) -> None:
        """Each, and then long enough for it to be shown and to be changed at once."""
        for signal in signals:
            await self.show(signal)
            await self.wait(2 * SOON)

    async def messages(self, *meanwhile: Signal) -> None:
        """Messages go out, and meanwhile these signs come."""
        self.busy.add(self.conversation.id)
        await self.show(*meanwhile)
        self.busy.clear()
        self.signs.messages_out(self.conversation.id)
        await self.house.quiet()

    @property
    def shown(self) -> list[str]:
        return [signal.rpartition(": ")[2] for signal in self.platform.signals]


@pytest.fixture
async def porch(tmp_path: Path) -> AsyncIterator[Porch]:
    async with lived_in(tmp_path) as house:
        yield Porch(house, await opened(house.store))


async def test_each_is_shown_in_its_turn(porch: Porch) -> None:
    await porch.shows(THINKING, TYPING, THINKING, CLEAR)

    assert porch.shown == ["thinking", "typing", "thinking", "clear"]


# A fast answer needs no sign


async def test_thinking_is_shown_when_nothing_has_come_for_a_second(porch: Porch) -> None:
    await porch.show(THINKING)
    await porch.wait(SOON - MOMENT)
    assert porch.shown == []

    await porch.wait(MOMENT)

    assert porch.shown == ["thinking"]


async def test_an_answer_within_a_second_costs_no_call_and_leaves_nothing_behind(
    porch: Porch,
) -> None:
    await porch.show(THINKING)
    await porch.wait(SOON - MOMENT)
    await porch.messages(CLEAR)
    await porch.wait(MINUTE)

    assert porch.shown == []
    assert (porch.signs.remembered, porch.house.clock.sleepers) == (0, 0)


async def test_that_the_agent_says_so_itself_makes_thinking_neither_sooner_nor_later(
    porch: Porch,
) -> None:
    await porch.show(THINKING)
    await porch.wait(SOON / 2)
    await porch.show(THINKING)
    assert porch.shown == []

    await porch.wait(SOON / 2)

    assert porch.shown == ["thinking"]


async def test_the_next_question_has_a_second_of_its_own(porch: Porch) -> None:
    await porch.show(THINKING)
    await porch.wait(SOON / 2)
    await porch.show(CLEAR, THINKING)
    await porch.wait(SOON - MOMENT)
    assert porch.shown == []

    await porch.wait(MOMENT)

    assert porch.shown == ["thinking"]


async def test_one_that_waits_holds_up_no_other(porch: Porch) -> None:
    other = await opened(porch.house.store, "c2")
    await porch.show(THINKING)
    await porch.wait(SOON / 2)
    porch.signs.show(other, THINKING)
    await porch.show(CLEAR)
    await porch.wait(SOON / 2)
    assert porch.platform.signals == []

    await porch.wait(SOON / 2)

    assert porch.platform.signals == [f"{other.thread}: thinking"]


async def test_what_was_never_shown_is_never_taken_away(porch: Porch) -> None:
    await porch.show(CLEAR)
    await porch.messages(THINKING, CLEAR)
    porch.platform.signal_faults = [Unreachable("away")]
    await porch.shows(THINKING, CLEAR)

    assert porch.shown == []
    assert porch.signs.remembered == 0


async def test_what_may_be_shown_is_taken_away(porch: Porch) -> None:
    porch.platform.signal_faults = [MaybeDelivered("who knows")]
    await porch.shows(THINKING, CLEAR)

    assert porch.shown == ["clear"]


# A person who types


async def test_typing_is_shown_at_once(porch: Porch) -> None:
    await porch.show(TYPING)

    assert porch.shown == ["typing"]


async def test_typing_takes_the_place_of_thinking_that_waits_for_its_moment(porch: Porch) -> None:
    await porch.show(THINKING, TYPING)
    await porch.wait()

    assert porch.shown == ["typing"]


async def test_whoever_stops_and_goes_on_within_a_second_is_shown_once(porch: Porch) -> None:
    await porch.show(TYPING, CLEAR, TYPING, CLEAR, TYPING)
    await porch.wait()

    assert porch.shown == ["typing"]


async def test_whoever_stops_is_shown_as_having_stopped_a_second_later(porch: Porch) -> None:
    await porch.show(TYPING, CLEAR, TYPING, CLEAR)
    assert porch.shown == ["typing"]

    await porch.wait()

    assert porch.shown == ["typing", "clear"]


async def test_what_is_shown_already_is_shown_again_after_a_minute(porch: Porch) -> None:
    await porch.show(TYPING, TYPING)
    await porch.wait(MINUTE - MOMENT)
    await porch.show(TYPING)
    assert porch.shown == ["typing"]

    await porch.wait(MOMENT)
    await porch.show(TYPING)

    assert porch.shown == ["typing", "typing"]


async def test_what_is_on_its_way_is_not_sent_after_itself(porch: Porch) -> None:
    porch.platform.signalling.clear()
    await porch.show(TYPING, TYPING)
    porch.platform.signalling.set()
    await porch.wait()

    assert porch.shown == ["typing"]


# Messages


async def test_after_messages_a_sign_that_still_holds_is_shown_again(porch: Porch) -> None:
    await porch.shows(THINKING)

    await porch.messages()
    assert porch.shown == ["thinking"], "the next answer may be there in a moment"
    await porch.wait()

    assert porch.shown == ["thinking", "thinking"]


async def test_a_message_gives_the_next_one_a_second_too(porch: Porch) -> None:
    await porch.show(THINKING)
    await porch.wait(SOON / 2)
    await porch.messages()
    await porch.wait(SOON - MOMENT)
    assert porch.shown == []

    await porch.wait(MOMENT)

    assert porch.shown == ["thinking"]


async def test_what_messages_may_have_left_is_taken_away_after_them(porch: Porch) -> None:
    await porch.shows(THINKING)

    await porch.messages(CLEAR)
    await porch.messages()

    assert porch.shown == ["thinking", "clear"]


async def test_what_messages_took_away_may_have_stuck_and_is_taken_away_at_the_end(
    porch: Porch,
) -> None:
    await porch.shows(THINKING)
    await porch.messages()
    await porch.show(CLEAR)

    assert porch.shown == ["thinking", "clear"]


async def test_a_message_under_way_is_not_crossed_by_a_sign_that_was_held_up(porch: Porch) -> None:
    porch.platform.signalling.clear()
    await porch.shows(THINKING)
    porch.busy.add(porch.conversation.id)
    await porch.show(CLEAR)
    porch.platform.signalling.set()
    await porch.house.quiet()
    assert porch.shown == ["thinking"]

    await porch.messages()

    assert porch.shown == ["thinking", "clear"]


async def test_a_sign_whose_moment_comes_during_a_message_waits_for_its_end(porch: Porch) -> None:
    porch.busy.add(porch.conversation.id)
    await porch.shows(THINKING, TYPING)
    assert porch.shown == []

    await porch.messages()

    assert porch.shown == ["typing"]


# Ends


async def test_taking_a_sign_away_is_tried_again_and_not_for_ever(porch: Porch) -> None:
    await porch.shows(THINKING)
    porch.platform.signal_faults = [Unreachable("away"), TimeoutError()]
    await porch.show(CLEAR)
    await porch.house.until(lambda: porch.shown == ["thinking", "clear"])

    await porch.shows(THINKING)
    porch.platform.signal_faults = [Unreachable("away") for _ in range(9)]
    await porch.show(CLEAR)
    await porch.house.until(lambda: len(porch.platform.signal_faults) == 6)
    await porch.wait(timedelta(hours=1))

    assert len(porch.platform.signal_faults) == 6
    assert porch.signs.remembered == 0


async def test_taking_a_sign_away_waits_as_long_as_the_platform_says(porch: Porch) -> None:
    await porch.shows(THINKING)
    porch.platform.signal_faults = [RetryLater("slow", after=timedelta(seconds=30))]
    await porch.show(CLEAR)
    await porch.wait(timedelta(seconds=29))
    assert porch.shown == ["thinking"]

    await porch.wait(timedelta(seconds=1))

    assert porch.shown == ["thinking", "clear"]


async def test_a_new_sign_overtakes_one_that_could_not_be_taken_away(porch: Porch) -> None:
    await porch.shows(THINKING)
    porch.platform.signal_faults = [Unreachable("away")]

    await porch.show(CLEAR, TYPING)
    await porch.house.until(lambda: porch.shown == ["thinking", "typing"])


async def test_what_could_not_be_taken_away_is_shown_anew_if_it_is_wanted_again(
    porch: Porch,
) -> None:
    await porch.shows(THINKING)
    porch.platform.signal_faults = [RetryLater("slow", after=MINUTE)]
    await porch.shows(CLEAR, THINKING)

    await porch.house.until(lambda: porch.shown == ["thinking", "thinking"])


async def test_an_end_never_overtakes_what_it_is_to_end(porch: Porch) -> None:
    porch.platform.signalling.clear()
    await porch.shows(THINKING, TYPING, CLEAR)
    assert porch.shown == []

    porch.platform.signalling.set()
    await porch.wait()

    assert porch.shown == ["thinking", "clear"]


async def test_one_that_fails_is_forgotten_and_the_next_is_shown(porch: Porch) -> None:
    porch.platform.signal_faults = [Unreachable("away"), KeyError("a bug")]

    await porch.shows(THINKING, THINKING, CLEAR)

    assert porch.shown == ["clear"]


async def test_where_nobody_is_or_nobody_can_nothing_is_kept_for_later(porch: Porch) -> None:
    porch.adapters.left(SLACK)
    await porch.show(THINKING)
    porch.adapters.arrived(SLACK, Plain(porch.house))
    await porch.show(TYPING)
    porch.adapters.arrived(SLACK, porch.platform)
    await porch.wait()

    assert porch.shown == []
    assert porch.signs.remembered == 0


async def test_one_whose_platform_leaves_meanwhile_is_let_go_of(porch: Porch) -> None:
    porch.platform.signalling.clear()
    await porch.shows(THINKING, CLEAR)
    porch.adapters.left(SLACK)
    porch.platform.signalling.set()
    await porch.wait()

    assert porch.shown == ["thinking"]
    assert porch.signs.remembered == 0
