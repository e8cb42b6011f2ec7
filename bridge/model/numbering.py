"""How are numbers offered, and what does somebody mean who writes one?"""

import re
from collections.abc import Iterable

#: The way out of a queue. It is open for as long as one waits, while all others, which count from
#: 1, come and go.
WAY_OUT = 0
#: `2`, `2.`, `2)` and `#2`, in the digits of any script.
_NUMBER = re.compile(r"#?\s?(\d{1,3})\s?[.)]?")
#: A digit that is drawn as a key is that digit.
_KEYCAP = str.maketrans("", "", "\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}")


def numbered(lines: Iterable[tuple[int, str]]) -> str:
    """A list whose lines are chosen by their numbers, with a line above that says so."""
    return "\n".join(["Reply with a number:", *(f"{number}. {text}" for number, text in lines)])


def number_in(text: str) -> int | None:
    """The number that `text` is and nothing else; None of any other words, `01` among them."""
    found = _NUMBER.fullmatch(text.translate(_KEYCAP).strip())
    if found is None:
        return None
    number = int(found[1])
    return number if len(str(number)) == len(found[1]) else None
