"""Frames in the order of their numbers, with little patience."""

from datetime import timedelta

from bridge.core.ordering import PATIENCE, Arrivals
from bridge.model import frames as f
from bridge.testing.builders import frame
from bridge.testing.clock import NOON

A_MOMENT = timedelta(milliseconds=1)


def numbered(number: int) -> f.Frame:
    return frame(f.AgentThinking(), number)


def settled(after: int = 0) -> Arrivals:
    arrivals = Arrivals(after=after)
    arrivals.settle(NOON)
    return arrivals


def test_single_frames_wait_for_the_history() -> None:
    arrivals = Arrivals(after=0)
    assert arrivals.live(numbered(3), NOON) == ()
    assert arrivals.due is None
    history = (numbered(1), numbered(2))
    assert arrivals.history(history) == history
    assert arrivals.settle(NOON) == (numbered(3),)
    assert arrivals.due is None


def test_a_frame_waits_for_the_one_before_it() -> None:
    arrivals = settled()
    assert arrivals.live(numbered(2), NOON) == ()
    assert arrivals.live(numbered(3), NOON) == ()
    assert arrivals.live(numbered(1), NOON) == (numbered(1), numbered(2), numbered(3))


def test_a_frame_waits_only_so_long() -> None:
    arrivals = settled()
    arrivals.live(numbered(2), NOON)
    assert arrivals.due == NOON + PATIENCE
    assert arrivals.overdue(NOON + PATIENCE - A_MOMENT) == ()
    assert arrivals.overdue(NOON + PATIENCE) == (numbered(2),)
    assert not arrivals.due
    assert arrivals.overdue(NOON + PATIENCE) == ()


def test_each_gap_is_waited_for() -> None:
    arrivals = settled()
    arrivals.live(numbered(2), NOON)
    arrivals.live(numbered(5), NOON)
    later = NOON + PATIENCE
    assert arrivals.overdue(later) == (numbered(2),)
    assert arrivals.due == later + PATIENCE
    assert arrivals.overdue(later + PATIENCE) == (numbered(5),)


def test_waiting_is_not_started_anew_by_more_that_wait() -> None:
    arrivals = settled()
    arrivals.live(numbered(2), NOON)
    arrivals.live(numbered(4), NOON + A_MOMENT)
    assert arrivals.due == NOON + PATIENCE


def test_a_late_or_repeated_frame_passes_at_once() -> None:
    arrivals = settled(after=5)
    assert arrivals.live(numbered(3), NOON) == (numbered(3),)
    assert arrivals.live(numbered(6), NOON) == (numbered(6),)
    assert arrivals.live(numbered(6), NOON) == (numbered(6),)


def test_a_frame_without_a_number_never_waits() -> None:
    passing = f.Frame(body=f.AgentThinking())
    assert Arrivals(after=0).live(passing, NOON) == (passing,)
    arrivals = Arrivals(after=0)
    assert arrivals.history((passing,)) == (passing,)


def test_what_the_history_already_told_is_let_through_to_be_recognised() -> None:
    arrivals = Arrivals(after=0)
    arrivals.live(numbered(1), NOON)
    arrivals.history((numbered(1), numbered(2)))
    assert arrivals.settle(NOON) == (numbered(1),)


def test_a_gap_after_the_history_is_waited_for_from_then_on() -> None:
    arrivals = Arrivals(after=0)
    arrivals.live(numbered(4), NOON)
    arrivals.history((numbered(1),))
    later = NOON + timedelta(minutes=1)
    assert arrivals.settle(later) == ()
    assert arrivals.due is not None
    assert arrivals.overdue(later + PATIENCE) == (numbered(4),)


def test_what_still_waits_at_the_end_comes_in_its_order() -> None:
    arrivals = settled()
    assert arrivals.live(numbered(5), NOON) == ()
    assert arrivals.live(numbered(3), NOON) == ()
    assert arrivals.rest() == (numbered(3), numbered(5))
    assert arrivals.rest() == ()
    assert arrivals.due is None
