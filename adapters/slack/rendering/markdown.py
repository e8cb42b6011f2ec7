"""What did the agent write? Its Markdown mixed with a little HTML, as one tree.

markdown-it reads the Markdown and html.parser each tag in it. Both feed one builder, which forgives
what does not nest: agents write `<b>**so**</b>` and worse. HTML beyond the subset PolyAI names
(`a br b i em strong p ul ol li code`) loses its tags and keeps its text; scripts and styles lose
both. A tag that HTML does not know is none: `<your name>` and `List<int>` are words.

Two rules of CommonMark are off: blocks of raw HTML, since Markdown inside `<p>` is meant as
Markdown, and code by indentation, since agents indent lists at will and fence their code.
"""

import enum
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token

_DEEPEST = 24  # far beyond what anybody reads, and shallow enough to walk


class Kind(enum.Enum):
    """What a node is."""

    ROOT = enum.auto()
    PARAGRAPH = enum.auto()
    HEADING = enum.auto()
    QUOTE = enum.auto()
    BULLETS = enum.auto()
    NUMBERS = enum.auto()
    ITEM = enum.auto()
    TABLE = enum.auto()
    ROW = enum.auto()
    CELL = enum.auto()
    FENCE = enum.auto()
    RULE = enum.auto()
    TEXT = enum.auto()
    BREAK = enum.auto()  #: ordered by the writer
    WRAP = enum.auto()  #: a line's end in the source
    BOLD = enum.auto()
    ITALIC = enum.auto()
    STRIKE = enum.auto()
    CODE = enum.auto()
    LINK = enum.auto()


INLINE = {
    Kind.TEXT,
    Kind.BREAK,
    Kind.WRAP,
    Kind.BOLD,
    Kind.ITALIC,
    Kind.STRIKE,
    Kind.CODE,
    Kind.LINK,
}


@dataclass(slots=True)
class Node:
    """One piece of the text; `text` of a leaf, `url` of a link, `start` of a numbered list."""

    kind: Kind
    children: "list[Node]" = field(default_factory=list)
    text: str = ""
    url: str = ""
    start: int = 1
    html: bool = False


def parse(source: str) -> Node:
    """The tree of an agent's text. Never raises: any text is some Markdown."""
    if unmarked(source):
        return Node(Kind.ROOT, [_paragraph(piece) for piece in _APART.split(source)])
    return read(source)


def unmarked(source: str) -> bool:
    """Whether it is lines of words, as most replies are, with nothing for Markdown to read."""
    return _UNMARKED.fullmatch(source) is not None


def read(source: str) -> Node:
    """The same by the reader of Markdown, whatever the text."""
    tokens = [piece for token in _READER.parse(source) for piece in token.children or [token]]
    _keep_products(tokens)
    builder = _Builder(tokens)
    for token in tokens:
        builder.take(token)
    return builder.root


def flat(nodes: list[Node]) -> str:
    """Just the words, with a space for each line's end."""
    return "".join(
        " " if node.kind in {Kind.BREAK, Kind.WRAP} else node.text + flat(node.children)
        for node in nodes
    )


def bare(nodes: list[Node]) -> str:
    """Just the words, on one line and with single spaces."""
    return " ".join(flat(nodes).split())


class _Reader(MarkdownIt):
    """CommonMark with tables and strike-through."""

    def __init__(self) -> None:
        super().__init__("commonmark")
        self.enable(["table", "strikethrough"]).disable(["html_block", "code"])

    def validateLink(self, url: str) -> bool:  # noqa: N802  # overrides; links are judged where made
        return True


_READER = _Reader()
#: A line that begins with a letter, ends with no space and holds no mark. Markdown makes paragraphs
#: of such lines, a new one where a line is empty.
_LINE = r"[^\W\d_][^\n\r\0\\`*_~\[<&]*+(?<!\s)"
_UNMARKED = re.compile(rf"{_LINE}(?:\n+{_LINE})*+")
_APART = re.compile(r"\n{2,}")

_CONTAINERS = {
    "paragraph": Kind.PARAGRAPH,
    "heading": Kind.HEADING,
    "blockquote": Kind.QUOTE,
    "bullet_list": Kind.BULLETS,
    "ordered_list": Kind.NUMBERS,
    "list_item": Kind.ITEM,
    "table": Kind.TABLE,
    "tr": Kind.ROW,
    "th": Kind.CELL,
    "td": Kind.CELL,
    "strong": Kind.BOLD,
    "em": Kind.ITALIC,
    "s": Kind.STRIKE,
    "link": Kind.LINK,
}
_LEAVES = {
    "text": Kind.TEXT,
    "fence": Kind.FENCE,
    "hr": Kind.RULE,
    "softbreak": Kind.WRAP,
    "hardbreak": Kind.BREAK,
}
_TAGS = {
    "a": Kind.LINK,
    "b": Kind.BOLD,
    "strong": Kind.BOLD,
    "i": Kind.ITALIC,
    "em": Kind.ITALIC,
    "p": Kind.PARAGRAPH,
    "ul": Kind.BULLETS,
    "ol": Kind.NUMBERS,
    "li": Kind.ITEM,
    "code": Kind.CODE,
}
_UNSHOWN = {"script", "style"}
#: HTML's elements, those it no longer wants included (html.spec.whatwg.org, "Index of elements" and
#: "Non-conforming features").
ELEMENTS = frozenset(
    """
    a abbr address area article aside audio b base bdi bdo blockquote body br button canvas caption
    cite code col colgroup data datalist dd del details dfn dialog div dl dt em embed fieldset
    figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input
    ins kbd label legend li link main map mark math menu meta meter nav noscript object ol optgroup
    option output p picture pre progress q rp rt ruby s samp script search section select slot small
    source span strong style sub summary sup svg table tbody td template textarea tfoot th thead
    time title tr track u ul var video wbr

    acronym applet basefont bgsound big blink center dir font frame frameset isindex keygen listing
    marquee menuitem multicol nextid nobr noembed noframes param plaintext rb rtc spacer strike tt
    xmp
    """.split()  # noqa: SIM905 - as a list it is a hundred and forty lines
)
_TAG_NAME = re.compile(r"</?([a-z][a-z0-9-]*)", re.IGNORECASE | re.ASCII)
#: What the tags that PolyAI names may say of themselves: `a<b or c>d` has no tag in it.
_ATTRIBUTES = re.compile(
    r"""(?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))*\s*/?>""", re.ASCII
)
_LISTS = {Kind.BULLETS, Kind.NUMBERS}


class _Builder:
    """Takes tokens one by one and keeps the tree well-formed."""

    def __init__(self, tokens: list[Token]) -> None:
        # Which unshown elements still end somewhere ahead; one that never does is no element.
        self._endings = [tag for token in tokens if (tag := _ending(token))]
        self.root = Node(Kind.ROOT)
        self._open = [self.root]
        self._unshown: str | None = None
        self._tags = _Tags(self)

    def take(self, token: Token) -> None:
        """Add what `token` stands for."""
        if token.type == "html_inline":
            self._html(token.content)
        elif token.type == "code_inline":
            self._add(Node(Kind.CODE, [Node(Kind.TEXT, text=token.content)]))
        elif token.type == "image":
            self._add(_picture(token))
        elif token.type in _LEAVES:
            self._add(Node(_LEAVES[token.type], text=token.content))
        elif (kind := _CONTAINERS.get(token.type.rsplit("_", 1)[0])) is not None:
            self._container(kind, token)

    def opened(self, tag: str, attributes: dict[str, str | None]) -> None:
        """An HTML tag opens."""
        if self._unshown:
            return
        if tag in self._endings:
            self._unshown = tag
        elif tag == "br":
            self._add(Node(Kind.BREAK))
        elif (kind := _TAGS.get(tag)) is not None:
            self._make_room(kind)
            self._push(Node(kind, url=attributes.get("href") or "", html=True))

    def closed(self, tag: str) -> None:
        """An HTML tag closes, if it is open."""
        if tag in self._endings:
            self._endings.remove(tag)
        if self._unshown:
            self._unshown = None if tag == self._unshown else self._unshown
        elif (kind := _TAGS.get(tag)) is not None:
            self._close(kind, html=True)

    def _html(self, content: str) -> None:
        if _is_words(content):
            self._add(Node(Kind.TEXT, text=content))
        else:
            self._tags.feed(content)
            self._tags.close()
            self._tags.reset()

    def _container(self, kind: Kind, token: Token) -> None:
        if token.nesting == 1:
            start = token.attrGet("start")
            node = Node(kind, url=str(token.attrGet("href") or ""))
            node.start = start if isinstance(start, int) else 1
            self._push(node)
            return
        self._close(kind, html=False)

    def _push(self, node: Node) -> None:
        self._add(node)
        if len(self._open) < _DEEPEST and not self._unshown:
            self._open.append(node)

    def _add(self, node: Node) -> None:
        if not self._unshown:
            self._open[-1].children.append(node)

    def _close(self, kind: Kind, *, html: bool) -> None:
        """Close the innermost open node of this kind and origin, and all inside it."""
        for depth in range(len(self._open) - 1, 0, -1):
            node = self._open[depth]
            if node.kind is kind and node.html is html:
                del self._open[depth:]
                return
            if html and not node.html and node.kind not in INLINE:
                return  # a tag does not reach out of its Markdown paragraph

    def _make_room(self, kind: Kind) -> None:
        """HTML's own rule: a new item or paragraph ends the one before it."""
        if kind is Kind.PARAGRAPH:
            self._close(kind, html=True)
        for node in reversed(self._open):
            if kind is not Kind.ITEM or node.kind in _LISTS:
                return
            if node.kind is Kind.ITEM:
                self._close(kind, html=True)
                return


class _Tags(HTMLParser):
    """Reads one tag at a time."""

    def __init__(self, builder: _Builder) -> None:
        super().__init__(convert_charrefs=True)
        self._builder = builder

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag opens."""
        self._builder.opened(tag, dict(attrs))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag opens and closes at once."""
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """A tag closes."""
        self._builder.closed(tag)


def _paragraph(text: str) -> Node:
    """Unmarked lines of which none is empty."""
    first, *others = text.split("\n")
    leaves = [Node(Kind.TEXT, text=first)]
    for line in others:
        leaves += [Node(Kind.WRAP), Node(Kind.TEXT, text=line)]
    return Node(Kind.PARAGRAPH, leaves)


def _keep_products(tokens: list[Token]) -> None:
    """Marks of emphasis between what they multiply are words: `5*3=15 and 4*2=8`."""
    opened: list[int] = []
    for at, token in enumerate(tokens):
        if token.tag in ("em", "strong") and token.nesting > 0:
            opened.append(at)
        elif token.tag in ("em", "strong") and token.nesting < 0 and opened:
            begins = opened.pop()
            if _multiplies(tokens, begins) or _between_digits(tokens, at):
                for one in (begins, at):
                    tokens[one] = Token("text", "", 0, content=tokens[one].markup)


def _multiplies(tokens: list[Token], at: int) -> bool:
    both = _around(tokens, at)
    return len(both) == 2 and both.isascii() and both.isalnum() and not both.isalpha()


def _between_digits(tokens: list[Token], at: int) -> bool:
    """What ends between a digit and a letter may well be emphasis: `takes **15**min`."""
    both = _around(tokens, at)
    return len(both) == 2 and both.isascii() and both.isdigit()


def _around(tokens: list[Token], at: int) -> str:
    before = tokens[at - 1].content[-1:] if at else ""
    return before + (tokens[at + 1].content[:1] if at + 1 < len(tokens) else "")


def _is_words(content: str) -> bool:
    """Whether this is markup by the letter only, and rather something that is meant to be read."""
    if found := _TAG_NAME.match(content):
        name = found[1].lower()
        said = name in _TAGS and not _ATTRIBUTES.fullmatch(content, found.end())
        return said or name not in ELEMENTS
    return not content.startswith("<!--")


def _ending(token: Token) -> str | None:
    """The unshown element that this token ends, if it is such an ending."""
    name = token.content[2:].strip("> \t\n").lower()
    found = token.type == "html_inline" and token.content.startswith("</") and name in _UNSHOWN
    return name if found else None


def _picture(token: Token) -> Node:
    """A picture within text becomes a link to it."""
    alt = token.content.strip()
    return Node(
        Kind.LINK,
        [Node(Kind.TEXT, text=alt)] if alt else [],
        url=str(token.attrGet("src") or ""),
    )
