"""Shall a session be connected again, and when? What its last sockets came to. Pure.

Laws (polyai-messaging §4.5, §9):
- A dropped socket does not end a session. It is connected again after growing pauses, as often in
  a row as PolyAI allows; then it is left alone for a while.
- Only a socket that proved itself restores that: one accepted and dropped again is a failure.
- A normal close without SESSION_END most likely is the end: one more connect fetches what came
  before it, and confirms it.
- A session that PolyAI says it does not know, or will not have, is given up if the next socket ends
  the same way; where it does not even open, the handshake has said so.
"""

import enum
from dataclasses import dataclass
from typing import Final

from bridge.polyai.socket import Closing

#: How many connects in a row may fail, where the session does not say (§9: PolyAI's own SDKs).
_ATTEMPTS: Final = 10


class Verdict(enum.StrEnum):
    """What to do about a session whose socket is gone."""

    VERIFY = "verify"  #: connect at once
    AGAIN = "again"  #: connect after a pause
    GONE = "gone"  #: give it up
    ENDED = "ended"  #: it is over


@dataclass(slots=True)
class Reconnects:
    """The memory of one session's sockets, since one last proved itself."""

    number: int
    failures: int = 0  #: in a row: what the pause grows with; a proved socket's end is the first
    attempts: int = 0  #: connects in a row that came to nothing
    doubt: Closing | None = None  #: why the next socket verifies whether the session lives

    @property
    def verifies_end(self) -> bool:
        """Whether the next socket is only there to fetch what came before the end."""
        return self.doubt is Closing.ENDED

    def restore(self) -> None:
        """A socket proved itself."""
        self.failures = self.attempts = 0
        self.doubt = None

    def begin_again(self) -> None:
        """The session was left alone for a while."""
        self.failures = self.attempts = 0

    def unopened(self) -> None:
        """A connect came to nothing: no answer, or a refusal that says nothing of the session."""
        self.failures += 1
        self.attempts += 1

    def closed(self, closing: Closing, *, proved: bool) -> Verdict:
        """A socket is gone, and not because we wanted so."""
        if proved:
            self.restore()
            self.failures = 1
        else:
            self.unopened()
        if closing not in (Closing.ENDED, Closing.GONE):
            return Verdict.AGAIN
        if self.doubt is not None:
            return Verdict.ENDED if Closing.ENDED in (closing, self.doubt) else Verdict.GONE
        self.doubt = closing
        return Verdict.VERIFY if closing is Closing.ENDED else Verdict.AGAIN

    def spent(self, allowed: int | None) -> bool:
        """Whether that is enough; `allowed` is what the session named, 0 for no limit."""
        limit = _ATTEMPTS if allowed is None else allowed
        return 0 < limit <= self.attempts
