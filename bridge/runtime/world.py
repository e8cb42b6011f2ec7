"""What does the runtime ask the world for? Time, ids, chance; and it says where it has got to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from bridge.clock import Chance, Clock, Ids, RandomIds, SystemClock, system_chance
from bridge.core.retry import LONGEST, backoff
from bridge.runtime.watching.progress import Progress

#: So many times in a row we come back as soon as the other side says.
_TAKEN_AT_ITS_WORD = 4

#: The named points of a run, in the order of `ARCHITECTURE.md`'s crash table.
POINTS = (
    "before-accept",
    "after-accept",
    "before-step",
    "after-step",
    "after-opening",
    "before-transmit",
    "after-transmit",
    "after-attempt",
    "after-send",
    "after-settle",
    "after-growth",
)


def _nothing(_point: str) -> None:
    """In service, passing a point means nothing; the chaos tests die there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that comes from outside the program, passed in once."""

    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=RandomIds)
    chance: Chance = field(default_factory=system_chance)
    #: Called with a name of `POINTS` whenever the run passes it.
    reached: Callable[[str], None] = _nothing
    #: Where whoever works through a queue says that it is at work, and that it waits.
    progress: Progress = field(default_factory=Progress)

    async def pause(
        self,
        failures: int,
        *,
        longest: timedelta | None = None,
        asked: timedelta | None = None,
    ) -> None:
        """Wait as long as is decent after the `failures`-th failure in a row.

        Or as long as the other side `asked`; but if that goes on, no shorter than is decent.
        """
        decent = backoff(failures, self.chance.random(), longest=longest or LONGEST)
        if asked is None:
            wait = decent
        elif failures <= _TAKEN_AT_ITS_WORD:
            wait = asked
        else:
            wait = max(asked, decent)
        await self.rest(wait)

    async def rest(self, duration: timedelta) -> None:
        """Wait so long: nobody who does stands still."""
        with self.progress.waits():
            await self.clock.sleep(duration)
