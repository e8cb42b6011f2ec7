"""What do PolyAI's own words ask of us? One table: the text decides, then the level.

The texts are data of PolyAI's and may change, so they are matched loosely and in lower case, and
only where the level is an error: the same words as information ask for nothing (polyai-messaging
§16; S-err).
"""

import enum
from typing import NamedTuple

from bridge.model.frames import SystemMessage


class Answer(enum.Enum):
    """What the machine does about a system message."""

    QUIET = enum.auto()  #: nothing a person can use
    SHOW = enum.auto()
    OUR_FAULT = enum.auto()  #: a frame of ours was refused: for the operator alone
    WAIT = enum.auto()  #: it may pass; told if it does not
    SEND_AGAIN = enum.auto()  #: shown; the person may send their message again
    STREAM_BROKE = enum.auto()  #: the same, after what there is of the answer
    START_AGAIN = enum.auto()  #: shown; the agent is asked to join again, a little later
    JOIN_AGAIN = enum.auto()
    LOOK_AGAIN = enum.auto()  #: the same message once more, a little later
    SESSION_GONE = enum.auto()
    NOT_FORWARDED = enum.auto()  #: the live agent did not get the message
    NO_PERSON = enum.auto()  #: shown; nobody comes
    MISCONFIGURED = enum.auto()  #: the same, and an operator must act
    OUT_OF_ORDER = enum.auto()  #: nothing works until an operator acts


class Catalogued(NamedTuple):
    """One of PolyAI's known texts, by a part of it that is its own."""

    name: str  #: what the log calls it
    words: str
    answer: Answer


CATALOGUE = (
    Catalogued("invalid_event", "unknown event type", Answer.OUR_FAULT),
    Catalogued("forbidden_event", "event type not allowed", Answer.OUR_FAULT),
    Catalogued("high_load", "experiencing high load", Answer.WAIT),
    Catalogued("no_start", "unable to start a conversation", Answer.START_AGAIN),
    Catalogued("no_response", "having trouble responding", Answer.SEND_AGAIN),
    Catalogued("stream_error", "i encountered an error", Answer.STREAM_BROKE),
    Catalogued("session_not_found", "session not found", Answer.SESSION_GONE),
    Catalogued("session_not_retrieved", "unable to retrieve session", Answer.LOOK_AGAIN),
    Catalogued("connector_not_found", "connector not found", Answer.OUT_OF_ORDER),
    Catalogued("conversation_not_found", "conversation not found", Answer.JOIN_AGAIN),
    Catalogued("no_conversation_id", "conversation id not found", Answer.JOIN_AGAIN),
    Catalogued("no_live_agent", "could not connect you to an agent", Answer.NO_PERSON),
    Catalogued("not_forwarded", "failed to forward message to live agent", Answer.NOT_FORWARDED),
    Catalogued("no_handoff", "handoff could not be initiated", Answer.MISCONFIGURED),
)
_LOUD = (Answer.OUR_FAULT, Answer.MISCONFIGURED, Answer.OUT_OF_ORDER)


class Reading(NamedTuple):
    """What a system message is called in the log, and what to do about it."""

    name: str
    answer: Answer

    @property
    def loud(self) -> bool:
        """Whether it is a fault that an operator must look at."""
        return self.answer in _LOUD


def read(message: SystemMessage) -> Reading:
    """What `message` is and asks for; an INFO never asks for anything."""
    if message.level == "warning":
        return Reading("warning", Answer.SHOW if message.text.strip() else Answer.QUIET)
    if message.level != "error":
        return Reading("information", Answer.QUIET)
    text = message.text.lower()
    known = next((row for row in CATALOGUE if row.words in text), None)
    return Reading(known.name, known.answer) if known else Reading("unknown", Answer.SHOW)
