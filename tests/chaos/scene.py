"""Where one flow is played: an agent, a platform and its people, a bridge that keeps dying."""

import asyncio
import contextlib
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Self, TypeVar

from bridge.clock import RandomIds, SystemClock
from bridge.simulators.polyai import PolyAISimulator
from bridge.simulators.polyai_agent import RuleAgent
from tests import leaks
from tests.chaos.forks import Fork, Forks
from tests.stage import Ground

T = TypeVar("T")

_OWED = """
SELECT 'entry', id FROM inbox WHERE done_at IS NULL AND conversation IS NOT NULL
UNION ALL SELECT state, id FROM deliveries WHERE state = 'pending'
UNION ALL SELECT state, id FROM deliveries
    WHERE state = 'sending' AND json_extract(body, '$.only_for') IS NULL
"""
#: How long anything may take before it counts as lost, in seconds.
PATIENCE = 40.0


#: The death of a start that its arm did not reach: at whatever it was doing.
ANY_MOMENT = "any moment"


@dataclass(frozen=True, slots=True)
class Arm:
    """A death that a start is armed with: at a named point, a system call, or a flow's moment.

    Of any other kind are those that do not befall the bridge, or not it alone.
    """

    kind: str  #: "point", "call" or "moment"; see `striking.VICTIMS` for more
    name: str
    nth: int = 1

    @property
    def title(self) -> str:
        """As the table has it."""
        return (
            self.name if self.kind in ("point", "call", "moment") else f"{self.kind}: {self.name}"
        )


class Scene(ABC):
    """One flow's world. It is for a flow to play in, and for a chain to kill in.

    What differs from platform to platform is what people do there, and what it has on record.
    """

    #: Whether an unfinished message is seen to grow; otherwise it is shown once it is whole.
    grows = True

    def __init__(self, ground: Ground, forks: Forks, fault: str = "") -> None:
        self.ground = ground
        self.polyai = ground.polyai
        self.kills: list[str] = []  #: the name of each death, in order
        self.patience = PATIENCE
        self._forks = forks
        self._fault = fault
        self._fork: Fork | None = None
        self._arm: Arm | None = None
        self._port = 0

    # -- the bridge -------------------------------------------------------------------------

    async def start(self, arm: Arm | None) -> None:
        """Start the bridge, perhaps armed."""
        at = f"{arm.name}:{arm.nth}" if arm and arm.kind == "point" else ""
        system_call = arm.name if arm and arm.kind == "call" else ""
        self._fork = await self._forks.start(
            self.ground.config,
            self.ground.log,
            at=at,
            system_call=system_call,
            nth=arm.nth if arm else 1,
            fault=self._fault,
        )
        self._arm = arm

    @asynccontextmanager
    async def played(self) -> AsyncIterator[Self]:
        """Itself, until whoever plays in it is done; then no bridge runs any more.

        Raises:
            AssertionError: the agent's side objects to something that was done.
        """
        try:
            yield self
        finally:
            if self._fork is not None:
                await self.end()
        if not self._fault and self.polyai.violations:
            raise AssertionError(f"PolyAI objects: {self.polyai.violations}")

    async def die(self, reach: float) -> None:
        """Wait so many seconds for the death that was built in; then kill it where it is.

        Raises:
            AssertionError: it ended by itself.
        """
        assert self._fork is not None
        fork, arm = self._fork, self._arm
        await asyncio.wait((fork.death,), timeout=reach)
        if not fork.dead:
            await self.kill()
            self.kills.append(ANY_MOMENT)
        elif arm is not None and fork.death.result() == -9:
            self.kills.append(arm.title)
        else:
            raise AssertionError(f"the bridge ended by itself:\n{self.ground.tail()}")

    async def kill(self) -> None:
        """`kill -9` at this moment, whatever it is."""
        assert self._fork is not None
        if not self._fork.dead:
            self._arm = Arm("moment", ANY_MOMENT)
            await self._fork.kill()

    async def end(self) -> None:
        """Leave nothing running."""
        await self.kill()

    async def moment(self, name: str) -> None:
        """A moment of the flow that has a name: the bridge dies here, if it is armed so."""
        if self._arm == Arm("moment", name) and self._fork is not None:
            await self._fork.kill()

    # -- people, and what they see ------------------------------------------------------------

    @abstractmethod
    async def mention(self, text: str) -> str:
        """Somebody calls the bot, and the platform has it; the thread."""

    @abstractmethod
    async def reply(self, thread: str, text: str) -> str:
        """They write on in the thread; the message, by the platform's name of it."""

    @abstractmethod
    async def choose(self, thread: str, beginning: str, text: str) -> None:
        """They take up `text`, which is offered by the message in `thread` that begins so."""

    @abstractmethod
    async def correct(self, thread: str, message: str, text: str) -> None:
        """They change what they said, and the platform has it."""

    @abstractmethod
    async def take_back(self, thread: str, message: str) -> None:
        """They take back what they said, and the platform has it."""

    @abstractmethod
    def told(self, thread: str) -> list[str]:
        """What the bridge shows in a thread, in order, without what it offers there."""

    @abstractmethod
    def versions(self, thread: str) -> Sequence[str]:
        """The same with all that a message has shown before it was changed."""

    @abstractmethod
    def unfinished(self, thread: str) -> list[str]:
        """What the bridge shows as still growing."""

    @abstractmethod
    def taken_back(self) -> list[str]:
        """What we took back ourselves: it was seen twice for a moment, even if it is gone."""

    # -- both sides ---------------------------------------------------------------------------

    async def until(self, seen: Callable[[], T]) -> T:
        """Wait until `seen` gives something true."""
        return await self.ground.until(seen, self.patience)

    def owed(self) -> list[str]:
        """What the bridge has written down as not done: entries, and deliveries with their state.

        One that is in doubt for good is among them, although the other side may have it; but not
        what is shown to one person alone, as Slack tells nobody whether that arrived.
        """
        if not self.ground.database.exists():
            return ["everything: there is no database"]
        where = f"file:{self.ground.database}?mode=ro"
        with contextlib.closing(sqlite3.connect(where, uri=True, timeout=PATIENCE)) as database:
            rows = database.execute(_OWED).fetchall()
        return [f"{what} {which}" for what, which in rows]

    async def connected(self) -> None:
        """Every session that goes on has a socket of ours: what a replay brings, comes now."""
        going_on = [s for s in self.ground.sessions if s.joins and s.ended is None]
        await self.until(lambda: all(session.sockets for session in going_on))


def agent() -> PolyAISimulator:
    """The agent's side of every scene, not running yet."""
    return leaks.played(
        PolyAISimulator(
            clock=SystemClock(),
            ids=RandomIds(),
            agent=RuleAgent(handoff_pace=timedelta(milliseconds=60)),
            streaming_pace=timedelta(milliseconds=20),
        )
    )
