"""How does the agent's text read where nothing is formatted? Its words, without the marks.

Markdown mixed with a small HTML subset (see `AgentReply`) becomes lines: lists as lines with a dash
or a number, links as `words (address)`, code as it is. Nothing of the words is lost, so what
CommonMark would hide is left on: reference definitions, tables and tags that HTML does not know
(`<your name>`, `List<int>`) stay as they were written.
"""

import html
import re
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

#: Deeper than people write; markdown-it leaves out what is nested deeper than 20.
_DEEPEST = 16
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)\b([^>]*)>")
_ADDRESS = re.compile(
    r"""\b(?:href|src)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""", re.IGNORECASE
)
_NAMED = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
#: The line that makes a table of those around it.
_TABLE_RULE = re.compile(r"\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?\s*)?")
#: Of a fence, what nobody reads.
_LANGUAGES = frozenset({"bash", "c", "cpp", "css", "csv", "html", "java", "javascript", "js"}) | {
    *("json", "markdown", "md", "php", "python", "sh", "shell", "sql", "text", "ts", "txt", "xml"),
    *("typescript", "yaml"),
}
#: Tags that ask for a line of their own, and for a paragraph.
_LINES = frozenset({"br", "div", "ul", "ol", "tr", "hr", "pre"})
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "table"})
#: Tags without a trace.
_SILENT = frozenset({"b", "i", "em", "strong", "code", "u", "s", "del", "ins", "sub", "sup"}) | {
    *("small", "mark", "span", "font", "center", "td", "th", "tbody", "thead")
}


class _Reader(MarkdownIt):
    """CommonMark with strike-through; addresses are shown as they were written."""

    def __init__(self) -> None:
        super().__init__("commonmark")
        self.enable("strikethrough").disable(["html_block", "code", "reference"])

    def validateLink(self, url: str) -> bool:  # noqa: N802  # overrides; nothing is opened here
        return True

    def normalizeLink(self, url: str) -> str:  # noqa: N802  # overrides
        return url


_READER = _Reader()


def plain(source: str) -> str:
    """The text without marks. Never raises, and is empty only if there are no words in it."""
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


class _Writer:
    """Takes tokens in their order; `said` joined is the text."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._gap = 0  #: how many line ends come before the next words
        self._lists: list[int | None] = []  #: the last number of each open list, None for a dash
        self._mark = ""  #: of the list items that begin with the next words
        self._links: list[_Link] = []
        self._last_line = 0

    def block(self, token: Token) -> None:
        match token.type:
            case "inline":
                for child in token.children or ():
                    self._inline(child)
                while self._links:  # a tag that nobody closed
                    self._close_link()
            case "fence":
                self._apart(token)
                self._line("" if token.info.strip() in _LANGUAGES else token.info.strip())
                self._line(token.content.rstrip("\n"))
            case "bullet_list_open" | "ordered_list_open":
                self._apart(token, leaf=False)
                self._lists.append(0 if token.tag == "ol" else None)
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
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
        last = self._lists[-1] if self._lists else None
        if last is None:
            self._mark += "- "
        else:
            self._lists[-1] = max(last + 1, int(number or 0))
            self._mark += f"{self._lists[-1]}. "

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
        match name.lower():
            case "a" if closes:
                self._close_link()
            case "a":
                self._open_link(_first(_ADDRESS, attributes))
            case "img":
                self._write(linked(_first(_NAMED, attributes), _first(_ADDRESS, attributes)))
            case "li":
                self._break(1)
                self._mark = "" if closes else "- "
            case tag if tag in _PARAGRAPHS:
                self._break(2)
            case tag if tag in _LINES:
                self._break(1)
            case tag if tag in _SILENT or source.startswith("<!--"):
                pass
            case _:
                self._write(source)

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
            self.said.append("  " * (len(self._lists) - 1) + self._mark)
        self._gap, self._mark = 0, ""
        self.said.append(text)


def _first(pattern: re.Pattern[str], attributes: str) -> str:
    """What an attribute says."""
    found = pattern.search(attributes)
    return html.unescape(next((one for one in found.groups() if one), "")) if found else ""
