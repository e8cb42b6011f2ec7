"""When is it, what is it called, how does the die fall? The only module that may ask."""

import asyncio
import random
import secrets
import time
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


class SystemClock:
    """The machine's clock, read once and then carried on by the monotonic one.

    An operator's or NTP's step of the wall clock therefore moves no deadline of a running process.
    """

    def __init__(self) -> None:
        self._anchor = datetime.now(UTC)
        self._started = time.monotonic()

    def now(self) -> datetime:
        """The present instant."""
        return self._anchor + timedelta(seconds=time.monotonic() - self._started)

    async def sleep(self, duration: timedelta) -> None:
        """Return after `duration`; at once if it is not positive."""
        await asyncio.sleep(max(0.0, duration.total_seconds()))


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
