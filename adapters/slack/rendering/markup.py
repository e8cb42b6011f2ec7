"""What may leave for Slack as text? One escape routine, one judge of addresses, one way to cut.

Everything from outside passes `escape` on its way into a message: only then can no text ping
(`<!channel>`, `<@U…>`) or begin a link. What stands between angle brackets is built here alone.
"""

import re
import unicodedata
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from markdown_it.common.normalize_url import normalizeLink

from adapters.slack import limits

# Unicode's categories Cc and Cs. A class of characters is searched in C; asking for the category
# of each took a third of the time in which a reply is rendered.
_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # but \n and \t
_BROKEN = r"\ud800-\udfff"
# Overrides and isolates that make text read in another order than it is written.
_REORDERING = r"\u202a-\u202e\u2066-\u2069"
_UNFIT = re.compile(rf"[{_CONTROLS}{_BROKEN}{_REORDERING}]")
_UNFIT_IN_ADDRESS = re.compile(rf"[\s\\{_CONTROLS}{_BROKEN}]")
_DOMAIN = re.compile(r"((?:[\w-]+\.)+[^\W\d_]{2,})(?::\d+)?([/?#]\S*)?")
_ATOM = re.compile(r"<[^<>]*>|&(?:amp|lt|gt);|.", re.DOTALL)
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+")
_MAILBOX = re.compile(r"[\w.+-]+@[\w.-]+")
_PHONE = re.compile(r"\+?[0-9]{3,20}")


def escape(text: str) -> str:
    """`text` so that Slack shows it and obeys nothing in it."""
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clean(text: str) -> str:
    """`text` without control characters, broken characters and hidden changes of direction."""
    return _UNFIT.sub("", text)


def label(text: str, limit: int) -> str:
    """`text` on one line for a button, a name or a description, which Slack takes literally."""
    line = " ".join(clean(text).replace("<", "\u2039").replace(">", "\u203a").split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


@lru_cache(maxsize=1000)  # each is asked for twice at least, and agents repeat themselves
def safe_url(address: str | None) -> str | None:
    """`address` in canonical form if it leads to the web, a mailbox or a telephone, else None."""
    parts = _split((address or "").strip())
    if parts is None or not _harmless(parts):
        return None
    try:
        url = normalizeLink(parts.geturl())
    except ValueError:
        return None
    for letter in "|<>`\"'":
        url = url.replace(letter, f"%{ord(letter):02X}")
    # Judged again, as normalising may have uncovered another host.
    parts = _split(url)
    return url if parts and _harmless(parts) and len(url) <= limits.URL // 2 else None


def web_url(address: str | None) -> str | None:
    """`address` if it is a safe one of the web, else None."""
    url = safe_url(address)
    return url if url and url.startswith(("http://", "https://")) else None


def link(url: str, text: str) -> str:
    """A link to the safe `url` that reads `text`; one that claims another target is unmasked."""
    shown = " ".join(clean(text).split())
    shown = shown if len(shown) <= limits.LABEL else shown[: limits.LABEL - 1] + "…"
    if not shown or shown in {url, _target(url)}:
        return _tag(url, _target(url))
    if _misleading(shown, url):
        return f"{escape(shown)} ({_tag(url, _target(url))})"
    return _tag(url, shown)


def dial(number: str) -> str | None:
    """A `tel:` address for a telephone number as people write it, or None."""
    # "(0)" is for callers within the country; an international number is dialled without it.
    whole = number.replace("(0)", "") if number.strip().startswith("+") else number
    digits = re.sub(r"[\s().\-/]", "", whole)
    return f"tel:{digits}" if _PHONE.fullmatch(digits) else None


def cut(text: str, limit: int) -> tuple[str, str]:
    """The most of rendered `text` that fits, ending at a line or a word if it can, and the rest.

    Never inside a link or an entity.
    """
    if len(text) <= limit:
        return text, ""
    line = word = end = 0
    for atom in _ATOM.finditer(text):
        if atom.end() > limit:
            break
        end = atom.end()
        line = end if atom[0] == "\n" else line
        word = end if atom[0] == " " else word
    end = next((at for at in (line, word) if at > limit // 2), end) or limit
    return text[:end], text[end:]


def shortened(text: str, limit: int) -> str:
    """Rendered `text`, or as much of it as fits with an ellipsis."""
    head, rest = cut(text, limit)
    return head if not rest else cut(text, limit - 1)[0].rstrip() + "…"


def _split(address: str) -> SplitResult | None:
    if _UNFIT_IN_ADDRESS.search(address):
        return None
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _harmless(parts: SplitResult) -> bool:
    match parts.scheme:
        case "http" | "https":
            # A user name before the host exists only to make one host look like another.
            return bool(_HOST.fullmatch(parts.hostname or "")) and "@" not in parts.netloc
        case "mailto":
            return bool(_MAILBOX.fullmatch(parts.path)) and not parts.netloc
        case "tel":
            return bool(_PHONE.fullmatch(parts.path)) and not (parts.netloc or parts.query)
        case _:
            return False


def _tag(url: str, text: str) -> str:
    return f"<{escape(url)}>" if text == url else f"<{escape(url)}|{escape(text)}>"


def _target(url: str) -> str:
    """What a person would call the address: without the scheme if it is not the web's."""
    return url if url.startswith("http") else url.partition(":")[2]


def _misleading(shown: str, url: str) -> bool:
    """Whether a label reads like an address, and not like the one it leads to."""
    bare = "".join(c for c in shown if unicodedata.category(c) != "Cf")
    bare = unicodedata.normalize("NFKC", bare).replace("\u3002", ".").lower()
    if not url.startswith("http"):
        return any(c.isdigit() or c in "@." for c in bare)
    parts = urlsplit(url.lower())
    host, path = parts.hostname or "", parts._replace(scheme="", netloc="").geturl() or "/"
    claims = _DOMAIN.findall(bare)
    return ("://" in bare and not claims) or any(
        not f".{host}".endswith(f".{domain}") or not path.startswith(rest)
        for domain, rest in claims
    )
