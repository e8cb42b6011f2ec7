"""What is made of an agent's Markdown and HTML."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.matrix.markup import shown

VOID = {"br", "hr"}


class Balanced(HTMLParser):
    """Notes which elements were opened and not closed in their order, and every attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.mark.parametrize("tag", ["title", "head", "script", "style", "object"])
def test_the_name_of_a_tag_costs_no_word_behind_it(tag: str) -> None:
    words, formatted = shown(f"Put it into <{tag}> of the **page**, then publish.")

    assert words == f"Put it into <{tag}> of the page, then publish."
    assert formatted.endswith("of the <strong>page</strong>, then publish.</p>")
    assert f"<{tag}" not in formatted
    assert shown(f"one <{tag}>x</{tag}> two <{tag}> three")[0] == f"one  two <{tag}> three"


def test_words_alone_need_no_html() -> None:
    assert shown("We open at nine.") == ("We open at nine.", "")
    assert shown("At 9:30, or 10/11?") == ("At 9:30, or 10/11?", "")


@pytest.mark.parametrize(
    ("text", "words", "html"),
    [
        (
            "**Hi** <b>you</b>",
            "Hi you",
            "<p><strong>Hi</strong> <strong>you</strong></p>",
        ),
        ("one\ntwo", "one\ntwo", "<p>one<br>\ntwo</p>"),
        ("a & b < c", "a & b < c", ""),
        (
            "- a\n- b\n  1. c\n",
            "- a\n- b\n  1. c",
            "<ul>\n<li>a</li>\n<li>b\n<ol>\n<li>c</li>\n</ol>\n</li>\n</ul>",
        ),
        (
            "Which?\n\n1. this\n2. that",
            "Which?\n\n1. this\n2. that",
            "<p>Which?</p>\n<ol>\n<li>this</li>\n<li>that</li>\n</ol>",
        ),
        (
            "[here](https://e.example/?a=1&b=2)",
            "here (https://e.example/?a=1&b=2)",
            '<p><a href="https://e.example/?a=1&amp;b=2">here</a></p>',
        ),
        (
            "[call](tel:+441)",
            "call (+441)",
            '<p><a href="tel:+441">call</a></p>',
        ),
        ("```\na < b\n```", "a < b", "<pre><code>a &lt; b\n</code></pre>"),
        ("<p>one</p><p>two</p>", "one\n\ntwo", "<p></p><p>one</p><p>two</p>"),
        ("0. a\n1. b", "0. a\n1. b", '<ol start="0">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("~~no~~ *yes*", "no yes", "<p><del>no</del> <em>yes</em></p>"),
    ],
)
def test_markup_is_shown_and_told_in_words(text: str, words: str, html: str) -> None:
    assert shown(text) == (words, html)


def test_a_picture_becomes_a_link() -> None:
    words, html = shown("![a cat](https://e.example/cat.png)")

    assert words == "a cat (https://e.example/cat.png)"
    assert html == '<p><a href="https://e.example/cat.png">a cat</a></p>'


@pytest.mark.parametrize(
    "text",
    [
        "ok <script>alert(1)</script>",
        "ok <style>p {}</style>",
        "ok <iframe src='https://e.example'>x</iframe>",
    ],
)
def test_what_runs_or_is_fetched_is_left_out(text: str) -> None:
    assert shown(text)[0] == "ok"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "mxc://e/x", "/x"])
def test_an_address_that_is_none_leads_nowhere(address: str) -> None:
    words, html = shown(f'<a href="{address}">here</a> <img src="{address}" alt="it">')

    assert words == "here it"
    assert "href" not in html


@pytest.mark.parametrize(
    "text",
    ["Dear <your name>, use List<int>", "<!here> <@U1> #1", "so <?what?>", "a <![CDATA[b]]>"],
)
def test_a_tag_that_html_does_not_know_is_words(text: str) -> None:
    assert shown(text)[0] == text


@pytest.mark.parametrize(
    "text",
    [
        "if a<b or c>d then",
        "a<u or v>b, a<p and q>b, a<img or b>c",
        "x </b or y> z",
        "so <Name>a</Name>, List</int>",
        "5*3=15 and 4*2=8",
        "2*3*4 and 2**3**4 and x*2*y",
        "https://x.example/_next/*x*y",
        "see HTTPS://x.example/*a*b?c=1&copy=2&d~~e~~ now",
    ],
)
def test_words_and_signs_that_only_look_like_markup_are_kept(text: str) -> None:
    assert shown(text) == (text, "")


@pytest.mark.parametrize(
    ("text", "words", "html"),
    [
        ("**15**min *a*", "15min a", "<strong>15</strong>min <em>a</em>"),
        ("un*believ*able", "unbelievable", "un<em>believ</em>able"),
        ("**2*3*4**", "2*3*4", "<strong>2*3*4</strong>"),
        ('<b class="x">a</b >', "a", "<strong>a</strong>"),
        ("<b hidden>a</b>", "a", "<strong>a</strong>"),
        (
            "**https://x.example/a**.",
            "https://x.example/a.",
            "<strong>https://x.example/a</strong>.",
        ),
        ("https://x.example/?a&amp;b*c*d", "https://x.example/?a&b*c*d", ""),
        ("a<b\nor>c", "a<b or>c", ""),
        ("a<script async src=x>b</script>", "a", ""),
    ],
)
def test_real_markup_beside_them_is_none_the_less_read(text: str, words: str, html: str) -> None:
    assert shown(text) == (words, f"<p>{html}</p>" if html else "")


def test_what_nobody_sees_and_half_characters_are_left_out() -> None:
    assert shown("a\x00b\x1bc\ud800d") == ("abcd", "")


@given(st.text(st.sampled_from("ab <>/\"'=&;*_`~[]()!#|-1.\n\t\\ñ😀\x00\ud800"), max_size=60))
def test_any_text_becomes_well_formed_html_of_the_subset(text: str) -> None:
    _, html = shown(text)
    page = Balanced()
    page.feed(html)
    page.close()

    assert (page.open, page.wrong) == ([], [])
    assert page.tags.isdisjoint({"script", "style", "iframe", "img"})
    assert {name for name, _ in page.attributes} <= {"href", "start"}
    html.encode()


@given(
    st.lists(
        st.sampled_from(
            [
                "<b>",
                "</b>",
                "<p>",
                "</p>",
                "<ul><li>",
                "</li>",
                "</ul>",
                "<a href='https://e.x'>",
                "</a>",
                "<script>",
                "</script>",
                "<table>",
                "<td>",
                "**",
                "> ",
                "\n\n",
                "- ",
                "x",
                "<onx onload=1>",
                "<p onclick='x'>",
                "<a href='javascript:x'>",
                "<!-- ",
                "]]>",
            ]
        ),
        max_size=80,
    )
)
def test_html_that_does_not_nest_is_made_to(pieces: list[str]) -> None:
    _, html = shown("".join(pieces))
    page = Balanced()
    page.feed(html)
    page.close()

    assert (page.open, page.wrong) == ([], [])
    assert "onclick" not in html or "&lt;" in html
    assert all(name in {"href", "start"} for name, _ in page.attributes)
