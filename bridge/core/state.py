"""What does a conversation remember? One frozen value, saved whole by every step that matters."""

import enum
from datetime import datetime

import msgspec

from bridge.core.assembly import Stream
from bridge.core.effects import SendKind
from bridge.core.journal import Journal
from bridge.model.frames import Capabilities
from bridge.model.ids import (
    AdapterName,
    AgentName,
    ConversationId,
    DeliveryId,
    PersonId,
    ThreadKey,
)
from bridge.model.messages import AgentReply, Author, Control, Notice, Person
from bridge.model.value import Value


class Waiting(Value, frozen=True):
    """A person's message the agent has not confirmed; `carried` once its session was lost.

    One that was said `after_end`, while the session was ending, is for the next one.
    """

    delivery: DeliveryId
    text: str
    carried: bool = False
    after_end: bool = False
    person: Person | None = None  #: whose words these are
    origin: str = ""  #: the platform's name of what was said, by which it is changed
    corrects: bool = False  #: it follows something said before under the same origin
    order: str = ""  #: sorts what was said in the thread, as text; empty where that is not known
    #: It was taken back or changed while it was being sent: its words go when its outcome is known.
    forgotten: bool = False


class InFlight(Value, frozen=True, kw_only=True):
    """The one frame whose echo we await. After any doubt, only a replay decides about it."""

    kind: SendKind
    message: Waiting | None = None
    text: str = ""  #: the message as it is sent, who said it included
    attempts: int = 1
    sent_at: datetime
    too_big: bool = False  #: PolyAI closed the socket over its size


class Offered(Value, frozen=True):
    """The suggestions that are live: those of the agent's newest message.

    `revised` is what stands there, if that is no longer what was first posted; else `stands` is,
    as what was posted is kept no longer than until it arrived.
    """

    delivery: DeliveryId
    texts: tuple[str, ...]
    revised: AgentReply | None = None
    stands: AgentReply | None = None


class Line(Value, frozen=True):
    """A number that counts: who says it asks for what `delivery` offers.

    That is a control, or else the suggestion at `index`.
    """

    number: int
    delivery: DeliveryId
    control: Control | None = None
    index: int = 0


class Menu(Value, frozen=True, kw_only=True):
    """The numbers that count, see `menus`; with `only_for` they count from that person alone.

    Where they took the place of others: of which, and when. `shown_at` is when the agent offered
    them, as long as nobody has said anything in that session since.
    """

    lines: tuple[Line, ...]
    shown_at: datetime | None = None
    before: tuple[Line, ...] = ()
    since: datetime | None = None
    only_for: PersonId | None = None


class Heard(Value, frozen=True, kw_only=True):
    """A person's message that PolyAI confirmed at `at`; `answered` once the agent spoke again."""

    delivery: DeliveryId
    text: str
    at: datetime
    answered: bool = False
    person: Person | None = None
    origin: str = ""


class Retry(Value, frozen=True):
    """A text that can be sent once more, as the notice `delivery` offers; said as `message`."""

    delivery: DeliveryId
    notice: Notice
    text: str
    message: str = ""
    person: Person | None = None  #: whose words these are
    origin: str = ""  #: as of what waits


class Told(Value, frozen=True, kw_only=True):
    """A message of the agent as the thread shows it: more of it, or better, may still come.

    `closed` once something else was said: its suggestions are not live any more.
    """

    message_id: str
    deliveries: tuple[DeliveryId, ...]
    reply: AgentReply
    closed: bool = False
    whole: bool = False  #: it came in one piece: no other piece says more


class Grace(Value, frozen=True):
    """A trouble that may pass before anybody needs to hear of it, and what it is `about`."""

    text: str
    until: datetime
    about: Heard | None = None


class Lately(Value, frozen=True, kw_only=True):
    """What a person did or was told a moment ago: the same again needs no second answer."""

    what: str
    person: PersonId
    at: datetime
    delivery: DeliveryId | None = None


class Handoff(enum.StrEnum):
    """Who answers."""

    NONE = "none"
    WAITING = "waiting"  #: for a live agent: asked for, or in a queue
    LIVE = "live"
    BROKEN = "broken"  #: nobody could be reached, and that was told; the agent goes on
    ELSEWHERE = "elsewhere"  #: the operator's own ways out were shown; the agent has left


class Session(Value, frozen=True, kw_only=True):
    """One PolyAI session, as far as the conversation needs to know it."""

    number: int
    opened_at: datetime
    first_delivery: int = 0  #: the count of the conversation's deliveries when it was opened
    expires_at: datetime | None = None  #: when the token does that alone opens its sockets
    ready: bool = False  #: its socket is open and its history followed
    proved: bool = False  #: it was ready at least once
    released: bool = False  #: let go of for being quiet; resumed by the next message
    resumed: bool = False  #: wanted again after that, and not connected yet
    joined: bool = False
    joins: int = 0
    join_echoed_at: datetime | None = None
    join_after: datetime | None = None  #: not to be asked for again before
    end_wanted_at: datetime | None = None
    end_echoed: bool = False
    leaves_queue: bool = False  #: the end is wanted because the wait for a person was too long
    starts_again: bool = False  #: the end is wanted so that another session can follow
    journal: Journal = Journal()
    streams: tuple[Stream, ...] = ()
    shown: str = ""  #: message ids that became deliveries, see `recent`
    told: tuple[Told, ...] = ()  #: the last few of them, as they are shown
    grace: Grace | None = None
    lookups: int = 0  #: how often PolyAI failed to find the session
    start_refused: bool = False  #: and that was told
    signalled_at: datetime | None = None  #: a sign of life is shown since
    hushed_at: datetime | None = None  #: a trouble was told: nothing said before shows one
    capabilities: Capabilities = Capabilities()
    agent: Author | None = None
    live_agents: dict[str, Author] = {}
    handoff: Handoff = Handoff.NONE
    live_agent: str | None = None  #: the id of the person who is there
    gone_agents: tuple[str, ...] = ()  #: the ids of those who have left
    queue_notice: DeliveryId | None = None
    queue_details: dict[str, str] = {}  #: what that notice says
    #: Where it cannot be changed: the place that was told last, and when.
    place_told: str = ""
    place_told_at: datetime | None = None
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
    menu: Menu | None = None
    restart_notice: DeliveryId | None = None  #: the end that still offers to start again
    restart_reason: str = ""  #: and why it came
    retries: tuple[Retry, ...] = ()  #: what the notices in the thread offer to send again
    heard: tuple[Heard, ...] = ()  #: the last few messages the agent received in this session
    speaker: Person | None = None  #: who said something last
    starter: PersonId | None = None  #: who said something first
    people: tuple[PersonId, ...] = ()  #: who spoke in this session, in the order they began
    lately: tuple[Lately, ...] = ()  #: what is not answered twice
    thread_lost: bool = False  #: nothing can be written in the thread, as far as we know
    #: The call by which helpers came into the thread: what is not said to the agent is theirs.
    call: DeliveryId | None = None
    call_told: tuple[DeliveryId, Notice] | None = None  #: the notice that says so

    @property
    def wish(self) -> Wish:
        """Which connection should exist."""
        if self.parked_at is not None:
            return Wish.NOTHING
        if self.session is not None:
            return Wish.NOTHING if self.session.released else Wish.SOCKET
        return Wish.SESSION if self.waiting or self.wanted else Wish.NOTHING

    @property
    def asked(self) -> bool:
        """Whether somebody waits for the agent to be reached."""
        return bool(self.waiting) or self.wanted or self.in_flight is not None

    @property
    def live(self) -> bool:
        """Whether a restart has anything to take up here."""
        return self.asked or (self.session is not None and not self.session.released)

    @property
    def open(self) -> bool:
        """Whether it goes on: it has a session, if a quiet one, or somebody waits for one."""
        return self.asked or self.session is not None

    def essence(self) -> "Conversation":
        """What must survive a crash for nothing to be lost or repeated.

        The rest (journal, unfinished streams, who touched it when) comes back by replay.
        """
        session = self.session and msgspec.structs.replace(
            self.session,
            journal=Journal(),
            streams=(),
            ready=False,
            signalled_at=None,
            hushed_at=None,
        )
        return msgspec.structs.replace(self, session=session, touched_at=self.opened_at)
