"""When is it, what is it called, how does the die fall? The only module that may ask."""

import asyncio
import random
import secrets
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Time as the bridge sees it: aware, in UTC, never running backwards within one process."""

    def now(self) -> datetime:
        """The present instant."""
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Return after `duration`; at once if it is not positive."""
        ...


def wall_time() -> datetime:
    """What the machine's wall clock shows; only to be compared with what other clocks showed.

    It may be stepped in either direction, and is right again as soon as somebody sets it right.
    """
    return datetime.now(UTC)


def elapsed() -> float:
    """Seconds since some instant in the past, never set and never backwards.

    They pass also while the machine is suspended, where it can tell: `time.monotonic` stands still
    then (clock_gettime(2), CLOCK_BOOTTIME; on macOS its CLOCK_MONOTONIC goes on).
    """
    return time.clock_gettime(_GOES_ON)


_GOES_ON = time.CLOCK_BOOTTIME if sys.platform == "linux" else time.CLOCK_MONOTONIC

#: The event loop's timers do stand still then, so nobody sleeps for longer without a look, seconds.
LONGEST_NAP = 30.0


class SystemClock:
    """The machine's clock, read once and then carried on by what has elapsed since.

    An operator's or NTP's step of the wall clock therefore moves no deadline of a running process,
    and a machine that was suspended knows how long.
    """

    def __init__(self, elapsed: Callable[[], float] = elapsed) -> None:
        """`elapsed` counts the seconds."""
        self._elapsed = elapsed
        #: What the wall clock would have shown when nothing had elapsed, in seconds since 1970.
        #: As floats these sums are exact to a quarter of a microsecond.
        self._zero = wall_time().timestamp() - elapsed()

    def now(self) -> datetime:
        """The present instant."""
        return datetime.fromtimestamp(self._zero + self._elapsed(), UTC)

    async def sleep(self, duration: timedelta) -> None:
        """Return after `duration`; at once if it is not positive."""
        left = duration.total_seconds()
        until = self._elapsed() + left
        while left > LONGEST_NAP:
            await asyncio.sleep(LONGEST_NAP)
            left = until - self._elapsed()
        await asyncio.sleep(max(0.0, left))


class Ids(Protocol):
    """New names for new things."""

    def new(self) -> str:
        """A name never given before: letters and digits, safe in a path or an address."""
        ...


class RandomIds:
    """Names of 16 characters from a 32-letter alphabet that cannot be misread (80 bits)."""

    _ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
    #: The letter of each byte: 32 divides 256, so that each is equally likely.
    _LETTERS = (_ALPHABET * 8).encode()

    def new(self) -> str:
        """A name never given before. The system is asked for randomness once, not per letter."""
        return secrets.token_bytes(16).translate(self._LETTERS).decode()


class Chance(Protocol):
    """The die, for jitter."""

    def random(self) -> float:
        """A number in [0, 1)."""
        ...


def system_chance() -> Chance:
    """The machine's own randomness; for spreading load, not for secrets."""
    return random.SystemRandom()
