"""What every run has: the conformance table where any was played, and the longest tests first."""

import logging
import re
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from bridge import log
from tests import examples, leaks
from tests.conformance.report import (
    pytest_addoption,
    pytest_configure,
    pytest_terminal_summary,
)

__all__ = [
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_ignore_collect",
    "pytest_terminal_summary",
]

examples.profiles()
# What brings schemathesis brings this as well; jsonschema takes it if it is there, and it takes a
# second and more to begin, in every process. Nobody here asks whether something is an IRI.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # cannot be imported

#: A file that says so is nothing to `make check`.
_WHOLLY_THOROUGH = re.compile(r"^pytestmark = \[?pytest\.mark\.thorough\b", re.MULTILINE)

#: Each takes about as long as everything else of its kind together.
_LONGEST = ("test_nothing_is_lost_or_doubled_in_two_hours", "test_100_a_thousand_conversations")


#: Tests that print secrets to see them masked, by a part of their path.
_ABOUT_SECRETS = {"test_log.py", "log"}


#: What `make check` leaves to `make test`, by its folder: there each test carries that mark.
_MARKED = {"chaos", "conformance", "integration", "soak"}


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """Whatever a test configured of the logs, which are the process's, the next begins afresh."""
    root, ours = logging.getLogger(), logging.getLogger(log.OURS)
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    for logger, level in zip((root, ours), levels, strict=True):
        if logger.level != level:  # to set it, every logger there is is asked
            logger.setLevel(level)
    log.forget()


@pytest.fixture(autouse=True)
def _nothing_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever the real process printed or wrote in a test holds no secret, and no words."""
    if not {"integration", "chaos"} & {mark.name for mark in request.node.iter_markers()}:
        yield
        return
    directory: Path = request.getfixturevalue("tmp_path")
    leaks.forget()
    yield
    found = leaks.found(directory)
    leaks.forget()
    assert found == [], "\n".join(found)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Nor does what a fast test printed or logged hold anything that looks like a secret."""
    report = yield
    if report.when == "call" and report.passed and not _ABOUT_SECRETS & set(item.path.parts):
        looks = {what for _, text in report.sections for what in leaks.looks(text.encode())}
        if looks:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} printed or logged {', '.join(sorted(looks))}"
    return report


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file of which nothing will run is not even imported."""
    if config.option.markexpr != "not thorough" or collection_path.suffix != ".py":
        return None
    return True if _WHOLLY_THOROUGH.search(collection_path.read_text("utf-8")) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start what takes longest first, so that nobody waits for it alone in the end.

    Raises:
        UsageError: a test lacks the mark of its folder, so no target would run it.
    """
    for item in items:
        folder = item.path.parent.name
        if folder in _MARKED and item.get_closest_marker(folder) is None:
            raise pytest.UsageError(f"{item.nodeid}: mark it as {folder}")
    items.sort(key=lambda item: not item.name.startswith(_LONGEST))
