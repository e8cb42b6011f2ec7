"""Which way did one message go? Its hops, each with its instant, as they are kept beside its row.

They are written down as one short text, to which more is only ever added, so that a hop costs no
row and no index: ` j@15d3ef79c8a2` is one without a detail. There are no words of anybody in it.
"""

import enum
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from bridge.model.value import Value

#: From here on instants are counted, in microseconds written in hexadecimal.
_EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
_DAY, _SECOND = 86_400_000_000, 1_000_000


class HopKind(enum.StrEnum):
    """What happened, as one letter. A letter once used keeps its meaning."""

    # Of what somebody said:
    SAID = "s"  #: the platform's own instant of it
    KEPT = "y"  #: it was nobody's, and kept in case its conversation was on the way; no instant
    ACKED = "k"  #: the adapter was told that it may acknowledge
    # Of both:
    SHOWS = "u"  #: of what sort it is: who says it, or which sentence of ours; no instant
    SIZE = "n"  #: how many characters its words have; no instant
    JOURNALED = "j"  #: its row was committed
    # Why something is owed; one of these, first:
    ENTRY = "e"  #: because of this inbox entry
    FRAME = "f"  #: because of this frame of PolyAI's, `session.sequence`, and PolyAI's own instant
    OTHER = "o"  #: because of this event, which has no row
    # Of what is owed:
    ARRIVED = "r"  #: our process read the frame that it is owed for, or its echo
    ANSWERS = "q"  #: the numbers of what waited for an answer when the agent said it
    CHANGES = "p"  #: the number of the delivery that it changes
    LAUNCHED = "l"  #: the step committed that has it sent to the agent, in this session
    TRANSMITTED = "t"  #: its frame was given to the socket of this session
    CARRIED = "c"  #: this session was left before PolyAI had it: it is for the next one
    ECHOED = "x"  #: PolyAI has it, in this session, at PolyAI's own instant
    ATTEMPTED = "a"  #: an attempt was written down
    ABSENT = "b"  #: and it certainly did not arrive: it is tried again
    FOUND = "i"  #: it was in doubt, and there it was
    HELD = "d"  #: nobody can tell whether it arrived
    GREW = "g"  #: it was shown growing, for the so many-th time
    WRITTEN = "w"  #: what became of it was committed
    # Of what an operator, or who said it, had tried again once it was given up:
    FIRST = "z"  #: when it was owed at first
    DIED = "h"  #: it was given up
    REDRIVEN = "v"  #: it is owed again
    AGAIN = "m"  #: the number of the dead message to the agent that it says again


class Hop(Value, frozen=True):
    """Something that happened to a message, with its instant, if there is one that is known."""

    kind: HopKind
    at: datetime | None = None
    detail: str = ""  #: numbers of ours or of PolyAI's, or a word of ours


_KINDS = {kind.value: kind for kind in HopKind}


def written(hops: Iterable[Hop]) -> str:
    """The hops as text, to be added to what is there."""
    return "".join([hop(one.kind, one.at, one.detail) for one in hops])


def hop(kind: HopKind, at: datetime | None = None, detail: object = "") -> str:
    """One hop as text, to be added to what is there."""
    if at is None:
        return f" {kind}{detail}"
    since = at - _EPOCH
    return f" {kind}{detail}@{since.days * _DAY + since.seconds * _SECOND + since.microseconds:x}"


def read(text: str) -> tuple[Hop, ...]:
    """The hops of a text; what a newer bridge wrote and cannot be read is left out."""
    found = (_read(word) for word in text.split())
    return tuple([one for one in found if one is not None])


def _read(word: str) -> Hop | None:
    kind = _KINDS.get(word[0])
    detail, _, digits = word[1:].partition("@")
    if kind is None:
        return None
    try:
        at = _EPOCH + timedelta(microseconds=int(digits, 16)) if digits else None
    except (ValueError, OverflowError):
        return None
    return Hop(kind, at, detail)
