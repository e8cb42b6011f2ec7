"""Does the agent's mixture of Markdown and HTML become one sensible tree?"""

import pytest

from adapters.slack.rendering.markdown import Kind, Node, bare, flat, parse


def outline(node: Node) -> str:
    """A tree on one line: `kind(children)`, leaves as their text."""
    if node.kind is Kind.TEXT:
        return node.text
    inside = " ".join(filter(None, map(outline, node.children))) or node.text
    return f"{node.kind.name.lower()}({inside})"


def tree(source: str) -> str:
    return " ".join(filter(None, map(outline, parse(source).children)))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", ""),
        ("a **b** *c* ~~d~~ `e`", "paragraph(a  bold(b)   italic(c)   strike(d)   code(e))"),
        ("a\nb  \nc", "paragraph(a wrap() b break() c)"),
        ("# a", "heading(a)"),
        ("> a", "quote(paragraph(a))"),
        ("- a\n  - b", "bullets(item(paragraph(a) bullets(item(paragraph(b)))))"),
        ("---", "rule()"),
        ("```py\nx\n```", "fence(x\n)"),
        ("|a|\n|-|\n|b|", "table(row(cell(a)) row(cell(b)))"),
        ("[a](https://x.example)", "paragraph(link(a))"),
        ("![a](https://x.example)", "paragraph(link(a))"),
        ("<https://x.example>", "paragraph(link(https://x.example))"),
        # HTML
        ("<b>a</b> <strong>b</strong>", "paragraph(bold(a)   bold(b))"),
        ("<i>a</i><em>b</em>", "paragraph(italic(a) italic(b))"),
        ("a<br>b<br/>c", "paragraph(a break() b break() c)"),
        ("<code>a</code>", "paragraph(code(a))"),
        ("<p>a</p><p>b</p>", "paragraph(paragraph(a) paragraph(b))"),
        ("<ul><li>a</li><li>b</li></ul>", "paragraph(bullets(item(a) item(b)))"),
        ("<ol><li>a<li>b</ol>", "paragraph(numbers(item(a) item(b)))"),
        ("<ul><li>a<ul><li>b</ul><li>c</ul>", None),
        ("<p>a<p>b", "paragraph(paragraph(a) paragraph(b))"),
        # both
        ("<p>a **b**</p>", "paragraph(paragraph(a  bold(b)))"),
        ("<b>**a**</b>", "paragraph(bold(bold(a)))"),
        ("<b>a", "paragraph(bold(a))"),
        ("a</b>", "paragraph(a)"),
        ("**a <i>b** c", "paragraph(bold(a  italic(b))  c)"),
        ("<b>a\n\nb</b>", "paragraph(bold(a)) paragraph(b)"),
        # what is no HTML of ours
        ("<u>a</u> <font color=red>b</font>", "paragraph(a   b)"),
        ("<!channel> <?php ?>", "paragraph(<!channel>   <?php ?>)"),
        ("if a<b or c>d", "paragraph(if a <b or c> d)"),
        ("5*3=15 and 4*2=8", "paragraph(5 * 3=15 and 4 * 2=8)"),
        ("5*x + 3*y", "paragraph(5 * x + 3 * y)"),
        ("takes **15**min", "paragraph(takes  bold(15) min)"),
        ("a *b* c", "paragraph(a  italic(b)  c)"),
        ('<b class="x">a</b>', "paragraph(bold(a))"),
        ("use <your name> please", "paragraph(use  <your name>  please)"),
        ("List<int> List</int> <my-x/>", "paragraph(List <int>  List </int>   <my-x/>)"),
        ('<Name kind="b">a</Name>', 'paragraph(<Name kind="b"> a </Name>)'),
        ("<code>List<int></code> <SPAN>a</SPAN>", "paragraph(code(List <int>)   a)"),
        ("<script>a <int> b</script>", "paragraph()"),
        ("a<!-- b -->c", "paragraph(a c)"),
        ("a <script>b **c**</script> d", "paragraph(a   d)"),
        ("a <style>b", "paragraph(a  b)"),
        ("<script>a\n\n**b**\n\nc</script>d", "paragraph() d"),
        ("1 < 2 > 0 &amp; &lt;b&gt;", "paragraph(1 < 2 > 0 & <b>)"),
        ("    not code", "paragraph(not code)"),
    ],
)
def test_what_is_written_is_understood(source: str, expected: str | None) -> None:
    nested = "paragraph(bullets(item(a bullets(item(b))) item(c)))"
    assert tree(source) == (nested if expected is None else expected)


def test_addresses_and_numbers_are_kept_with_their_nodes() -> None:
    link = parse('<a HREF="https://x.example">a</a>').children[0].children[0]
    assert (link.kind, link.url) == (Kind.LINK, "https://x.example")
    assert parse("[a](javascript:x)").children[0].children[0].url == "javascript:x"
    assert parse("7. a").children[0].start == 7


def test_nesting_beyond_reading_is_flattened() -> None:
    def depth(node: Node) -> int:
        return 1 + max(map(depth, node.children), default=0)

    deep = parse("<b>" * 2000 + "a" + "</b>" * 2000)
    assert depth(deep) < 30
    assert flat(deep.children) == "a"


def test_bare_words_are_on_one_line() -> None:
    nodes = parse("a  **b**\n`c`  \nd").children
    assert bare(nodes) == "a b c d"
    assert flat(nodes) == "a  b c d"
