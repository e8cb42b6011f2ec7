"""How does Teams write it? The agent's Markdown stays; its HTML becomes Markdown, or words.

Teams and Adaptive Cards read bold, italic, lists and links of Markdown (learn.microsoft.com/
microsoftteams/platform/bots/how-to/format-your-bot-messages and .../cards/cards-format). Of HTML
only PolyAI's subset (`a br b i em strong p ul ol li code`) means something: any other tag shows as
the characters it is made of, `<at>` included, so that nothing is mentioned or run.
"""

import itertools
import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

_MARKS = {"b": "**", "strong": "**", "i": "_", "em": "_", "code": "`"}
_BREAKS = {"p": "\n\n", "ul": "\n", "ol": "\n", "br": "\n"}
#: What could begin a tag, or be read as a character's name.
_LOOSE = re.compile(r"<|&(?=#?\w{1,31};)")
#: Code means itself: no HTML is read in it, nor an entity, and its lines are lines.
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
#: Where a piece of code stood; no text holds such a character.
_PLACE = re.compile(r"\0(\d+)\0")
_HEADING = re.compile(r"^#{1,6} +(\S[^\n]*?)(?: +#+)?$", re.MULTILINE)
#: The end of a line that the next does not begin a list, a quotation or a table after.
_LINE_END = re.compile(r"(?<!\n)\n(?!\n|\s*(?:[-*+>|]|\d{1,9}[.)]))")
#: What is no whole tag of the subset, which says only of itself what a tag may, is words to the
#: reader of HTML, whatever it looks like (`a<b or c>d`).
_NO_TAG = re.compile(
    r"""<(?!/?(?:a|br|b|i|em|strong|p|ul|ol|li|code)"""
    r"""(?:\s+(?:[\w:.-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'=<>`][^\s"'<>`]*)"""
    r"""|(?:compact|hidden|reversed)(?=[\s/>])))*\s*/?>)""",
    re.IGNORECASE | re.ASCII,
)
#: What is no character's name, for want of its end (`?a=1&copy=2`).
_NO_NAME = re.compile(r"&(?!#?\w{1,31};)", re.ASCII)
_EMPTY_LINES = re.compile(r"\n{3,}")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
#: Longer addresses are not shown as links: no client is known to follow them.
LONGEST_URL = 2000


def written(text: str) -> str:
    """`text` as Teams' Markdown: at most four characters for each of its own."""
    clean = _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    codes: list[str] = _CODE.findall(clean)
    numbers = itertools.count()
    words = _CODE.sub(lambda _: f"\0{next(numbers)}\0", clean)
    if "<" in words or "&" in words:
        reader = _Reader()
        reader.feed(_NO_TAG.sub("&lt;", _NO_NAME.sub("&amp;", words)))
        reader.close()
        words = _EMPTY_LINES.sub("\n\n", "".join(reader.out)).strip("\n")
    return _PLACE.sub(lambda found: codes[int(found[1])], _spread(words))


def _spread(text: str) -> str:
    """Lines that stay lines, which a single end is too little for; and bold lines for headings."""
    return _LINE_END.sub("\n\n", _HEADING.sub(r"**\1**", text))


def safe_url(url: str | None) -> str | None:
    """`url` if it is fit to be opened: https, with a host, without spaces or a password."""
    if not url or len(url) > LONGEST_URL or not url.isascii() or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
        fit = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return None
    return url if fit and not re.search(r'[\s<>"\\]', url) else None


class _Reader(HTMLParser):
    """Writes down the same in Markdown."""

    def __init__(self) -> None:
        super().__init__()
        self.out: list[str] = []
        self._links: list[str | None] = []
        self._coding = 0  # how many elements of code are open
        self._numbers: list[int] = []  # of each open list: the last number, or -1 for bullets

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _MARKS:
            self._coding += tag == "code"
            self.out.append(_MARKS[tag])
        elif tag == "a":
            self._links.append(safe_url(dict(attrs).get("href")))
            self.out.append("[" if self._links[-1] else "")
        elif tag == "li":
            self.out.append("\n" + self._bullet())
        elif tag in _BREAKS:
            self._numbers += {"ul": [-1], "ol": [0]}.get(tag, [])
            self.out.append(_BREAKS[tag])

    def handle_endtag(self, tag: str) -> None:
        if tag in _MARKS:
            self._coding -= tag == "code" and self._coding > 0
            self.out.append(_MARKS[tag])
        elif tag == "a":
            url = self._links.pop() if self._links else None
            self.out.append(f"]({url})" if url else "")
        elif tag in {"ul", "ol"}:
            del self._numbers[-1:]
            self.out.append("\n")
        elif tag == "p":
            self.out.append("\n\n")

    def handle_data(self, data: str) -> None:
        escaped = _LOOSE.sub(lambda found: _ESCAPED[found[0]], data)
        self.out.append(data if self._coding else escaped)

    def _bullet(self) -> str:
        if not self._numbers or self._numbers[-1] < 0:
            return "- "
        self._numbers[-1] += 1
        return f"{self._numbers[-1]}. "


_ESCAPED = {"<": "&lt;", "&": "&amp;"}
