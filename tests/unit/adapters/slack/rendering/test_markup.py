"""Is what leaves for Slack harmless, and cut where it may be cut?"""

import sys
import unicodedata

import pytest

from adapters.slack.rendering import markup

#: Unicode's classes of embeddings, overrides and isolates, and of what ends them.
_REORDERING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@pytest.mark.parametrize(
    ("given", "escaped"),
    [
        ("<!channel> & <@U1>", "&lt;!channel&gt; &amp; &lt;@U1&gt;"),
        ("a\x00\u202eb\ud800\nc\td", "ab\nc\td"),
        ("&lt;", "&amp;lt;"),
    ],
)
def test_escaping(given: str, escaped: str) -> None:
    assert markup.escape(given) == escaped


@pytest.mark.thorough
def test_cleaning_takes_control_and_broken_characters_and_changes_of_direction_alone() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    kinds = zip(everything, map(unicodedata.category, everything), strict=True)
    ways = zip(everything, map(unicodedata.bidirectional, everything), strict=True)
    unfit = {c for c, kind in kinds if kind in {"Cc", "Cs"}} - {"\n", "\t"}
    unfit |= {c for c, way in ways if way in _REORDERING}

    cleaned, left = markup.clean(everything), everything.translate(dict.fromkeys(map(ord, unfit)))

    # A million characters are compared in one go; which of them differ is asked only then.
    assert cleaned == left or set(cleaned) ^ set(left) == set()


def test_a_label_is_one_short_line_without_brackets() -> None:
    assert markup.label(" a\n <b> ", 75) == "a \u2039b\u203a"
    assert markup.label("x" * 76, 75) == "x" * 74 + "…"
    assert markup.label("é" * 75, 75) == "é" * 75


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("https://a.example/b?c=d&e#f", "https://a.example/b?c=d&e#f"),
        ("HTTP://a.example", "http://a.example"),
        (" https://a.example ", "https://a.example"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        ("https://a.example/x|y<z>\"'`", "https://a.example/x%7Cy%3Cz%3E%22%27%60"),
        ("mailto:a@b.example?subject=x", "mailto:a@b.example?subject=x"),
        ("tel:+44201234", "tel:+44201234"),
    ],
)
def test_a_good_address_is_made_canonical(given: str, safe: str) -> None:
    assert markup.safe_url(given) == safe


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "javascript:alert(1)",
        "JAVA\nSCRIPT:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "slack://open",
        "//evil.example",
        "/relative",
        "https://",
        "https://bank.example@evil.example/",
        "https://bank.example\\@evil.example/",
        "https://a.example/with space",
        "https://a.example:port/",
        "https://a.example|https://b.example",
        "https://a%2eexample/",
        "https://[oops/",
        "mailto:nobody",
        "mailto:!subteam^S1|@ops",
        "mailto://a@b.example",
        "tel:call-me",
        "tel:123456?x",
        "https://a.example/" + "x" * 3000,
    ],
)
def test_any_other_address_is_none(given: str | None) -> None:
    assert markup.safe_url(given) is None


def test_a_web_address_is_neither_mail_nor_telephone() -> None:
    assert markup.web_url("https://a.example") == "https://a.example"
    assert markup.web_url("mailto:a@b.example") is None
    assert markup.web_url("javascript:x") is None


@pytest.mark.parametrize(
    ("url", "text", "shown"),
    [
        ("https://a.example", "here", "<https://a.example|here>"),
        ("https://a.example", "", "<https://a.example>"),
        ("https://a.example", "https://a.example", "<https://a.example>"),
        ("https://a.example/?b&c", "<!here>", "<https://a.example/?b&amp;c|&lt;!here&gt;>"),
        ("https://www.a.example/x", "a.example", "<https://www.a.example/x|a.example>"),
        ("https://a.example/x/y", "a.example/x", "<https://a.example/x/y|a.example/x>"),
        ("https://a.example/x", "a.example/y", "a.example/y (<https://a.example/x>)"),
        ("https://evil.example", "bank.example", "bank.example (<https://evil.example>)"),
        ("https://evil.example", "http://", "http:// (<https://evil.example>)"),
        ("mailto:a@b.example", "write to us", "<mailto:a@b.example|write to us>"),
        ("mailto:a@b.example", "a@b.example", "<mailto:a@b.example|a@b.example>"),
        ("mailto:a@b.example", "c@d.example", "c@d.example (<mailto:a@b.example|a@b.example>)"),
        ("tel:+4420", "0800 1", "0800 1 (<tel:+4420|+4420>)"),
    ],
)
def test_a_link_shows_where_it_leads(url: str, text: str, shown: str) -> None:
    assert markup.link(url, text) == shown


def test_a_label_without_end_is_cut() -> None:
    assert markup.link("https://a.example", "x" * 500) == f"<https://a.example|{'x' * 299}…>"


@pytest.mark.parametrize(
    ("number", "address"),
    [
        ("+44 20 7946 0000", "tel:+442079460000"),
        ("+44 (0)20 7946-0000", "tel:+442079460000"),
        ("(020) 7946.0000", "tel:02079460000"),
        ("ask the operator", None),
        ("", None),
        ("12", None),
    ],
)
def test_numbers_are_dialled_as_people_write_them(number: str, address: str | None) -> None:
    assert markup.dial(number) == address


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("short", 10, ("short", "")),
        ("one two three", 9, ("one two ", "three")),
        ("one two\nthree", 10, ("one two\n", "three")),
        ("a\nlong words here", 12, ("a\nlong ", "words here")),
        ("aaaa&amp;bbb", 6, ("aaaa", "&amp;bbb")),
        ("aa <https://a.example|a b> c", 20, ("aa ", "<https://a.example|a b> c")),
        ("abcdefghij", 4, ("abcd", "efghij")),
    ],
)
def test_cutting_prefers_lines_then_words(text: str, limit: int, pieces: tuple[str, str]) -> None:
    assert markup.cut(text, limit) == pieces


def test_shortening_says_that_there_was_more() -> None:
    assert markup.shortened("one two three", 9) == "one two…"
    assert markup.shortened("one", 9) == "one"
