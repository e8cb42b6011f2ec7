"""What was accepted against what the other side recorded: lost, doubled, out of order, held?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many of each; zero of all is what we promise."""

    lost: int = 0
    doubled: int = 0
    disordered: int = 0
    held: int = 0  #: owed, and neither sent nor given up when all should be over

    def __add__(self, other: "Verdict") -> "Verdict":
        """Both together."""
        return Verdict(
            self.lost + other.lost,
            self.doubled + other.doubled,
            self.disordered + other.disordered,
            self.held + other.held,
        )

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return self != Verdict()


@dataclass(frozen=True, slots=True)
class Compared:
    """One record of a simulator: what it should hold, in order, and what it holds."""

    what: str
    expected: Sequence[str]
    seen: Sequence[str]

    @property
    def verdict(self) -> Verdict:
        """What stands there that nobody expected is a double: nothing else could write it."""
        expected, seen = Counter(self.expected), Counter(self.seen)
        lost, doubled = (expected - seen).total(), (seen - expected).total()
        in_order = _kept(self.expected, seen) == _kept(self.seen, expected)
        return Verdict(lost, doubled, int(not lost and not doubled and not in_order))


def _kept(texts: Sequence[str], others: Counter[str]) -> list[str]:
    return [text for text in texts if text in others]


def judged(compared: Sequence[Compared]) -> Verdict:
    """All records together."""
    return sum((each.verdict for each in compared), Verdict())
