"""What must a step know of the world? The platform's limits, and how patient we are.

Passed in with every step and stored nowhere: what changes with the configuration counts at once.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Literal

from bridge.core.handoff_rules import HandoffRule
from bridge.model.messages import Notice, Person
from bridge.model.value import Value


def _frame_size(text: str, delivery: str, person: Person | None) -> int:
    """Where nobody says how large a frame is: its text, and a guess at what is around it."""
    around = 2 * len(delivery) + (len(person.id) + len(person.name or "") if person else 0)
    return len(text.encode(errors="replace")) + around + 256


def _unworded(notice: Notice) -> str:
    """Where nobody words notices, none is too long."""
    return notice.words


class Shows(Value, frozen=True, kw_only=True):
    """What the platform shows of itself; whatever it does not is put into words.

    See `bridge.plugin.capabilities`, whose claims these are.
    """

    formatting: bool = True
    suggestions: bool = True  #: and controls: something to press
    pictures: bool = True
    attachments: bool = True
    authorship: bool = True
    edits: bool = True


class Terms(Value, frozen=True, kw_only=True):
    """What a step must know of the world: limits of the platform and patience with the agent."""

    shows: Shows = Shows()
    #: How a notice reads; the plug-in room knows. Its length counts, too.
    worded: Callable[[Notice], str] = _unworded
    text_limit: int = 4000
    suggestion_limit: int = 25
    #: Whether the platform shows replies growing, and how many characters make a beginning.
    streaming: bool = False
    stream_beginning: int = 24
    #: How long to wait for an echo before looking it up (polyai-messaging §24).
    echo_timeout: timedelta = timedelta(seconds=10)
    #: How long a quiet conversation keeps its socket.
    idle_timeout: timedelta = timedelta(minutes=30)
    #: And how long while a person is awaited or has taken over: what they write comes to no other
    #: place, and PolyAI abandons a session ten minutes after its last heartbeat.
    handoff_timeout: timedelta = timedelta(hours=12)
    #: How long an agent may take to join, or a stream to go on, before something is done.
    join_timeout: timedelta = timedelta(seconds=45)
    stream_gap: timedelta = timedelta(seconds=2)
    stream_stall: timedelta = timedelta(seconds=60)
    #: And how long the rest of a stalled stream is expected, while the cursor stays before it.
    stream_forget: timedelta = timedelta(minutes=10)
    end_timeout: timedelta = timedelta(seconds=10)
    #: How long after the agent was refused a start, or a lookup failed, it is asked again; and how
    #: long a passing overload may take to pass before it is told (polyai-messaging §16: 2 to 5 s).
    trouble_timeout: timedelta = timedelta(seconds=3)
    #: How long a sign of life is shown that nothing follows (polyai-messaging §8), and how often
    #: the one that lasts until an answer is shown again: a platform may drop it after two minutes.
    signal_timeout: timedelta = timedelta(seconds=10)
    signal_refresh: timedelta = timedelta(seconds=75)
    #: How long an answer may take before nobody expects it any more.
    answer_timeout: timedelta = timedelta(minutes=3)
    #: How long before its token dies a session is left (never more than a tenth of its life), once
    #: nothing has been said in it for...
    token_margin: timedelta = timedelta(minutes=5)
    token_quiet: timedelta = timedelta(minutes=1)
    park_timeout: timedelta = timedelta(minutes=5)
    #: How long a place in a queue is left untold after the last, where none can be changed.
    place_gap: timedelta = timedelta(minutes=1)
    #: How a handoff that the client has to manage is managed.
    handoffs: tuple[HandoffRule, ...] = ()
    #: How many bytes the frame of a text takes whose delivery has this id, and that this person
    #: said; the wire knows.
    frame_size: Callable[[str, str, Person | None], int] = _frame_size
    #: In which words a person is asked for.
    person_words: str = "I would like to talk to a person."
    #: Whether the agent hears that a message was changed or taken back after it was sent.
    edits: Literal["ignore", "correct"] = "ignore"
    #: Whether what was taken back or changed goes from whatever still holds it.
    deletions: Literal["forget", "keep"] = "keep"
    #: Whether the agent is told who speaks: never, always, or once a second person does; and how a
    #: message then begins.
    speakers: Literal["never", "several", "always"] = "several"
    speaker_format: str = "{name}: "
    #: How often one frame is sent in all before we give it up.
    send_limit: int = 4
    join_limit: int = 3
    #: How many sessions in a row may be refused before we stop opening new ones.
    opening_limit: int = 3
    #: How often a session's server may fail to find it before we leave it.
    lookup_limit: int = 3
