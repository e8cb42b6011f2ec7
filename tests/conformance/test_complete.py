"""Has every scenario its test, and every test its scenario?"""

import pytest

from tests.conformance.scenarios import GROUPS, SCENARIOS, TESTS, group_of

pytestmark = pytest.mark.conformance


def test_there_are_65_scenarios() -> None:
    assert len(SCENARIOS) == 65
    assert list(SCENARIOS) == sorted(SCENARIOS)


def test_every_scenario_has_a_test() -> None:
    assert set(SCENARIOS) - {number for _, number in TESTS.values()} == set()


def test_every_test_is_of_a_scenario() -> None:
    assert {number for _, number in TESTS.values()} - set(SCENARIOS) == set()


def test_every_test_stands_in_the_file_of_its_group() -> None:
    for name, (file, number) in TESTS.items():
        letter = group_of(number)[0].lower()
        assert file.startswith(f"test_{letter}_"), name


def test_every_group_begins_with_a_scenario() -> None:
    assert set(GROUPS) <= set(SCENARIOS)
