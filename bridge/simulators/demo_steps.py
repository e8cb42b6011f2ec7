"""Has a step been seen? Each is awaited for a while, told, and missed loudly."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from bridge.clock import Clock
from bridge.simulators.demo_screen import Screen

T = TypeVar("T")

PATIENCE = timedelta(seconds=30)
_LOOK = timedelta(milliseconds=20)


class NotSeen(Exception):
    """A step was not seen; the words say which."""


class Steps:
    """The steps of a play, told on a screen as they are seen."""

    def __init__(
        self,
        screen: Screen,
        clock: Clock,
        *,
        ended: Callable[[], str | None],
        patience: timedelta = PATIENCE,
    ) -> None:
        """`ended` says why waiting is in vain, if it is."""
        self._screen = screen
        self._clock = clock
        self._ended = ended
        self._patience = patience
        self._scenes = 0

    def scene(self, title: str) -> None:
        """What is played from here on."""
        self._scenes += 1
        self._screen.refresh()
        self._screen.write(f"\n{self._scenes}. {title}")

    async def see(self, what: str, seen: Callable[[], T | None]) -> T:
        """Wait until `seen` gives something that is neither None nor false, tell and give it.

        Raises:
            NotSeen: it did not come in time, or never will.
        """
        found = await self.wait(what, seen)
        self._screen.write(f"  ✓ {what}")
        return found

    async def wait(self, what: str, seen: Callable[[], T | None]) -> T:
        """As `see`, without a word."""
        deadline = self._clock.now() + self._patience
        while not (found := seen()):
            self._screen.refresh()
            if why := self._ended():
                raise NotSeen(f"{what}\n  but {why}")
            if self._clock.now() >= deadline:
                seconds = self._patience.total_seconds()
                raise NotSeen(f"{what}\n  but it was not seen within {seconds:g} seconds")
            await self._clock.sleep(_LOOK)
        self._screen.refresh()
        return found

    def check(self, what: str, fact: bool) -> None:  # noqa: FBT001 - the fact is the point
        """Tell what must be so by now.

        Raises:
            NotSeen: it is not.
        """
        self._screen.refresh()
        if not fact:
            raise NotSeen(f"{what}\n  but it is not so")
        self._screen.write(f"  ✓ {what}")
