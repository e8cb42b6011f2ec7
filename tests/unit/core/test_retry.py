"""How long to wait before the next try."""

from datetime import timedelta

import pytest

from bridge.core.retry import backoff

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 1), (1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (10_000, 30)]
)
def test_the_pause_doubles_up_to_the_longest(failures: int, seconds: int) -> None:
    assert backoff(failures, 0.5) == seconds * SECOND


def test_chance_spreads_the_pause_by_a_fifth() -> None:
    assert backoff(1, 0.0) == 0.8 * SECOND
    assert backoff(1, 0.999) < 1.2 * SECOND


def test_the_longest_is_the_callers() -> None:
    assert backoff(9, 0.5, longest=5 * SECOND) == 5 * SECOND
