"""The conformance kit for authors who use pytest: one test for each rule, in three lines.

    @pytest.mark.conforms("sample")
    def test_conformance(conformance_rule):
        conformance_rule.hold()

The mark names an installed plug-in, or also says where it and its stand-in are to be imported from:
`plugin="sample:PLUGIN"`, `stand_in="sample.stand_in:stand_in"`. Of the bridge nothing is imported
before it is used.
"""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bridge.testing.conformance import Rule, Subject

_FIXTURE = "conformance_rule"
_MARK = "conforms"


class ConformanceRule:
    """One rule, to be held against one adapter."""

    def __init__(self, subject: "Subject", rule: "Rule") -> None:
        self.subject, self.rule = subject, rule

    def hold(self) -> None:
        """Try it; fails unless the rule is kept, or says nothing about this adapter."""
        from bridge.testing.conformance import try_rule

        result = try_rule(self.subject, self.rule)
        if not result.holds:
            pytest.fail("\n".join(result.lines), pytrace=False)


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    where = "type_name, plugin='', stand_in=''"
    config.addinivalue_line("markers", f"{_MARK}({where}): the adapter that is held to each rule")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each rule."""
    if _FIXTURE in metafunc.fixturenames:
        from bridge.testing.conformance import RULES

        metafunc.parametrize(_FIXTURE, RULES, indirect=True, ids=[rule.id for rule in RULES])


@pytest.fixture
def conformance_rule(request: pytest.FixtureRequest) -> ConformanceRule:
    """The rule of this test and the adapter that its mark names.

    Raises:
        UsageError: there is no such mark.
    """
    mark = request.node.get_closest_marker(_MARK)
    if mark is None:
        raise pytest.UsageError(f"{request.node.nodeid}: mark it as {_MARK}(type_name)")
    return ConformanceRule(_subject(*mark.args, **mark.kwargs), request.param)


def _subject(type_name: str, **places: Any) -> "Subject":  # noqa: ANN401 - checked by `at`
    from bridge.testing.conformance import Subject

    return Subject.at(type_name, **places) if places else Subject.installed(type_name)
