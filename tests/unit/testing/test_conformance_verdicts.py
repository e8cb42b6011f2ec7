"""What does a report say of its results?"""

import pytest

from bridge import log
from bridge.model.ids import ThreadKey
from bridge.model.inbound import Inbound, Said
from bridge.testing.builders import ANN
from bridge.testing.clock import NOON
from bridge.testing.conformance import Level, Report, Result, Verdict
from bridge.testing.conformance.rules.intake import distinct


def result(level: Level, verdict: Verdict, seen: str = "") -> Result:
    return Result(
        rule="a-rule", level=level, sentence="It is so.", verdict=verdict, expected="x", seen=seen
    )


def report(*verdicts: Verdict, whole: bool = True) -> Report:
    """One result for each level, from bronze up."""
    results = [result(level, verdict) for level, verdict in zip(Level, verdicts, strict=False)]
    return Report(adapter="sample", results=results, whole=whole)


KEPT, BROKEN, UNPROVEN, INAPPLICABLE = Verdict


@pytest.mark.parametrize(
    ("verdicts", "level"),
    [
        ((KEPT, KEPT, KEPT), Level.GOLD),
        ((KEPT, INAPPLICABLE, INAPPLICABLE), Level.GOLD),
        ((KEPT, KEPT, UNPROVEN), Level.SILVER),
        ((KEPT, BROKEN, KEPT), Level.BRONZE),
        ((BROKEN, KEPT, KEPT), None),
        ((UNPROVEN, KEPT, KEPT), None),
    ],
)
def test_a_level_is_reached_when_it_and_all_below_hold(
    verdicts: tuple[Verdict, ...], level: Level | None
) -> None:
    assert report(*verdicts).level is level
    assert report(*verdicts).green == (level is Level.GOLD)


def test_a_few_rules_alone_give_no_level_and_nothing_at_all_is_not_green() -> None:
    assert report(KEPT, whole=False).level is None
    assert "only these rules" in report(KEPT, whole=False).summary
    assert not report().green


def test_what_is_broken_says_what_was_expected_and_what_was_seen() -> None:
    lines = result(Level.BRONZE, BROKEN, seen="nothing").lines

    assert "    expected: x" in lines
    assert "    seen: nothing" in lines
    assert any("docs/conformance-rules/a-rule.md" in line for line in lines)


def test_no_secret_of_the_adapter_stands_in_a_report() -> None:
    log.know(["open-sesame"])
    broken = result(Level.BRONZE, BROKEN, seen="refused open-sesame")

    assert "open-sesame" not in str(broken.lines)
    assert "open-sesame" not in str(broken.document)


def told(*identities: str) -> Inbound:
    return Inbound(
        thread=ThreadKey("t"), identities=identities, order="1", person=ANN, at=NOON, body=Said("x")
    )


@pytest.mark.parametrize(
    ("arrivals", "things"),
    [
        ([], 0),
        ([told("a"), told("a")], 1),
        ([told("a"), told("b")], 2),
        ([told("a"), told("b"), told("a", "b")], 1),
        ([told("a", "b"), told("b", "c"), told("d")], 2),
    ],
)
def test_things_are_told_apart_by_what_their_identities_have_in_common(
    arrivals: list[Inbound], things: int
) -> None:
    assert len(distinct(arrivals)) == things
