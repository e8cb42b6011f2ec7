"""Many episodes beside each other, until the time is over or one of them fails."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.forks import Forks, forking
from tests.chaos.model.episode import Episode, cleared, from_seed, kept
from tests.chaos.scene import PATIENCE


@dataclass
class Tally:
    """What was played so far."""

    episodes: int = 0
    beats: int = 0
    doors: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    failed: Episode | None = None  #: the first

    def add(self, episode: Episode) -> None:
        """One more."""
        beats = episode.program.beats
        self.episodes += 1
        self.beats += len(beats)
        self.doors[episode.program.door] += 1
        self.acts.update(act.kind for beat in beats for act in beat.acts)
        self.faults.update(fault for beat in beats for fault in beat.faults)
        self.kills.update(episode.kills)
        if episode.failed and self.failed is None:
            self.failed = episode


@dataclass(frozen=True, slots=True)
class Orders:
    """How episodes are played."""

    place: Path  #: a directory for each seed that failed is left here
    beside: int = 3
    fault: str = ""  #: one of `seeded.FAULTS`
    patience: float = PATIENCE  #: in seconds


async def played_until(
    deadline: float,
    seeds: Iterator[int],
    orders: Orders,
    told: Callable[[Tally], None] = lambda _: None,
) -> Tally:
    """Play these seeds until `deadline` (`time.monotonic`), they end, or one fails.

    Each episode is `told` of when it is over.
    """
    tally = Tally()

    async def player(forks: Forks) -> None:
        for seed in seeds:
            if tally.failed is not None or time.monotonic() > deadline:
                return
            place = orders.place / str(seed)
            episode = await from_seed(
                seed, forks, place, fault=orders.fault, patience=orders.patience
            )
            if episode.failed:
                kept(episode, place)
            else:
                cleared(place)
            tally.add(episode)
            told(tally)

    async with forking(orders.place) as forks, asyncio.TaskGroup() as players:
        for _ in range(orders.beside):
            players.create_task(player(forks))
    return tally


async def replayed(seed: int, orders: Orders, beats: Sequence[int] | None = None) -> Episode:
    """One seed alone, perhaps with some of its beats only; everything it left is kept."""
    place = orders.place / str(seed)
    async with forking(orders.place) as forks:
        episode = await from_seed(
            seed, forks, place, beats=beats, fault=orders.fault, patience=orders.patience
        )
    kept(episode, place)
    return episode


async def shrunk(episode: Episode, orders: Orders) -> list[int]:
    """The beats of a failed episode without which it would not fail, as far as one look tells."""
    left = list(range(episode.begun))
    async with forking(orders.place) as forks:
        for beat in reversed(range(len(left))):
            fewer = [each for each in left if each != beat]
            place = orders.place / f"{episode.program.seed}-without-{beat}"
            tried = await from_seed(
                episode.program.seed,
                forks,
                place,
                beats=fewer,
                fault=orders.fault,
                patience=orders.patience,
            )
            left = fewer if tried.failed else left
            cleared(place)
    return left
