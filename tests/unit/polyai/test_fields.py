"""One field of PolyAI's JSON, whatever it turns out to be."""

import pytest

from bridge.polyai.fields import as_name, as_number, as_object, as_text, objects_in


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (12, 12),
        (12.0, 12),
        ("12", 12),
        ("12.0", 12),
        (0, 0),
        (2**63 - 1, 2**63 - 1),
        (2**63, None),
        (10**30, None),
        (-1, None),
        (12.5, None),
        (1e300, None),
        (float("inf"), None),
        (float("nan"), None),
        ("", None),
        ("twelve", None),
        ("\uff11\uff12", None),
        (True, None),
        (None, None),
        ([12], None),
    ],
)
def test_only_whole_numbers_from_zero_up_are_numbers(value: object, number: int | None) -> None:
    assert as_number(value) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("hi", "hi"),
        (" ", " "),
        ("a\x00b", "ab"),
        (5, "5"),
        (1.5, "1.5"),
        (True, ""),
        (None, ""),
        ([], ""),
        ({"text": "hi"}, ""),
    ],
)
def test_text_is_text_or_a_number_as_written(value: object, text: str) -> None:
    assert as_text(value) == text


def test_an_integer_too_long_to_write_out_is_no_text() -> None:
    assert as_text(10**5000) == ""
    assert as_number(10**5000) is None


def test_the_first_alternative_that_holds_something_wins() -> None:
    assert as_text(None, "", "second", "third") == "second"
    assert as_name(" ", " Ada ", "Bob") == "Ada"
    assert as_number("many", "7", 8) == 7


def test_a_name_of_blanks_is_no_name() -> None:
    assert as_name(" ", None, 0.0) == "0.0"
    assert as_name(" ", "\x00", None) is None


def test_what_is_no_object_is_an_empty_one() -> None:
    assert as_object({"a": 1}) == {"a": 1}
    others: list[object] = [None, [], "x", 3]
    assert [as_object(value) for value in others] == [{}, {}, {}, {}]


def test_a_list_gives_its_objects_and_nothing_else() -> None:
    assert list(objects_in([{"a": 1}, None, "x", {"b": 2}])) == [{"a": 1}, {"b": 2}]
    assert list(objects_in({"a": 1})) == []
    assert list(objects_in(None)) == []
