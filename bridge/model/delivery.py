"""What we owe a thread: one delivery, its attempts and the proof of where it landed."""

import enum
from datetime import datetime

import msgspec

from bridge.model.ids import DeliveryId, PersonId, ThreadKey
from bridge.model.messages import AgentReply, Choice, Content, Person
from bridge.model.value import Value


class Urgency(enum.IntEnum):
    """What goes first where a platform lets only so much through; the lowest does."""

    ANSWER = 0  #: what the agent or a live agent says, whole
    NEWS = 1  #: a sentence of ours, such as the place in a queue
    SUGGESTIONS = 2  #: taking suggestions away
    SIGNAL = 3  #: a passing sign of life
    GROWTH = 4  #: more of an unfinished message


class Post(Value, frozen=True, tag="post"):
    """A new message in the thread; with `only_for` that person alone is to see it."""

    content: Content
    only_for: PersonId | None = None


class Replace(Value, frozen=True, tag="replace"):
    """Show this instead of what an earlier delivery shows."""

    target: DeliveryId
    content: Content


class Retire(Value, frozen=True, tag="retire"):
    """Take the suggestions of an earlier delivery away, saying what was chosen, if anything.

    `content` is what that delivery shows; one that was owed by an older version lacks it.
    """

    target: DeliveryId
    chosen: Choice | None = None
    content: AgentReply | None = None


class Announce(Value, frozen=True, tag="announce"):
    """A new message at the top of another place of the platform: a call for help with a thread."""

    place: str
    content: Content


class Ask(Value, frozen=True, tag="ask"):
    """A person's words, owed to the agent as one `USER_MESSAGE`."""

    text: str
    person: Person | None = None


ThreadBody = Post | Replace | Retire | Announce


class Receipt(Value, frozen=True):
    """Where a delivery landed; opaque outside the adapter that gave it."""

    reference: str


class DeliveryState(enum.StrEnum):
    """How far a delivery has come."""

    PENDING = "pending"  #: owed, not attempted since the last certain outcome
    SENDING = "sending"  #: an attempt was begun and its outcome is not known yet
    SENT = "sent"  #: arrived, with a receipt
    DEAD = "dead"  #: given up, visibly
    DROPPED = "dropped"  #: overtaken: a newer one says it better


class Outbound(Value, frozen=True, kw_only=True):
    """What an adapter is asked to show: `id` marks it, so that it can be found again.

    With a `place` it is not for the thread but about it, and stands at the top of that place. With
    `only_for` nobody else of the thread is to see it, where the platform can do that.
    """

    id: DeliveryId
    thread: ThreadKey
    content: Content
    owed_at: datetime
    place: str = ""
    only_for: PersonId | None = None
    urgency: Urgency = Urgency.ANSWER


def retired(content: Content, chosen: Choice | None) -> Content:
    """The same content with its suggestions gone and the choice named."""
    if not isinstance(content, AgentReply):
        return content
    return msgspec.structs.replace(content, suggestions=(), chosen=chosen)
