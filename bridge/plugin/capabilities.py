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
    """An adapter's claim, in grades and limits; the conformance kit holds it to them.

    Claim no more than is shown, and do nothing for what you do not claim: who numbers suggestions
    itself has numbers that choose nothing.

    What is NONE the core puts into plain words before the adapter sees it, so the least adapter
    prints a text (`bridge.plugin.text_of`) and claims nothing.
    """

    #: NONE: texts arrive without any markup. Above: PolyAI's Markdown and HTML subset, as it came.
    formatting: Grade = Grade.NONE
    #: NONE: suggestions and controls arrive as a numbered list at the end of the text, and whoever
    #: answers with the number has chosen. Above: the adapter shows something to press.
    suggestions: Grade = Grade.NONE
    #: NONE: pictures arrive as links.
    pictures: Grade = Grade.NONE
    #: NONE: links and telephone numbers arrive as lines of the text. Above: as they came.
    attachments: Grade = Grade.NONE
    #: NONE: what a live agent says begins with their name. Above: the adapter shows who speaks.
    authorship: Grade = Grade.NONE
    #: NONE: what changes is told anew, sparingly. Above, the adapter is a `Reviser`.
    edits: Grade = Grade.NONE
    signals: Grade = Grade.DROPPED
    #: Above NONE, replies are posted with their first words and grow (see `Grower`).
    streaming: Grade = Grade.NONE
    #: The longest `text` of one delivery in code points, at least 64; more arrives as several.
    text_limit: int = 4000
    #: The most suggestions one message can offer where they are pressed.
    suggestion_limit: int = 0
