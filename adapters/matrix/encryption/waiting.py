"""Which messages wait for their key? Kept until it comes, or has had its time."""

import json
from datetime import datetime, timedelta
from typing import Any

from adapters.matrix.reading import Event
from bridge.clock import Clock
from bridge.model.value import Value
from bridge.plugin import Memory

_PREFIX = "unread "
#: How long a key may take: it is sent before its message, but may be held up on another server.
PATIENCE = timedelta(minutes=1)
#: More than these wait no longer than until the next is looked at.
_MOST = 1000


class Unread(Value, frozen=True):
    """A sealed event, where it stands in the order of those that wait, and until when it does."""

    room: str
    event: dict[str, Any]
    number: int
    until: datetime


class Waiting:
    """The messages that wait, in their order; each is kept in the memory, so none is lost."""

    def __init__(self, memory: Memory, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock
        self._unread: dict[str, Unread] = {}

    async def begin(self) -> None:
        """Take up those that waited when we ended. Raises DatabaseFailed."""
        kept = [_read(text) for text in (await self._memory.recall_all(_PREFIX)).values()]
        for unread in sorted(kept, key=lambda one: one.number):
            self._unread[str(unread.event["event_id"])] = unread

    def __bool__(self) -> bool:
        """Whether any wait."""
        return bool(self._unread)

    async def add(self, room: str, event: Event) -> None:
        """Keep a message that cannot be read yet; again is once. Raises DatabaseFailed."""
        identity = str(event.get("event_id"))
        if identity in self._unread:
            return
        number = 1 + max((one.number for one in self._unread.values()), default=0)
        patience = PATIENCE if len(self._unread) < _MOST else timedelta()
        unread = Unread(room, dict(event), number, self._clock.now() + patience)
        await self._memory.remember(_PREFIX + identity, _written(unread))
        self._unread[identity] = unread

    def all(self) -> list[Unread]:
        """Those that wait, the first first."""
        return list(self._unread.values())

    def over(self, unread: Unread) -> bool:
        """Whether it waited long enough."""
        return self._clock.now() >= unread.until

    async def drop(self, unread: Unread) -> None:
        """It was read, or nobody can. Raises DatabaseFailed."""
        identity = str(unread.event["event_id"])
        await self._memory.forget(_PREFIX + identity)
        self._unread.pop(identity, None)


def _written(unread: Unread) -> str:
    told = {"room": unread.room, "event": unread.event, "number": unread.number}
    return json.dumps(told | {"until": unread.until.isoformat()})


def _read(text: str) -> Unread:
    told = json.loads(text)
    until = datetime.fromisoformat(told["until"])
    return Unread(told["room"], told["event"], told["number"], until)
