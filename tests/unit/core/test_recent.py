"""Names that were met lately."""

from bridge.core import recent

NAMES = [f"11111111-2222-4333-8444-{number:012}" for number in range(300)]


def met(names: list[str], most: int) -> str:
    """What is remembered of `names`."""
    text = ""
    for name in names:
        text = recent.meet(text, name, most)
    return text


def test_nothing_is_known_at_first() -> None:
    assert not recent.met("", NAMES[0])


def test_the_last_names_are_known_and_no_others() -> None:
    text = met(NAMES, 128)

    assert [name for name in NAMES if recent.met(text, name)] == NAMES[-128:]


def test_a_name_takes_eleven_characters_whatever_it_is() -> None:
    names = ["a", "A", "an id of many words " * 50, "\N{SNOWMAN}", "\ud800"]
    text = met(names, 8)

    assert len(text) == 11 * len(names)
    assert text.isascii()
    assert all(recent.met(text, name) for name in names)


def test_how_a_name_is_kept_never_changes() -> None:
    """Databases hold it."""
    assert recent.meet("", "11111111-2222-4333-8444-000000000000", 1) == "PL/SpIhVEio"
