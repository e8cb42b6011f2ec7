"""Long texts in several messages."""

import pytest

from bridge.core.parts import parts


def test_what_fits_is_left_alone() -> None:
    assert parts("  as it is \n", 16) == ("  as it is \n",)
    assert parts("x" * 16, 16) == ("x" * 16,)
    assert parts("", 16) == ("",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one para\n\ntwo and more", ("one para", "two and more")),
        ("one line\ntwo and more", ("one line", "two and more")),
        ("One two. Three fours", ("One two.", "Three fours")),
        ("one two three four five", ("one two", "three four five")),
        ("x" * 20, ("x" * 12, "x" * 8)),
    ],
)
def test_the_best_place_to_cut(text: str, expected: tuple[str, ...]) -> None:
    assert parts(text, 16) == expected


def test_a_place_too_early_is_not_used() -> None:
    assert parts("a\n\nbcdef ghij klmno", 16) == ("a\n\nbcdef", "ghij klmno")


def test_a_fence_that_is_cut_is_closed_and_opened_again() -> None:
    text = "```\nfirst line\nsecond line\n```\nafter"
    pieces = parts(text, 24)
    assert all(piece.count("```") % 2 == 0 for piece in pieces)
    assert pieces[0] == "```\nfirst line\n```"
    assert pieces[1].startswith("```\nsecond line")


def test_a_limit_too_small_to_work_with_is_raised() -> None:
    assert all(len(piece) <= 16 for piece in parts("word " * 20, 1))


@pytest.mark.parametrize("before", range(8, 15))
def test_a_fence_is_never_cut_in_two(before: int) -> None:
    pieces = parts("x" * before + "```\ncode here\n```", 16)
    assert all(piece.count("`") % 6 == 0 for piece in pieces), pieces


def test_nothing_but_room_is_cut_short() -> None:
    assert all(len(piece) <= 16 for piece in parts(" " * 40, 16))
