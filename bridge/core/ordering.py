"""In which order are frames followed? By number, waiting for a missing one only briefly.

Laws (polyai-messaging §14):
- After a connect, history comes first: single frames wait until it has settled.
- A frame whose predecessor is missing waits at most `PATIENCE`; gaps can be legitimate. What is
  not read yet is not missing: only time in which the socket is read counts.
- Frames without a number never wait.
"""

from datetime import datetime, timedelta

from bridge.model.frames import Frame

#: How long a frame waits for the one before it.
PATIENCE = timedelta(seconds=1)
#: How many frames wait at most before nothing more is read from their socket.
MOST_HELD = 1_000


class Arrivals:
    """The frames of one socket, put in order. Transient: what it holds will be replayed."""

    def __init__(self, *, after: int) -> None:
        self._released = after
        self._settled = False
        self._held: list[Frame] = []
        self._since: datetime | None = None

    @property
    def due(self) -> datetime | None:
        """When held frames must be released although one before them is missing."""
        if self._since is None or not self._settled:
            return None
        return self._since + PATIENCE

    @property
    def full(self) -> bool:
        """Whether so many wait that no more should be read for now."""
        return len(self._held) >= MOST_HELD

    def history(self, frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
        """Frames of a batch, already sorted: to be followed now."""
        for frame in frames:
            self._note(frame)
        return frames

    def live(self, frame: Frame, now: datetime) -> tuple[Frame, ...]:
        """A single frame: what may be followed now, in order."""
        if frame.sequence is None:
            return (frame,)
        if self._settled and not self._held and frame.sequence <= self._released + 1:
            self._note(frame)
            return (frame,)
        self._held.append(frame)
        self._held.sort(key=_number)
        if not self._settled:
            return ()
        return self._release(now)

    def settle(self, now: datetime) -> tuple[Frame, ...]:
        """The history is complete: what waited for that."""
        self._settled = True
        return self._release(now)

    def overdue(self, now: datetime) -> tuple[Frame, ...]:
        """What has waited long enough."""
        if self.due is None or now < self.due:
            return ()
        self._released = _number(self._held[0]) - 1
        return self._release(now)

    def unread(self, meanwhile: timedelta) -> None:
        """For so long nothing was read: that is no time for a missing frame to come in."""
        if self._since is not None:
            self._since += meanwhile

    def rest(self) -> tuple[Frame, ...]:
        """Everything still held: nothing that is missing will come any more."""
        held, self._held, self._since = tuple(self._held), [], None
        return held

    def _release(self, now: datetime) -> tuple[Frame, ...]:
        released: list[Frame] = []
        while self._held and _number(self._held[0]) <= self._released + 1:
            frame = self._held.pop(0)
            self._note(frame)
            released.append(frame)
        if not self._held:
            self._since = None
        elif released or self._since is None:
            self._since = now
        return tuple(released)

    def _note(self, frame: Frame) -> None:
        if frame.sequence is not None:
            self._released = max(self._released, frame.sequence)


def _number(frame: Frame) -> int:
    return frame.sequence or 0
