"""What must not be read? Secrets: those that were made known, and whatever looks like one."""

import base64
import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

_MASK: Final = "[secret]"
#: Where one may begin: also behind what stands for a line break, in JSON or in an address, which
#: ends in a letter or a digit.
_BEGIN: Final = r"(?:\b|(?<=\\[bfnrt])|(?<=\\u[0-9a-f]{4})|(?<=%[0-9a-fA-F]{2})|(?<=_))"
#: What secrets look like, wherever they stand; group 1 is kept, a mask too. First what has to be in
#: the line, in small letters, for that to be worth a search.
_SHAPES: Final[list[tuple[tuple[str, ...], re.Pattern[str]]]] = [
    (
        ("xox", "xapp-", "xwfp-"),
        re.compile(_BEGIN + r"(xox[a-z]{1,2}-|xapp-|xwfp-)[\w.%-]+", re.ASCII),
    ),
    (("eyj",), re.compile(_BEGIN + r"()eyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)*", re.ASCII)),
    (
        ("token", "ticket", "secret", "password", "key"),
        re.compile(
            r"((?:token|ticket|secret|password|api[_-]?key)(?:=|%3D|\\?[\"']:\s*\\?[\"']))"
            r"(?!\[secret)[^&\s\"'<>)\]}\\,]+",
            re.I,
        ),
    ),
    (("bearer",), re.compile(_BEGIN + r"(Bearer(?:\s|%20)+)(?!\[secret)[^\s\"'\\,)\]}]+", re.I)),
    (
        ("authorization",),
        re.compile(
            _BEGIN + r"(Authorization\b[\\\"':=,\s]+Basic\s+)(?!\[secret)[^\s\"'\\,)\]}]+", re.I
        ),
    ),
    (
        ("x-token", "x-api-key", "signature"),
        re.compile(
            _BEGIN
            + r"(X-(?:Token|Api-Key|[\w-]*Signature)\b[\\\"']*\s*[:=,]\s*[\\\"']*)(?!\[secret)"
            r"[^\s\"'\\,)\]}]+",
            re.I,
        ),
    ),
    # The user and the password within an address.
    (
        ("://",),
        re.compile(r"(\b[a-z][a-z0-9+.-]*://)(?!\[secret)[^\s/@\"'<>\\]+(?=@)", re.I),
    ),
]
#: A shorter one would tear words.
_SHORTEST: Final = 6
#: How many are remembered of those that come and go.
_MOST: Final = 20_000


class _Known:
    """Secrets that look like nothing in particular, found by how they begin.

    A line is looked at once, whether one secret is known or twenty thousand.
    """

    def __init__(self) -> None:
        self._by_start: dict[str, set[str]] = {}
        self._passing: OrderedDict[str, None] = OrderedDict()

    def keep(self, secret: str) -> None:
        self._by_start.setdefault(secret[:_SHORTEST], set()).add(secret)

    def borrow(self, secret: str) -> None:
        """Keep it too, until there are too many newer ones."""
        if secret in self._passing:
            self._passing.move_to_end(secret)
            return
        self._passing[secret] = None
        self.keep(secret)
        if len(self._passing) > _MOST:
            oldest, _ = self._passing.popitem(last=False)
            alike = self._by_start[oldest[:_SHORTEST]]
            alike.discard(oldest)
            if not alike:
                del self._by_start[oldest[:_SHORTEST]]

    def masked(self, text: str) -> str:
        if not self._by_start:
            return text
        starts = {text[at : at + _SHORTEST] for at in range(len(text) - _SHORTEST + 1)}
        met = [one for start in starts & self._by_start.keys() for one in self._by_start[start]]
        for secret in sorted(met, key=len, reverse=True):  # the longest first: one may hold another
            text = text.replace(secret, _MASK)
        return text

    def clear(self) -> None:
        self._by_start.clear()
        self._passing.clear()


_known = _Known()


def know(secrets: Iterable[str]) -> None:
    """Mask these wherever they would be printed, however they are written; for good."""
    for one in secrets:
        if len(one) >= _SHORTEST:
            for way in _ways(one):
                _known.keep(way)


def learn(secret: str) -> None:
    """The same for one that was given out while we run: as long as few thousand newer ones are.

    What is masked by its looks alone need not be remembered: most tokens cost nothing here.
    """
    if len(secret) >= _SHORTEST and not re.fullmatch(r"[\w-]*\[secret\]", _by_looks(secret)):
        _known.borrow(secret)


def declare_shape(holds: str, pattern: str) -> None:
    """Secrets of an adapter's platform look like this: see `bridge.plugin.telling`."""
    shape = (holds,), re.compile(pattern, re.I)
    if shape not in _SHAPES:
        _SHAPES.append(shape)


def forget() -> None:
    """Nothing is known any more; for tests, which share a process."""
    _known.clear()


def redact(text: str) -> str:
    """`text` with everything in it masked that is known to be a secret, or looks like one."""
    return _by_looks(_known.masked(text))


def _by_looks(text: str) -> str:
    small = text.lower()
    for needles, pattern in _SHAPES:
        if any(needle in small for needle in needles):
            text = pattern.sub(rf"\g<1>{_MASK}", text)
    return text


def _ways(secret: str) -> Iterator[str]:
    """A secret as it is, quoted, escaped, and in base64 wherever it begins there."""
    yield from {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}
    for before in range(3):
        # The letters at its ends depend on what stands beside it.
        inner = base64.b64encode(bytes(before) + secret.encode()).decode()[4:-4].rstrip("=")
        if len(inner) >= 2 * _SHORTEST:
            yield from {inner, inner.translate(str.maketrans("+/", "-_"))}
