"""What the runtime's tests live in: a real store, a clock wound by hand, a platform in memory."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import ThreadKey
from bridge.model.messages import AgentReply
from bridge.plugin import Signal
from bridge.runtime.world import World
from bridge.store import Store, open_store
from bridge.testing.clock import NOON, FakeClock
from tests.unit.store.given import made


class Counted:
    """Names that are counted up."""

    def __init__(self) -> None:
        self._given = 0

    def new(self) -> str:
        self._given += 1
        return f"c{self._given}"


class Even:
    """A die that always falls in the middle: no jitter."""

    def random(self) -> float:
        return 0.5


@dataclass
class House:
    """A store, a world and a group of tasks."""

    store: Store
    tasks: asyncio.TaskGroup
    path: Path
    clock: FakeClock = field(default_factory=FakeClock)
    passed: list[str] = field(default_factory=list)

    @property
    def world(self) -> World:
        """Its time, names and chance; where the run has got to is noted."""
        return World(
            clock=self.clock, ids=Counted(), chance=Even(), reached=lambda p: self.passed.append(p)
        )

    def rows(self, query: str) -> list[Any]:
        """What another process would read from the database at this moment."""
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()

    def states(self) -> dict[str, str]:
        """The state of every delivery."""
        return dict(self.rows("SELECT id, state FROM deliveries ORDER BY conversation, number"))

    def damage(self, statement: str) -> None:
        """Do something to the database behind the bridge's back."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(statement)

    async def until(
        self,
        seen: Callable[[], object],
        *,
        winding: bool = True,
        by: timedelta = timedelta(seconds=1),
    ) -> None:
        """Wait for it; whenever everybody is asleep, a second of theirs passes, or more."""
        deadline = asyncio.get_running_loop().time() + 10
        while not seen():
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError("never seen")
            await asyncio.sleep(0.001)
            if winding and self.clock.sleepers:
                await self.clock.advance(by)

    async def quiet(self) -> None:
        """Give whatever must not happen the time to happen, at this instant."""
        for _ in range(10):
            await self.clock.settle()
            await asyncio.sleep(0.001)

    def seconds(self, instant: datetime) -> float:
        """How long after the beginning."""
        return (instant - NOON).total_seconds()


class _Done(Exception):
    """Makes the group cancel what would go on for ever."""


@asynccontextmanager
async def lived_in(directory: Path) -> AsyncIterator[House]:
    """A house on a database in `directory`; its tasks end with it."""
    async with open_store(made(directory)) as store:
        try:
            async with asyncio.TaskGroup() as tasks:
                yield House(store, tasks, directory / "bridge.db")
                raise _Done
        except* _Done:
            pass


class Plain:
    """A platform that can be posted to and nothing else. `faults` come first, one for each post.

    A fault marked as landed is raised although the message was posted.
    """

    def __init__(self, house: House) -> None:
        self.house = house
        self.faults: list[Exception] = []
        self.landed_faults: list[Exception] = []
        self.posted: list[tuple[str, str]] = []  #: id and text, in order
        self.attempted: list[tuple[str, float]] = []  #: id and when
        self.seen_states: list[str] = []  #: what the database said while we were posting
        self.blocked: dict[str, asyncio.Event] = {}  #: by thread

    async def deliver(self, outbound: Outbound) -> Receipt:
        self.attempted.append((outbound.id, self.house.seconds(self.house.clock.now())))
        self.seen_states.append(self.house.states()[outbound.id])
        if outbound.thread in self.blocked:
            await self.blocked[outbound.thread].wait()
        if self.faults:
            raise self.faults.pop(0)
        self.posted.append((outbound.id, text_of(outbound)))
        if self.landed_faults:
            raise self.landed_faults.pop(0)
        return Receipt(f"at {outbound.id}")


class Full(Plain):
    """A platform that can be searched and changed, too."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.finding_faults: list[Exception] = []
        self.revising_faults: list[Exception] = []
        self.looked: list[tuple[str, float]] = []  #: id, and from when on
        self.revised: list[tuple[str, str, str]] = []  #: id, receipt, text
        self.signals: list[str] = []
        self.signal_faults: list[Exception] = []
        self.signalling = asyncio.Event()  #: cleared, it holds signs of life back
        self.signalling.set()

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        self.looked.append((outbound.id, self.house.seconds(since)))
        if self.finding_faults:
            raise self.finding_faults.pop(0)
        there = any(identity == outbound.id for identity, _ in self.posted)
        return Receipt(f"found {outbound.id}") if there else None

    async def revise(self, outbound: Outbound, receipt: Receipt) -> None:
        if self.revising_faults:
            raise self.revising_faults.pop(0)
        self.revised.append((outbound.id, receipt.reference, text_of(outbound)))

    async def signal(self, thread: ThreadKey, signal: Signal) -> None:
        await self.signalling.wait()
        if self.signal_faults:
            raise self.signal_faults.pop(0)
        self.signals.append(f"{thread}: {signal.kind}")


class Desk(Full):
    """A platform on which people can be called to another place, too."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.places: list[str] = []  #: where was looked

    async def announce(self, outbound: Outbound) -> Receipt:
        return await self.deliver(outbound)

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        self.places.append(outbound.place)
        return await super().find(outbound, since=since)


def text_of(outbound: Outbound) -> str:
    """The text, and what is left of the suggestions."""
    if not isinstance(outbound.content, AgentReply):
        where = f"in {outbound.place}: " if outbound.place else ""
        return f"{where}{outbound.content.kind}"
    chosen = outbound.content.chosen
    suggestions = "/".join(s.text for s in outbound.content.suggestions)
    marks = (f"[{suggestions}]" if suggestions else "") + (f"<{chosen.text}>" if chosen else "")
    return f"{outbound.content.text} {marks}".strip()


class Lively(Full):
    """A platform that lets only so much through at a time and shows messages growing, too."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.turns: list[tuple[str, bool, str]] = []  #: id, whether revising, the row's state
        self.turn_faults: list[BaseException] = []
        self.gate = asyncio.Event()  #: cleared, it holds turns back
        self.gate.set()
        self.asked: list[Outbound] = []  #: whatever waited for its turn
        self.grown: list[tuple[str, str, str]] = []  #: id, receipt, text
        self.growing_faults: list[Exception] = []
        self.growing = asyncio.Event()  #: cleared, it holds growth back
        self.growing.set()

    async def turn(self, outbound: Outbound, *, revising: bool = False) -> None:
        states = [state for state in self.house.states().values() if state != "sent"]
        self.turns.append((outbound.id, revising, states[0]))
        self.asked.append(outbound)
        await self.gate.wait()
        if self.turn_faults:
            raise self.turn_faults.pop(0)

    async def grow(self, outbound: Outbound, receipt: Receipt) -> None:
        self.grown.append((outbound.id, receipt.reference, text_of(outbound)))
        await self.growing.wait()
        if self.growing_faults:
            raise self.growing_faults.pop(0)
