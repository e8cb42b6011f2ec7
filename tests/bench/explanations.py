"""Why a target was missed: one text for each, told on the page only where the run missed it.

The key is a target's name in `targets`, or what stands before its first "-" for all of a kind. Each
text names what was measured: a share of the run's own profile, a floor, a figure of the same page.
"""

from typing import Final

NONE: Final = "not explained yet"
WHY: Final[dict[str, str]] = {}


def why(name: str) -> str:
    """The explanation of a missed target."""
    return WHY.get(name) or WHY.get(name.partition("-")[0]) or NONE
