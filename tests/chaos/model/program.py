"""What is done in an episode, drawn from its seed: beats of acts, faults and deaths.

Between two beats the bridge is at rest: whatever the first one began has come to its end. So the
acts of a beat meet the same bridge each time, and a death is named by its point and its passing,
never by the clock.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bridge.runtime.world import POINTS
from tests.chaos.model.faults import FAULTS
from tests.chaos.model.talk import POSSIBLE, Act, Stand, Talk
from tests.chaos.scene import Arm

#: How a beat begins: as the last one ended, after a restart, or with nobody there to hear.
BEGINNINGS = ("", "", "killed", "stopped", "down")
#: So often each point is passed at most while a beat is armed with it.
_MOST = {"before-step": 6, "after-step": 6, "before-accept": 3, "after-accept": 3}
#: Whether a message grows in time is the clock's affair: a death there would not replay.
_POINTS = tuple(point for point in POINTS if point != "after-growth")
THREADS = 5
_PEOPLE = 3


@dataclass(frozen=True, slots=True)
class Beat:
    """What is done at once, each in a thread of its own, and what goes wrong meanwhile."""

    beginning: str
    acts: tuple[Act, ...]
    faults: tuple[str, ...] = ()
    arms: tuple[Arm, ...] = ()

    def __str__(self) -> str:
        parts = [self.beginning, *map(str, self.acts), *self.faults]
        parts += [f"death at {arm.name}:{arm.nth}" for arm in self.arms]
        return "; ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Program:
    """An episode, as it is played."""

    seed: int
    door: str  #: "socket" or "http"
    beats: tuple[Beat, ...]

    def only(self, places: Sequence[int]) -> "Program":
        """With these beats alone; what makes no sense without the others is left out."""
        talks, beats = [Talk() for _ in range(THREADS)], []
        for place in places:
            beat = self.beats[place]
            acts = tuple(act for act in beat.acts if talks[act.thread].can(act.kind))
            for act in acts:
                talks[act.thread].take(act)
            beats.append(Beat(beat.beginning, acts, beat.faults, beat.arms))
        return Program(self.seed, self.door, tuple(beats))


def is_direct(thread: int) -> bool:
    """Whether a thread is in a direct message; the others are each in a channel."""
    return thread % 3 == 2


def drawn(seed: int) -> Program:
    """The program of a seed."""
    chance = random.Random(seed)  # noqa: S311 - chance for a test, repeatable by its seed
    door = chance.choice(("socket", "socket", "http"))
    talks = [Talk() for _ in range(THREADS)]
    beats = tuple(_beat(chance, number, talks, door) for number in range(chance.randint(6, 10)))
    return Program(seed, door, beats)


def _beat(chance: random.Random, number: int, talks: list[Talk], door: str) -> Beat:
    beginning = chance.choice(BEGINNINGS) if number else ""
    arms: list[Arm] = []
    if beginning:
        arms = [_arm(chance) for _ in range(chance.choice((0, 1, 1, 2, 3)))]
    sorts = [name for name, fault in FAULTS.items() if fault.door in ("", door)]
    faults = chance.sample(sorts, chance.choice((0, 0, 1, 1, 2)))
    chosen = sorted(chance.sample(range(THREADS), chance.randint(1, 3)))
    acts = tuple(_acts(chance, number, chosen, talks))
    return Beat(beginning, acts, tuple(faults), tuple(arms))


def _arm(chance: random.Random) -> Arm:
    point = chance.choice(_POINTS)
    return Arm("point", point, chance.randint(1, _MOST.get(point, 2)))


def _acts(
    chance: random.Random, number: int, threads: Sequence[int], talks: list[Talk]
) -> Iterator[Act]:
    for thread in threads:
        talk = talks[thread]
        kind = chance.choice(_sensible(talk, thread))
        fresh = talk.stand is Stand.NEW or is_direct(thread)
        person = thread % _PEOPLE if fresh else chance.randrange(_PEOPLE)
        act = Act(kind, thread, f"t{thread}n{number}", person)
        if kind == "edit":
            act = replace(act, person=talk.author, of=talk.last)
        talk.take(act)
        yield act


def _sensible(talk: Talk, thread: int) -> list[str]:
    """In a direct message nothing is shown to one person alone: there is no button to end it."""
    kinds = [kind for kind in POSSIBLE[talk.stand] if talk.can(kind)]
    return [kind for kind in kinds if kind != "end" or not is_direct(thread)]
