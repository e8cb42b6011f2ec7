"""How many examples is a law tried with? Few in `make check`, all of them in `make test`.

`make test` asks for the profile `deep` and for everything that hypothesis marks as its own.
"""

from typing import Final

from hypothesis import settings

#: Of so many wanted a quick run takes one; what is derandomised takes the same ones each time.
_QUICKER: Final = 8
_USUAL: Final = 100

DEEP: Final = "deep"
QUICK: Final = "quick"


def profiles() -> None:
    """Make both known, and the quick one what counts unless the command line asks for another."""
    # No example has a deadline: on a busy machine any of them may take long.
    settings.register_profile(DEEP, max_examples=_USUAL, deadline=None)
    settings.register_profile(QUICK, max_examples=_USUAL // _QUICKER, deadline=None)
    settings.load_profile(QUICK)


def many(wanted: int) -> int:
    """Of so many examples those that this run takes; at least a handful."""
    deep = settings.get_current_profile_name() == DEEP
    return wanted if deep else max(min(wanted, 5), wanted // _QUICKER)
