"""Whatever an agent writes, its plain text has every word of it, in order, and fails on nothing."""

import re
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.plain import plain
from tests.examples import many

FAST = settings(max_examples=many(300), derandomize=True, deadline=None, database=None)
MARKS = st.one_of(
    st.sampled_from(["**", "*", "_", "~~", "`", "```", "```\n", "\n# ", "\n- ", "\n  - ", "\n1. "]),
    st.sampled_from(["\n> ", "> ", "#", "\n", "\n\n", "[", "](", ")", "![", "](<", ">)", "<", ">"]),
    st.sampled_from(["<b>", "</b>", "<br>", "<p>", "</p>", '<a href="', '">', "<a href='", "</a>"]),
    st.sampled_from(
        ["<ul>", "<li>", "</li>", "<code>", "</code>", "&amp;", "&lt;", "|", "\\", "!"]
    ),
    st.sampled_from(["\n|---|---|\n", "\n---\n", "\n===\n", '"', "'", "    ", "\t", "]: ", "\n["]),
    st.sampled_from(["<https://", "<img alt='", "' src='", "\r\n", "<!", "--", "\x00"]),
)
WORDS = st.sampled_from(["ant", "bee", "Grüße", "犬", "a_b_c", "x&y"])
#: What hides words where it is read as it was not meant.
FORMS = st.builds(
    str.replace,
    st.sampled_from(
        (
            "<@>",
            "\n\n[@]: https://@\n",
            "[@](https://@)",
            "![@](https://@)",
            "\n```@ @\n@\n```\n",
            "<https://@>",
            '<a href="https://@">@</a>',
            "<!-- -->@",
            "| @ |\n|---|\n| @ | @ |\n",
        )
    ),
    st.just("@"),
    WORDS,
)
PIECES = st.tuples(MARKS, WORDS | st.just(" ")).map("".join) | FORMS
TEXTS = st.lists(PIECES, max_size=30).map("".join)


def words(text: str) -> list[str]:
    """What a person would read aloud, of the words above and of any others."""
    return re.findall(r"ant|bee|Grüße|犬", text)


@FAST
@given(text=TEXTS)
def test_every_word_stays_in_its_place(text: str) -> None:
    said = words(plain(text))
    # A tag names its address before the words that stand before it in the end.
    in_order = "<a" not in text and "src=" not in text
    assert said == words(text) if in_order else Counter(said) == Counter(words(text))


@FAST
@given(text=TEXTS | st.text(max_size=100))
def test_no_text_makes_it_fail_and_no_words_leave_nothing(text: str) -> None:
    said = plain(text)
    assert said == said.strip()
    assert said or not words(text)


@FAST
@given(text=TEXTS)
def test_what_is_plain_keeps_its_words_when_it_is_made_plain_again(text: str) -> None:
    once = plain(text)
    assert words(plain(once)) == words(once)


@FAST
@given(text=st.lists(st.from_regex(r"[^\W\d_][\w ,.?!]{0,20}", fullmatch=True), max_size=8))
def test_words_without_marks_are_left_alone(text: list[str]) -> None:
    lines = [line.strip() for line in text]
    assert plain("\n".join(lines)) == "\n".join(lines)
