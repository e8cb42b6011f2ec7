"""How is a sentence of ours told where messages are short? In parts, or cut short for all to see.

One that may be changed later has to stay one message: it is cut. Where nothing can be changed, or
what it offers would not fit beside a few of its words, it is told in parts.
"""

import msgspec

from bridge.core.parts import parts
from bridge.core.terms import Terms
from bridge.model.messages import Notice

#: A sentence of which there is room for less than this is told in parts.
_FEW = 16


def in_messages(notice: Notice, terms: Terms) -> list[Notice]:
    """The notice in as many messages as it needs."""
    if len(terms.worded(notice)) <= terms.text_limit:
        return [notice]
    if terms.shows.edits and _room(notice, terms) >= _FEW:
        return [shortened(notice, terms)]
    texts = parts(terms.worded(notice), terms.text_limit, fences=False)
    return [Notice(notice.kind, words=text) for text in texts]


def shortened(notice: Notice, terms: Terms) -> Notice:
    """The notice in one message, with all it offers; what is missing shows by its last mark."""
    if len(terms.worded(notice)) <= terms.text_limit:
        return notice
    words = terms.worded(msgspec.structs.replace(notice, numbers=()))
    cut = words[: max(_room(notice, terms), 0)].rstrip()
    return msgspec.structs.replace(notice, words=f"{cut}…")


def _room(notice: Notice, terms: Terms) -> int:
    """How much of its sentence fits beside what it offers and the mark of a cut."""
    return terms.text_limit - len(terms.worded(msgspec.structs.replace(notice, words="…")))
