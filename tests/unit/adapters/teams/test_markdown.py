"""Does Teams get Markdown, whatever the agent mixed?"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.teams.markdown import safe_url, written


@pytest.mark.parametrize(
    ("source", "teams"),
    [
        ("plain **bold** _it_", "plain **bold** _it_"),
        ("<b>a</b> <strong>b</strong> <i>c</i> <em>d</em>", "**a** **b** _c_ _d_"),
        ('<a href="https://a.example/x">there</a>', "[there](https://a.example/x)"),
        ('<a href="javascript:alert(1)">there</a>', "there"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("a<br>b<br/>c", "a\n\nb\n\nc"),
        ("a\nb", "a\n\nb"),
        ("- a\n- b\n1. c", "- a\n- b\n1. c"),
        ("# Title #\nwords", "**Title**\n\nwords"),
        ("```\na\nb\n```", "```\na\nb\n```"),
        ("<code>x &lt; y</code> &lt; z", "`x < y` &lt; z"),
        ("`a <b> &lt; b` < c", "`a <b> &lt; b` &lt; c"),
        ("use:\n```\n<ul>\n  <li>\n```\nso", "use:\n\n```\n<ul>\n  <li>\n```\n\nso"),
        ('<a href="https://a.example/">`x`</a>', "[`x`](https://a.example/)"),
        (
            "<at>everyone</at> <script>x</script>",
            "&lt;at>everyone&lt;/at> &lt;script>x&lt;/script>",
        ),
        ("List<int> <!channel> <@U1> a < b", "List&lt;int> &lt;!channel> &lt;@U1> a &lt; b"),
        ("AT&T &amp; &amp;lt; &copy;", "AT&T & &amp;lt; ©"),
        ("a\x00b\x07", "ab"),
        ("if a<b or c>d then", "if a&lt;b or c>d then"),
        ("<b>x</b or y>z</b >", "**x&lt;/b or y>z**"),
        ("a<br or b> <code>a<i c>d</code>", "a&lt;br or b> `a<i c>d`"),
        ('<b class="x" hidden>a</b><ol\nreversed start=2>', "**a**"),
        ("<a title='x' href=https://a.example/?a=1>b</a>", "[b](https://a.example/?a=1)"),
        ("https://a.example/?a=1&copy=2", "https://a.example/?a=1&copy=2"),
        ("</b></a></ul></p>", "**"),
        (
            "see <!-- this and <script>if (a<b) {} that",
            ("see &lt;!-- this and &lt;script>if (a&lt;b) {} that"),
        ),
        ("<style>p{} <![CDATA[ <title>x", "&lt;style>p{} &lt;![CDATA[ &lt;title>x"),
    ],
)
def test_each_mixture_has_its_writing(source: str, teams: str) -> None:
    assert written(source) == teams


@given(st.text(st.sampled_from('ab <>/&;#!-"`*_[]()\nbuliol'), max_size=60))
def test_any_text_is_written_within_four_times_its_length_and_no_tag_survives(source: str) -> None:
    teams = written(source)

    assert len(teams) <= 4 * len(source) + 4
    assert "<" not in re.sub(r"`.*`", "", teams, flags=re.DOTALL)


PIECES = ["<b>", "</b>", "<br>", "<ul>", "<li>", "</ol>", "<!--", "-->", "<script>", "</a>"]
PIECES += ["<style>", "<a href='https://a.example/'>", "<![CDATA[", "<?x", "</", "&lt;", "&", "```"]


@given(st.lists(st.sampled_from([*PIECES, "\n", "one", "two"]), max_size=12))
def test_no_word_is_lost_whatever_stands_around_it(pieces: list[str]) -> None:
    teams = written(" ".join(pieces))

    for word in ("one", "two"):
        assert teams.count(word) == pieces.count(word)


@pytest.mark.parametrize(
    "url",
    [None, "", "http://a.example", "https://", "https://[", "https://a b", 'https://a/"', "tel:1",
     "https://a@b/", "https://a.example/" + "x" * 2000, "https://ä.example/"],
)  # fmt: skip
def test_what_is_not_fit_to_be_opened(url: str | None) -> None:
    assert safe_url(url) is None
