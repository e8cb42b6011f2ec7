"""One flow, and death after death: each restart is armed with the next, the last one with none."""

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from bridge.runtime.world import POINTS
from tests.chaos import pinboard_scene, slack_scene
from tests.chaos.flows import Flow
from tests.chaos.forks import Forks
from tests.chaos.scene import PATIENCE, Arm, Scene
from tests.chaos.verdict import Compared, Verdict, judged

#: What SQLite does to be sure; each a place where the machine could stop.
SYSTEM_CALLS = ("fdatasync", "pwrite64")


@dataclass(frozen=True, slots=True)
class Door:
    """A way on which a platform and the bridge reach each other."""

    set_up: Callable[..., AbstractAsyncContextManager[Scene]]
    further: Sequence[tuple[str, str]] = ()  #: deaths beside the bridge's own: kind and name
    #: How long an arm has to be reached, in seconds; then whatever it is for is killed where it is.
    reach: float = 2.5


DOORS = {
    "socket": Door(slack_scene.set_up),
    "http": Door(slack_scene.set_up),
    "pinboard": Door(pinboard_scene.set_up, pinboard_scene.DEATHS, reach=6.0),
}
#: Passed once in a run, if at all; any other is passed again and again.
_ONCE = frozenset({"after-opening"})
#: How long nothing must happen in the end: a double would come now.
_QUIET = 0.8


@dataclass(frozen=True, slots=True)
class Chain:
    """A flow to be played, and the deaths on its way."""

    number: int
    flow: type[Flow]
    door: str
    arms: Sequence[Arm]
    fault: str = ""
    patience: float = PATIENCE  #: in seconds
    reach: float = 2.5  #: as the door has it


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a chain; `problem` says more if anything is wrong."""

    kind: str
    door: str
    kills: Sequence[str]
    verdict: Verdict
    problem: str = ""


def arms_of(
    number: int,
    moments: Sequence[str],
    *,
    length: int,
    system_calls: Sequence[str],
    further: Sequence[tuple[str, str]] = (),
) -> list[Arm]:
    """The deaths of a chain; the first goes round all there are, the others are by chance."""
    chance = random.Random(number)  # noqa: S311 - chance for a test, repeatable by its number
    kinds = [("moment", m) for m in moments]
    kinds += [("call", c) for c in system_calls]
    kinds += [("point", p) for p in POINTS]
    kinds = [*kinds, *kinds, *further] if further else kinds  # or the bridge's own would be few

    def arm(place: tuple[str, str], most: int) -> Arm:
        kind, name = place
        if kind == "moment" or name in _ONCE:
            return Arm(kind, name)
        # Rather an early passing: a late one may never come.
        return Arm(kind, name, min(chance.randint(1, most), chance.randint(1, most)))

    first = arm(kinds[number % len(kinds)], 6)
    return [first, *(arm(chance.choice(kinds), 3) for _ in range(length - 1))]


async def run(chain: Chain, forks: Forks, directory: Path) -> Outcome:
    """Play it to its end and compare."""
    async with DOORS[chain.door].set_up(directory, forks, chain.door, fault=chain.fault) as scene:
        scene.patience = chain.patience
        flow = chain.flow(scene)
        problem = await _played(flow, scene, chain)
        compared = [*flow.compared(), Compared("taken back", [], scene.taken_back()), _joins(scene)]
        owed = scene.owed()
        verdict = judged(compared) + Verdict(held=len(owed))
        if problem and not verdict:
            verdict = Verdict(lost=1)  # it never came to an end
        if verdict:
            problem += "".join(f"\n  {_difference(c)}" for c in compared if c.verdict)
            problem += f"\n  still owed: {owed}" if owed else ""
            problem = f"chain {chain.number}: {chain.arms}{problem}\n{scene.ground.tail()}"
        return Outcome(flow.kind, chain.door, tuple(scene.kills), verdict, problem)


async def _played(flow: Flow, scene: Scene, chain: Chain) -> str:
    """Play among deaths, then start once more and let everything settle; what went wrong."""
    playing = asyncio.create_task(flow.play())
    try:
        await _die(scene, chain)
        async with asyncio.timeout(scene.patience):
            await playing
            await _settled(flow, scene.patience)
        await scene.kill()
        await scene.start(None)
        await scene.connected()
        await scene.ground.quiet(_QUIET)
        await _settled(flow, scene.patience)
    except (AssertionError, TimeoutError) as error:
        return f"\n  {type(error).__name__} {str(error)[:300]}"
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
    return ""


async def _die(scene: Scene, chain: Chain) -> None:
    for arm in chain.arms:
        await scene.start(arm)
        await scene.die(chain.reach)
    await scene.start(None)


async def _settled(flow: Flow, patience: float) -> None:
    """Return when all is as it must be, or nothing more can be hoped for."""
    deadline = asyncio.get_running_loop().time() + patience
    while (
        judged(flow.compared()) or flow.scene.owed()
    ) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.05)


def _joins(scene: Scene) -> Compared:
    """The agent is asked once to join each session that was used, and greets once."""
    used = [session for session in scene.ground.sessions if session.joins]
    seen = [f"{session.joins} joins, {session.greetings} greetings" for session in used]
    return Compared("joins", ["1 joins, 1 greetings"] * len(used), seen)


def _difference(compared: Compared) -> str:
    return f"{compared.what}: expected {list(compared.expected)}, seen {list(compared.seen)}"


def chains(
    flows: Sequence[type[Flow]],
    doors: Sequence[str],
    *,
    length: int,
    system_calls: Sequence[str],
    seed: int = 0,
    apart: int = 0,
) -> Iterator[Chain]:
    """For ever: every flow over every door, round after round.

    In one round each flow's number is so far `apart` from the next one's: its deaths are others.
    """
    for turn in itertools.count(seed):
        for place, (flow, door) in enumerate(itertools.product(flows, doors)):
            number, how = turn + place * apart, DOORS[door]
            arms = arms_of(
                number,
                flow.moments,
                length=length,
                system_calls=system_calls,
                further=how.further,
            )
            yield Chain(number, flow, door, arms, reach=how.reach)
