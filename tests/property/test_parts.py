"""Whatever is cut into parts: every word is kept, in order, and no part is too long."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.parts import parts
from tests.examples import many

FAST = settings(max_examples=many(300), derandomize=True, deadline=None, database=None)
TEXTS = st.lists(
    st.sampled_from(["word", "Grüße", ". ", " ", "\n", "\n\n", "```", "`", "x" * 30, "  - item"]),
    max_size=60,
).map("".join)


def bare(text: str) -> str:
    """Its words: without blanks and without the fences a cut adds."""
    return "".join(text.split()).replace("`", "")


@FAST
@given(text=TEXTS | st.text(max_size=200), limit=st.integers(-1, 60))
def test_every_word_is_kept_and_no_part_is_too_long(text: str, limit: int) -> None:
    pieces = parts(text, limit)
    assert bare("".join(pieces)) == bare(text)
    assert all(len(piece) <= max(limit, 16) for piece in pieces)
    assert all(piece.strip() for piece in pieces[1:])


@FAST
@given(words=st.lists(st.text("abc", min_size=1, max_size=8), max_size=40))
def test_words_that_fit_are_never_broken(words: list[str]) -> None:
    pieces = parts(" ".join(words), 24)
    assert " ".join(pieces).split() == words


@FAST
@given(lines=st.lists(st.text("abc ", max_size=20), max_size=30), limit=st.integers(16, 60))
def test_code_stays_code_in_every_part(lines: list[str], limit: int) -> None:
    text = "```\n" + "\n".join(lines) + "\n```"
    assert all(piece.count("```") % 2 == 0 for piece in parts(text, limit))


@FAST
@given(text=TEXTS, limit=st.integers(200, 400))
def test_what_fits_is_left_alone(text: str, limit: int) -> None:
    if len(text) <= limit:
        assert parts(text, limit) == (text,)
