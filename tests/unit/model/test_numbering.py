"""What is offered by number is known again when somebody says the number."""

import pytest

from bridge.model.numbering import number_in, numbered


def test_lines_are_numbered_below_a_line_that_says_what_to_do() -> None:
    assert numbered([(1, "Yes"), (2, "No")]) == "Reply with a number:\n1. Yes\n2. No"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2", 2),
        (" 2 ", 2),
        ("2.", 2),
        ("2)", 2),
        ("#2", 2),
        ("# 2", 2),
        ("2 .", 2),
        ("\uff12", 2),
        ("\u0662", 2),
        ("2\ufe0f\u20e3", 2),
        ("0", 0),
        ("12", 12),
    ],
)
def test_a_number_is_read_as_people_write_it(text: str, number: int) -> None:
    assert number_in(text) == number


@pytest.mark.parametrize(
    "text", ["", "two", "02", "1st", "2 of them", "-1", "+1", "1.5", "1234", "²", "1\n2", "2!"]
)
def test_any_other_words_are_words(text: str) -> None:
    assert number_in(text) is None
