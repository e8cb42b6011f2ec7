"""Do blocks read like what they show?"""

from typing import Any

import pytest

from adapters.slack.reading.plain_text import plain
from adapters.slack.reading.rich_text import markup_of, poorer

Json = dict[str, Any]


def text(words: str, **style: bool) -> Json:
    return {"type": "text", "text": words, **({"style": style} if style else {})}


def section(*elements: Json, kind: str = "section", **more: object) -> Json:
    return {"type": f"rich_text_{kind}", "elements": list(elements), **more}


def rich(*parts: Json) -> list[Json]:
    return [{"type": "rich_text", "block_id": "b", "elements": list(parts)}]


def listed(*items: str, **more: object) -> Json:
    return section(*(section(text(item)) for item in items), kind="list", **more)


def read(blocks: object) -> str:
    return plain(markup_of(blocks), bot="UBOT")


@pytest.mark.parametrize(
    ("element", "words"),
    [
        (text("a *b* <c> & d"), "a *b* <c> & d"),
        (text("1 &lt; 2 &amp; 3"), "1 < 2 & 3"),
        (text("&nbsp;"), "&nbsp;"),
        (text("<!here> <@U1>"), "<!here> <@U1>"),
        (text("loud", bold=True, italic=True, strike=True), "loud"),
        (text("x = 1", code=True), "`x = 1`"),
        ({"type": "user", "user_id": "U1"}, "@U1"),
        ({"type": "user", "user_id": "UBOT"}, ""),
        ({"type": "channel", "channel_id": "C1"}, "#C1"),
        ({"type": "usergroup", "usergroup_id": "S1"}, "@S1"),
        ({"type": "broadcast", "range": "here"}, "@here"),
        ({"type": "link", "url": "https://a.example/x"}, "https://a.example/x"),
        ({"type": "link", "url": "https://a.example", "text": "a"}, "a (https://a.example)"),
        ({"type": "link", "url": "https://a.example/?a=1&b=2"}, "https://a.example/?a=1&b=2"),
        ({"type": "link", "url": "https://a.example/|x>"}, "https://a.example/%7Cx>"),
        ({"type": "link", "url": "mailto:a@b.example", "text": "a@b.example"}, "a@b.example"),
        ({"type": "link", "text": "nowhere"}, "nowhere"),
        ({"type": "emoji", "name": "+1", "unicode": "1f44d-1f3fd"}, "\U0001f44d\U0001f3fd"),
        ({"type": "emoji", "name": "party_parrot"}, ":party_parrot:"),
        ({"type": "emoji", "name": "odd", "unicode": "zz"}, ":odd:"),
        ({"type": "emoji", "name": "odd", "unicode": "ffffffffffff"}, ":odd:"),
        ({"type": "emoji"}, ""),
        ({"type": "date", "timestamp": 1, "format": "{date}", "fallback": "Feb 18"}, "Feb 18"),
        ({"type": "date", "timestamp": 1}, "a date"),
        ({"type": "color", "value": "#FF00AA"}, "#FF00AA"),
        ({"type": "hologram"}, ""),
        ({"type": "text", "text": 7}, ""),
        ({"type": "user"}, ""),
    ],
)
def test_each_piece_of_a_line_reads_as_it_looks(element: Json, words: str) -> None:
    assert read(rich(section(element))) == words


def test_a_whole_message_keeps_its_lines() -> None:
    blocks = rich(
        section(text("Please:\n")),
        listed("milk", "bread", style="bullet"),
        listed("wholemeal", style="bullet", indent=1),
        listed("pay", "leave", style="ordered", offset=2),
        section(text("she said\nno"), kind="quote"),
        section(text("if a < b:\n    go()"), kind="preformatted"),
        section(text("thanks")),
    )
    assert read(blocks) == (
        "Please:\n• milk\n• bread\n    • wholemeal\n3. pay\n4. leave\n"
        "> she said\n> no\n```\nif a < b:\n    go()\n```\nthanks"
    )


def test_what_apps_lay_out_is_read_too() -> None:
    blocks: list[Json] = [
        {"type": "header", "text": {"type": "plain_text", "text": "A <b> & c"}},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "*x* <https://a.example|y> &amp;"},
            "fields": [{"type": "plain_text", "text": "z"}],
        },
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "p"}, {"type": "image"}]},
        {"type": "image", "image_url": "https://a.example/i.png", "alt_text": "a cat"},
        {"type": "image", "title": {"type": "plain_text", "text": "a dog"}},
        {"type": "image"},
        {"type": "markdown", "text": "**m** <@U1>"},
    ]
    assert read(blocks) == (
        "A <b> & c\n*x* y (https://a.example) &\nz\np\n"
        "[image: a cat]\n[image: a dog]\n[image]\n**m** <@U1>"
    )


def test_a_table_is_read_row_by_row() -> None:
    rows = [
        [{"type": "raw_text", "text": "Fruit"}, {"type": "raw_text", "text": "Price"}],
        [rich(section(text("an\napple")))[0], {"type": "raw_text", "text": "1 | 2"}],
        "odd",
    ]
    assert read([{"type": "table", "rows": rows}]) == "Fruit | Price\nan apple | 1 | 2"


@pytest.mark.parametrize(
    "blocks",
    [
        None,
        "text",
        {},
        [None, 1, "x", []],
        [{"type": "rich_text"}],
        [{"type": "rich_text", "elements": {"a": 1}}],
        [{"type": "rich_text", "elements": [{"type": "rich_text_list", "elements": [7]}]}],
        [{"type": "section", "text": "bare"}],
        [{"type": "table", "rows": [[1], {}, None]}],
        [{"type": ["rich_text"]}],
    ],
)
def test_odd_blocks_say_nothing(blocks: object) -> None:
    assert read(blocks).strip() == ""


@pytest.mark.parametrize("indent", [-1, 10**12, "2", None, True])
def test_an_odd_indent_breaks_nothing(indent: object) -> None:
    assert "• a" in markup_of(rich(listed("a", style="bullet", indent=indent, offset=indent)))


@pytest.mark.parametrize(
    ("words", "told", "lacking"),
    [
        ("", "hello", True),
        ("", "\U0001f44d", True),
        ("hello", "hello", False),
        ("*hello* :+1:", "hello \U0001f44d", False),
        ("hello", "hello world", True),
        ("hello", "", False),
        ("", "", False),
        ("größe_neu 東京", "Größe größe", True),
        ("größe_neu 東京", "neu, 東京-größe!", False),
    ],
)
def test_blocks_are_needed_only_where_they_say_more(
    words: str, told: str, *, lacking: bool
) -> None:
    assert poorer(words, told) is lacking
