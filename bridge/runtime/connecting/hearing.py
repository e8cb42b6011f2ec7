"""Do we hear an agent by its sockets? What all of them together tell; pure, instants are passed in.

A pong that does not come means something only where pongs have come before: nobody has documented
that PolyAI's front end answers pings.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

#: Whoever does not try any more, as nobody wants a socket now, is not failing for ever.
_FORGOTTEN: Final = timedelta(seconds=60)
#: One attempt that fails is no outage.
_MISSES: Final = 2
#: So many pings in vain before any was ever answered, and no more are sent.
_VAIN: Final = 20


@dataclass(slots=True)
class Hearing:
    """What is known of one agent's sockets."""

    _pongs: bool = False
    _vain: int = 0
    _misses: int = 0  #: connects that failed in a row
    _why: str = ""
    _missed_at: datetime | None = None
    _deaf_at: datetime | None = None

    @property
    def worth_a_ping(self) -> bool:
        """Whether the service answers pings, or has had no chance yet to show that it does."""
        return self._pongs or self._vain < _VAIN

    def opened(self) -> None:
        """A socket was."""
        self._misses = 0
        self._deaf_at = None

    def missed(self, now: datetime, why: str) -> None:
        """A socket could not be opened."""
        self._misses += 1
        self._missed_at, self._why = now, why

    def pong(self) -> None:
        """A ping was answered."""
        self._pongs = True
        self._deaf_at = None

    def silence(self, now: datetime, *, all_silent: bool) -> bool:
        """A ping was not answered; whether its socket is deaf, as pings are answered here."""
        if not self._pongs:
            self._vain += 1
            return False
        if all_silent:
            self._deaf_at = now
        return True

    def trouble(self, now: datetime) -> str | None:
        """What is wrong, as far as can be seen."""
        failing = self._missed_at is not None and now - self._missed_at < _FORGOTTEN
        if self._misses >= _MISSES and failing:
            return f"its sockets cannot be opened: {self._why}"
        if self._deaf_at is not None and now - self._deaf_at < _FORGOTTEN:
            return "none of its open sockets answers"
        return None
