"""Deadlines: each conversation is woken once, when the last thing said about it says so."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bridge.model.ids import ConversationId
from bridge.runtime.timers import Timers
from bridge.testing.clock import NOON, FakeClock

A, B = ConversationId("a"), ConversationId("b")
SECOND = timedelta(seconds=1)


class Alarm:
    """Timers at work, and whom they woke when."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.woken: list[tuple[str, float]] = []
        self.timers = Timers(self.clock, self._wake)

    def _wake(self, conversation: ConversationId) -> None:
        self.woken.append((conversation, (self.clock.now() - NOON).total_seconds()))

    def at(self, conversation: ConversationId, seconds: float | None) -> None:
        """Wake it so many seconds after noon."""
        due = None if seconds is None else NOON + timedelta(seconds=seconds)
        self.timers.set(conversation, due)


@pytest.fixture
async def alarm() -> AsyncIterator[Alarm]:
    alarm = Alarm()
    task = asyncio.create_task(alarm.timers.run())
    await alarm.clock.settle()
    yield alarm
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_each_is_woken_at_its_own_time_and_once(alarm: Alarm) -> None:
    alarm.at(A, 5)
    alarm.at(B, 2)

    await alarm.clock.advance(10 * SECOND)

    assert alarm.woken == [("b", 2), ("a", 5)]


async def test_a_nearer_deadline_interrupts_the_wait_for_a_later_one(alarm: Alarm) -> None:
    alarm.at(A, 100)
    await alarm.clock.advance(SECOND)
    alarm.at(B, 3)

    await alarm.clock.advance(5 * SECOND)

    assert alarm.woken == [("b", 3)]


async def test_the_last_word_counts(alarm: Alarm) -> None:
    alarm.at(A, 2)
    alarm.at(A, 6)
    alarm.at(B, 3)
    alarm.at(B, None)
    await alarm.clock.advance(5 * SECOND)
    assert alarm.woken == []

    alarm.at(A, 5.5)
    await alarm.clock.advance(5 * SECOND)
    assert alarm.woken == [("a", 5.5)]


async def test_a_deadline_taken_back_and_set_again_wakes_once(alarm: Alarm) -> None:
    for seconds in (4, None, 4, 2, 4, None, 4):
        alarm.at(A, seconds)

    await alarm.clock.advance(10 * SECOND)

    assert alarm.woken == [("a", 4)]


async def test_a_deadline_in_the_past_wakes_at_once(alarm: Alarm) -> None:
    alarm.at(A, -5)

    await alarm.clock.settle()

    assert alarm.woken == [("a", 0)]


async def test_whoever_is_woken_may_set_the_next_deadline(alarm: Alarm) -> None:
    rounds = Alarm()

    def again(conversation: ConversationId) -> None:
        rounds.woken.append((conversation, (alarm.clock.now() - NOON).total_seconds()))
        timers.set(conversation, alarm.clock.now() + SECOND)

    timers = Timers(alarm.clock, again)
    timers.set(A, NOON + SECOND)
    task = asyncio.create_task(timers.run())
    await alarm.clock.advance(3.5 * SECOND)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert rounds.woken == [("a", 1), ("a", 2), ("a", 3)]


async def test_a_deadline_put_off_again_and_again_takes_no_room(alarm: Alarm) -> None:
    """Every frame puts the idle deadline off; a busy day must not be remembered frame by frame."""
    for n in range(10_000):
        alarm.at(A, 1800 + n)
        alarm.at(B, 900)
        alarm.at(B, None)

    assert len(alarm.timers._heap) < 10
    await alarm.clock.advance(timedelta(hours=4))
    assert alarm.woken == [("a", 1800 + 9_999)]


@pytest.mark.thorough
async def test_near_deadlines_that_come_and_go_leave_no_far_ones_behind(alarm: Alarm) -> None:
    """A message has ten seconds for its echo; after it the conversation has half an hour."""
    for n in range(1_000):
        alarm.at(A, 10 * n + 9)
        await alarm.clock.advance(10 * SECOND)
        alarm.at(A, 10 * n + 1_800)
        alarm.at(B, 90_000)
        await alarm.clock.settle()

    assert len(alarm.timers._heap) < 110
    await alarm.clock.advance(timedelta(days=2))
    assert [who for who, _ in alarm.woken] == ["a"] * 1_001 + ["b"]


async def test_nobody_sleeps_when_nothing_is_due(alarm: Alarm) -> None:
    assert alarm.clock.sleepers == 0

    alarm.at(A, 3)
    await alarm.clock.settle()
    alarm.at(A, 2)
    await alarm.clock.advance(SECOND)
    await alarm.clock.advance(5 * SECOND)

    assert alarm.woken == [("a", 2)]
    assert alarm.clock.sleepers == 0
