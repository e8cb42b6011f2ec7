"""What a platform tells us: somebody said, chose or asked for something in a thread."""

from datetime import datetime

from bridge.model.ids import DeliveryId, PersonId, ThreadKey
from bridge.model.messages import Person
from bridge.model.value import Value

#: Whose inbounds are the operator's own; nobody of a platform.
OPERATOR = PersonId("operator")


class Said(Value, frozen=True, tag="said"):
    """Words, already plain and readable; empty when the person only called the agent."""

    text: str


class Clicked(Value, frozen=True, tag="clicked"):
    """A suggestion chosen: the `index`-th of the reply that went out as `delivery`."""

    delivery: DeliveryId
    index: int
    mark: str = ""  #: of the suggestion, where the platform's button carries it


class EndAsked(Value, frozen=True, tag="end"):
    """The person, or an operator, wants the session ended."""


class StartAsked(Value, frozen=True, tag="start"):
    """The person wants a new session: after an end, or in place of the one that is open.

    As the notice `delivery` offered, where a control of one was pressed: if a session was opened
    since, it goes on. Without a `delivery` it is asked for here and now.
    """

    delivery: DeliveryId | None = None


class RetryAsked(Value, frozen=True, tag="retry"):
    """The person wants sent again what the notice `delivery` said had not reached the agent."""

    delivery: DeliveryId


class CancelAsked(Value, frozen=True, tag="cancel"):
    """The person no longer waits for a live agent, as the notice `delivery` offered."""

    delivery: DeliveryId


class PersonAsked(Value, frozen=True, tag="person"):
    """The person wants to talk to a person: said to the agent in words of ours."""


class StatusAsked(Value, frozen=True, tag="status"):
    """The person wants to know what is going on, and what they can do."""


class Edited(Value, frozen=True, tag="edited"):
    """The message with the identity `original` now reads so."""

    original: str
    text: str


class Deleted(Value, frozen=True, tag="deleted"):
    """The message with the identity `original` was taken back."""

    original: str


class TooFast(Value, frozen=True, tag="too_fast"):
    """The person said something beyond the rate they may write at: it is not passed on."""

    seconds: int = 0  #: how long until they may write again


class ThreadGone(Value, frozen=True, tag="thread_gone"):
    """Nothing can be written in the thread any more: it, or its place, was closed or deleted."""


InboundBody = (
    Said
    | Clicked
    | EndAsked
    | StartAsked
    | RetryAsked
    | CancelAsked
    | PersonAsked
    | StatusAsked
    | Edited
    | Deleted
    | TooFast
    | ThreadGone
)


class Inbound(Value, frozen=True, kw_only=True):
    """One thing that happened on a platform.

    `identities` name it for ever: two inbounds of one adapter that share any are the same thing
    told twice. `order` sorts what happened within a thread, as text. Only an inbound that `opens`
    may begin a conversation; any other belongs to one that exists, or to nobody. `place` is the
    platform's container of the thread (a channel), for routes; `account` is where that is (a
    workspace). With `starter_only` it counts only from whoever began the conversation.
    """

    thread: ThreadKey
    identities: tuple[str, ...]
    order: str
    person: Person
    at: datetime
    body: InboundBody
    opens: bool = False
    place: str = ""
    account: str = ""
    starter_only: bool = False
