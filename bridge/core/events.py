"""What has happened to a conversation? Facts, in the past tense."""

from datetime import datetime

from bridge.model.delivery import Ask
from bridge.model.frames import Frame
from bridge.model.ids import DeliveryId
from bridge.model.messages import Person
from bridge.model.value import Value


class MessageAccepted(Value, frozen=True, tag="message_accepted"):
    """A person said something; empty text means that they only called the agent.

    `called`: it was addressed to the agent, not only said where it listens.
    """

    text: str
    person: Person
    called: bool = False
    origin: str = ""  #: its first identity, by which it is edited or deleted
    order: str = ""  #: sorts what was said in the thread, as text; empty where that is not known
    withheld: bool = False  #: its words could not be redacted, so nobody gets them


class ChoiceAccepted(Value, frozen=True, tag="choice_accepted"):
    """A person chose the `index`-th suggestion of the reply that went out as `delivery`."""

    delivery: DeliveryId
    index: int
    person: Person
    mark: str = ""  #: of the suggestion as it was seen; empty where the platform cannot say


class EndRequested(Value, frozen=True, tag="end_requested"):
    """A person, or an operator (who is nobody of the platform), wants the session to end."""

    person: Person | None = None


class StartRequested(Value, frozen=True, tag="start_requested"):
    """A person wants a new session, without saying anything yet; in place of one that is open.

    As the notice `delivery` offered, if one did: then a session that was opened since stays.
    """

    person: Person | None = None
    delivery: DeliveryId | None = None


class RetryRequested(Value, frozen=True, tag="retry_requested"):
    """A person wants sent again what the notice `delivery` said had not reached the agent."""

    delivery: DeliveryId
    person: Person


class CancelRequested(Value, frozen=True, tag="cancel_requested"):
    """A person no longer waits for a live agent, as the notice `delivery` offered."""

    delivery: DeliveryId
    person: Person | None = None


class PersonRequested(Value, frozen=True, tag="person_requested"):
    """A person asks the agent for a person, in the words that the terms give for it."""

    person: Person


class StatusRequested(Value, frozen=True, tag="status_requested"):
    """A person wants to know what is going on."""

    person: Person


class MessageEdited(Value, frozen=True, tag="message_edited"):
    """The message whose first identity is `original` now reads so."""

    original: str
    text: str
    person: Person
    withheld: bool = False  #: as of a message


class MessageDeleted(Value, frozen=True, tag="message_deleted"):
    """The message whose first identity is `original` was taken back."""

    original: str
    person: Person


class TooFastWritten(Value, frozen=True, tag="too_fast_written"):
    """A person said something beyond the rate they may write at; it was not passed on.

    `called` as of a message.
    """

    person: Person
    seconds: int = 0
    called: bool = False


class ThreadLost(Value, frozen=True, tag="thread_lost"):
    """Nothing can be written in the thread any more."""


class HelpersNotCalled(Value, frozen=True, tag="helpers_not_called"):
    """The call for help that went out as `delivery` reached nobody and never will."""

    delivery: DeliveryId


class GivenUp(Value, frozen=True, tag="given_up"):
    """What the agent said and the thread was owed as `delivery` can never be shown there."""

    delivery: DeliveryId
    reason: str
    remedy: str = ""


class NotTaken(Value, frozen=True, tag="not_taken"):
    """Something a person said or asked for could not be taken up."""


class Redriven(Value, frozen=True, tag="redriven"):
    """An operator wants a dead letter owed again; `ask` is what it says, if to the agent."""

    delivery: DeliveryId
    ask: Ask | None = None


class SessionOpened(Value, frozen=True, tag="session_opened"):
    """PolyAI gave us a session; it has not been connected yet.

    `expires_at` is when the token that belongs to it does, None where PolyAI did not say.
    """

    number: int
    expires_at: datetime | None = None


class SessionUnavailable(Value, frozen=True, tag="session_unavailable"):
    """No session could be opened for a while, and nobody knows when one can."""


class SocketReady(Value, frozen=True, tag="socket_ready"):
    """The socket of session `number` is open and its history has been followed."""

    number: int


class SocketLost(Value, frozen=True, tag="socket_lost"):
    """The socket of session `number` is gone; the session itself lives, as far as we know.

    `too_big`: PolyAI closed it (1009) because of a frame of ours, which must not be sent again.
    """

    number: int
    too_big: bool = False


class SocketUnavailable(Value, frozen=True, tag="socket_unavailable"):
    """So many connects of session `number` failed in a row that it is left alone for a while."""

    number: int


class SessionLost(Value, frozen=True, tag="session_lost"):
    """PolyAI no longer knows session `number`, or its token: it cannot be resumed.

    `ended` when it closed normally, as at the end of a conversation, without saying so.
    """

    number: int
    ended: bool = False


class FrameArrived(Value, frozen=True, tag="frame_arrived"):
    """PolyAI sent a frame in session `number`; `replayed` if as part of its history."""

    number: int
    frame: Frame
    replayed: bool = False


class Erased(Value, frozen=True, tag="erased"):
    """Nothing of what was said here is to be kept."""


class Woke(Value, frozen=True, tag="woke"):
    """A deadline has passed."""


Event = (
    MessageAccepted
    | ChoiceAccepted
    | EndRequested
    | StartRequested
    | RetryRequested
    | CancelRequested
    | PersonRequested
    | StatusRequested
    | MessageEdited
    | MessageDeleted
    | TooFastWritten
    | ThreadLost
    | HelpersNotCalled
    | GivenUp
    | NotTaken
    | Redriven
    | SessionOpened
    | SessionUnavailable
    | SocketReady
    | SocketLost
    | SocketUnavailable
    | SessionLost
    | FrameArrived
    | Erased
    | Woke
)
