"""Does anything wait for too long, or die unseen? Asked of the database every few seconds.

What waits for a reason that a person has made, or must end, is no backlog: a conversation that is
parked because its agent cannot be had (the agent is the trouble then), what is owed to an adapter
that is no longer configured, and a delivery that is held because nobody can tell whether it
arrived. They are counted apart.

Dead letters turn red when they are many: one alone is often a thread that somebody deleted. They
count for an hour, and no longer once somebody has looked at them.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bridge.clock import Clock
from bridge.errors import DatabaseFailed
from bridge.runtime.watching.outages import Outages
from bridge.runtime.watching.trouble import Dependency, Trouble
from bridge.store import Overdue, Store

#: How often it is asked.
LOOK: Final = timedelta(seconds=5)
#: For how long a death counts that nobody has looked at.
RECENT: Final = timedelta(hours=1)
_WORDS: Final = {
    "thread": "to a thread of {adapter}",
    "agent": "to the agent {agent}",
    "step": "as what {adapter} told, without a step",
}


@dataclass(frozen=True, slots=True)
class Ages:
    """What was found."""

    overdue: int = 0  #: waits for too long, without a reason
    held: int = 0  #: of what is old
    excused: int = 0  #: of what is old, it waits for a reason
    dead: int = 0  #: died lately, and nobody has looked
    oldest: datetime | None = None  #: of what is overdue
    troubles: tuple[Trouble, ...] = field(default=())


def judged(
    found: list[Overdue],
    dead: int,
    *,
    excused: Callable[[Overdue], bool],
    most_dead: int,
    now: datetime,
) -> Ages:
    """What is wrong about these; `found` are older than they should be, the oldest first."""
    held = [one for one in found if one.held]
    late = [one for one in found if not one.held and not excused(one)]
    troubles = [*_late(late, now), *_dying(dead, most_dead)]
    return Ages(
        overdue=len(late),
        held=len(held),
        excused=len(found) - len(held) - len(late),
        dead=dead,
        oldest=min((one.since for one in late), default=None),
        troubles=tuple(troubles),
    )


def _late(late: list[Overdue], now: datetime) -> Iterable[Trouble]:
    counted = Counter(one.waits_for for one in late)
    for waits_for, number in counted.items():
        oldest = min((o for o in late if o.waits_for == waits_for), key=lambda o: o.since)
        minutes = (now - oldest.since) // timedelta(minutes=1)
        where = _WORDS[waits_for].format(adapter=oldest.adapter, agent=oldest.agent)
        yield Trouble(
            Dependency.BACKLOG,
            waits_for,
            f"{number} wait for too long; the oldest for {minutes} min, {where}, in the"
            f" conversation {oldest.conversation}",
        )


def _dying(dead: int, most: int) -> Iterable[Trouble]:
    if most and dead >= most:
        yield Trouble(
            Dependency.DEAD_LETTERS,
            "",
            f"{dead} deliveries died within the hour and nobody has looked at them"
            " (polyai-bridge deliveries)",
        )


class Backlog:
    """Watches what waits and what dies."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        excused: Callable[[Overdue], bool],
        *,
        age: timedelta,
        most_dead: int,
    ) -> None:
        """`excused` says of something that is old whether it waits for a reason."""
        self._store = store
        self._clock = clock
        self._excused = excused
        self._age = age
        self._most_dead = most_dead
        self._outages = Outages()
        self.ages = Ages()  #: as they were found last

    def troubles(self) -> Iterable[Trouble]:
        """What is wrong."""
        return self.ages.troubles

    async def watch(self) -> None:
        """Look for ever. A database that cannot be read is its own trouble, told where it is."""
        while True:
            await self._clock.sleep(LOOK)
            now = self._clock.now()
            try:
                found = await self._store.overdue(now - self._age)
                dead = await self._store.unseen_dead(now - RECENT)
            except DatabaseFailed:
                continue
            self.ages = judged(
                found, dead, excused=self._excused, most_dead=self._most_dead, now=now
            )
            self._outages.note(self.troubles())
