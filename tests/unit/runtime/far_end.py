"""PolyAI as one conversation's keeper meets it: calls and sockets that come out as planned.

Between the keeper and the core stands a desk that takes real steps, in memory.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import msgspec

from bridge.core import events as e
from bridge.core.state import Conversation
from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.frames import Frame
from bridge.model.ids import AgentName, ConversationId
from bridge.model.messages import Person
from bridge.polyai.api import AgentConnection, Api, Enter, OpenedSession
from bridge.polyai.socket import SocketClosed, Sockets
from bridge.polyai.tokens import Secret
from bridge.polyai.wire import Decoded
from bridge.runtime.connecting.agents import AgentDoor
from bridge.runtime.connecting.holding import Hold
from bridge.runtime.connecting.keeping import Means
from bridge.runtime.connecting.pace import Pace
from bridge.runtime.connecting.sessions import Sessions
from bridge.runtime.deciding import Mail, decide
from bridge.runtime.reporting.noting import Hops
from bridge.runtime.watching.status import Status
from bridge.runtime.worker import Worker
from bridge.runtime.world import World
from bridge.store import NewSession, Notes, Sealer, SessionRecord, Store
from bridge.testing.builders import ANN, conversation, frame
from bridge.testing.clock import NOON, FakeClock
from tests.unit.runtime.house import Counted, Even

TOKEN = "e30.e30.x"  # a JWT that never expires
C1 = ConversationId("c1")


class Line:
    """One socket, as far as its far end decides: what comes, and when it closes."""

    def __init__(self, *found: Frame, closes: int | None = None, silent: bool = False) -> None:
        self.sent: list[str] = []
        self.pings = 0
        self.pongs = True
        self.stuck = False  #: our frames are not taken any more
        self.closed_by_us = False
        self._found = found
        self._silent = silent
        self._closes = closes
        self._coming: asyncio.Queue[Decoded | int | None] = asyncio.Queue()
        self._ended = asyncio.Event()

    def history(self, *found: Frame) -> None:
        self._coming.put_nowait(Decoded(frames=found, batch=True))

    def say(self, one: Frame) -> None:
        self._coming.put_nowait(Decoded(frames=(one,)))

    def close_with(self, code: int | None) -> None:
        """Close after all that is on the way."""
        self._coming.put_nowait(code)

    async def frames(self) -> AsyncIterator[Decoded]:
        if self._closes is not None:
            self.close_with(self._closes)
        elif not self._silent:
            self.history(*self._found)
        while True:
            coming = asyncio.ensure_future(self._coming.get())
            ended = asyncio.ensure_future(self._ended.wait())
            await asyncio.wait((coming, ended), return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            if not coming.done():
                coming.cancel()
                raise SocketClosed(1001, clean=True, ours=True)
            match coming.result():
                case Decoded() as decoded:
                    yield decoded
                case code:
                    raise SocketClosed(code, clean=code is not None)

    async def send(self, text: str) -> None:
        self.sent.append(text)
        if self.stuck:
            await asyncio.Event().wait()

    async def ping(self) -> None:
        self.pings += 1
        if not self.pongs:
            await self._ended.wait()
            raise SocketClosed(1001, clean=True, ours=True)

    async def close(self, _code: int = 1000) -> None:
        self.closed_by_us = True
        self._ended.set()


@dataclass
class Connects:
    """What each connect comes to, the last one for ever; and when they were made."""

    clock: FakeClock
    plan: list[Exception | Callable[[], Line]] = field(default_factory=lambda: [Line])
    lines: list[Line] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    cursors: list[int] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)

    async def connect(
        self, _where: AgentConnection, *, session_id: str, token: str, cursor: int
    ) -> Line:
        assert token
        self.at.append((self.clock.now() - NOON).total_seconds())
        self.cursors.append(cursor)
        self.sessions.append(session_id)
        planned = self.plan[0] if len(self.plan) == 1 else self.plan.pop(0)
        if isinstance(planned, Exception):
            raise planned
        self.lines.append(planned())
        return self.lines[-1]

    @property
    def waits(self) -> list[float]:
        """How long after one connect the next was made."""
        return [later - earlier for earlier, later in zip(self.at, self.at[1:], strict=False)]


@dataclass
class Calls:
    """What each opening of a session comes to, the last one for ever; and when it was asked for."""

    clock: FakeClock
    plan: list[Exception | OpenedSession | None] = field(default_factory=lambda: [None])
    at: list[float] = field(default_factory=list)
    takes: timedelta = timedelta(0)  #: for an answer

    async def open_session(self, enter: Enter) -> OpenedSession:
        await enter()
        self.at.append((self.clock.now() - NOON).total_seconds())
        planned = self.plan[0] if len(self.plan) == 1 else self.plan.pop(0)
        await enter()
        if self.takes:
            await self.clock.sleep(self.takes)
        if isinstance(planned, Exception):
            raise planned
        return planned or opened(f"s{len(self.at)}")

    async def prove(self, enter: Enter) -> str:
        await enter()
        return "proved"


def opened(session_id: str, token: str = TOKEN) -> OpenedSession:
    return OpenedSession(
        session_id=session_id, token=Secret(token), expires_at=None, correlation_id="their-1"
    )


class Unsealed:
    """A sealer that hides nothing."""

    def seal(self, text: str) -> str:
        return text


class Desk:
    """The worker and the store: steps are taken at once, in memory."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.hops = Hops(Notes())
        self.terms = Terms(idle_timeout=timedelta(days=1))
        self.conversations: dict[ConversationId, Conversation] = {}
        self.records: dict[tuple[ConversationId, int], NewSession] = {}
        self.told: list[tuple[ConversationId, e.Event]] = []
        self.sessions: Sessions | None = None
        self.readings: list[int] = []  #: how many records were asked for, each time

    async def tell(self, identity: ConversationId, *mail: Mail) -> None:
        for one in mail:
            self.told.append((identity, one.event))
            if one.session is not None:
                self.records[identity, one.session.number] = one.session
        before = self.conversations[identity]
        decision = decide(before, list(mail), self.clock.now(), self.terms)
        self.conversations[identity] = decision.conversation
        assert self.sessions is not None
        for effect in decision.effects:
            if type(effect).__name__ == "Transmit":
                await self.sessions.transmit(identity, effect)  # type: ignore[arg-type]
        self.sessions.reconcile(decision.conversation)

    hear = tell

    def present(self, identity: ConversationId) -> Conversation | None:
        return self.conversations.get(identity)

    async def sessions_of(
        self, wanted: Mapping[tuple[ConversationId, int], Sealer]
    ) -> list[SessionRecord]:
        self.readings.append(len(wanted))
        return [
            SessionRecord(
                conversation=identity,
                number=number,
                session_id=kept.session_id,
                token=kept.sealed_token,
                opened_at=NOON,
                expires_at=None,
                closed_at=None,
            )
            for identity, number in wanted
            if (kept := self.records.get((identity, number))) is not None
        ]

    def change_session(self, identity: ConversationId = C1, **fields: object) -> None:
        """As if a step had changed the session."""
        present = self.conversations[identity]
        session = present.session
        assert session is not None
        changed = msgspec.structs.replace(session, **fields)
        self.conversations[identity] = msgspec.structs.replace(present, session=changed)


class FarEnd:
    """One agent, its far end, and the keepers of its conversations."""

    def __init__(self, tasks: asyncio.TaskGroup, *, per_second: float = 1000.0) -> None:
        self.clock = FakeClock()
        self.status = Status()
        self.desk = Desk(self.clock)
        self.calls = Calls(self.clock)
        self.connects = Connects(self.clock)
        world = World(clock=self.clock, ids=Counted(), chance=Even())
        pace = Pace(self.clock, Even(), per_second)
        connection = AgentConnection(base_url="http://x", connector_token="c-t0k", host="h")
        self.door = AgentDoor(
            name=AgentName("default"),
            connection=connection,
            api=cast("Api", self.calls),
            pace=pace,
            hold=Hold(self.clock),
            sealer=cast("Sealer", Unsealed()),
            idle_timeout=timedelta(days=1),
            echo_timeout=timedelta(seconds=10),
            reconnect_max=timedelta(seconds=30),
        )
        means = Means(
            store=cast("Store", self.desk),
            worker=cast("Worker", self.desk),
            world=world,
            agents={self.door.name: self.door},
            sockets=cast("Sockets", self.connects),
            pace=pace,
            status=self.status,
        )
        self.sessions = Sessions(means, tasks)
        self.desk.sessions = self.sessions

    async def say(
        self, text: str = "hello", identity: ConversationId = C1, person: Person = ANN
    ) -> None:
        """Somebody says it: a session is wished for."""
        self.desk.conversations.setdefault(identity, conversation(identity))
        await self.desk.tell(identity, Mail(e.MessageAccepted(text, person)))
        await self.clock.settle()

    async def passes(self, seconds: float) -> None:
        await self.clock.advance(timedelta(seconds=seconds))

    async def connected(self, **capabilities: int | None) -> Line:
        """A session whose socket is open, its history followed, its agent there."""
        start = f.SessionStarted(f.Capabilities(**capabilities))  # type: ignore[arg-type]
        self.connects.plan.insert(0, lambda: Line(frame(start, 1)))
        await self.say()
        await self.passes(1)
        line = self.line
        line.say(frame(f.JoinEchoed(), 2))
        line.say(frame(f.AgentJoined(), 3))
        await self.passes(0)
        line.say(frame(f.MessageEchoed("m1", "hello"), 4))
        await self.passes(0)
        return line

    @property
    def line(self) -> Line:
        """The newest socket."""
        return self.connects.lines[-1]

    def told(self, kind: type[e.Event]) -> list[e.Event]:
        """What was told of this kind."""
        return [event for _, event in self.desk.told if isinstance(event, kind)]

    @property
    def conversation(self) -> Conversation:
        """The one conversation."""
        return self.desk.conversations[C1]


class _Done(Exception):
    """Makes the group cancel what would go on for ever."""


@asynccontextmanager
async def played(*, per_second: float = 1000.0) -> AsyncIterator[FarEnd]:
    """A far end, whose tasks end with the body."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield FarEnd(tasks, per_second=per_second)
            raise _Done
    except* _Done:
        pass
