"""What came of a rule, and how far an adapter has come: bronze, silver, gold."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.log import redact


class Level(enum.IntEnum):
    """The scale: each level asks for everything below it too."""

    BRONZE = 1  #: nothing is lost, doubled or misplaced while all goes well
    SILVER = 2  #: nor when something goes wrong
    GOLD = 3  #: and whatever it claims to show, it shows

    @property
    def label(self) -> str:
        """Its name in small letters."""
        return self.name.lower()


class Verdict(enum.StrEnum):
    """What came of one rule."""

    KEPT = "kept"
    BROKEN = "broken"
    UNPROVEN = "unproven"  #: the stand-in cannot show it
    INAPPLICABLE = "inapplicable"  #: the adapter claims nothing of the kind, or cannot need it


class Found(Exception):
    """A trial ended with something to tell."""


class Broken(Found):
    """The rule is broken: what was expected, what was seen instead, what to do next."""

    def __init__(self, expected: str, *, seen: str, remedy: str) -> None:
        super().__init__(f"expected: {expected}; seen: {seen}; what to do: {remedy}")
        self.expected, self.seen, self.remedy = expected, seen, remedy


class Unproven(Found):
    """The stand-in cannot show whether the rule is kept."""


class Inapplicable(Found):
    """The rule says nothing about this adapter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One rule and what came of it; `reason` is why it was not tried, or not to the end."""

    rule: str
    level: Level
    sentence: str
    verdict: Verdict
    expected: str = ""
    seen: str = ""
    remedy: str = ""
    reason: str = ""
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether nothing stands against the adapter here."""
        return self.verdict in {Verdict.KEPT, Verdict.INAPPLICABLE}

    @property
    def lines(self) -> list[str]:
        """The same for people; no secret of the adapter's is in it."""
        told = {
            "expected": self.expected,
            "seen": self.seen,
            "what to do": self.remedy,
            "reason": self.reason,
        }
        head = f"{self.verdict:<12}  {self.level.label:<6}  {self.rule}"
        if self.holds:
            return [f"{head}: {redact(self.reason)}" if self.reason else head]
        details = [f"    {word}: {redact(text)}" for word, text in told.items() if text]
        page = f"docs/conformance-rules/{self.rule}.md"
        return [head, f"    rule: {self.sentence} ({page})", *details]

    @property
    def document(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "rule": self.rule,
            "level": self.level.label,
            "sentence": self.sentence,
            "verdict": self.verdict.value,
            "expected": redact(self.expected),
            "seen": redact(self.seen),
            "remedy": redact(self.remedy),
            "reason": redact(self.reason),
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of all rules that were tried; `whole` if none was left out."""

    adapter: str
    results: Sequence[Result]
    whole: bool = True

    @property
    def green(self) -> bool:
        """Whether nothing stands against the adapter."""
        return bool(self.results) and all(result.holds for result in self.results)

    @property
    def level(self) -> Level | None:
        """The highest level all of whose rules hold, and all below; None if there is none."""
        reached = None
        for level in Level:
            if not self.whole or not all(r.holds for r in self.results if r.level is level):
                break
            reached = level
        return reached

    @property
    def summary(self) -> str:
        """One line that says it all."""
        counts = {v: sum(r.verdict is v for r in self.results) for v in Verdict}
        told = ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count)
        if not self.whole:
            return f"{self.adapter}: {told}; only these rules were tried"
        return f"{self.adapter}: {self.level.label if self.level else 'no level'} ({told})"

    @property
    def document(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "adapter": self.adapter,
            "green": self.green,
            "level": self.level.label if self.level else None,
            "whole": self.whole,
            "rules": [result.document for result in self.results],
        }
