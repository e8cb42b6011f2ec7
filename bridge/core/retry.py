"""How long to wait before the next try? PolyAI's documented curve, for everybody."""

from datetime import timedelta

FIRST = timedelta(seconds=1)
LONGEST = timedelta(seconds=30)


def backoff(failures: int, chance: float, *, longest: timedelta = LONGEST) -> timedelta:
    """The pause after the `failures`-th failure in a row (from 1), spread by ±20 %.

    `chance` is a number in [0, 1). Doubles from one second up to `longest` (S-bp: "start at 1
    second, cap at 30 seconds").
    """
    doublings = min(max(failures, 1) - 1, 16)
    grown = FIRST * (1 << doublings)
    return min(grown, longest) * (0.8 + 0.4 * chance)
