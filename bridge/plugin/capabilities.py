"""How much can a platform show? Methods say whether, these say how much."""

import enum

from bridge.model.value import Value


class Grade(enum.IntEnum):
    """How well something is shown."""

    DROPPED = -1  #: not shown at all
    NONE = 0  #: shown by a fallback in plain text
    PARTIAL = 1
    FULL = 2


class Capabilities(Value, frozen=True, kw_only=True):
    """An adapter's claim, in grades and limits; the conformance kit holds it to them."""

    formatting: Grade = Grade.NONE
    suggestions: Grade = Grade.NONE
    pictures: Grade = Grade.NONE
    authorship: Grade = Grade.NONE
    signals: Grade = Grade.DROPPED
    #: Above NONE, replies are posted with their first words and grow (see `Grower`).
    streaming: Grade = Grade.NONE
    #: The longest `text` of one delivery, in code points; longer replies arrive as several.
    text_limit: int = 4000
    #: The most suggestions one message can offer.
    suggestion_limit: int = 0
