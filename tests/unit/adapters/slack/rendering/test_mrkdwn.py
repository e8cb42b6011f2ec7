"""Does Slack show what the agent wrote?"""

import pytest

from adapters.slack.rendering.mrkdwn import mrkdwn, words

BORDER = "\u200b"


def one(source: str) -> str:
    return "\n====\n".join(mrkdwn(source, limit=3000, most=10))


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("", ""),
        ("<br>", ""),
        ("**a** *b* ~~c~~ `d`", "*a* _b_ ~c~ `d`"),
        ("***a***", "_*a*_"),
        ("**a **b** c**", "*a b c*"),
        ("<b>a <b>b</b></b>", "*a b*"),
        ("<b> a </b>b", " *a* b".strip()),
        ("**a\nb**", "*a*\n*b*"),
        ("`a``b` ``c`d``", None),
        ("`<!here>`", "`&lt;!here&gt;`"),
        ("a<br>\nb<br>c", "a\nb\nc"),
        ("a\n\n\n\nb", "a\n\nb"),
        ("# a **b**\ntext", "*a b*\n\ntext"),
        ("- a\n- b\n\n  c\n- d", "• a\n• b\n    c\n• d"),
        ("- a\n  - b\n    - c\n      - d", "• a\n    ◦ b\n        ▪ c\n            ▪ d"),
        ("3. a\n4. b\n   - c", "3. a\n4. b\n    ◦ c"),
        ("<ul>\n<li>a</li>\n<li>b</li>\n</ul>", "• a\n• b"),
        ("<ul>stray<li>a</li></ul>", "stray\n• a"),
        ("<li>alone</li>", "• alone"),
        ("<ol></ol>", ""),
        ("> a\n> > b", "> a\n> > b"),
        (">", ""),
        ("a\n\n---\n\nb", "a\n\n────────────\n\nb"),
        ("```js\na < b\n```", "```\na &lt; b\n```"),
        ("```\n```", ""),
        ("#", ""),
        ("~~~\na ``` b\n~~~", f"```\na `{BORDER}`{BORDER}` b\n```"),
        ("<b>a<ul><li>b</li></ul></b>", "*a*\n*• b*"),
        # words that touch a mark
        ("un**bel**ievable", f"un{BORDER}*bel*{BORDER}ievable"),
        ("**重要**です", f"*重要*{BORDER}です"),
        ("**a***b*", f"*a*{BORDER}_b_"),
        ("(**a**)", "(*a*)"),
        # links
        ("[a](https://x.example/?b&c)", "<https://x.example/?b&amp;c|a>"),
        ("[**a** b](https://x.example)", "<https://x.example|a b>"),
        ("**[a](https://x.example)**", "*<https://x.example|a>*"),
        ("<a href='mailto:a@b.example'>mail</a>", "<mailto:a@b.example|mail>"),
        ("[](https://x.example)", "<https://x.example>"),
        ("[a](javascript:alert(1))", "a"),
        ("[*a*](data:x)", "_a_"),
        ("<a>a</a>", "a"),
        ("![a](https://x.example/y.png)", "<https://x.example/y.png|a>"),
        ("![](https://x.example/y.png)", "<https://x.example/y.png>"),
        ("see https://x.example/a_b_c.", "see <https://x.example/a_b_c>."),
        ("(https://x.example) https://x.example/(y)", None),
        ("http:// https://u@x.example", "http:// https://u@x.example"),
        # what must not be obeyed
        ("<!channel> <@U1> <#C1|x>", "&lt;!channel&gt; &lt;@U1&gt; &lt;#C1|x&gt;"),
        ("&lt;!here&gt;", "&lt;!here&gt;"),
        ("<https://evil.example|https://bank.example>", None),
    ],
)
def test_mrkdwn(source: str, shown: str | None) -> None:
    special = {
        "`a``b` ``c`d``": "`a\u02cb\u02cbb` `c\u02cbd`",
        "(https://x.example) https://x.example/(y)": (
            "(<https://x.example>) <https://x.example/(y)>"
        ),
        "<https://evil.example|https://bank.example>": (
            "<https://evil.example>|<https://bank.example>"
        ),
    }
    assert one(source) == (special[source] if shown is None else shown)


def test_a_table_is_aligned_with_its_heading_set_off() -> None:
    source = "|Name|重|\n|-|-|\n|**Ann**|[x](https://x.example)|\n|Bo|重要|\n|||\n"
    assert one(source) == (
        "```\n"
        "Name | 重\n"
        "-----+----------------------\n"
        "Ann  | x (https://x.example)\n"
        "Bo   | 重要\n"
        "```"
    )


def test_a_very_wide_table_is_not_padded_without_end() -> None:
    (text,) = mrkdwn("|a|b|\n|-|-|\n" + f"|{'x' * 100}|y|\n", limit=3000, most=3)
    assert text.count("-") == 43


def test_long_texts_are_split_between_blocks() -> None:
    assert mrkdwn("aaaa\n\nbbbb\n\ncccc", limit=11, most=9) == ["aaaa\n\nbbbb", "cccc"]


def test_a_long_paragraph_is_split_between_words() -> None:
    assert mrkdwn("aaaa bbbb cccc dddd", limit=11, most=9) == ["aaaa bbbb", "cccc dddd"]


def test_a_split_code_block_stays_one_in_each_piece() -> None:
    pieces = mrkdwn("```\naaaa\nbbbb\ncccc\n```", limit=18, most=9)
    assert pieces == ["```\naaaa\nbbbb\n```", "```\ncccc\n```"]


def test_what_is_far_too_much_ends_visibly() -> None:
    pieces = mrkdwn("aaaa bbbb cccc", limit=5, most=2)
    assert pieces == ["aaaa", "bbbb…"]


def test_what_html_does_not_know_is_shown_as_it_was_written() -> None:
    for source in ("use <your name> please", "a List<int>", "<Name kind='b'>x</Name>"):
        shown = source.replace("<", "&lt;").replace(">", "&gt;")
        assert one(source) == words(source) == shown


def test_words_have_no_formatting_and_spell_out_addresses() -> None:
    source = "# A **b**\n- `c` [d](https://x.example) https://y.example\n\n> <!here>\n\n```\ne\n```"
    assert words(source) == ("A b\n• c d (https://x.example) https://y.example\n&lt;!here&gt;\ne")
