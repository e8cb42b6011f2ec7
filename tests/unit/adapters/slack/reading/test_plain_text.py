"""Does Slack's markup read like what the person wrote?"""

import sys
import unicodedata

import pytest

from adapters.slack.reading.plain_text import mentions, plain, printable


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("hello", "hello"),
        ("  hello \n", "hello"),
        ("a\tb\nc", "a\tb\nc"),
        ("a\x00b\x1bc\rd\x7f", "abcd"),
        ("half \ud800", "half"),
        # the mention of the bot itself
        ("<@UBOT> hello", "hello"),
        ("<@UBOT|bridge> hello", "hello"),
        ("hello <@UBOT>", "hello"),
        ("hello <@UBOT> there", "hello there"),
        ("hello <@UBOT>, there", "hello, there"),
        ("<@UBOT> <@UBOT>", ""),
        ("<@UBOT2> hello", "@UBOT2 hello"),
        # other people, channels, groups
        ("ask <@U123>", "ask @U123"),
        ("ask <@U123|ann>", "ask @ann"),
        ("in <#C1|general>", "in #general"),
        ("in <#C1|> or <#C2>", "in #C1 or #C2"),
        ("<!subteam^S1|@ops> and <!subteam^S1>", "@ops and @S1"),
        ("<!here> <!channel|channel> <!everyone>", "@here @channel @everyone"),
        ("<!date^1392734382^{date}|Feb 18> <!date^1^x>", "Feb 18 date^1^x"),
        # addresses
        ("<https://a.example/x>", "https://a.example/x"),
        ("<https://a.example/x|here>", "here (https://a.example/x)"),
        ("<https://a.example|https://a.example>", "https://a.example"),
        ("<http://a.example|a.example>", "a.example"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("<mailto:a@b.example|write>", "write (a@b.example)"),
        ("<mailto:a@b.example>", "a@b.example"),
        ("<tel:+4420|+4420>", "+4420"),
        # entities come after tokens
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&lt;!here&gt; &amp;lt;", "<!here> &lt;"),
        ("<https://a.example/?a=1&amp;b=2>", "https://a.example/?a=1&b=2"),
        ("&nbsp; <> :tada:", "&nbsp;  :tada:"),
    ],
)
def test_markup_becomes_readable(sent: str, read: str) -> None:
    assert plain(sent, bot="UBOT") == read


@pytest.mark.parametrize(
    ("sent", "called"),
    [
        ("hi <@UBOT>", True),
        ("hi <@UBOT|b>", True),
        ("hi @bridge", False),
        ("&lt;@UBOT&gt;", False),
        ("<@UBOTTOM>", False),
    ],
)
def test_only_a_real_mention_calls(sent: str, *, called: bool) -> None:
    assert mentions(sent, bot="UBOT") is called


def test_an_enormous_message_is_read() -> None:
    assert len(plain("<@U1> &amp; " * 20_000, bot="UBOT")) == len("@U1 & ") * 20_000 - 1


def test_printable_keeps_line_breaks_and_tabs() -> None:
    assert printable("a\n\tb\x07") == "a\n\tb"


@pytest.mark.thorough
def test_printable_leaves_out_control_and_half_characters_and_nothing_else() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))

    kinds = zip(everything, map(unicodedata.category, everything), strict=True)
    unfit = {letter for letter, kind in kinds if kind in {"Cc", "Cs"}} - {"\n", "\t"}

    shown, fit = printable(everything), everything.translate(dict.fromkeys(map(ord, unfit)))

    # A million letters are compared in one go; which of them differ is asked only then.
    assert shown == fit or set(shown) ^ set(fit) == set()
