"""What do blocks say? What people typed, and what other apps laid out, as Slack's own markup.

The markup is then read like any other text (`plain_text`): so a mention, a link or an entity means
the same wherever it stood. Shapes from docs.slack.dev/reference/block-kit/blocks/rich-text-block.
"""

import re
from collections.abc import Iterator

from adapters.slack.reading.callbacks import Json, tables_in, text_of
from adapters.slack.reading.plain_text import encoded

_INDENT = "    "
#: Letters and digits of any script.
_WORD = re.compile(r"[^\W_]+")


def markup_of(blocks: object) -> str:
    """Everything that `blocks` say, line by line; what says nothing is left out."""
    return "\n".join(filter(None, (_block(block).strip("\n") for block in tables_in(blocks))))


def _block(block: Json) -> str:
    match block.get("type"):
        case "rich_text":
            parts = (_part(part).strip("\n") for part in tables_in(block.get("elements")))
            return "\n".join(filter(None, parts))
        case "section":
            return "\n".join(filter(None, (_words(each) for each in _texts_of(block))))
        case "header":
            return _words(block.get("text"))
        case "markdown":
            return encoded(text_of(block, "text"))
        case "context":
            return " ".join(filter(None, map(_words, tables_in(block.get("elements")))))
        case "image":
            told = text_of(block, "alt_text") or _plain_title(block)
            return f"[image: {encoded(told)}]" if told else "[image]"
        case "table":
            return "\n".join(_rows(block.get("rows")))
        case _:
            return ""


def _texts_of(section: Json) -> Iterator[object]:
    yield section.get("text")
    yield from tables_in(section.get("fields"))


def _words(text: object) -> str:
    """A text object: mrkdwn is markup already, plain text is not."""
    if not isinstance(text, dict):
        return ""
    words = text_of(text, "text")
    return words if text.get("type") == "mrkdwn" else encoded(words)


def _plain_title(block: Json) -> str:
    title = block.get("title")
    return text_of(title, "text") if isinstance(title, dict) else text_of(block, "title")


def _rows(rows: object) -> Iterator[str]:
    for row in rows if isinstance(rows, list) else []:
        cells = (" ".join(_cell(cell).split()) for cell in tables_in(row))
        yield " | ".join(cells)


def _cell(cell: Json) -> str:
    return _block(cell) if cell.get("type") == "rich_text" else encoded(text_of(cell, "text"))


def _part(part: Json) -> str:
    """A paragraph, a list, a quotation or a piece of code."""
    match part.get("type"):
        case "rich_text_list":
            return "\n".join(_items(part))
        case "rich_text_quote":
            return "\n".join(f"&gt; {line}" for line in _inline(part).split("\n"))
        case "rich_text_preformatted":
            return f"```\n{_inline(part)}\n```"
        case _:
            return _inline(part)


def _items(part: Json) -> Iterator[str]:
    ordered = part.get("style") == "ordered"
    lead = _INDENT * min(_count(part.get("indent")), 8)
    first = _count(part.get("offset")) + 1
    for number, item in enumerate(tables_in(part.get("elements")), start=first):
        yield f"{lead}{f'{number}.' if ordered else '•'} {_inline(item)}"


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 1_000_000 else 0


def _inline(part: Json) -> str:
    return "".join(map(_element, tables_in(part.get("elements"))))


def _element(element: Json) -> str:
    match element.get("type"):
        case "text":
            return _text(element)
        case "link":
            return _link(element)
        case "emoji":
            return _emoji(element)
        case "user":
            return _token("@", text_of(element, "user_id"))
        case "channel":
            return _token("#", text_of(element, "channel_id"))
        case "usergroup":
            return _token("!subteam^", text_of(element, "usergroup_id"))
        case "broadcast":
            return _token("!", text_of(element, "range"))
        case "date":
            return f"<!date^|{encoded(text_of(element, 'fallback') or 'a date')}>"
        case "color":
            return encoded(text_of(element, "value"))
        case _:
            return ""


def _text(element: Json) -> str:
    words, style = encoded(text_of(element, "text")), element.get("style")
    code = isinstance(style, dict) and style.get("code") is True and words.strip()
    return f"`{words}`" if code else words


def _link(element: Json) -> str:
    address = _target(text_of(element, "url"))
    label = encoded(text_of(element, "text"))
    return f"<{address}|{label}>" if address else label


def _emoji(element: Json) -> str:
    points = text_of(element, "unicode").split("-")
    try:
        return encoded("".join(chr(int(point, 16)) for point in points))
    except (ValueError, OverflowError):
        name = encoded(text_of(element, "name"))
        return f":{name}:" if name else ""


def _token(kind: str, name: str) -> str:
    return f"<{kind}{_target(name)}>" if name else ""


def _target(text: str) -> str:
    """What stands first between angle brackets: there a bar ends it."""
    return encoded(text).replace("|", "%7C")


def poorer(text: str, rich: str) -> bool:
    """Whether readable `text` lacks words that the reading of the blocks has."""
    return bool(_vocabulary(rich) - _vocabulary(text)) or (not text and bool(rich))


def _vocabulary(text: str) -> set[str]:
    return set(_WORD.findall(text))
