"""Pauses grow, within bounds, whatever chance says."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.retry import FIRST, LONGEST, backoff
from tests.examples import many

FAST = settings(max_examples=many(200), derandomize=True, deadline=None, database=None)
CHANCES = st.floats(0, 1, exclude_max=True)


@FAST
@given(failures=st.integers(-5, 10**9), chance=CHANCES)
def test_a_pause_is_never_shorter_or_longer_than_said(failures: int, chance: float) -> None:
    assert 0.8 * FIRST <= backoff(failures, chance) <= 1.2 * LONGEST


@FAST
@given(failures=st.integers(1, 100), chance=CHANCES)
def test_another_failure_never_shortens_the_pause(failures: int, chance: float) -> None:
    assert backoff(failures, chance) <= backoff(failures + 1, chance)


@FAST
@given(failures=st.integers(1, 100), chance=CHANCES, seconds=st.integers(1, 3600))
def test_the_longest_holds(failures: int, chance: float, seconds: int) -> None:
    longest = timedelta(seconds=seconds)
    assert backoff(failures, chance, longest=longest) <= 1.2 * longest
