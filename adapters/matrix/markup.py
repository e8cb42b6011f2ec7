"""What did the agent write? Its Markdown and HTML subset as Matrix's HTML, and as plain words.

markdown-it reads the Markdown; what it makes, and what HTML the agent mixed in, goes through one
filter that lets only Matrix's own subset pass (client-server API, "m.room.message msgtypes"),
closes what was left open, and writes the plain words down beside it.
"""

import html
import re
from collections import Counter
from collections.abc import Sequence
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

#: How deep elements may nest; the specification warns of clients that show no more than 100.
_DEEPEST = 40
_BLOCKS = {"p", "ul", "ol", "blockquote", "pre", "table", "h1", "h2", "h3", "h4", "h5", "h6"}
_INLINE = {"a", "b", "strong", "i", "em", "s", "del", "code", "li", "tr", "th", "td", "thead"}
_SHOWN = _BLOCKS | _INLINE | {"tbody"}
_RENAMED = {"s": "del", "b": "strong", "i": "em"}
#: HTML whose tags are left out and whose words stay; what is neither is no HTML, but words.
_BARE = frozenset(
    {"html", "body", "div", "span", "font", "u", "big", "small", "sub", "sup", "mark", "center"}
    | {"section", "article", "header", "footer", "main", "form", "label", "button", "abbr", "cite"}
    | {"q", "dl", "dt", "dd", "figure", "details", "summary", "tt", "kbd", "var", "samp", "ins"}
)
_KNOWN = _SHOWN | _BARE | {"br", "hr", "img"}
_SILENT = {"script", "style", "title", "head", "template", "iframe", "object"}
_TAG_NAME = re.compile(r"</?([a-z][a-z0-9-]*)", re.IGNORECASE | re.ASCII)
#: What a tag may say of itself. Other words between its brackets are words: `a<b or c>d`.
_ATTRIBUTES = re.compile(
    r"""(?:\s+(?:[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+)"""
    r"""|(?:compact|disabled|hidden|nowrap|open|reversed)(?=[\s/>])))*\s*/?>""",
    re.IGNORECASE | re.ASCII,
)
#: An address that stands for itself, from its colon; marks at its end are marks.
_ADDRESS = re.compile(
    r"""://(?:[^\s<>\[\]`"'\\&]|&\#?\w{1,31};|&(?!\#?\w{1,31};))*(?<![*_~.,;:!?)])"""
)
_LINKED = re.compile(r"(?:https?://|mailto:|tel:)[^\s\"'<>]+", re.IGNORECASE)
_LINES = re.compile(r"\n{3,}")
#: What no reader sees, and halves of characters, which no server takes.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
#: Words on one line, with nothing in them for Markdown or HTML to read.
_WORDS = re.compile(r"[^\W\d_][^\n\r\0\\`*_~\[<&:/]*")


def _inline(
    _renderer: object, tokens: Sequence[Token], at: int, _options: object, _env: object
) -> str:
    """A tag as it stands; no comment; and what only looks like a tag (`<!here>`) as words."""
    content = tokens[at].content
    if content.startswith("<!--"):
        return ""
    return content if _is_tag(content) else html.escape(content.replace("\n", " "), quote=False)


def _is_tag(content: str) -> bool:
    found = _TAG_NAME.match(content)
    name = found[1].lower() if found else ""
    if found is None or name not in _KNOWN:
        return name in _SILENT
    return bool(_ATTRIBUTES.fullmatch(content, found.end()))


def _address(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  # markdown-it's signature
    """A rule: what looks like a mark in an address is none."""
    scheme = state.src[max(0, state.pos - 5) : state.pos].lower()
    if state.src[state.pos] != ":" or not scheme.endswith(("http", "https")):
        return False
    found = _ADDRESS.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.pending += unescapeAll(found[0])
    state.pos = found.end()
    return True


def _keep_products(state: StateCore) -> None:
    """A rule: marks of emphasis between what they multiply are words: `5*3=15 and 4*2=8`."""
    for block in state.tokens:
        tokens, opened = block.children or [], list[int]()
        for at, token in enumerate(tokens):
            if token.tag not in {"em", "strong"}:
                continue
            if token.nesting > 0:
                opened.append(at)
            elif _multiply(tokens, begins := opened.pop(), at):
                for mark in (begins, at):
                    tokens[mark] = Token("text", "", 0, content=tokens[mark].markup)


def _multiply(tokens: Sequence[Token], begins: int, ends: int) -> bool:
    """Whether a digit is beside the first mark, or digits around the last: not in `**15**min`."""
    first, last = _around(tokens, begins), _around(tokens, ends)
    product = first.isascii() and first.isalnum() and not first.isalpha()
    return (len(first) == 2 and product) or (len(last) == 2 and last.isdecimal())


def _around(tokens: Sequence[Token], at: int) -> str:
    """The characters right before and behind."""
    before = tokens[at - 1].content[-1:] if at else ""
    return before + (tokens[at + 1].content[:1] if at + 1 < len(tokens) else "")


class _Reader(MarkdownIt):
    """CommonMark with tables and strike-through, in which a line's end is one."""

    def __init__(self) -> None:
        super().__init__("commonmark", {"breaks": True, "html": True})
        # Markdown inside `<p>` is meant as Markdown; agents indent at will and fence their code.
        self.enable(["table", "strikethrough"]).disable(["html_block", "code"])
        self.inline.ruler.before("newline", "address", _address)
        self.core.ruler.push("products", _keep_products)
        self.add_render_rule("html_inline", _inline)


_READER = _Reader()


def shown(text: str) -> tuple[str, str]:
    """The plain words of an agent's text, and its HTML; none where it would add nothing."""
    clean = cleaned(text)
    if _WORDS.fullmatch(clean):
        return clean.strip(), ""
    page = _Filter()
    page.feed(_READER.render(clean))
    page.close()
    words, formatted = page.words(), page.formatted()
    if formatted == f"<p>{html.escape(words, quote=False)}</p>":
        return words, ""
    return words, formatted


def cleaned(text: str) -> str:
    """The text without what nobody sees and no server takes."""
    return _CONTROLS.sub("", text)


class _Filter(HTMLParser):
    """Keeps what may pass, closes what is open; any text is some HTML, so it never fails."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._html: list[str] = []
        self._words: list[str] = []
        self._open: list[tuple[str, str]] = []  #: the elements open, and what to say at their end
        self._silent = ""
        self._ended: Counter[str] = Counter()  #: how often one that was silent has ended
        self._numbers: list[int | None] = []  #: the lists open: the next number, or None for dots

    def formatted(self) -> str:
        """Matrix's HTML, well-formed."""
        ends = "".join(f"</{name}>" for name, _ in reversed(self._open))
        return ("".join(self._html) + ends).strip()

    def words(self) -> str:
        """The same as plain text."""
        return _LINES.sub("\n\n", "".join(self._words)).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open what may pass."""
        given = dict(attrs)
        if self._silent or self._silences(tag):
            self._silent = self._silent or tag
        elif tag in {"br", "hr"}:
            self._html.append(f"<{tag}>")
            self._words.append("\n" if tag == "br" else "\n---\n")
        elif tag == "img":
            self._link(given.get("src") or "", given.get("alt") or "picture")
        elif tag not in _SHOWN:
            if tag not in _BARE:
                self.handle_data(self.get_starttag_text() or "")
        elif len(self._open) < _DEEPEST:
            self._enter(tag, given)

    def handle_endtag(self, tag: str) -> None:
        """Close it, with whatever is open within; what is not open is left out."""
        if self._silent:
            self._ended[tag] += 1
            self._silent = "" if tag == self._silent else self._silent
            return
        name = _RENAMED.get(tag, tag)
        if name in (known for known, _ in self._open):
            while self._leave() != name:
                pass

    def handle_data(self, data: str) -> None:
        """Words."""
        if not self._silent:
            self._html.append(html.escape(data, quote=False))
            # Outside of code a line's end is markdown-it's own, after a break or a block.
            self._words.append(data if self._within("pre") else data.replace("\n", ""))

    def _silences(self, tag: str) -> bool:
        """Whether what follows is nobody's words; a mere name of a tag must not cost the rest."""
        return tag in _SILENT and self.rawdata.lower().count(f"</{tag}") > self._ended[tag]

    def set_cdata_mode(self, elem: str, **further: bool) -> None:
        """Read on without tags, up to the end of this one, if it has an end."""
        if self._silent == elem:
            super().set_cdata_mode(elem, **further)

    def _enter(self, tag: str, given: dict[str, str | None]) -> None:
        name, attributes, end = _RENAMED.get(tag, tag), "", ""
        if tag in _BLOCKS and self._open and self._open[-1][0] == "p":
            self._leave()  # no block stands in a paragraph
        if tag == "a":
            address = given.get("href") or ""
            if not _LINKED.fullmatch(address):
                return
            attributes, end = f' href="{html.escape(address)}"', address
        elif tag == "ol":
            start = given.get("start") or "1"
            number = int(start) if start.isdecimal() and len(start) < 6 else 1
            attributes = f' start="{number}"' if number != 1 else ""
            self._numbers.append(number)
        elif tag == "ul":
            self._numbers.append(None)
        self._begin(tag)
        self._open.append((name, end if tag != "a" else f"{len(self._words)} {end}"))
        self._html.append(f"<{name}{attributes}>")

    def _begin(self, tag: str) -> None:
        """What stands before an element, in words."""
        if tag == "li":
            self._words.append("\n" + "  " * max(0, len(self._numbers) - 1) + self._mark())
        elif tag in {"ul", "ol"} and len(self._numbers) > 1:
            return
        elif tag == "tr":
            self._words.append("\n")
        elif tag in _BLOCKS and not self._within("li"):
            self._words.append("\n\n" + ("> " if tag == "blockquote" else ""))

    def _mark(self) -> str:
        number = self._numbers[-1] if self._numbers else None
        if number is None:
            return "- "
        self._numbers[-1] = number + 1
        return f"{number}. "

    def _leave(self) -> str:
        """Close the innermost element; its name."""
        name, note = self._open.pop()
        self._html.append(f"</{name}>")
        if name == "a":
            since, _, address = note.partition(" ")
            if "".join(self._words[int(since) :]).strip() not in {address, _bare(address)}:
                self._words.append(f" ({_bare(address)})")
        elif name in {"ul", "ol"}:
            self._numbers.pop()
        elif name in {"td", "th"}:
            self._words.append(" | ")
        if name in _BLOCKS and not self._within("li"):
            self._words.append("\n\n")
        return name

    def _within(self, name: str) -> bool:
        return any(known == name for known, _ in self._open)

    def _link(self, address: str, title: str) -> None:
        self.handle_starttag("a", [("href", address)])
        self.handle_data(title)
        self.handle_endtag("a")


def _bare(address: str) -> str:
    return re.sub(r"^(?:mailto|tel):", "", address, flags=re.IGNORECASE)
