"""What one conversation was told holds for all."""

from datetime import timedelta

import pytest

from bridge.polyai.refusals import ConnectorRefused, NoSession, SessionRefused, TryLater
from bridge.runtime.connecting.holding import Held, Hold
from bridge.testing.clock import FakeClock

SECOND = timedelta(seconds=1)
REFUSALS: list[NoSession] = [
    ConnectorRefused("bad token", remedy="check it", correlation_id="their-1"),
    SessionRefused("bad request", remedy="report it", correlation_id="their-1"),
]


def limited(seconds: float | None) -> TryLater:
    after = None if seconds is None else timedelta(seconds=seconds)
    return TryLater("too fast", after=after, status=429, correlation_id="their-2")


def held(hold: Hold, visitor: object) -> Held:
    with pytest.raises(Held) as caught:
        hold.admit(visitor)
    return caught.value


def test_nobody_is_held_at_first() -> None:
    Hold(FakeClock()).admit("a")


async def test_a_rate_limit_holds_everybody_until_it_is_over() -> None:
    clock = FakeClock()
    hold = Hold(clock)
    hold.note(limited(7))
    await clock.advance(3 * SECOND)
    error = held(hold, "b")
    assert (error.after, error.correlation_id, str(error)) == (4 * SECOND, "their-2", "too fast")

    await clock.advance(4 * SECOND)
    hold.admit("a")
    hold.admit("b")


async def test_the_longer_of_two_limits_holds() -> None:
    clock = FakeClock()
    hold = Hold(clock)
    hold.note(limited(7))
    hold.note(limited(2))
    assert held(hold, "b").after == 7 * SECOND
    hold.note(limited(9))
    assert held(hold, "b").after == 9 * SECOND


@pytest.mark.parametrize("seconds", [None, 0])
def test_trouble_that_names_no_time_holds_nobody(seconds: float | None) -> None:
    hold = Hold(FakeClock())
    hold.note(limited(seconds))
    hold.admit("b")


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: type(each).__name__)
async def test_after_a_refusal_one_alone_asks_again_each_minute(refusal: NoSession) -> None:
    clock = FakeClock()
    hold = Hold(clock)
    hold.note(refusal)
    error = held(hold, "a")
    assert (error.because, error.after, str(error)) == (refusal, 60 * SECOND, str(refusal))

    await clock.advance(60 * SECOND)
    hold.admit("a")
    hold.admit("a")  # its next call
    assert held(hold, "b").after == 5 * SECOND, "while one asks, the others look again soon"
    hold.note(refusal)
    held(hold, "a")

    await clock.advance(60 * SECOND)
    hold.admit("b")
    hold.lift()
    hold.admit("a")


async def test_whoever_asks_again_and_never_tells_is_followed_by_another() -> None:
    clock = FakeClock()
    hold = Hold(clock)
    hold.note(REFUSALS[0])
    await clock.advance(60 * SECOND)
    hold.admit("a")
    await clock.advance(60 * SECOND)
    hold.admit("b")
    held(hold, "c")


async def test_a_rate_limit_does_not_shorten_a_refusal() -> None:
    clock = FakeClock()
    hold = Hold(clock)
    hold.note(REFUSALS[0])
    await clock.advance(60 * SECOND)
    hold.admit("a")
    hold.note(limited(1))
    await clock.advance(2 * SECOND)
    assert held(hold, "b").because is REFUSALS[0]
