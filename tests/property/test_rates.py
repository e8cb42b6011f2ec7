"""A rate holds in every stretch of time, and refuses nobody who keeps to it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bridge.core import rates
from bridge.core.rates import Rate
from bridge.testing.clock import NOON
from tests.examples import many

FAST = settings(max_examples=many(200), derandomize=True, deadline=None, database=None)
DURATIONS = st.timedeltas(timedelta(milliseconds=1), timedelta(hours=1))
RATES = st.builds(Rate, st.integers(1, 6), DURATIONS)


def pauses(rate: Rate) -> st.SearchStrategy[list[timedelta]]:
    """What somebody may wait before each write: nothing, about a turn, about a burst."""
    turns = st.floats(0, 2).map(lambda share: rate.gap * share)
    bursts = st.floats(0, 2).map(lambda share: rate.gap * rate.count * share)
    return st.lists(st.one_of(st.just(timedelta()), turns, bursts), max_size=40)


#: A rate, and the pauses of somebody who writes.
WRITERS = RATES.flatmap(lambda rate: st.tuples(st.just(rate), pauses(rate)))
Writer = tuple[Rate, list[timedelta]]


def let_through(rate: Rate, waited: list[timedelta]) -> list[datetime]:
    """When somebody got through who writes after each of the pauses."""
    full_at, now, through = None, NOON, []
    for pause in waited:
        now += pause
        if not rates.free_in(full_at, rate, now):
            full_at = rates.taken(full_at, rate, now)
            through.append(now)
    return through


def never_more_than_the_rate(writer: Writer) -> None:
    rate, waited = writer
    through = let_through(rate, waited)
    for first in range(len(through)):
        for last in range(first, len(through)):
            length = through[last] - through[first]
            assert last - first + 1 <= rate.count + length / rate.per * rate.count


@FAST
@given(writer=WRITERS)
def test_never_more_get_through_than_a_burst_and_what_came_back(writer: Writer) -> None:
    never_more_than_the_rate(writer)


@FAST
@given(rate=RATES, quiet=DURATIONS)
def test_a_whole_burst_gets_through_after_any_quiet_time(rate: Rate, quiet: timedelta) -> None:
    burst = [timedelta()] * rate.count
    waited = [*burst, rate.gap * rate.count + quiet, *burst]

    assert len(let_through(rate, waited)) == 2 * rate.count


@FAST
@given(writer=WRITERS)
def test_whoever_waits_as_long_as_told_gets_through_and_not_before(writer: Writer) -> None:
    rate, waited = writer
    full_at, now = None, NOON
    for pause in waited:
        now += pause
        wait = rates.free_in(full_at, rate, now)
        assert wait <= rate.gap
        if wait:
            assert rates.free_in(full_at, rate, now + wait - timedelta.resolution)
        now += wait
        assert not rates.free_in(full_at, rate, now)
        full_at = rates.taken(full_at, rate, now)


@FAST
@given(rate=RATES, back=DURATIONS)
def test_a_clock_that_is_set_back_keeps_nobody_waiting_for_it(rate: Rate, back: timedelta) -> None:
    full_at: datetime | None = None
    for _ in range(rate.count):
        full_at = rates.taken(full_at, rate, NOON)

    assert rates.free_in(full_at, rate, NOON - back) <= rate.gap


def _a_gap_too_small(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Rate, "gap", property(lambda rate: rate.per // (rate.count + 1)))


def _credit_for_quiet_times(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rates, "taken", lambda full_at, rate, now: (full_at or now) + rate.gap)


def _one_more_at_once(patch: pytest.MonkeyPatch) -> None:
    honest = rates.free_in
    patch.setattr(
        rates,
        "free_in",
        lambda full_at, rate, now: max(honest(full_at, rate, now) - rate.gap, timedelta()),
    )


@pytest.mark.thorough
@pytest.mark.parametrize(
    "fault",
    [_a_gap_too_small, _credit_for_quiet_times, _one_more_at_once],
    ids=lambda f: f.__name__,
)
def test_the_law_of_the_rate_notices(
    fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here alone our own code is patched: a law that no fault can break proves nothing."""
    fault(monkeypatch)
    searching = settings(
        FAST,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    with pytest.raises(AssertionError):
        searching(given(writer=WRITERS)(never_more_than_the_rate))()
