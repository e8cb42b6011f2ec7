"""May this agent be asked for a session now? What one conversation was told holds for all of them.

- A rate limit keeps everybody from asking until it is over.
- After a refusal that repeating will not help, nobody asks for a minute; then one conversation
  does, and what it hears decides for the others.
"""

from datetime import datetime, timedelta
from typing import Final

from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.polyai.refusals import NoSession, TryLater

#: How long nobody asks again after a refusal: a person must act.
REFUSED_FOR: Final = timedelta(seconds=60)
#: How soon those who wait look whether the one who asks was heard.
_LOOK_AGAIN: Final = timedelta(seconds=5)


class Held(BridgeError):
    """Not asked, `because` of what another conversation was told; ask again `after` this long."""

    def __init__(self, because: NoSession, after: timedelta) -> None:
        super().__init__(because.message, remedy=because.remedy)
        self.because = because
        self.after = after
        self.correlation_id = because.correlation_id


class Hold:
    """The memory of one agent's refusals."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._because: NoSession | None = None
        self._until: datetime | None = None
        self._probing: object = None  #: who asks again after a refusal

    def admit(self, visitor: object) -> None:
        """Let a visitor pass; it may make several calls.

        Raises:
            Held: it must not ask now.
        """
        if self._because is None or self._until is None or visitor is self._probing:
            return
        now = self._clock.now()
        if now < self._until:
            # While somebody is asking, the others are not told to stay away for a whole minute.
            wait = _LOOK_AGAIN if self._probing is not None else self._until - now
            raise Held(self._because, wait)
        if isinstance(self._because, TryLater):
            self.lift()
        else:
            # However many wait for it, only this one asks again.
            self._probing, self._until = visitor, now + REFUSED_FOR

    def note(self, told: NoSession) -> None:
        """A visitor was told this."""
        self._probing = None
        if not isinstance(told, TryLater):
            self._because, self._until = told, self._clock.now() + REFUSED_FOR
        elif told.after is not None and isinstance(self._because, TryLater | None):
            until = self._clock.now() + told.after
            self._because, self._until = told, max(until, self._until or until)

    def lift(self) -> None:
        """The agent answers: everybody may ask."""
        self._because = self._until = self._probing = None
