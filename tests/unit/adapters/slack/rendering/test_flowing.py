"""Does only flow what later words add to, and what Slack can obey nothing of?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.rendering.flowing import alike, flowing, settled

GAP = "\u200b"


def shown(source: str) -> str:
    """What flows of a source, as a person reads it."""
    return flowing(source).replace(GAP, "")


@pytest.mark.parametrize(
    ("source", "flows"),
    [
        ("", ""),
        ("   ", "   "),
        ("Of 12", "Of "),
        ("Hello", "Hello"),
        ("Hello, wor", "Hello, wor"),
        ("See exa.mple", "See "),
        ("See example.com now", "See example.com now"),
        ("Yes **of cour", "Yes "),
        ("Yes **of course** and", "Yes **of course** and"),
        ("Yes *of* course", "Yes *of* course"),
        ("2 * 3 is", "2 * 3 is"),
        ("snake_case is", "snake_case is"),
        ("a `co de", "a "),
        ("a `co de` b", "a `co de` b"),
        ("a [link](https://x", "a "),
        ("a [link] b", "a [link] b"),
        ("a [link](https://x.example) b", "a [link](https://x.example) b"),
        ("a ![pic](https://x.example/ye s", "a "),
        ("a <b>bold</b> b", "a <b>bold</b> b"),
        ('a <a href="https://x.example">lin k', "a "),
        ('a <a href="x">link</a> b', 'a <a href="x">link</a> b'),
        ("a < b and", "a < b and"),
        ("a <b", "a "),
        ("so:\n\n| a | b |\n| - |", "so:\n\n"),
        ("one **two\n\nthree", "one **two\n\nthree"),
        ("a \\", "a "),
        ("a \\* b", "a \\* b"),
        ("a **", "a "),
    ],
)
def test_only_what_is_settled_flows(source: str, flows: str) -> None:
    assert settled(source) == flows


GROWN = """Hello **Ann**, I _found_ it: [your order](https://shop.example/a_b) of `2 x 3`.

1. first, with <b>bold</b> words & more
2. second

| a | b |
|---|---|
| 1 | 2 |

- a list
  - inside
> and 5 < 6, or <a href="https://x.example">a link</a>.

```
code * code
```
The end.
"""


def test_each_growth_adds_to_the_one_before() -> None:
    flown = ""
    for end in range(len(GROWN) + 1):
        now = flowing(GROWN[:end])
        if now.startswith(flown):
            flown = now
    assert shown(GROWN) == flown.replace(GAP, "")
    assert flown == flowing(GROWN)


@pytest.mark.parametrize(
    "live",
    [
        "<!channel>",
        "<@U0123>",
        "<#C0123>",
        "](http",
        "**",
        "`",
        "](",
        "@channel",
        "&lt;",
        "http://",
    ],
)
def test_nothing_that_flows_can_be_obeyed(live: str) -> None:
    source = rf"""a {live} b [here](http://evil.example) \[x\](http://evil.example)
    &lt;!channel&gt; \*\*bold\*\* \`x\` @channel &amp;lt;!here&gt; &#60;!here&#62; end."""
    flows = flowing(f"{source}\n\n{source}\n\n")
    for sign in "<>*`":
        assert sign not in flows
    for sign in ("](", "@c", "&l", "://"):
        assert sign not in flows


@pytest.mark.parametrize(
    "line", ["# big", "> said", "- item", "+ item", "1. item", "===", "    code"]
)
def test_no_line_is_laid_out(line: str) -> None:
    flows = flowing(f"words\n\n\\{line}\n\n{line}\n\nend ")
    assert all(one.startswith(GAP) for one in flows.split("\n"))


@pytest.mark.thorough
@given(st.text(alphabet="ab *_`[]()<>!|\\\n&~#-1.:/", max_size=80))
def test_any_text_flows_or_waits(source: str) -> None:
    assert source.startswith(settled(source))
    assert not set("<>*`") & set(flowing(source))


def test_a_message_is_known_by_how_it_begins() -> None:
    flown = flowing("Hello *Ann*, it costs 5 < 6 & more ")
    assert alike("Hello Ann, it costs 5 &lt; 6 &amp; more and more", flown)
    assert alike("Hello _Ann_", flown)
    assert not alike("Goodbye", flown)
    assert not alike("", flown)
    assert not alike("…", flowing("… "))
