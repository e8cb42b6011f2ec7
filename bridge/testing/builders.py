"""What is the shortest way to say it? Frames, people, and a conversation driven by hand."""

import itertools
from datetime import datetime, timedelta
from typing import TypeVar

from bridge.core import events as e
from bridge.core.conversation import step
from bridge.core.due import due
from bridge.core.effects import Effect, Owe, Transmit
from bridge.core.state import Conversation, Session
from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.delivery import Ask, Post, Replace, ThreadBody
from bridge.model.ids import AdapterName, AgentName, ConversationId, DeliveryId, PersonId, ThreadKey
from bridge.model.messages import AgentReply, Content, Notice, NoticeKind, Person, Suggestion
from bridge.testing.clock import NOON

ANN = Person(PersonId("U1"), "Ann")
BOB = Person(PersonId("U2"), "Bob")

EffectT = TypeVar("EffectT", bound=Effect)


def conversation(identity: str = "c1") -> Conversation:
    """A conversation nobody has said anything in."""
    return Conversation(
        id=ConversationId(identity),
        adapter=AdapterName("slack"),
        thread=ThreadKey("C1:1.0"),
        agent=AgentName("default"),
        opened_at=NOON,
        touched_at=NOON,
    )


def frame(body: f.FrameBody, sequence: int | None = None, **custom: str) -> f.Frame:
    """A frame as the wire decoder would give it."""
    identity = "" if sequence is None else f"f{sequence}"
    return f.Frame(id=identity, sequence=sequence, body=body, custom=custom)


def said(text: str, message_id: str = "", *suggestions: str, ends: bool = False) -> f.AgentMessage:
    """A whole message of the agent."""
    return f.AgentMessage(
        message_id=message_id,
        text=text,
        suggestions=tuple(Suggestion(s) for s in suggestions),
        ends_conversation=ends,
    )


def piece(
    text: str, index: int | None, message_id: str = "m", *, complete: bool = False
) -> f.AgentChunk:
    """A piece of a streamed message."""
    return f.AgentChunk(message_id=message_id, text=text, index=index, complete=complete)


class Talk:
    """A conversation driven by hand: facts in, and what came of the last one out.

    Frames are numbered as they come unless a number is given; the clock stands still unless told.
    """

    def __init__(self, terms: Terms | None = None) -> None:
        self.terms = terms or Terms()
        self.now: datetime = NOON
        self.conversation = conversation()
        self.effects: tuple[Effect, ...] = ()
        self.thread: list[tuple[DeliveryId, ThreadBody]] = []
        self._numbers = itertools.count(1)

    @property
    def session(self) -> Session:
        """The present session; there must be one."""
        if self.conversation.session is None:
            raise AssertionError("there is no session")
        return self.conversation.session

    @property
    def due(self) -> datetime | None:
        """When the conversation wants to be woken."""
        return due(self.conversation, self.terms)

    def take(self, event: e.Event) -> "Talk":
        """One event, now."""
        self.conversation, self.effects = step(self.conversation, event, self.now, self.terms)
        self.thread += [(owe.id, owe.body) for owe in self.of(Owe) if not isinstance(owe.body, Ask)]
        return self

    def of(self, kind: type[EffectT]) -> list[EffectT]:
        """The effects of this kind that the last event had."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    @property
    def sent(self) -> list[str]:
        """What the last event sent to the agent: texts, or the kind of frame."""
        return [sent.text or sent.kind.value for sent in self.of(Transmit)]

    @property
    def contents(self) -> list[Content]:
        """What the last event posted or changed in the thread."""
        bodies = [owe.body for owe in self.of(Owe)]
        return [body.content for body in bodies if isinstance(body, Post | Replace)]

    @property
    def texts(self) -> list[str]:
        """What the agent says in the thread by the last event."""
        return [c.text for c in self.contents if isinstance(c, AgentReply)]

    @property
    def notices(self) -> list[NoticeKind]:
        """What the bridge says in the thread by the last event."""
        return [c.kind for c in self.contents if isinstance(c, Notice)]

    def say(self, text: str, person: Person = ANN) -> "Talk":
        """A person says something."""
        return self.take(e.MessageAccepted(text, person))

    def click(self, delivery: DeliveryId, index: int, person: Person = ANN) -> "Talk":
        """A person chooses a suggestion."""
        return self.take(e.ChoiceAccepted(delivery, index, person))

    def opened(self) -> "Talk":
        """PolyAI gives a session."""
        return self.take(e.SessionOpened(self.conversation.sessions + 1))

    def ready(self) -> "Talk":
        """The socket is open and its history followed."""
        return self.take(e.SocketReady(self.session.number))

    def lost(self) -> "Talk":
        """The socket drops."""
        return self.take(e.SocketLost(self.session.number))

    def gone(self, *, ended: bool = False) -> "Talk":
        """PolyAI no longer knows the session."""
        return self.take(e.SessionLost(self.session.number, ended=ended))

    def hear(
        self,
        body: f.FrameBody,
        sequence: int | None = None,
        *,
        replayed: bool = False,
        custom: dict[str, str] | None = None,
    ) -> "Talk":
        """PolyAI sends a frame in the present session, with the next number unless given one."""
        number = next(self._numbers) if sequence is None else sequence
        arrived = frame(body, number, **(custom or {}))
        return self.take(e.FrameArrived(self.session.number, arrived, replayed=replayed))

    def hear_transient(self, body: f.FrameBody) -> "Talk":
        """PolyAI sends a frame without a number."""
        return self.take(e.FrameArrived(self.session.number, frame(body)))

    def echo(self, text: str, delivery: str = "") -> "Talk":
        """PolyAI echoes a message, with our id if it is given."""
        custom = {"client_event_id": delivery} if delivery else None
        return self.hear(f.MessageEchoed(text=text), custom=custom)

    def wait(self, duration: timedelta) -> "Talk":
        """Time passes, and then the deadline is looked at."""
        self.now += duration
        return self.take(e.Woke())

    def joined(self, name: str = "Poly") -> "Talk":
        """From nothing to an agent that has joined session 1, with nothing in flight."""
        self.take(e.StartRequested()).opened().ready()
        self.hear(f.JoinEchoed())
        return self.hear(f.AgentJoined(name=name))
