"""An agent's text without marks reads as it was meant."""

import pytest

from bridge.core.plain import LONGEST, linked, plain


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("**Hi** _there_, ~~not~~ `you`", "Hi there, not you"),
        ("<b>Hi</b> <i>there</i>&nbsp;&amp; <code>you</code>", "Hi there\u00a0& you"),
        ("# Title\nText", "Title\nText"),
        ("One\nline\n\nand more", "One\nline\n\nand more"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("[our page](https://a.example/x_y_z)", "our page (https://a.example/x_y_z)"),
        ("[our page](https://a.example 'so')", "our page (https://a.example so)"),
        ("[https://a.example](https://a.example)", "https://a.example"),
        ("<https://a.example/ü>", "https://a.example/ü"),
        ("<ann@a.example>", "ann@a.example"),
        ('<a href="https://a.example?b=1&amp;c=2">here</a>', "here (https://a.example?b=1&c=2)"),
        ("![a map](https://a.example/map.png)", "a map (https://a.example/map.png)"),
        ("<img src='https://a.example/map.png' alt='a map'>", "a map (https://a.example/map.png)"),
        ("Either:\n- a\n- b\n  - c\n", "Either:\n- a\n- b\n  - c"),
        ("3. c\n4. d", "3. c\n4. d"),
        ("1. a\n1. b", "1. a\n2. b"),
        ("3) c\n7) g", "3. c\n7. g"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("> said\n> so", "said\nso"),
        ("Do:\n```python\nx = a*b*c\n\n  y\n```\nso", "Do:\nx = a*b*c\n\n  y\nso"),
        ("```\n<b>&amp;\n```", "<b>&amp;"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n| 1 | 2 |"),
        ("[x]: https://a.example", "[x]: https://a.example"),
        ("List<int> and <your name>", "List<int> and <your name>"),
        ("2 * 3 < 7 & snake_case_name", "2 * 3 < 7 & snake_case_name"),
        ("a <!-- hidden --> b", "a  b"),
        ("<b>**so**</b>", "so"),
        (">" * 40 + " deep", ">" * 40 + " deep"),
        ("<br>", ""),
        (" \n ", ""),
        ("***", "***"),
        ("if a<b or c>d, say so", "if a<b or c>d, say so"),
        ('<b class="x">so</b>', "so"),
        ("5*3=15 and 4*2=8", "5*3=15 and 4*2=8"),
        ("5*x + 3*y and takes **15**min", "5*x + 3*y and takes 15min"),
        ("2**8 is **not** 2*8**", "2**8 is not 2*8**"),
        ("Kunden**service**team, *1* of 2", "Kundenserviceteam, 1 of 2"),
        ("https://a.example/_next/*x*/y_", "https://a.example/_next/*x*/y_"),
        ("**https://a.example/x_y**", "https://a.example/x_y"),
        ("https://a.example?b=1&amp;c=_2_", "https://a.example?b=1&c=2"),
        ("<code>a*b*c &lt;d&gt;</code>", "a*b*c <d>"),
        ("0. a\n1. b", "0. a\n1. b"),
        ("<ol><li>a</li><li>b<ul><li>c</li></ul></li></ol>", "1. a\n2. b\n  - c"),
        ("<ol start='3'><li></li><li>d</li></ol>", "4. d"),
        ("<tr><td>a</td><td>b</td></tr>", "a b"),
    ],
)
def test_marks_go_and_words_stay(source: str, said: str) -> None:
    assert plain(source) == said


@pytest.mark.parametrize(
    ("words", "address", "said"),
    [
        ("A page", "https://a.example", "A page (https://a.example)"),
        ("", "https://a.example", "https://a.example"),
        ("A page", "", "A page"),
        ("112", "tel:112", "112"),
    ],
)
def test_a_link_says_its_address_once(words: str, address: str, said: str) -> None:
    assert linked(words, address) == said


def test_a_text_of_endless_length_is_told_as_it_was_written() -> None:
    source = "**" + "[" * LONGEST
    assert plain(source) == source


@pytest.mark.parametrize("mark", ["[", "![", "<", "*", "_", "> ", "`", "<ul><li>a", "- a\n", "&"])
def test_of_a_text_full_of_marks_there_is_not_much_more_than_was_written(mark: str) -> None:
    assert len(plain(mark * (2000 // len(mark)))) < 20_000
