"""Which words of an unfinished message may already flow? A part that later words only add to.

Pure. What flows into a stream of Slack's cannot be taken back while it lasts, and Slack reads it as
Markdown of its own (`markdown_text`). So it holds only what is settled: whole words, and nothing
after a mark that may still turn out to begin a link, a table or bold words. And it holds plain
words only, with every sign that Slack could obey replaced by one that looks like it, or followed by
a space that nobody sees. The end of the message shows it as it is meant.
"""

import re
from collections.abc import Callable

from adapters.slack.rendering.mrkdwn import words

_GAP = "\u200b"  # zero width: no mark, mention or address reaches across it
_HARMLESS = str.maketrans(
    {
        "<": "\u2039",
        ">": "\u203a",
        "*": "\u2217",
        "_": "\u02cd",
        "~": "\u223c",
        "`": "\u02cb",
        **{sign: sign + _GAP for sign in "[]@#&\\:|\n"},  # a line's begin is a matter of layout
    }
)
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
#: A last word that is one whatever follows it; a number may become that of a list.
_WORD = re.compile(r"(?:^|(?<=\s))(?!\d+[.]?\Z)[^\W_]+[,.;!?]*\Z")
_TAG = re.compile(r"<(/?[a-z][a-z0-9]*)", re.IGNORECASE | re.ASCII)
#: Elements whose end changes how their beginning reads.
_WHOLE = {"a", "script", "style"}
#: How much of two texts is compared.
_ENOUGH = 60


def flowing(source: str) -> str:
    """The words of an unfinished `source` that may flow, harmless; perhaps none yet."""
    text = words(settled(source))
    for entity, sign in _ENTITIES:
        text = text.replace(entity, sign)
    return _GAP + text.translate(_HARMLESS) if text.strip() else ""


def alike(shown: str, flown: str) -> bool:
    """Whether a message that reads `shown` can have begun with what has `flown`, or the reverse.

    Only letters and digits count: Slack gives Markdown back in its own way.
    """
    one, other = _letters(shown), _letters(flown)
    return bool(one and other) and (one.startswith(other) or other.startswith(one))


def settled(source: str) -> str:
    """`source` up to where its last word, or a mark in its last block, is still open."""
    text = source if _WORD.search(source) else source[: _last_space(source)]
    at = text.rfind("\n\n") + 2 if "\n\n" in text else 0
    while at < len(text):
        after = _READERS[text[at]](text, at) if text[at] in _READERS else at + 1
        if after is None:
            return text[: at - 1 if text[:at].endswith("!") else at]
        at = after
    return text


def _last_space(text: str) -> int:
    return max((at + 1 for at in (text.rfind(" "), text.rfind("\n"), text.rfind("\t"))), default=0)


def _letters(text: str) -> str:
    for entity, sign in _ENTITIES:
        text = text.replace(entity, sign)
    return "".join(c for c in text.casefold() if c.isalnum())[:_ENOUGH]


#: Reads what a sign begins: where it is over, or None if that is still open.
_Reader = Callable[[str, int], int | None]


def _found(at: int, length: int = 1) -> int | None:
    return None if at < 0 else at + length


def _escaped(text: str, at: int) -> int | None:
    return at + 2 if at + 1 < len(text) else None


def _code(text: str, at: int) -> int | None:
    run = re.compile("`+").match(text, at)
    mark = run[0] if run else "`"
    return _found(text.find(mark, at + len(mark)), len(mark))


def _emphasis(text: str, at: int) -> int | None:
    """A run of marks: nothing if it stands alone or inside a word, else up to its like."""
    end = at
    while end < len(text) and text[end] == text[at]:
        end += 1
    if end == len(text):
        return None
    inside = text[at] == "_" and at > 0 and text[at - 1].isalnum() and text[end].isalnum()
    if text[end].isspace() or inside:
        return end
    return _found(text.find(text[at:end], end), end - at)


def _bracket(text: str, at: int) -> int | None:
    """A link, a picture, or words in brackets."""
    end = text.find("]", at)
    if end < 0 or end + 1 == len(text):
        return None
    return _found(text.find(")", end)) if text[end + 1] == "(" else end + 1


def _tag(text: str, at: int) -> int | None:
    if text[at + 1 : at + 2].isspace():
        return at + 1
    name = _TAG.match(text, at)
    if name and name[1].lower() in _WHOLE:
        at = text.lower().find(f"</{name[1].lower()}", at)
    return _found(text.find(">", at)) if at >= 0 else None


def _table(_text: str, _at: int) -> int | None:
    """A bar may belong to a table, whose columns are as wide as its last row says."""
    return None


_READERS: dict[str, _Reader] = {
    "\\": _escaped,
    "`": _code,
    "*": _emphasis,
    "_": _emphasis,
    "~": _emphasis,
    "[": _bracket,
    "<": _tag,
    "|": _table,
}
