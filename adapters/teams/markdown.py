"""How does Teams write it? The agent's Markdown stays; its HTML becomes Markdown, or words.

Teams and Adaptive Cards read bold, italic, lists and links of Markdown (learn.microsoft.com/
microsoftteams/platform/bots/how-to/format-your-bot-messages and .../cards/cards-format). Of HTML
only PolyAI's subset (`a br b i em strong p ul ol li code`) means something: any other tag shows as
the characters it is made of, `<at>` included, so that nothing is mentioned or run.
"""

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

_MARKS = {"b": "**", "strong": "**", "i": "_", "em": "_", "code": "`"}
_BREAKS = {"p": "\n\n", "ul": "\n", "ol": "\n", "br": "\n"}
#: A tag, or what would be read as a character's name.
_LOOSE = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?\w{1,31};)")
_FENCE = "```"
_HEADING = re.compile(r"^#{1,6} +(\S[^\n]*?)(?: +#+)?$", re.MULTILINE)
#: The end of a line that the next does not begin a list, a quotation or a table after.
_LINE_END = re.compile(r"(?<!\n)\n(?!\n|\s*(?:[-*+>|]|\d{1,9}[.)]))")
#: What the reader of HTML would leave out as a declaration, or stumble over.
_NO_TAG = re.compile(r"<(?!/?[A-Za-z]|!--)")
_EMPTY_LINES = re.compile(r"\n{3,}")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
#: Longer addresses are not shown as links: no client is known to follow them.
LONGEST_URL = 2000


def written(text: str) -> str:
    """`text` as Teams' Markdown: at most four characters for each of its own."""
    clean = _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if "<" in clean or "&" in clean:
        reader = _Reader()
        reader.feed(_NO_TAG.sub("&lt;", clean))
        reader.close()
        clean = _EMPTY_LINES.sub("\n\n", "".join(reader.out)).strip("\n")
    # Every second piece is fenced code.
    pieces = enumerate(clean.split(_FENCE))
    return _FENCE.join(piece if at % 2 else _spread(piece) for at, piece in pieces)


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
        self._numbers: list[int] = []  # of each open list: the last number, or -1 for bullets

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _MARKS:
            self.out.append(_MARKS[tag])
        elif tag == "a":
            self._links.append(safe_url(dict(attrs).get("href")))
            self.out.append("[" if self._links[-1] else "")
        elif tag == "li":
            self.out.append("\n" + self._bullet())
        elif tag in _BREAKS:
            self._numbers += {"ul": [-1], "ol": [0]}.get(tag, [])
            self.out.append(_BREAKS[tag])
        else:
            self._as_it_is(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _MARKS:
            self.out.append(_MARKS[tag])
        elif tag == "a":
            url = self._links.pop() if self._links else None
            self.out.append(f"]({url})" if url else "")
        elif tag in {"ul", "ol"}:
            del self._numbers[-1:]
            self.out.append("\n")
        elif tag == "p":
            self.out.append("\n\n")
        elif tag not in {"li", "br"}:
            self._as_it_is(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._as_it_is(data)

    def handle_comment(self, data: str) -> None:
        """Nobody is meant to see it."""

    def _as_it_is(self, text: str) -> None:
        self.out.append(_LOOSE.sub(lambda found: _ESCAPED[found[0]], text))

    def _bullet(self) -> str:
        if not self._numbers or self._numbers[-1] < 0:
            return "- "
        self._numbers[-1] += 1
        return f"{self._numbers[-1]}. "


_ESCAPED = {"<": "&lt;", "&": "&amp;"}
