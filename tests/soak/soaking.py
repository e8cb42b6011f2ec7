"""How is a soak run? People and faults for so long, deaths in between, then peace and a verdict.

The same seed makes the same people, faults and deaths at the same instants; within an instant the
database's thread may still be quicker or slower, so a replay is close and not exact.
"""

import asyncio
import gc
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from bridge.runtime.world import POINTS
from bridge.simulators.polyai import Options
from bridge.simulators.slack_faults import FaultKind
from tests.conformance.stage import ConformanceStage, staged
from tests.soak.crowd import CountingAgent, Person
from tests.soak.mishaps import MISHAPS
from tests.soak.troubles import OPTIONS, TROUBLES, Cost
from tests.soak.verdict import Verdict

#: Long enough for the longest pause the bridge takes of its own accord: a parked conversation's.
PEACE = timedelta(minutes=15)
#: After so long everything is let go of. The longest hold is that of aiohttp's server, an hour, on
#: idle HTTP connections: its client measures their age by the machine's clock, not by ours.
SLEEP = timedelta(minutes=80)
_MUTING = ("deafen_sockets", "silence_sockets")
_RENEWING = ("disconnect", "drop_sockets")
_TOO_OFTEN = FaultKind.RATE_LIMITED.value
#: Of these channels every second one is archived in the course of a storm.
_PLACES = 10
_ROOMS = ("bridge.core", "bridge.model", "bridge.polyai", "bridge.runtime", "bridge.store")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How large, how long, how rough."""

    seed: int
    conversations: int
    lasting: timedelta
    deaths: int
    fault_every: float  #: seconds between two faults, on average
    act_every: float  #: seconds between two things that one person does, on average


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the process holds on to: tasks, file descriptors, values of the bridge's own."""

    tasks: Counter[str]
    descriptors: int
    values: int


@dataclass
class Result:
    """What came of it."""

    faults: list[str]
    before: Holdings
    halfway: Holdings
    storm: Holdings  #: at the end of the storm
    after: Holdings
    met: Counter[str] = field(default_factory=Counter)  #: how often each verb was used
    said: int = 0
    sessions: int = 0
    deaths: int = 0
    #: What Slack and people did: how often each mishap happened, and what came of it.
    at_slack: Counter[str] = field(default_factory=Counter)
    never_brought: int = 0  #: of how many messages Slack itself lost every copy


class Soak:
    """One run, from the first hello to the verdict."""

    def __init__(self, stage: ConformanceStage, plan: Plan) -> None:
        self.stage = stage
        self.plan = plan
        self.costs: dict[str, Cost] = {}
        self.met: Counter[str] = Counter()
        self.mishaps: Counter[str] = Counter()
        self.deaths = 0
        self._muted = False  #: one of Slack's sockets brings nothing, until all are renewed
        self._chance = random.Random(plan.seed)  # noqa: S311 - a die, not a secret
        self._places = [stage.slack.add_channel(f"place-{n}") for n in range(_PLACES)]
        self._people = [self._person(n) for n in range(plan.conversations)]

    def _person(self, number: int) -> Person:
        """One in ten is in a channel that may be closed, with others; the rest are not."""
        tenth, last = divmod(number, 10)
        channel = self.stage.channel if last else self._places[tenth % _PLACES]
        chance = random.Random(self._chance.random())  # noqa: S311 - a die, not a secret
        return Person(number, self.stage, chance, self.plan.act_every, channel)

    async def run(self) -> Result:
        """All of it."""
        await self.stage.start()
        await self.stage.wait(timedelta(seconds=10))
        before = self._holdings()
        storm = asyncio.create_task(self._storm())
        await asyncio.sleep(self.plan.lasting.total_seconds() / 2)
        halfway = self._holdings()
        await storm
        end = self._holdings()
        await self._make_peace()
        verdict = Verdict(self.stage, self._people, self.costs)
        faults = verdict.reached()
        self.stage.polyai.end_session(None)  # else a live agent is waited for, for half a day
        await self.stage.wait(SLEEP)
        return Result(
            faults=faults,
            before=before,
            halfway=halfway,
            storm=end,
            after=self._holdings(),
            met=self.met,
            said=sum(len(person.said) for person in self._people),
            sessions=len(self.stage.sessions),
            deaths=self.deaths,
            at_slack=self.mishaps + self._outcomes(),
            never_brought=verdict.never_brought,
        )

    def _outcomes(self) -> Counter[str]:
        """What came of what people and Slack did."""
        people, slack = self._people, self.stage.slack
        methods = Counter(call.method for call in slack.calls if call.outcome == "ok")
        return Counter(
            {
                "edited": sum(len(person.changed) for person in people),
                "deleted": sum(len(person.taken_back) for person in people),
                "pressed together": sum(person.stale for person in people),
                "in archived channels": sum(person.closed for person in people),
                "grown": sum(len(slack.texts(p.channel, p.ts)) > 2 for p in slack.posts),
                "refused with 429": sum(call.outcome == _TOO_OFTEN for call in slack.calls),
                "sockets asked for": methods["apps.connections.open"],
                "told alone": len(slack.ephemerals),
            }
        )

    async def _storm(self) -> None:
        until = self.stage.now + self.plan.lasting.total_seconds()
        async with asyncio.TaskGroup() as crowd:
            for person in self._people:
                crowd.create_task(person.live(until))
            crowd.create_task(self._go_wrong(until))
            crowd.create_task(self._go_wrong_at_slack(until))
            crowd.create_task(self._die_often(until))

    # -- what goes wrong -----------------------------------------------------------------------

    async def _go_wrong(self, until: float) -> None:
        """Each verb in its turn, in an order of chance, so that none is forgotten."""
        rows = [(name, way) for name, ways in TROUBLES.items() for way in ways]
        while True:
            self._chance.shuffle(rows)
            for name, way in rows:
                pause = self._chance.expovariate(1 / self.plan.fault_every)
                await asyncio.sleep(min(pause, 10 * self.plan.fault_every))
                if self.stage.now >= until:
                    return
                sessions = [s for s in self.stage.sessions if s.sockets and not s.over]
                if not sessions:
                    continue
                session = self._chance.choice(sessions)
                self.costs[session.id] = self.costs.get(session.id, Cost.NOTHING) | way.cost
                self.met[name] += 1
                way.call(self.stage.polyai, session.id, self._chance)

    async def _go_wrong_at_slack(self, until: float) -> None:
        """Each mishap in its turn, half as often as what goes wrong at PolyAI."""
        rows = list(MISHAPS.items())
        while True:
            self._chance.shuffle(rows)
            for name, mishap in rows:
                await asyncio.sleep(self._chance.uniform(1, 3) * self.plan.fault_every)
                if self.stage.now >= until:
                    return
                closing = name == "archive"
                if closing and len(self._places) <= _PLACES // 2:
                    continue
                if (name in _MUTING and self._muted) or not self.stage.slack.sockets:
                    continue  # nothing would be heard for longer than Slack repeats it
                self._muted = name in _MUTING or (self._muted and name not in _RENEWING)
                channel = self._places.pop() if closing else self.stage.channel
                for person in self._people:
                    person.closed |= closing and person.channel == channel
                self.mishaps[name] += 1
                mishap(self.stage.slack, self._chance, channel)

    async def _die_often(self, until: float) -> None:
        """At instants of chance: on the spot, or at a named point of what is being done."""
        for _ in range(self.plan.deaths):
            await asyncio.sleep(self._chance.uniform(0.5, 1.2) * self._between_deaths())
            if self._chance.random() < 0.5:
                self.stage.bridge.die_at(self._chance.choice(POINTS), self._chance.randint(1, 20))
                await asyncio.sleep(30)
            if not self.stage.bridge.dead:
                await self.stage.bridge.crash()
            self.deaths += 1
            await asyncio.sleep(self._chance.uniform(0.5, 20))
            self.stage.bridge.start()
            self.stage.bridge.die_at("before-accept", 10**9)

    def _between_deaths(self) -> float:
        return self.plan.lasting.total_seconds() / (self.plan.deaths + 1)

    async def _make_peace(self) -> None:
        polyai, usual = self.stage.polyai, Options()
        polyai.configure(**{name: getattr(usual, name) for name in OPTIONS})
        polyai.heal()
        self.stage.slack.forget_faults()
        self.stage.slack.disconnect()
        await self.stage.wait(PEACE)

    # -- what is held --------------------------------------------------------------------------

    def _holdings(self) -> Holdings:
        gc.collect()
        tasks = Counter(_what(task) for task in asyncio.all_tasks())
        values = sum(str(type(value).__module__).startswith(_ROOMS) for value in gc.get_objects())
        return Holdings(tasks, len(os.listdir("/proc/self/fd")), values)  # noqa: PTH208 - a count


def _what(task: "asyncio.Task[object]") -> str:
    return getattr(task.get_coro(), "__qualname__", "?")


async def soak(directory: Path, plan: Plan) -> Result:
    """Run a soak; what the simulator noted against the bridge is among its faults."""
    async with staged(directory, agent=CountingAgent()) as stage:
        result = await Soak(stage, plan).run()
        stage.polyai.violations.clear()
        return result
