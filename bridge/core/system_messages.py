"""What do PolyAI's own words ask of us? One table: the text decides, then the level.

The texts are data of PolyAI's and may change, so they are matched loosely and in lower case
(polyai-messaging §16; S-err).
"""

import enum

from bridge.model.frames import SystemMessage


class Answer(enum.Enum):
    """What the machine does about a system message."""

    QUIET = enum.auto()  #: nothing a person can use
    SHOW = enum.auto()
    JOIN_AGAIN = enum.auto()
    SESSION_GONE = enum.auto()


_ERRORS = (
    ("conversation not found", Answer.JOIN_AGAIN),
    ("conversation id not found", Answer.JOIN_AGAIN),
    ("unable to start a conversation", Answer.JOIN_AGAIN),
    ("session not found", Answer.SESSION_GONE),
    ("unknown event type", Answer.QUIET),  # our frame was bad: a bug, for the log alone
    ("event type not allowed", Answer.QUIET),
)


def answer_to(message: SystemMessage) -> Answer:
    """What to do about `message`; an INFO never asks for anything."""
    if message.level not in ("warning", "error") or not message.text:
        return Answer.QUIET
    if message.level == "error":
        text = message.text.lower()
        for words, answer in _ERRORS:
            if words in text:
                return answer
    return Answer.SHOW
