"""However frames come, all are let through, in order unless patience ran out."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.ordering import PATIENCE, Arrivals
from bridge.model.frames import AgentThinking, Frame
from bridge.testing.clock import NOON

FAST = settings(max_examples=300, derandomize=True, deadline=None, database=None)


def frame(number: int) -> Frame:
    return Frame(sequence=number, body=AgentThinking())


def numbers(frames: tuple[Frame, ...]) -> list[int]:
    return [f.sequence or 0 for f in frames]


@FAST
@given(history=st.integers(0, 10), live=st.permutations(range(1, 15)))
def test_without_a_gap_the_order_is_restored(history: int, live: list[int]) -> None:
    arrivals = Arrivals(after=0)
    early, late = live[:5], live[5:]
    out: list[int] = []
    for number in early:
        out += numbers(arrivals.live(frame(number), NOON))
    assert out == [], "history comes first"
    out += numbers(arrivals.history(tuple(frame(n) for n in range(1, history + 1))))
    out += numbers(arrivals.settle(NOON))
    for number in late:
        out += numbers(arrivals.live(frame(number), NOON))
    news = [n for at, n in enumerate(out) if n not in out[:at]]
    assert news == list(range(1, 15))
    assert arrivals.due is None


@FAST
@given(
    live=st.lists(st.integers(1, 30), max_size=40),
    waits=st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_nothing_is_held_for_ever(live: list[int], waits: list[bool]) -> None:
    arrivals = Arrivals(after=0)
    arrivals.settle(NOON)
    now = NOON
    out: list[int] = []
    for number, wait in zip(live, waits, strict=False):
        out += numbers(arrivals.live(frame(number), now))
        if wait:
            now += PATIENCE / 2
            out += numbers(arrivals.overdue(now))
    for _ in live:
        if arrivals.due is not None:
            assert arrivals.due <= now + PATIENCE
            now = max(now, arrivals.due)
            out += numbers(arrivals.overdue(now))
    assert sorted(out) == sorted(live)
    assert arrivals.due is None


@FAST
@given(live=st.sets(st.integers(1, 30), max_size=20))
def test_what_comes_in_order_leaves_in_order_whatever_is_missing(live: set[int]) -> None:
    arrivals = Arrivals(after=0)
    arrivals.settle(NOON)
    now = NOON
    out: list[int] = []
    for number in sorted(live):
        now += timedelta(milliseconds=400)
        out += numbers(arrivals.live(frame(number), now))
        out += numbers(arrivals.overdue(now))
    while arrivals.due is not None:
        now = arrivals.due
        out += numbers(arrivals.overdue(now))
    assert out == sorted(live)
