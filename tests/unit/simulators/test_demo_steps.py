"""A step is awaited, told when it is seen, and missed loudly."""

import asyncio
import io
from datetime import timedelta

import pytest

from bridge.clock import RandomIds
from bridge.simulators.demo_screen import Screen
from bridge.simulators.demo_steps import NotSeen, Steps
from bridge.simulators.slack import SlackSimulator
from bridge.testing.clock import FakeClock


class Table:
    """Steps on a fake clock, and what they have written."""

    def __init__(self, patience: timedelta = timedelta(seconds=1)) -> None:
        self.clock = FakeClock()
        self.out = io.StringIO()
        self.why: str | None = None
        screen = Screen(SlackSimulator(clock=self.clock, ids=RandomIds()), self.out)
        self.steps = Steps(screen, self.clock, ended=lambda: self.why, patience=patience)


async def test_what_is_there_is_told_at_once() -> None:
    table = Table(patience=timedelta(0))
    assert await table.steps.see("a cat", lambda: "cat") == "cat"
    assert table.out.getvalue() == "  ✓ a cat\n"


async def test_what_never_comes_is_missed_when_patience_ends() -> None:
    table = Table(patience=timedelta(0))
    with pytest.raises(NotSeen, match="a cat\n  but it was not seen within 0 seconds"):
        await table.steps.see("a cat", lambda: None)
    assert table.out.getvalue() == ""


async def test_what_comes_later_is_waited_for() -> None:
    table, cats = Table(), list[str]()
    seeing = asyncio.create_task(table.steps.see("a cat", lambda: cats))
    await table.clock.advance(timedelta(milliseconds=500))
    assert not seeing.done()
    cats.append("cat")
    await table.clock.advance(timedelta(milliseconds=100))
    assert await seeing == ["cat"]


async def test_patience_lasts_as_long_as_was_said() -> None:
    table = Table(patience=timedelta(seconds=1))
    seeing = asyncio.create_task(table.steps.wait("a cat", lambda: False))
    await table.clock.advance(timedelta(milliseconds=950))
    assert not seeing.done()
    await table.clock.advance(timedelta(milliseconds=100))
    with pytest.raises(NotSeen, match="within 1 seconds"):
        await seeing


async def test_nobody_waits_for_a_bridge_that_has_ended() -> None:
    table = Table(patience=timedelta(hours=1))
    table.why = "the bridge has ended"
    with pytest.raises(NotSeen, match="a cat\n  but the bridge has ended"):
        await table.steps.see("a cat", lambda: None)


async def test_what_came_before_the_bridge_ended_is_seen() -> None:
    table = Table()
    table.why = "the bridge has ended"
    assert await table.steps.see("a cat", lambda: "cat")


async def test_a_fact_is_told_and_what_is_not_so_is_not() -> None:
    table = Table()
    table.steps.check("it is quiet", fact=True)
    with pytest.raises(NotSeen, match="it rains\n  but it is not so"):
        table.steps.check("it rains", fact=False)
    assert table.out.getvalue() == "  ✓ it is quiet\n"


async def test_scenes_are_numbered() -> None:
    table = Table()
    table.steps.scene("Morning")
    table.steps.scene("Evening")
    assert table.out.getvalue() == "\n1. Morning\n\n2. Evening\n"
