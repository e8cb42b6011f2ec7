"""The tree of errors is as its drawing says."""

import re
from datetime import timedelta

import pytest

from bridge import errors


def test_the_drawing_shows_every_error_under_its_parent_with_its_exit_code() -> None:
    path: list[str] = []
    drawn: dict[str, tuple[str, int]] = {}
    for branch, name, code in re.findall(
        r"^((?:    |│   |├── |└── )+)(\w+) +(?:exit (\d+))?", errors.__doc__ or "", re.MULTILINE
    ):
        depth = len(branch) // 4 - 1
        path[depth:] = [name]
        drawn[name] = (path[depth - 1] if depth else "Exception", int(code or 1))

    made = {
        name: (one.__bases__[0].__name__, one.exit_code)
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, errors.BridgeError)
    }
    assert drawn == made


def test_an_error_says_what_to_do_about_it() -> None:
    error = errors.DatabaseFailed("The disk is full", remedy="make room")

    assert str(error) == "The disk is full (make room)"
    assert (error.message, error.remedy) == ("The disk is full", "make room")
    assert str(errors.BridgeError("Odd")) == "Odd"


def test_a_later_try_says_when() -> None:
    assert errors.RetryLater("Busy", after=timedelta(seconds=3)).after == timedelta(seconds=3)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.BridgeError, 1),
        (errors.ConfigurationError, 10),
        (errors.CredentialsRefused, 11),
        (errors.DatabaseFailed, 12),
        (errors.MigrationNeeded, 13),
        (errors.DatabaseHeld, 14),
    ],
)
def test_exit_codes_are_a_promise(error: type[errors.BridgeError], code: int) -> None:
    assert error("…").exit_code == code
