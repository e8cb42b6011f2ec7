"""However frames come, all are let through, in order unless patience ran out."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.ordering import PATIENCE, Arrivals
from bridge.model.frames import AgentThinking, Frame
from bridge.testing.clock import NOON
from tests.examples import many

FAST = settings(
    max_examples=many(200),
    derandomize=True,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
)


def frame(number: int | None) -> Frame:
    return Frame(sequence=number, body=AgentThinking())


def numbers(frames: tuple[Frame, ...]) -> list[int]:
    return [f.sequence or 0 for f in frames]


def settled(after: int = 0) -> Arrivals:
    arrivals = Arrivals(after=after)
    arrivals.settle(NOON)
    return arrivals


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
    arrivals = settled()
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
    arrivals = settled()
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


@FAST
@given(live=st.permutations(range(6, 16)), data=st.data())
def test_a_frame_is_overtaken_only_after_it_was_waited_for(
    live: list[int], data: st.DataObject
) -> None:
    arrivals, now, since = settled(after=5), NOON, NOON
    out: list[int] = []
    for number in live:
        pause = data.draw(st.sampled_from([PATIENCE / 10, PATIENCE / 3]))
        now += pause
        before = len(out)
        out += numbers(arrivals.live(frame(number), now))
        out += numbers(arrivals.overdue(now))
        jumped = any(out[at] > max(out[:at], default=5) + 1 for at in range(before, len(out)))
        assert not jumped or now - since >= PATIENCE
        since = now if len(out) > before else since
    out += numbers(arrivals.overdue(now + PATIENCE))
    assert sorted(out) == sorted(live)


@FAST
@given(
    live=st.lists(st.integers(1, 20) | st.none(), max_size=20),
    settles=st.integers(0, 20),
)
def test_frames_without_a_number_never_wait(live: list[int | None], settles: int) -> None:
    arrivals = Arrivals(after=0)
    for at, number in enumerate(live):
        if at == settles:
            arrivals.settle(NOON)
        if number is None:
            assert arrivals.live(frame(None), NOON) == (frame(None),)
        else:
            assert None not in [f.sequence for f in arrivals.live(frame(number), NOON)]


@FAST
@given(after=st.integers(0, 20), live=st.lists(st.integers(1, 20), max_size=10))
def test_what_the_cursor_has_passed_is_not_waited_for(after: int, live: list[int]) -> None:
    arrivals = settled(after)
    out = [n for number in live for n in numbers(arrivals.live(frame(number), NOON))]
    assert [n for n in out if n <= after] == [n for n in live if n <= after]
    assert not live or max(live) > after + 1 or arrivals.due is None or after + 1 not in live
