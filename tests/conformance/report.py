"""Which scenario passed? A table at the end of a run in which conformance tests ran.

`--conformance-report=FILE` writes it as a page, too; so `make conformance` keeps
docs/conformance.md. The hooks are pytest's; `tests/conftest.py` hands them on, as a folder's own
are not asked by the process that gathers the results of several workers.
"""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.conformance.scenarios import SCENARIOS, group_of

_TEST = re.compile(r"tests/conformance/(?P<file>\w+\.py)::(?P<name>test_(?P<number>\d{3})_\w+)")
_WORST_FIRST = ("failed", "not run", "passed")
_HEAD = """# Conformance

The scenarios a client of PolyAI's Messaging protocol has to pass, each played by the real bridge
between the simulated PolyAI and the simulated Slack, in virtual time. `make conformance` plays them
all and writes this page. The tests are in [tests/conformance](../tests/conformance).
"""


class Results:
    """The outcome of each test of each scenario."""

    def __init__(self) -> None:
        self._outcomes: dict[int, dict[str, str]] = defaultdict(dict)

    def note(self, report: pytest.TestReport) -> None:
        """Take one phase of one test: the worst of all phases and parameters counts."""
        found = _TEST.search(report.nodeid)
        if found is None or (report.when != "call" and report.passed):
            return
        tests = self._outcomes[int(found["number"])]
        before = tests.get(found["name"], "passed")
        outcome = "not run" if report.skipped else report.outcome
        tests[found["name"]] = min(before, outcome, key=_WORST_FIRST.index)

    def __bool__(self) -> bool:
        return bool(self._outcomes)

    def rows(self) -> list[tuple[int, str, tuple[str, ...], str]]:
        """Number, title, tests and result of every scenario, whether or not it was played."""
        return [
            (number, title, tuple(tests := self._outcomes.get(number, {})), self._worst(tests))
            for number, title in SCENARIOS.items()
        ]

    def _worst(self, tests: dict[str, str]) -> str:
        return min(tests.values(), key=_WORST_FIRST.index, default="not run")

    def page(self) -> str:
        """The whole as Markdown."""
        passed = sum(result == "passed" for *_, result in self.rows())
        lines = [_HEAD, f"{passed} of {len(SCENARIOS)} pass."]
        group = ""
        for number, title, tests, result in self.rows():
            if group != group_of(number):
                group = group_of(number)
                lines += [
                    "",
                    f"## {group}",
                    "",
                    "| | scenario | test | result |",
                    "|---|---|---|---|",
                ]
            names = "<br>".join(f"`{name}`" for name in sorted(tests))
            lines.append(f"| {number} | {title} | {names} | {result} |")
        return "\n".join(lines) + "\n"


_results = pytest.StashKey[Results]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The file to write."""
    group = parser.getgroup("conformance")
    group.addoption("--conformance-report", type=Path, help="write the table of scenarios here")


def pytest_configure(config: pytest.Config) -> None:
    """Begin."""
    config.stash[_results] = Results()
    config.pluginmanager.register(_Listener(config.stash[_results]), "conformance-results")


class _Listener:
    def __init__(self, results: Results) -> None:
        self._results = results

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        self._results.note(report)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what was played, and write the page."""
    results = config.stash[_results]
    if not results:
        return
    terminalreporter.section("conformance")
    for number, title, tests, result in results.rows():
        if tests:
            terminalreporter.write_line(f"{number:>3}  {result:<8} {title}")
    path: Path | None = config.getoption("--conformance-report")
    if path is not None:
        path.write_text(results.page())
