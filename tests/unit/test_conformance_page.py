"""Does docs/conformance.md speak of every scenario and of every test there is?"""

import re
from pathlib import Path

import pytest

from tests.conformance.report import Results, write
from tests.conformance.scenarios import SCENARIOS, TESTS

PAGE = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text()
ROWS = {int(number): row for number, row in re.findall(r"^\| (\d+) \|(.*)\|$", PAGE, re.MULTILINE)}


def test_every_scenario_has_its_row_with_its_title() -> None:
    assert list(ROWS) == list(SCENARIOS)
    for number, title in SCENARIOS.items():
        assert title in ROWS[number]


def test_every_test_is_named_where_it_belongs() -> None:
    """If not, the page is older than the tests: `make conformance` writes it anew."""
    for name, (_, number) in TESTS.items():
        assert f"`{name}`" in ROWS[number]


def played(*names: str, outcome: str = "passed") -> Results:
    """A run in which these tests were played."""
    results = Results()
    for name in names:
        report = pytest.TestReport.__new__(pytest.TestReport)
        report.nodeid = f"tests/conformance/{TESTS[name][0]}::{name}[one]"
        report.when = "call"
        report.outcome = outcome  # type: ignore[assignment]  # a Literal, here from a parameter
        results.note(report)
    return results


def test_a_part_of_the_scenarios_never_overwrites_the_page(tmp_path: Path) -> None:
    page = tmp_path / "conformance.md"
    page.write_text("as it was")
    one, *_ = TESTS

    told = write(played(one), page)

    assert page.read_text() == "as it was"
    assert told.startswith(f"{page} is left as it was: {len(TESTS) - 1} of {len(TESTS)} tests")


def test_a_whole_run_writes_the_page_and_says_so(tmp_path: Path) -> None:
    page = tmp_path / "conformance.md"

    assert write(played(*TESTS), page) == f"{page} is written: 65 of 65 pass."
    assert page.read_text().partition("\n## ")[0] == PAGE.partition("\n## ")[0]
    assert write(played(*TESTS, outcome="failed"), page) == f"{page} is written: 0 of 65 pass."
