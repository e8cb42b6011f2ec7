"""Who goes next? Those who wait for one method, by urgency and channel. Pure.

The most urgent goes first; among equals the channels take turns, and one whose own bucket is empty
holds up no other. Who has waited for `PATIENCE` counts as urgent, so that nothing waits for ever.
"""

from asyncio import Future
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bridge.model.delivery import Urgency

#: After this wait a sentence goes like an answer.
PATIENCE: Final = timedelta(minutes=1)


def is_whisper(urgency: Urgency) -> bool:
    """Whether nothing is lost without what is so urgent."""
    return urgency >= Urgency.SIGNAL


@dataclass(slots=True, eq=False, kw_only=True)
class Waiting:
    """One call that waits. `about` names the message that it changes, if it changes one."""

    urgency: Urgency
    since: datetime
    told: "Future[None]"
    channel: str = ""
    about: str = ""
    until: datetime | None = None  #: then it is too late to be of use

    @property
    def whisper(self) -> bool:
        """Whether nothing is lost without it."""
        return is_whisper(self.urgency)


#: The queues of one urgency, by channel; the one whose turn it is comes first.
_Lane = dict[str, deque[Waiting]]


class Lanes:
    """Everybody who waits for one method of one workspace."""

    def __init__(self) -> None:
        self._lanes: dict[Urgency, _Lane] = {urgency: {} for urgency in sorted(Urgency)}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def of(self, urgency: Urgency) -> list[Waiting]:
        """All of one urgency."""
        return [one for queue in self._lanes[urgency].values() for one in queue]

    def add(self, one: Waiting) -> None:
        """Let it wait behind those of its urgency and channel."""
        self._lanes[one.urgency].setdefault(one.channel, deque()).append(one)
        self._count += 1

    def remove(self, one: Waiting) -> bool:
        """Let it wait no longer; whether it did."""
        lane = self._lanes[one.urgency]
        if one not in lane.get(one.channel, ()):
            return False
        lane[one.channel].remove(one)
        if not lane[one.channel]:
            del lane[one.channel]
        self._count -= 1
        return True

    def heads(self) -> Iterator[Waiting]:
        """Those who are first of their urgency and channel: nobody else can be next."""
        return (queue[0] for lane in self._lanes.values() for queue in lane.values())

    def next(self, now: datetime, may_go: Callable[[Waiting], bool]) -> Waiting | None:
        """Take out whose turn it is, among those who may go."""
        self._promote(now)
        found = next((head for head in self.heads() if may_go(head)), None)
        if found is not None:
            lane = self._lanes[found.urgency]
            queue = lane.pop(found.channel)
            queue.popleft()
            if queue:
                lane[found.channel] = queue  # behind the other channels
            self._count -= 1
        return found

    def _promote(self, now: datetime) -> None:
        long_waiting = [
            one
            for one in self.heads()
            if Urgency.ANSWER < one.urgency < Urgency.SIGNAL and one.since + PATIENCE <= now
        ]
        for one in long_waiting:
            self.remove(one)
            one.urgency = Urgency.ANSWER
            self.add(one)
