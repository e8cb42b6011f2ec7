"""What does a step ask for? Wishes, in the imperative.

The first five are durable: they commit together with the conversation. The others are carried
out after the commit, and losing them does no harm: the state says what is still to be verified.
"""

import enum

from bridge.model.delivery import Announce, Ask, DeliveryState, Post, Replace, Retire
from bridge.model.ids import DeliveryId
from bridge.model.messages import AgentReply, Person
from bridge.model.signal import Signal
from bridge.model.value import Value


class Owe(Value, frozen=True, tag="owe"):
    """Owe this to the thread, to another place (an `Announce`), or (an `Ask`) to the agent."""

    id: DeliveryId
    body: Post | Replace | Retire | Announce | Ask


class Settle(Value, frozen=True, tag="settle"):
    """What was owed has come to this end."""

    id: DeliveryId
    state: DeliveryState
    reference: str = ""  #: the sequence of the echo, or why it was given up
    remedy: str = ""  #: and what a person can do about that


class OweAgain(Value, frozen=True, tag="owe_again"):
    """Owe the thread a dead letter again, sorted as `number` among what it is owed."""

    id: DeliveryId
    number: int


class Supersede(Value, frozen=True, tag="supersede"):
    """A dead letter to the agent is said again as `by`: it is settled with that."""

    id: DeliveryId
    by: DeliveryId


class Withdraw(Value, frozen=True, tag="withdraw"):
    """A dead letter to the agent was taken back by whoever said it: its words go."""

    id: DeliveryId


class ForgetSession(Value, frozen=True, tag="forget_session"):
    """Session `number` is over: close its record and erase its token."""

    number: int


class SendKind(enum.StrEnum):
    """Which of the client's frames."""

    JOIN = "join"
    MESSAGE = "message"
    END = "end"


class Transmit(Value, frozen=True, tag="transmit"):
    """Send this frame on the socket of session `number`, once, if it is still open.

    `person` is who said it, if the agent is to know.
    """

    number: int
    kind: SendKind
    delivery: DeliveryId | None = None
    text: str = ""
    person: Person | None = None
    parting: bool = False  #: its session is left with it: nobody waits for its echo


class Recycle(Value, frozen=True, tag="recycle"):
    """Drop the socket of session `number` and connect anew: its replay will tell."""

    number: int


class Show(Value, frozen=True, tag="show"):
    """Show a passing sign of life in the thread."""

    signal: Signal


class Grow(Value, frozen=True, tag="grow"):
    """Let the unfinished message that went out as `delivery` show what there is of it now."""

    delivery: DeliveryId
    reply: AgentReply


class Note(Value, frozen=True, tag="note"):
    """Tell the operator: one event of the log, without anybody's words."""

    event: str
    level: str  #: info, warning or error
    fields: dict[str, str] = {}


Effect = (
    Owe
    | Settle
    | OweAgain
    | Supersede
    | Withdraw
    | ForgetSession
    | Transmit
    | Recycle
    | Show
    | Grow
    | Note
)
