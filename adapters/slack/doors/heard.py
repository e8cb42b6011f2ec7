"""Until when has everything come? What is remembered of it, and what a gap in it means.

Slack repeats an event that nobody acknowledged about at once, after a minute and after five more
(slack.md 1.1). So a short outage heals by itself, unless another follows before the last repeat;
after a longer one the missed has to be fetched.
"""

import contextlib
from datetime import datetime, timedelta

from bridge.clock import Clock
from bridge.errors import DatabaseFailed
from bridge.plugin import Memory

#: A gap longer than this is backfilled.
LONGEST_GAP = timedelta(minutes=5)
#: Until everything from before a gap has been repeated, if it ever is.
_LADDER = timedelta(minutes=7)
#: Shorter than this nobody was away.
_BREAK = timedelta(seconds=10)
_REMEMBER_EVERY = timedelta(seconds=30)
_KEY = "heard_until"


class Heard:
    """The instant before which nothing is missing, here and in the adapter's memory.

    It only moves forward, except where what seemed heard turns out not to have been.
    """

    def __init__(self, memory: Memory, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock
        self._until: datetime | None = None
        self._listened_at: datetime | None = None
        self._hold: datetime | None = None
        self._filling = False
        self._remembered_at: datetime | None = None

    async def recall(self) -> None:
        """Take up what was remembered. Raises DatabaseFailed."""
        text = await self._memory.recall(_KEY)
        with contextlib.suppress(ValueError):
            read = datetime.fromisoformat(text) if text else None
            # A clock that was set back must not hide what comes.
            self._until = min(read, self._clock.now()) if read and read.tzinfo else None

    def listening(self) -> datetime | None:
        """We listen, now or still; since when something may be missing, if it must be fetched."""
        now, before = self._clock.now(), self._listened_at
        self._listened_at = now
        if before is not None and now - before <= _BREAK:
            self._advance(now)
            return None
        if self._filling and before is not None:  # what came before that is being fetched
            return self._missing(before, now)
        self._until = self._until or now
        return self._missing(self._until, now)

    def doubt(self, since: datetime) -> datetime | None:
        """What was heard since then may not be all; since when to fetch, if that must be."""
        now = self._clock.now()
        self._until = min(since, self._until or now)
        return self._missing(self._until, now)

    def filled(self) -> None:
        """Everything missing has been fetched."""
        self._filling = False
        if self._listened_at is not None:
            self._advance(self._listened_at)

    async def remember(self, *, at_once: bool = False) -> None:
        """Keep it for the next start, now and then. What cannot be kept is kept the next time."""
        now = self._clock.now()
        due = self._remembered_at is None or now - self._remembered_at >= _REMEMBER_EVERY
        if self._until is None or not (due or at_once):
            return
        self._remembered_at = now
        with contextlib.suppress(DatabaseFailed):
            await self._memory.remember(_KEY, self._until.isoformat())

    def _missing(self, since: datetime, now: datetime) -> datetime | None:
        if now - since > LONGEST_GAP:
            self._filling = True
            return since
        self._hold = now + _LADDER
        return None

    def _advance(self, now: datetime) -> None:
        if not self._filling and (self._hold is None or now >= self._hold):
            self._until, self._hold = now, None
