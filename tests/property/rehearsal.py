"""The whole journey of a conversation, rehearsed: process, store, socket and agent, all modelled.

Only the core and `deciding` are real. The store is the last committed bytes; the socket is two
queues that a drop empties; the process can die at any moment and be born again from the store.
What must hold meanwhile is checked as it happens, what must hold in the end by `laws`.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from bridge.core import events as e
from bridge.core.due import due
from bridge.core.effects import Grow, Recycle, Transmit
from bridge.core.handoff_rules import HandoffRule
from bridge.core.ordering import Arrivals
from bridge.core.state import Conversation, Wish
from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.delivery import Ask, DeliveryState, Post
from bridge.model.ids import DeliveryId, EntryId, ThreadKey
from bridge.model.inbound import (
    Clicked,
    Deleted,
    Edited,
    EndAsked,
    Inbound,
    InboundBody,
    RetryAsked,
    Said,
    StartAsked,
    StatusAsked,
)
from bridge.model.messages import AgentReply
from bridge.runtime.deciding import Decision, Mail, decide, entry_mail
from bridge.store import Entry, NewSession, TakeStep
from bridge.testing.builders import ANN, conversation
from bridge.testing.clock import NOON
from tests.property.modelled_agent import ModelledSession, law
from tests.property.witness import Owed, Witness

#: An agent that was asked but does not come is asked again: right in life, where no socket holds a
#: frame back so long, but outside these laws.
TERMS = Terms(
    join_timeout=timedelta(days=3650),
    handoffs=(HandoffRule(queue_name="desk", place="C9"),),
    stream_beginning=8,
)
#: How long a token lives that does not live for ever.
LIFETIME = timedelta(minutes=10)

Move = tuple[str, int]


@dataclass
class Batch:
    """A batch of history; None for the quiet after the last of them."""

    frames: tuple[f.Frame, ...] | None


@dataclass
class ModelledSocket:
    """Two queues between a session and the process."""

    session: ModelledSession
    arrivals: Arrivals
    queued: int  #: how much of the journal was put into the queue
    to_client: deque[Batch | f.Frame] = field(default_factory=deque)
    to_agent: deque[Transmit] = field(default_factory=deque)


class Rehearsal:
    """A conversation and its world; each public verb is one thing that can happen."""

    def __init__(self, *, echo_metadata: bool = True, streaming: bool = False) -> None:
        self.now = NOON
        self.terms = msgspec.structs.replace(TERMS, streaming=streaming)
        self.echo_metadata = echo_metadata
        self.conversation = conversation()
        self.committed = msgspec.json.encode(self.conversation)
        self.entries: list[Entry] = []
        self.done: set[EntryId] = set()
        self.witness = Witness()
        self.owed: dict[DeliveryId, Owed] = {}
        self.settled: dict[DeliveryId, DeliveryState] = {}
        self.changed: dict[DeliveryId, DeliveryId] = {}  #: what stands for which first words
        self.sessions: dict[int, ModelledSession] = {}
        self.forgotten: list[int] = []
        self.connects = 0
        self.tokens_die: dict[int, datetime] = {}
        self.lives = 1
        self.hurried = False  #: a frame was followed before one that was merely late
        self.mail: list[Mail] = []
        self.socket: ModelledSocket | None = None
        self._doom = ""

    def play(self, moves: list[Move]) -> None:
        """Everything that happens, then peace, until nothing is left to do."""
        verbs: dict[str, Callable[[int], None]] = {
            name: getattr(self, name) for name in {name for name, _ in moves}
        }
        for name, whim in moves:
            verbs[name](whim)
            self._queue_news()
        self._find_peace()

    # What people do

    def say(self, whim: int) -> None:
        text = "ok" if whim % 3 == 0 else f"word {len(self.entries)}"
        self._accept(Said(text), lazily=whim % 4 == 1, opens=whim % 5 == 0)

    def click(self, whim: int) -> None:
        offers = [
            i
            for i, body in self.owed.items()
            if isinstance(body, Post)
            and isinstance(body.content, AgentReply)
            and body.content.suggestions
        ]
        if offers:
            self._accept(Clicked(offers[-1 - whim % min(2, len(offers))], 0), lazily=whim % 2 == 1)

    def retry(self, whim: int) -> None:
        """Somebody presses a button that sends a text again; perhaps for the second time."""
        offers = list(self.witness.controls)
        if offers:
            self._accept(RetryAsked(offers[-1 - whim % min(3, len(offers))]), lazily=whim % 2 == 1)

    def start(self, whim: int) -> None:
        """Somebody starts again: of their own accord, or as some notice once offered."""
        stood = list(self.witness.standing)
        offered = stood[-1 - whim // 2 % len(stood)] if stood and whim % 2 else None
        self._accept(StartAsked(offered), lazily=False)

    def edit(self, whim: int) -> None:
        """Somebody changes what they said not long ago."""
        self._change(lambda origin: Edited(origin, f"edit {len(self.entries)}"), whim)

    def delete(self, whim: int) -> None:
        """Or takes it back."""
        self._change(Deleted, whim)

    def _change(self, change: Callable[[str], InboundBody], whim: int) -> None:
        said = [entry.inbound for entry in self.entries if isinstance(entry.inbound.body, Said)]
        if said:
            origin = said[-1 - whim // 2 % min(4, len(said))].identities[0]
            self._accept(change(origin), lazily=whim % 2 == 1)

    def ask(self, _: int) -> None:
        """Somebody asks how things stand."""
        self._accept(StatusAsked(), lazily=False)

    def end(self, _: int) -> None:
        self._accept(EndAsked(), lazily=False)

    def _accept(self, body: InboundBody, *, lazily: bool, opens: bool = False) -> None:
        number = len(self.entries)
        inbound = Inbound(
            thread=ThreadKey("C1:1.0"),
            identities=(str(number),),
            order=f"{number:06}",
            person=ANN,
            at=self.now,
            body=body,
            opens=opens,
        )
        entry = Entry(id=EntryId(number), conversation=self.conversation.id, inbound=inbound)
        self.entries.append(entry)
        self.mail.append(entry_mail(entry))
        if not lazily:
            self._work()

    # What the agent does

    def serve(self, whim: int) -> None:
        """The agent takes what was sent."""
        if self.socket is not None and self.socket.to_agent:
            self.socket.session.take(self.socket.to_agent.popleft(), whim)
            self._queue_news()

    def speak(self, whim: int) -> None:
        """The agent says something unasked."""
        for session in self._present():
            if session.joins:
                session.speak(whim)

    def goodbye(self, _: int) -> None:
        """The agent ends it."""
        for session in self._present():
            session.say_goodbye()

    def forget_agent(self, _: int) -> None:
        """PolyAI forgets the agent, and says so to the next message."""
        for session in self._present():
            session.forget_agent()

    def go_on(self, whim: int) -> None:
        """A stream that had stalled goes on."""
        for session in self._present():
            session.go_on(whim)

    def complain(self, whim: int) -> None:
        """PolyAI says that something is wrong."""
        for session in self._present():
            session.complain(whim)

    def refuse_start(self, whim: int) -> None:
        """The agent will not start when it is asked to, once or twice."""
        for session in self._present():
            session.starts_refused = 1 + whim % 2

    def refer(self, _: int) -> None:
        """The agent leaves the person to other helpers."""
        for session in self._present():
            session.refer()

    def vanish(self, _: int) -> None:
        """The session is gone, without a word."""
        for session in self._present():
            session.alive = False
            self.drop(0)

    def _present(self) -> list[ModelledSession]:
        present = self.conversation.session
        return [self.sessions[present.number]] if present is not None else []

    # What the network does

    def connect(self, whim: int) -> None:
        """Whatever connection is wished for comes about."""
        self._work()
        wish = self.conversation.wish
        if wish is Wish.SESSION:
            self._open(whim)
        elif wish is Wish.SOCKET and self.socket is None:
            self._connect(whim)
        if whim >= 32:
            self.deliver(7)

    def _open(self, whim: int) -> None:
        number = self.conversation.sessions + 1
        self.sessions[number] = ModelledSession(number, self.echo_metadata)
        new = NewSession(
            number=number, session_id=str(number), sealed_token="", expires_at=self.now
        )
        expires_at = self.now + LIFETIME if whim % 4 == 1 else None
        if expires_at is not None:
            self.tokens_die[number] = expires_at
        self._tell(Mail(e.SessionOpened(number, expires_at), session=new))

    def _connect(self, whim: int) -> None:
        session = self.conversation.session
        if session is None:
            return
        there = self.sessions[session.number]
        self.connects += 1
        dead = self.tokens_die.get(session.number, self.now) < self.now
        if dead or not there.alive or (there.ended and whim % 4 == 3):
            self._tell(Mail(e.SessionLost(session.number)))
            return
        asked = (session.cursor, session.cursor // 2, 0)[min(whim % 8, 2)]
        frames = there.after(asked)
        cut = (whim // 8) * len(frames) // 8
        self.socket = ModelledSocket(
            there, Arrivals(after=session.cursor), queued=len(there.journal)
        )
        self.socket.to_client += (
            Batch(tuple(frames[:cut])),
            Batch(tuple(frames[cut:])),
            Batch(None),
        )

    def unavailable(self, whim: int) -> None:
        """PolyAI gives no session, or the session no socket, so often that it is told."""
        self._work()
        session, wish = self.conversation.session, self.conversation.wish
        if wish is Wish.SESSION:
            self._tell(Mail(e.SessionUnavailable()))
        elif wish is Wish.SOCKET and session is not None and self.socket is None and whim % 2:
            self._tell(Mail(e.SocketUnavailable(session.number)))

    def deliver(self, whim: int) -> None:
        """Some of what was sent to us arrives."""
        for _ in range(1 + whim % 8):
            socket = self.socket
            if socket is not None and socket.to_client:
                self._receive(socket, socket.to_client.popleft())

    def _receive(self, socket: ModelledSocket, item: Batch | f.Frame) -> None:
        if isinstance(item, f.Frame):
            self._follow(socket, socket.arrivals.live(item, self.now), replayed=False)
        elif item.frames is not None:
            self._follow(socket, socket.arrivals.history(item.frames), replayed=True)
        else:
            self._follow(socket, socket.arrivals.settle(self.now), replayed=False)
            if self.socket is socket:
                self._tell(Mail(e.SocketReady(socket.session.number)))

    def _follow(
        self, socket: ModelledSocket, frames: tuple[f.Frame, ...], *, replayed: bool
    ) -> None:
        number = socket.session.number
        self._tell(*(Mail(e.FrameArrived(number, frame, replayed=replayed)) for frame in frames))

    def drop(self, whim: int) -> None:
        """The socket breaks; what was under way is lost, or the agent still got it."""
        if self.socket is not None:
            while whim % 2 and self.socket.to_agent:
                self.serve(whim)
            self._lose_socket()
        self._work()

    def _lose_socket(self) -> None:
        if self.socket is not None:
            self.mail.append(Mail(e.SocketLost(self.socket.session.number)))
            self.socket = None

    def repeat(self, whim: int) -> None:
        """A frame is sent to us twice."""
        queue = self._live_queue()
        if queue:
            at = whim % len(queue)
            if isinstance(queue[at], f.Frame):
                queue.insert(min(len(queue), at + whim // 8), queue[at])

    def swap(self, whim: int) -> None:
        """Two neighbours change places; a single frame may overtake history, never the reverse."""
        queue = self._live_queue()
        if queue is not None and len(queue) > 1:
            at = whim % (len(queue) - 1)
            if isinstance(queue[at + 1], f.Frame):
                queue[at], queue[at + 1] = queue[at + 1], queue[at]

    def _live_queue(self) -> deque[Batch | f.Frame] | None:
        return self.socket.to_client if self.socket is not None else None

    def _queue_news(self) -> None:
        socket = self.socket
        if socket is not None:
            news = socket.session.journal[socket.queued :]
            socket.to_client += news
            socket.queued += len(news)

    # What time does

    def tick(self, _: int) -> None:
        """It becomes late enough for the next deadline."""
        self._work()
        deadline = due(self.conversation, self.terms)
        if deadline is None or deadline > self.now + timedelta(days=1):
            return
        self.now = max(self.now, deadline)
        lives = self.lives
        self._tell(Mail(e.Woke()))
        again = due(self.conversation, self.terms)
        forever = again is not None and again <= self.now and lives == self.lives
        law(not forever, "it would be woken for ever")

    def sleep(self, whim: int) -> None:
        """Minutes pass, and nobody looks at the deadlines one by one."""
        self.now += timedelta(seconds=whim * 11)
        self._tell(Mail(e.Woke()))

    def delay(self, whim: int) -> None:
        """A frame is overtaken, and comes only after the other was waited for and followed."""
        self.deliver(whim // 8)
        socket = self.socket
        if socket is None or not socket.to_client or not isinstance(socket.to_client[0], f.Frame):
            return
        late = socket.to_client.popleft()
        socket.to_client.insert(1 + whim % 3, late)
        self.deliver(whim % 3)
        self.overdue(0)

    def overdue(self, _: int) -> None:
        """A missing frame was waited for long enough."""
        socket = self.socket
        if socket is None or socket.arrivals.due is None:
            return
        self.now = max(self.now, socket.arrivals.due)
        released = socket.arrivals.overdue(self.now)
        late = [i.sequence or 0 for i in socket.to_client if isinstance(i, f.Frame)]
        last = max((frame.sequence or 0 for frame in released), default=0)
        self.hurried |= any(sequence < last for sequence in late)
        self._follow(socket, released, replayed=False)

    # What the process does

    def crash(self, whim: int) -> None:
        """The process dies: now, or around its next commit."""
        self._doom = ("", "before commit", "after commit")[whim % 3]
        if not self._doom:
            self._die(whim)

    def _die(self, whim: int = 0) -> None:
        self._doom = ""
        self.lives += 1
        while whim % 2 and self.socket is not None and self.socket.to_agent:
            self.serve(whim)
        self.socket = None
        self.conversation = msgspec.json.decode(self.committed, type=Conversation)
        session = self.conversation.session
        if session is not None:
            lost = [Mail(e.SocketLost(session.number))]
            self.conversation = decide(self.conversation, lost, self.now, self.terms).conversation
        self.mail = [entry_mail(entry) for entry in self.entries if entry.id not in self.done]

    def _tell(self, *mail: Mail) -> None:
        self.mail += mail
        self._work()

    def _work(self) -> None:
        while self.mail:
            mail, self.mail = self.mail, []
            decision = decide(self.conversation, mail, self.now, self.terms)
            if decision.change is not None:
                doom, self._doom = self._doom, ""
                if doom == "before commit":
                    self._die()
                    continue
                self._commit(decision.change, mail)
                self.witness.stepped(self.conversation, decision.conversation, mail)
                if doom:
                    self._die()
                    continue
            if decision.change is None:
                self.witness.stepped(self.conversation, decision.conversation, mail)
            self.conversation = decision.conversation
            self._carry_out(decision)
            self._check_cursor()

    def _commit(self, change: TakeStep, mail: list[Mail]) -> None:
        self.committed = msgspec.json.encode(change.conversation)
        again = msgspec.json.decode(self.committed, type=Conversation)
        law(again == change.conversation, "the store gives back something else")
        self.done.update(change.done)
        said = {entry.id: entry.inbound for entry in self.entries}
        self.witness.committed(self.conversation, change, mail, said)
        for identity, body in change.owed:
            law(identity not in self.owed, "two deliveries have one id")
            self.owed[identity] = body
        self._note_changes(change)
        for outcome in change.settled:
            law(outcome.id not in self.settled, "a message was settled twice")
            self.settled[outcome.id] = outcome.state
        for number in change.forgotten:
            law(number not in self.forgotten, "a session was left twice")
            self.forgotten.append(number)
            self.sessions[number].end_followed = _reads_end(mail)

    def _note_changes(self, change: TakeStep) -> None:
        """What was changed before it was sent keeps the place of what it stands for."""
        old = [s.id for s in change.settled if s.reference == "changed before it was sent"]
        bodies = [e.inbound.body for e in self.entries if e.id in change.done]
        edits = {body.text for body in bodies if isinstance(body, Edited)}
        new = [i for i, body in change.owed if isinstance(body, Ask) and body.text in edits]
        for before, after in zip(old, new, strict=True):
            self.changed[after] = self.changed.get(before, before)

    def _carry_out(self, decision: Decision) -> None:
        for effect in decision.effects:
            if isinstance(effect, Transmit) and effect.delivery is not None:
                dropped = self.settled.get(effect.delivery) is DeliveryState.DROPPED
                law(not dropped, "the agent is sent what was changed or taken back before")
            if isinstance(effect, Grow):
                self.witness.grew(effect)
            socket = self.socket
            if isinstance(effect, Transmit | Recycle) and socket is not None:
                if effect.number != socket.session.number:
                    continue
                if isinstance(effect, Transmit):
                    socket.to_agent.append(effect)
                else:
                    self._lose_socket()
        session = self.conversation.session
        if self.socket is not None and (
            session is None or session.released or session.number != self.socket.session.number
        ):
            self._lose_socket()

    def _check_cursor(self) -> None:
        """What a replay from the cursor would not bring back has been shown."""
        session = self.conversation.session
        if session is None:
            return
        shown = set(self.witness.posts())
        for told in self.sessions[session.number].told:
            loose = told.goes_on or told.name in self.witness.cut_short or not told.versions
            stands = any(version.text in shown for version in told.versions)
            law(
                stands or loose or session.cursor < told.versions[0].first,
                "the cursor passed something unfinished",
            )

    def calm(self, whim: int) -> None:
        """For a while nothing goes wrong."""
        for _ in range(whim):
            self._work()
            self._queue_news()
            if not self._move_on():
                return

    # In the end

    def _find_peace(self) -> None:
        self._doom = ""
        if self.conversation.session is not None and self.conversation.session.released:
            self._accept(Said(""), lazily=False, opens=True)
        for _ in range(1000):
            self._work()
            self._queue_news()
            if not self._move_on():
                return
        law(holds=False, broken="it never comes to rest")

    def _move_on(self) -> bool:
        """The next thing that happens when nothing goes wrong; whether there was one."""
        state, socket = self.conversation, self.socket
        if state.wish is Wish.SESSION or (state.wish is Wish.SOCKET and socket is None):
            self.connect(0)
        elif socket is not None and socket.to_agent:
            self.serve(1)
        elif socket is not None and socket.to_client:
            self.deliver(0)
        elif socket is not None and socket.arrivals.due is not None:
            self.overdue(0)
        elif self._unfinished(state):
            self.tick(0)
        else:
            return False
        return True

    def _unfinished(self, state: Conversation) -> bool:
        session = state.session
        parked = state.parked_at is not None and (session is not None or state.wanted)
        if state.waiting or state.in_flight or parked:
            return True
        return (
            session is not None
            and not session.released
            and bool(
                any(not stream.told for stream in session.streams)
                or session.end_wanted_at
                or session.grace
                or not session.joined
            )
        )


def _reads_end(mail: list[Mail]) -> bool:
    bodies = [m.event.frame.body for m in mail if isinstance(m.event, e.FrameArrived)]
    gone = any(isinstance(body, f.SystemMessage) for body in bodies)
    return not gone and any(
        isinstance(body, f.SessionEnded)
        or (isinstance(body, f.AgentMessage) and body.ends_conversation)
        for body in bodies
    )
