"""Which of PolyAI's frames have we followed, and from where must a replay start?

Laws:
- Newness is membership. Frames repeat at every replay and overtake each other around reconnects,
  so "greater than the cursor" proves nothing. We keep the followed numbers, as ranges.
- The floor only says where to ask the next replay to begin. It passes a gap only once a replay
  has shown that there is nothing in it, and the cursor never passes an unfinished stream.
- An event is known by its id as well, within the last `_IDS` of them: it may come again without
  its number, or with another.
"""

import msgspec

from bridge.core import recent
from bridge.model.frames import Frame
from bridge.model.value import Value

_RANGES = 64
_IDS = 128

Range = tuple[int, int]


class Journal(Value, frozen=True):
    """The frames of one session that a step has followed."""

    ranges: tuple[Range, ...] = ()  #: followed numbers: sorted, disjoint, ends included
    floor: int = 0  #: nothing new can be at or below this number
    replayed: int = 0  #: the highest number that came in a replay on the present socket
    ids: str = ""  #: of the last events, see `recent`

    def knows(self, frame: Frame) -> bool:
        """Whether this very frame was followed before."""
        number = frame.sequence
        if number is not None and any(low <= number <= high for low, high in self.ranges):
            return True
        return bool(frame.id) and recent.met(self.ids, frame.id)

    def follow(self, frame: Frame, *, replayed: bool) -> "Journal":
        """With `frame` counted as followed; `replayed` if it came as part of a history batch."""
        ids = self.ids
        if frame.id and not recent.met(ids, frame.id):
            ids = recent.meet(ids, frame.id, _IDS)
        if frame.sequence is None:
            return msgspec.structs.replace(self, ids=ids)
        ranges = _with(self.ranges, frame.sequence)
        return msgspec.structs.replace(
            self,
            ids=ids,
            ranges=ranges,
            floor=_contiguous(ranges, self.floor),
            replayed=max(self.replayed, frame.sequence) if replayed else self.replayed,
        )

    def connected(self) -> "Journal":
        """At the start of a socket: no replay has been seen on it yet."""
        return msgspec.structs.replace(self, replayed=0)

    def caught_up(self) -> "Journal":
        """After a whole replay: history comes in order, so its gaps are empty."""
        floor = max(self.floor, self.replayed)
        return msgspec.structs.replace(self, floor=_contiguous(self.ranges, floor))

    def cursor(self, unfinished: int | None = None) -> int:
        """Where to ask the next replay to start; before `unfinished`, a stream's first number."""
        if unfinished is None:
            return self.floor
        return max(0, min(self.floor, unfinished - 1))


def _with(ranges: tuple[Range, ...], number: int) -> tuple[Range, ...]:
    low = high = number
    kept: list[Range] = []
    for start, end in ranges:
        if end + 1 < low or start - 1 > high:
            kept.append((start, end))
        else:
            low, high = min(low, start), max(high, end)
    kept.append((low, high))
    kept.sort()
    # Beyond the bound the oldest gaps are forgotten, counted as followed: after so many
    # reconnects with so many holes, they are holes in PolyAI's numbering and not in ours.
    while len(kept) > _RANGES:
        kept[0:2] = [(kept[0][0], kept[1][1])]
    return tuple(kept)


def _contiguous(ranges: tuple[Range, ...], floor: int) -> int:
    for low, high in ranges:
        if low <= floor + 1 <= high + 1:
            floor = max(floor, high)
    return floor
