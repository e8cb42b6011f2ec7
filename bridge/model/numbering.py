"""How are numbers offered, and what does somebody mean who writes one?"""

import re
from collections.abc import Iterable, Sequence

#: The way out of a queue. It is open for as long as one waits, while all others, which count from
#: 1, come and go.
WAY_OUT = 0
#: `2`, `2.`, `2)`, `(2)` and `#2`, in the digits of any script.
_NUMBER = re.compile(r"[#(]?\s?(\d{1,3})\s?[.)]?")
#: A number that a suggestion names itself, `2 nights` and `2nd` among them.
_NAMED = re.compile(r"(?<!\w)\d{1,3}(?!\d)")
#: A digit that is drawn as a key is that digit; marks of the direction of writing are not seen.
_UNSEEN = str.maketrans(
    "", "", "\ufe0f\u20e3\u061c\u200b\u200e\u200f\u2060\u2066\u2067\u2068\u2069\ufeff"
)


def numbered(lines: Iterable[tuple[int, str]]) -> str:
    """A list whose lines are chosen by their numbers, with a line above that says so."""
    return "\n".join(["Reply with a number:", *(f"{number}. {text}" for number, text in lines)])


def named(lines: Iterable[str]) -> str:
    """A list whose lines are chosen by their words."""
    return "\n".join(["Reply with one of these:", *(f"- {text}" for text in lines)])


def countable(texts: Sequence[str]) -> bool:
    """Whether a number can only mean its place: no text names the place of another.

    Who is offered `2 nights` and `3 nights`, and writes `2`, means no second line.
    """
    return all(
        number == place or not 1 <= number <= len(texts)
        for place, text in enumerate(texts, 1)
        for number in map(int, _NAMED.findall(text))
    )


def number_in(text: str) -> int | None:
    """The number that `text` is and nothing else; None of any other words, `01` among them."""
    found = _NUMBER.fullmatch(text.translate(_UNSEEN).strip())
    if found is None:
        return None
    number = int(found[1])
    return number if len(str(number)) == len(found[1]) else None
