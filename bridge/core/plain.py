"""How does the agent's text read where nothing is formatted? Its words, without the marks.

Markdown mixed with a small HTML subset (see `AgentReply`) becomes lines: lists as lines with a dash
or a number, links as `words (address)`, code as it is. Nothing of the words is lost, so what
CommonMark would hide is left on: reference definitions, tables and tags that HTML does not know
(`<your name>`, `List<int>`, `a<b or c>d`) stay as they were written. So do addresses and products
(`2*3*4`), in which CommonMark would find emphasis.
"""

import html
import re
from dataclasses import dataclass
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

#: A text of more characters is told as it was written: nobody says that much, and to read it would
#: hold everybody up.
LONGEST = 20_000
#: Deeper than people write; markdown-it leaves out what is nested deeper than 20.
_DEEPEST = 16
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)\b([^>]*)>")
_ADDRESS = re.compile(
    r"""\b(?:href|src)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""", re.IGNORECASE
)
#: What a tag may say of itself. Other words between its brackets are words.
_ATTRIBUTES = re.compile(r"""(?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))*\s*/?""")
#: An address that stands for itself, from its colon; marks at its end are marks.
_BARE = re.compile(r"""://(?:[^\s<>\[\]`"'\\&]|&(?!\#?\w{1,32};))*(?<![*_~.,;:!?)])""")
_NAMED = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_START = re.compile(r"""\bstart\s*=\s*["']?(\d{1,9})\b""", re.IGNORECASE)
#: Code between tags is code: no mark of it means anything.
_CODE = re.compile(r"<code>([^<]+)</code>", re.IGNORECASE)
#: The line that makes a table of those around it.
_TABLE_RULE = re.compile(r"\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?\s*)?")
#: Of a fence, what nobody reads.
_LANGUAGES = frozenset({"bash", "c", "cpp", "css", "csv", "html", "java", "javascript", "js"}) | {
    *("json", "markdown", "md", "php", "python", "sh", "shell", "sql", "text", "ts", "txt", "xml"),
    *("typescript", "yaml"),
}
#: Tags that ask for a line of their own, and for a paragraph.
_LINES = frozenset({"br", "div", "tr", "hr", "pre"})
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "table"})
#: Tags without a trace.
_SILENT = frozenset({"b", "i", "em", "strong", "code", "u", "s", "del", "ins", "sub", "sup"}) | {
    *("small", "mark", "span", "font", "center", "tbody", "thead")
}


class _Reader(MarkdownIt):
    """CommonMark with strike-through; addresses are shown as they were written."""

    def __init__(self) -> None:
        super().__init__("commonmark")
        self.enable("strikethrough").disable(["html_block", "code", "reference"])
        self.inline.ruler.before("newline", "address", _address)
        self.inline.ruler.before("html_inline", "code_tag", _code)

    def validateLink(self, url: str) -> bool:  # noqa: N802  # overrides; nothing is opened here
        return True

    def normalizeLink(self, url: str) -> str:  # noqa: N802  # overrides
        return url


def _address(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  # markdown-it's signature
    """A rule: what looks like a mark in an address is none."""
    if state.src[state.pos] != ":" or not state.src.endswith(("http", "https"), 0, state.pos):
        return False
    found = _BARE.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.pending += found[0]
    state.pos = found.end()
    return True


def _code(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  # markdown-it's signature
    """A rule: what stands between the tags of code is told as it stands there."""
    found = _CODE.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.push("code_inline", "code", 0).content = html.unescape(found[1])
    state.pos = found.end()
    return True


_READER = _Reader()


def plain(source: str) -> str:
    """The text without marks. Never raises, and is empty only if there are no words in it."""
    if len(source) > LONGEST:
        return source.strip()
    tokens = _READER.parse(source)
    if any(token.level > _DEEPEST for token in tokens):
        return source.strip()
    writer = _Writer()
    for token in tokens:
        writer.block(token)
    return "".join(writer.said).strip() or _TAG.sub("", source).strip()


def linked(words: str, address: str) -> str:
    """A link as people read it."""
    words, address = words.strip(), address.strip()
    if not address or words in (address, address.removeprefix("mailto:").removeprefix("tel:")):
        return words
    return f"{words} ({address})" if words else address


class _Link(NamedTuple):
    """An open link: where its words begin, and where it leads."""

    begins: int
    address: str


@dataclass(slots=True)
class _List:
    """An open list: its last number, None where items have a dash; `tag`: it is one of HTML."""

    last: int | None
    tag: bool = False


class _Writer:
    """Takes tokens in their order; `said` joined is the text."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._gap = 0  #: how many line ends come before the next words
        self._lists: list[_List] = []
        self._mark = ""  #: of the list items that begin with the next words
        self._links: list[_Link] = []
        self._last_line = 0

    def block(self, token: Token) -> None:
        match token.type:
            case "inline":
                children = token.children or []
                products = _products(children)
                for at, child in enumerate(children):
                    if at in products:
                        self._write(child.markup)
                    else:
                        self._inline(child)
                while self._links:  # a tag that nobody closed
                    self._close_link()
            case "fence":
                self._apart(token)
                self._line("" if token.info.strip() in _LANGUAGES else token.info.strip())
                self._line(token.content.rstrip("\n"))
            case "bullet_list_open" | "ordered_list_open":
                self._apart(token, leaf=False)
                first = int(token.attrGet("start") or 0) if "start" in token.attrs else 1
                self._lists.append(_List(first - 1 if token.tag == "ol" else None))
            case "bullet_list_close" | "ordered_list_close":
                while self._lists.pop().tag:
                    pass  # nobody closed it
            case "list_item_open":
                self._item(token.info)
            case "list_item_close" if self._mark:
                self._write("")
            case "paragraph_open" | "heading_open" | "hr":
                self._apart(token)

    def _apart(self, token: Token, *, leaf: bool = True) -> None:
        """A new line; after an empty one in the source, a new paragraph."""
        begins, ends = token.map or (self._last_line, self._last_line)
        self._break(2 if begins > self._last_line and not self._lists else 1)
        self._last_line = ends if leaf else begins

    def _item(self, number: str = "") -> None:
        """One more item of the innermost list: numbers as they were written, unless they stand."""
        self._break(1)
        innermost = self._lists[-1] if self._lists else None
        if innermost is None or innermost.last is None:
            self._mark += "- "
        else:
            innermost.last = max(innermost.last + 1, int(number or 0))
            self._mark += f"{innermost.last}. "

    def _inline(self, token: Token) -> None:
        match token.type:
            case "text" | "code_inline":
                if not _TABLE_RULE.fullmatch(token.content.strip()):
                    self._write(token.content)
            case "softbreak" | "hardbreak":
                self._break(1)
            case "link_open":
                title = f" {token.attrGet('title')}" if token.attrGet("title") else ""
                self._open_link(f"{token.attrGet('href') or ''}{title}")
            case "link_close":
                self._close_link()
            case "image":
                title = f" {token.attrGet('title')}" if token.attrGet("title") else ""
                self._write(linked(token.content, f"{token.attrGet('src') or ''}{title}"))
            case "html_inline":
                self._html(token.content)

    def _html(self, source: str) -> None:
        found = _TAG.fullmatch(source)
        closes, name, attributes = found.groups() if found else ("", "", "")
        if not _ATTRIBUTES.fullmatch(attributes):
            name = ""
        match name.lower():
            case "a" if closes:
                self._close_link()
            case "a":
                self._open_link(_first(_ADDRESS, attributes))
            case "img":
                self._write(linked(_first(_NAMED, attributes), _first(_ADDRESS, attributes)))
            case "li" if closes:
                self._break(1)
                self._mark = ""
            case "li":
                self._item()
            case tag if tag in _PARAGRAPHS:
                self._break(2)
            case tag if tag in _LINES:
                self._break(1)
            case "ol" | "ul" as kind:
                self._html_list(kind, attributes, closes=bool(closes))
            case "td" | "th":
                self._write(" " if closes else "")
            case tag if tag in _SILENT or source.startswith("<!--"):
                pass
            case _:
                self._write(source)

    def _html_list(self, kind: str, attributes: str, *, closes: bool) -> None:
        self._break(1)
        if not closes:
            first = int(_first(_START, attributes) or 1)
            self._lists.append(_List(first - 1 if kind == "ol" else None, tag=True))
        elif self._lists and self._lists[-1].tag:
            self._lists.pop()

    def _open_link(self, address: str) -> None:
        self._write("")
        self._links.append(_Link(len(self.said), address))

    def _close_link(self) -> None:
        if self._links:
            link = self._links.pop()
            words = "".join(self.said[link.begins :])
            self.said[link.begins :] = [linked(words, link.address)]

    def _break(self, lines: int) -> None:
        self._gap = max(self._gap, lines)

    def _line(self, text: str) -> None:
        self._break(1)
        if text:
            self._write(text)
            self._break(1)

    def _write(self, text: str) -> None:
        if self._gap and self.said:
            self.said.append("\n" * self._gap)
        if self._mark:
            self.said.append("  " * min(len(self._lists) - 1, _DEEPEST) + self._mark)
        self._gap, self._mark = 0, ""
        self.said.append(text)


def _products(children: list[Token]) -> set[int]:
    """Where marks of emphasis stand between what they multiply: `5*3=15 and 4*2=8`."""
    found, opened = set[int](), list[int]()
    for at, token in enumerate(children):
        if token.nesting > 0:
            opened.append(at)
        elif token.nesting < 0 and opened:
            begins = opened.pop()
            product = _multiplies(children, begins) or _between_digits(children, at)
            if product and token.tag in ("em", "strong"):
                found |= {begins, at}
    return found


def _multiplies(children: list[Token], at: int) -> bool:
    both = _around(children, at)
    return len(both) == 2 and both.isascii() and both.isalnum() and not both.isalpha()


def _between_digits(children: list[Token], at: int) -> bool:
    """What ends between a digit and a letter may well be emphasis: `takes **15**min`."""
    both = _around(children, at)
    return len(both) == 2 and both.isascii() and both.isdigit()


def _around(children: list[Token], at: int) -> str:
    before = children[at - 1].content[-1:] if at else ""
    return before + (children[at + 1].content[:1] if at + 1 < len(children) else "")


def _first(pattern: re.Pattern[str], attributes: str) -> str:
    """What an attribute says."""
    found = pattern.search(attributes)
    return html.unescape(next((one for one in found.groups() if one), "")) if found else ""
