"""How is a long text told in several messages? At sensible places, every word kept, in order."""

_FENCE = "```"
#: Where to cut, best first; each only if it leaves a part at least half full.
_PLACES = ("\n\n", "\n", ". ", " ")


def parts(text: str, limit: int, *, fences: bool = True) -> tuple[str, ...]:
    """`text` in pieces of at most `limit` code points (at least 16).

    A code fence that is cut is closed in one part and opened again in the next, unless `fences` are
    words like any other.
    """
    limit = max(limit, 16)
    pieces: list[str] = []
    rest = text
    while len(rest) > limit:
        room = limit - len(_FENCE) - 1
        piece = rest[: _cut(rest, room)]
        rest = rest[len(piece) :]
        if fences and piece.count(_FENCE) % 2:
            piece = f"{piece.rstrip()}\n{_FENCE}"
            rest = f"{_FENCE}\n{rest.lstrip(chr(10))}"
        else:
            rest = rest.lstrip("\n ")
        pieces.append(piece.rstrip())
    pieces.append(rest)
    return tuple(piece for piece in pieces if piece.strip()) or (text[:limit],)


def _cut(text: str, room: int) -> int:
    for place in _PLACES:
        at = text.rfind(place, room // 2, room)
        if at >= 0:
            return at + len(place)
    fence = text.find(_FENCE, room - 2, room + 2)  # one that a cut at `room` would split
    return fence if fence >= 0 else room
