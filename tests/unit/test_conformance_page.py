"""Does docs/conformance.md speak of every scenario and of every test there is?"""

import re
from pathlib import Path

from tests.conformance.scenarios import SCENARIOS
from tests.conformance.test_complete import TESTS

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
