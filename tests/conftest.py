"""What every run of the tests has: the table of the conformance scenarios, where any was played."""

from tests.conformance.report import (
    pytest_addoption,
    pytest_configure,
    pytest_terminal_summary,
)

__all__ = ["pytest_addoption", "pytest_configure", "pytest_terminal_summary"]
