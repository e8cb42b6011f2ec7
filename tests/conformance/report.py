"""Which scenario passed? A table at the end of a run in which conformance tests ran.

`--conformance-report=FILE` writes it as a page, too, if every test was played; so
`make conformance` keeps docs/conformance.md. The hooks are pytest's; `tests/conftest.py` hands them
on, as a folder's own are not asked by the process that gathers the results of several workers.
"""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.conformance.scenarios import SCENARIOS, TESTS, group_of

_TEST = re.compile(r"tests/conformance/(?P<file>\w+\.py)::(?P<name>test_(?P<number>\d{3})_\w+)")
_WORST_FIRST = ("failed", "not run", "passed")
_HEAD = """# Conformance

The scenarios a client of PolyAI's Messaging protocol has to pass, each played by the real bridge
between the simulated PolyAI and the simulated Slack, in virtual time. The tests are in
[tests/conformance](../tests/conformance).

- `make conformance` plays all of them and writes this page.
- `.venv/bin/pytest -k test_048` plays one scenario, named by its number in three digits;
  `.venv/bin/pytest -k conformance` plays all, and writes nothing.

The numbers are those of this project's own list of conformance, not PolyAI's. Those that are
missing were merged into others, or never given: nothing is left out here.
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

    def missing(self) -> list[str]:
        """The tests that there are and that were not played, or not to their end."""
        return sorted(set(TESTS) - {name for tests in self._outcomes.values() for name in tests})

    def _worst(self, tests: dict[str, str]) -> str:
        return min(tests.values(), key=_WORST_FIRST.index, default="not run")

    def sum(self) -> str:
        """How many scenarios pass, in a sentence."""
        passed = sum(result == "passed" for *_, result in self.rows())
        return f"{passed} of {len(SCENARIOS)} pass."

    def page(self) -> str:
        """The whole as Markdown."""
        lines = [_HEAD, self.sum()]
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
        terminalreporter.write_line(write(results, path))


def write(results: Results, path: Path) -> str:
    """Write the page, unless something is missing in it; what was done, in a sentence."""
    if missing := results.missing():
        left = f"{len(missing)} of {len(TESTS)} tests were not played"
        return f"{path} is left as it was: {left}; `make conformance` plays all."
    path.write_text(results.page(), "utf-8")
    return f"{path} is written: {results.sum()}"
