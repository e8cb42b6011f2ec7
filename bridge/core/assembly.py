"""How do streamed pieces become one message? Byte for byte, whatever order they come in.

Laws (polyai-messaging §13):
- A piece is known by its index. The same index again is ignored, unless its text differs: then
  the one with the higher sequence counts. Without an index, arrival order counts.
- The text is the plain concatenation in index order.
- A stream is whole when its final piece is there and no index below that is missing, counted
  from 0 if a 0 was seen, else from 1.
- Its beginning is what comes before the first missing piece: whatever else comes, that stays.
"""

from datetime import datetime

import msgspec

from bridge.model.frames import AgentChunk, AgentMessage
from bridge.model.messages import Attachment, Suggestion
from bridge.model.value import Value

#: How many pieces of a message are put together, and characters: nobody reads a longer one, and
#: what has no end must not be kept until it comes.
MOST_PIECES = 4_096
MOST_CHARACTERS = 1_000_000


class Piece(Value, frozen=True):
    """One piece as it came."""

    chunk: AgentChunk
    sequence: int | None = None


class Stream(Value, frozen=True):
    """The pieces of one message so far."""

    message_id: str
    touched_at: datetime
    pieces: tuple[Piece, ...] = ()
    told: bool = False  #: what there was when it stalled is shown; the rest may still come
    grown: str = ""  #: how much of its beginning was shown while it grew

    @property
    def first_sequence(self) -> int | None:
        """The lowest number among the pieces, which the cursor must not pass."""
        return min((p.sequence for p in self.pieces if p.sequence is not None), default=None)

    @property
    def complete(self) -> bool:
        """Whether the final piece is there; pieces below it may still be missing."""
        return any(piece.chunk.complete for piece in self.pieces)

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        if not self.complete:
            return False
        seen = {p.chunk.index for p in self.pieces if p.chunk.index is not None}
        last = max((p.chunk.index or 0 for p in self.pieces if p.chunk.complete), default=0)
        first = 0 if 0 in seen else 1
        # Counted, never listed: an index is the other side's to say, however large.
        return not seen or sum(first <= index <= last for index in seen) == last - first + 1

    @property
    def full(self) -> bool:
        """Whether it takes no more pieces."""
        written = sum(len(piece.chunk.text) for piece in self.pieces)
        return len(self.pieces) >= MOST_PIECES or written >= MOST_CHARACTERS

    @property
    def beginning(self) -> str:
        """The text up to the first missing piece."""
        numbered = sorted(p.chunk.index for p in self.pieces if p.chunk.index is not None)
        if not numbered:
            return self.message().text
        if numbered[0] > 1:
            return ""
        together = [n for at, n in enumerate(numbered) if n == numbered[0] + at]
        text = {piece.chunk.index: piece.chunk.text for piece in self.pieces}
        return "".join(text[index] for index in together)

    def with_piece(self, chunk: AgentChunk, sequence: int | None, now: datetime) -> "Stream":
        """With one more piece, unless it says nothing new."""
        piece = Piece(chunk=chunk, sequence=sequence)
        pieces = _placed(self.pieces, piece)
        told = self.told and pieces == self.pieces
        return msgspec.structs.replace(self, pieces=pieces, touched_at=now, told=told)

    def message(self) -> AgentMessage:
        """What the pieces say together, whole or not."""
        ordered = [piece.chunk for piece in sorted(self.pieces, key=_index)]
        return AgentMessage(
            message_id=self.message_id,
            text="".join(chunk.text for chunk in ordered),
            attachments=_distinct_attachments(ordered),
            suggestions=_distinct_suggestions(ordered),
            call_actions=tuple(dict.fromkeys(a for c in ordered for a in c.call_actions)),
            ends_conversation=any(chunk.ends_conversation for chunk in ordered),
        )


def _placed(pieces: tuple[Piece, ...], new: Piece) -> tuple[Piece, ...]:
    for at, old in enumerate(pieces):
        if new.chunk.index is not None and old.chunk.index == new.chunk.index:
            newer = (new.sequence or 0) > (old.sequence or 0)
            keep = new if newer and new.chunk != old.chunk else old
            return (*pieces[:at], keep, *pieces[at + 1 :])
    return (*pieces, new)


def _index(piece: Piece) -> tuple[bool, int]:
    # sorted() is stable: pieces without an index keep their order, after those with one
    return (piece.chunk.index is None, piece.chunk.index or 0)


def _distinct_attachments(chunks: list[AgentChunk]) -> tuple[Attachment, ...]:
    kept: list[Attachment] = []
    for attachment in (a for chunk in chunks for a in chunk.attachments):
        if attachment.url is None or all(attachment.url != k.url for k in kept):
            kept.append(attachment)
    return tuple(kept)


def _distinct_suggestions(chunks: list[AgentChunk]) -> tuple[Suggestion, ...]:
    return tuple(dict.fromkeys(s for chunk in chunks for s in chunk.suggestions))
