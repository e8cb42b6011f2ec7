"""What does a conversation remember? One frozen value, saved whole by every step that matters."""

import enum
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from bridge.core.assembly import Stream
from bridge.core.effects import SendKind
from bridge.core.handoffs import HandoffRule
from bridge.core.journal import Journal
from bridge.model.frames import Capabilities
from bridge.model.ids import AdapterName, AgentName, ConversationId, DeliveryId, ThreadKey
from bridge.model.messages import Author
from bridge.model.value import Value


def _frame_size(text: str, delivery: str) -> int:
    """Where nobody says how large a frame is: its text, and a guess at what is around it."""
    return len(text.encode(errors="replace")) + 2 * len(delivery) + 256


class Terms(Value, frozen=True, kw_only=True):
    """What a step must know of the world: limits of the platform and patience with the agent."""

    text_limit: int = 4000
    suggestion_limit: int = 25
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
    end_timeout: timedelta = timedelta(seconds=10)
    park_timeout: timedelta = timedelta(minutes=5)
    #: How a handoff that the client has to manage is managed.
    handoffs: tuple[HandoffRule, ...] = ()
    #: How many bytes the frame of a text takes whose delivery has this id; the wire knows.
    frame_size: Callable[[str, str], int] = _frame_size
    #: How often one frame is sent in all before we give it up.
    send_limit: int = 4
    join_limit: int = 3
    #: How many sessions in a row may be refused before we stop opening new ones.
    opening_limit: int = 3


class Waiting(Value, frozen=True):
    """A person's message the agent has not confirmed; `carried` once its session was lost."""

    delivery: DeliveryId
    text: str
    carried: bool = False


class InFlight(Value, frozen=True, kw_only=True):
    """The one frame whose echo we await. After any doubt, only a replay decides about it."""

    kind: SendKind
    message: Waiting | None = None
    attempts: int = 1
    sent_at: datetime


class Offered(Value, frozen=True):
    """The suggestions that are live: those of the agent's newest message."""

    delivery: DeliveryId
    texts: tuple[str, ...]


class Handoff(enum.StrEnum):
    """Who answers."""

    NONE = "none"
    WAITING = "waiting"
    LIVE = "live"


class Session(Value, frozen=True, kw_only=True):
    """One PolyAI session, as far as the conversation needs to know it."""

    number: int
    opened_at: datetime
    ready: bool = False  #: its socket is open and its history followed
    proved: bool = False  #: it was ready at least once
    released: bool = False  #: let go of for being quiet; resumed by the next message
    joined: bool = False
    joins: int = 0
    join_echoed_at: datetime | None = None
    end_wanted_at: datetime | None = None
    end_echoed: bool = False
    journal: Journal = Journal()
    streams: tuple[Stream, ...] = ()
    shown: tuple[str, ...] = ()  #: message ids that became deliveries; the newest last
    capabilities: Capabilities = Capabilities()
    agent: Author | None = None
    live_agents: dict[str, Author] = {}
    handoff: Handoff = Handoff.NONE
    queue_notice: DeliveryId | None = None
    language: str = ""

    @property
    def cursor(self) -> int:
        """Where to ask the next replay to start."""
        firsts = [s.first_sequence for s in self.streams if s.first_sequence is not None]
        return self.journal.cursor(min(firsts, default=None))


class Wish(enum.StrEnum):
    """Which connection a conversation's state asks for; one reconciler makes it so."""

    NOTHING = "nothing"
    SESSION = "session"  #: open a new session
    SOCKET = "socket"  #: keep a socket of the present session


class Conversation(Value, frozen=True, kw_only=True):
    """One thread of one adapter and its exchange with an agent."""

    id: ConversationId
    adapter: AdapterName
    thread: ThreadKey
    agent: AgentName
    opened_at: datetime
    touched_at: datetime
    deliveries: int = 0  #: how many ids were given out
    sessions: int = 0  #: how many sessions there were
    session: Session | None = None
    wanted: bool = False  #: a session is wanted although nobody said anything
    parked_at: datetime | None = None  #: too many sessions failed; tried again later
    failed_openings: int = 0
    told_unavailable: bool = False
    lost_session: bool = False  #: a session went without a word; the next one must say so
    waiting: tuple[Waiting, ...] = ()
    in_flight: InFlight | None = None
    offered: Offered | None = None
    restart_notice: DeliveryId | None = None  #: the end that still offers to start again

    @property
    def wish(self) -> Wish:
        """Which connection should exist."""
        if self.session is not None:
            return Wish.NOTHING if self.session.released else Wish.SOCKET
        if self.parked_at is not None or not (self.waiting or self.wanted):
            return Wish.NOTHING
        return Wish.SESSION

    @property
    def live(self) -> bool:
        """Whether a restart has anything to take up here."""
        asked = bool(self.waiting) or self.wanted or self.in_flight is not None
        return self.wish is not Wish.NOTHING or asked

    def essence(self) -> "Conversation":
        """What must survive a crash for nothing to be lost or repeated.

        The rest (journal, unfinished streams, who touched it when) comes back by replay.
        """
        session = self.session and msgspec.structs.replace(
            self.session, journal=Journal(), streams=(), ready=False
        )
        return msgspec.structs.replace(self, session=session, touched_at=self.opened_at)


def due(conversation: Conversation, terms: Terms) -> datetime | None:
    """The earliest deadline, after which the conversation wants to be woken."""
    session = conversation.session
    if session is None:
        parked = conversation.parked_at
        again = conversation.waiting or conversation.wanted
        return parked + terms.park_timeout if parked and again else None
    if session.released:
        return None
    deadlines: list[datetime] = []
    if conversation.in_flight is None and not conversation.waiting:
        deadlines.append(idle_due(conversation, session, terms))
    if session.ready:
        if conversation.in_flight is not None:
            deadlines.append(conversation.in_flight.sent_at + terms.echo_timeout)
        elif session.join_echoed_at is not None and not session.joined:
            deadlines.append(session.join_echoed_at + terms.join_timeout)
        deadlines += [stream_due(stream, terms) for stream in session.streams]
    if session.end_wanted_at is not None:
        deadlines.append(session.end_wanted_at + terms.end_timeout)
    return min(deadlines, default=None)


def idle_due(conversation: Conversation, session: Session, terms: Terms) -> datetime:
    """When a conversation in which nothing happens lets go of its socket."""
    if session.handoff is Handoff.NONE:
        return conversation.touched_at + terms.idle_timeout
    return conversation.touched_at + max(terms.idle_timeout, terms.handoff_timeout)


def stream_due(stream: Stream, terms: Terms) -> datetime:
    """When an unfinished stream must be looked after."""
    return stream.touched_at + (terms.stream_gap if stream.complete else terms.stream_stall)
