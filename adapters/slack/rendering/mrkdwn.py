"""How does Slack show the agent's words? The tree as mrkdwn, or as plain words for a notification.

mrkdwn has bold, italics, strike-through, code, quotes and links
(docs.slack.dev/messaging/formatting-message-text). Headings become bold lines, lists get bullets
and indentation, tables become aligned columns in a code block. Every word passes `markup.escape`
exactly once, in `_words`, `_code` or `markup.link`.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from adapters.slack.rendering import markup
from adapters.slack.rendering.markdown import INLINE, Kind, Node, bare, flat, parse, unmarked

_URL = re.compile(r"https?://[^\s<>\"'`|\\^{}]+", re.IGNORECASE)
_GAPS = re.compile(r"\n{3,}")
_BULLETS = ("•", "◦", "▪")
_INDENT = "    "
_WIDEST_COLUMN = 40
# Slack reads a mark only at a word's border; this makes one that nobody sees.
_BORDER = "\u200b"
_FORMATTED = {Kind.BOLD, Kind.ITALIC, Kind.STRIKE, Kind.CODE}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Style:
    """The marks of one way to write."""

    bold: str = ""
    italic: str = ""
    strike: str = ""
    code: str = ""
    fence: str = ""
    quote: str = ""
    links: bool = False


_MRKDWN = _Style(bold="*", italic="_", strike="~", code="`", fence="```", quote="> ", links=True)
_PLAIN = _Style()


def mrkdwn(source: str, *, limit: int, most: int) -> list[str]:
    """The agent's text as at most `most` pieces of mrkdwn, each within `limit` code points."""
    return _pieces(_blocks(parse(source).children, _MRKDWN), limit, most)


def words(source: str) -> str:
    """The agent's text without any formatting, escaped, for a notification or a screen reader."""
    return _plainly(parse(source))


def mrkdwn_and_words(source: str, *, limit: int, most: int) -> tuple[list[str], str]:
    """What `mrkdwn` and `words` make of the same text, which is read but once."""
    if "\n" not in source and "://" not in source and unmarked(source):  # a line of just words
        text = markup.escape(source).strip()
        return _pieces([text], limit, most), text
    tree = parse(source)
    return _pieces(_blocks(tree.children, _MRKDWN), limit, most), _plainly(tree)


def _pieces(blocks: list[str], limit: int, most: int) -> list[str]:
    pieces = _packed([piece for block in blocks for piece in _cut_block(block, limit)], limit)
    if len(pieces) > most:
        pieces = [*pieces[: most - 1], markup.shortened(pieces[most - 1], limit - 1).rstrip() + "…"]
    return pieces


def _plainly(tree: Node) -> str:
    return "\n".join(_blocks(tree.children, _PLAIN))


def _packed(pieces: list[str], limit: int) -> list[str]:
    """Neighbours joined as long as they fit."""
    packed: list[str] = []
    for piece in pieces:
        if packed and len(packed[-1]) + 2 + len(piece) <= limit:
            packed[-1] += f"\n\n{piece}"
        else:
            packed.append(piece)
    return packed


def _cut_block(block: str, limit: int) -> Iterator[str]:
    """One block in pieces within the limit; a code block is a code block in each of them."""
    fenced = block.startswith("```\n") and block.endswith("\n```")
    rest = block.removeprefix("```\n").removesuffix("\n```") if fenced else block
    while rest:
        piece, rest = markup.cut(rest, limit - 8 if fenced else limit)
        if piece.strip():
            yield _fenced(piece.rstrip(), "```") if fenced else piece.strip()


def _blocks(nodes: list[Node], style: _Style, depth: int = 0) -> list[str]:
    """The rendered blocks of a node's children; inline children between them form their own."""
    blocks: list[str] = []
    run: list[Node] = []
    for node in [*nodes, None]:
        if node is not None and node.kind in INLINE:
            run.append(node)
            continue
        if text := _trimmed(_inline(run, style)):
            blocks.append(text)
        run = []
        if node is not None:
            blocks += _block(node, style, depth)
    return blocks


def _block(node: Node, style: _Style, depth: int) -> list[str]:
    match node.kind:
        case Kind.HEADING:
            text = _trimmed(_inline(node.children, replace(style, bold="")))
            return [_marked(text, style.bold)] if text else []
        case Kind.QUOTE:
            quoted = "\n".join(_blocks(node.children, style, depth))
            return ["\n".join(style.quote + line for line in quoted.split("\n"))] if quoted else []
        case Kind.BULLETS | Kind.NUMBERS:
            text = "\n".join(_items(node, style, depth))
            return [text] if text else []
        case Kind.ITEM:
            return [_item(node, _BULLETS[0], style, depth)]
        case Kind.FENCE:
            return (
                [_fenced(_code(node.text.rstrip("\n")), style.fence)] if node.text.strip() else []
            )
        case Kind.TABLE:
            return [_fenced(_code(_table(node)), style.fence)]
        case Kind.RULE:
            return ["─" * 12]
        case _:
            return _blocks(node.children, style, depth)


def _items(node: Node, style: _Style, depth: int) -> Iterator[str]:
    number = node.start
    for child in node.children:
        if child.kind is Kind.ITEM:
            bullet = _BULLETS[min(depth, 2)] if node.kind is Kind.BULLETS else f"{number}."
            number += 1
            yield _item(child, bullet, style, depth)
        elif stray := "\n".join(_blocks([child], style, depth)):
            yield stray


def _item(node: Node, bullet: str, style: _Style, depth: int) -> str:
    inside = "\n".join(_blocks(node.children, style, depth + 1))
    return f"{bullet} " + inside.replace("\n", f"\n{_INDENT}")


def _inline(nodes: list[Node], style: _Style) -> str:
    """A run of inline nodes. Marks stand at word borders, made where there is none."""
    text, formatted = "", False
    for at, node in enumerate(nodes):
        if node.kind is Kind.WRAP and at and nodes[at - 1].kind is Kind.BREAK:
            continue  # agents write `<br>` at a line's end and mean one new line
        piece = _piece(node, style)
        if not piece:
            continue
        marked = node.kind in _FORMATTED and piece[0] in "*_~`"
        if (marked or formatted) and _touch(text, piece, both=marked and formatted):
            text += _BORDER
        text, formatted = text + piece, marked
    return text


def _touch(before: str, after: str, *, both: bool) -> bool:
    """Whether a mark between these two would stand inside a word."""
    if not before or before[-1].isspace() or after[0].isspace():
        return False
    return both or before[-1].isalnum() or after[0].isalnum()


def _piece(node: Node, style: _Style) -> str:
    match node.kind:
        case Kind.TEXT:
            return _words(node.text, style)
        case Kind.BREAK | Kind.WRAP:
            return "\n"
        case Kind.BOLD:
            return _marked(_inline(node.children, replace(style, bold="")), style.bold)
        case Kind.ITALIC:
            return _marked(_inline(node.children, replace(style, italic="")), style.italic)
        case Kind.STRIKE:
            return _marked(_inline(node.children, replace(style, strike="")), style.strike)
        case Kind.CODE:
            code = _code(flat(node.children).replace("`", "\u02cb" if style.code else "`"))
            return f"{style.code}{code}{style.code}" if code.strip() else ""
        case Kind.LINK:
            return _link(node, style)
        case _:  # a block inside a mark: HTML allows it
            return "\n".join(["", *_block(node, style, 0), ""])


def _link(node: Node, style: _Style) -> str:
    """A link, or its words alone if it leads where no link of ours may."""
    url = markup.safe_url(node.url)
    if url is None:
        return _inline(node.children, style)
    if style.links:
        return markup.link(url, flat(node.children))
    return markup.escape(_spelled(node, url))


def _spelled(node: Node, url: str) -> str:
    shown = bare(node.children)
    return url if shown in {"", url} else f"{shown} ({url})"


def _words(text: str, style: _Style) -> str:
    """A leaf of words, with bare addresses made into links."""
    if not style.links:
        return markup.escape(text)
    written, last = "", 0
    for found in _URL.finditer(text):
        address = _without_punctuation(found[0])
        url = markup.web_url(address)
        if url is not None:
            written += markup.escape(text[last : found.start()]) + markup.link(url, address)
            last = found.start() + len(address)
    return written + markup.escape(text[last:])


def _without_punctuation(address: str) -> str:
    """An address as it stands in a sentence, without the sentence's own signs at its end."""
    while address[-1] in ".,;:!?*_~" or (address[-1] == ")" and "(" not in address):
        address = address[:-1]
    return address


def _marked(text: str, mark: str) -> str:
    """`text` between marks, line by line, as Slack's marks end with their line."""
    return "\n".join(_marked_line(line, mark) for line in text.split("\n"))


def _marked_line(line: str, mark: str) -> str:
    core = line.strip()
    if not core or not mark:
        return line
    before, _, after = line.partition(core)
    return f"{before}{mark}{core}{mark}{after}"


def _trimmed(text: str) -> str:
    if "\n" not in text:
        return text.strip()
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return _GAPS.sub("\n\n", lines).strip()


def _code(text: str) -> str:
    """Words inside code. Nothing is obeyed there either, and none can end it before its end."""
    return markup.escape(text).replace("```", f"`{_BORDER}`{_BORDER}`")


def _fenced(text: str, fence: str) -> str:
    return f"{fence}\n{text}\n{fence}" if fence else text


def _table(node: Node) -> str:
    """The rows with their columns aligned, the first set off as the heading."""
    rows = [[_cell(cell) for cell in row.children] for row in _rows(node)]
    columns = max(map(len, rows), default=0)
    cells = [[row[at] for row in rows if at < len(row)] for at in range(columns)]
    widths = [min(_WIDEST_COLUMN, max(map(_width, column))) for column in cells]
    lines = [" | ".join(map(_padded, row, widths)).rstrip(" |") for row in rows]
    return "\n".join([*lines[:1], "-+-".join("-" * max(1, width) for width in widths), *lines[1:]])


def _rows(node: Node) -> Iterator[Node]:
    for child in node.children:
        if child.kind is Kind.ROW:
            yield child
        else:
            yield from _rows(child)


def _cell(node: Node) -> str:
    """A cell's words on one line; within code no link works, so an address is spelled out."""
    if node.kind is Kind.LINK and (url := markup.safe_url(node.url)):
        return _spelled(node, url)
    if node.kind in {Kind.BREAK, Kind.WRAP}:
        return " "
    return " ".join((node.text + "".join(_cell(child) for child in node.children)).split("\n"))


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """The columns a text takes where Chinese and the like take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
