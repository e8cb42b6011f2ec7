"""What do we know of a session that is to be connected? Read for many at once.

Those who ask together are answered by one reading; and so are those who will ask soon, as they
stand in a line to connect: one reading for each would cost more than to connect.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Final

from bridge import log
from bridge.errors import DatabaseFailed
from bridge.model.ids import ConversationId
from bridge.runtime.world import World
from bridge.store import Sealer, SessionRecord, Store

_Key = tuple[ConversationId, int]
_Found = dict[_Key, SessionRecord]
#: How many are asked for by one statement: SQLite has a limit.
_IN_ONE: Final = 500
#: How many of those in line are read ahead. Their tokens are in memory meanwhile.
_AHEAD: Final = 100


class Recall:
    """Reads the records of sessions; whoever asks while one reading goes on is in the next."""

    def __init__(self, store: Store, world: World) -> None:
        self._store = store
        self._world = world
        self._wanted: dict[_Key, Sealer] = {}
        self._reading: asyncio.Future[_Found] | None = None
        self._one = asyncio.Lock()
        self._expected: dict[_Key, Sealer] = {}  #: will ask, in this order
        self._ahead: dict[_Key, asyncio.Future[_Found]] = {}  #: the reading they are in

    @contextmanager
    def expecting(
        self, conversation: ConversationId, number: int, sealer: Sealer
    ) -> Iterator[None]:
        """In the body, at some time, this session is most likely asked for."""
        key = (conversation, number)
        self._expected[key] = sealer
        try:
            yield
        finally:
            self._expected.pop(key, None)
            self._ahead.pop(key, None)

    async def session(
        self, conversation: ConversationId, number: int, sealer: Sealer
    ) -> SessionRecord | None:
        """One session with its token, if that can still be unsealed; until it could be read."""
        key = (conversation, number)
        reading = self._ahead.pop(key, None) or self._joined(key, sealer)
        failures = 0
        while True:
            try:
                # Not ended with one of those who wait for it.
                found = await asyncio.shield(reading)
                return found.get(key)
            except DatabaseFailed:
                failures += 1
                await self._world.pause(failures)
                reading = self._joined(key, sealer)

    def _joined(self, key: _Key, sealer: Sealer) -> asyncio.Future[_Found]:
        """The next reading, this one in it."""
        self._expected.pop(key, None)
        self._wanted[key] = sealer
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read())
        return self._reading

    async def _read(self) -> _Found:
        async with self._one:
            reading, self._reading = self._reading, None  # this one: who asks now is in the next
            wanted, self._wanted = self._wanted, {}
            if reading is not None:
                for key in tuple(islice(self._expected, _AHEAD)):
                    wanted[key] = self._expected.pop(key)
                    self._ahead[key] = reading
            sealers, found = list(wanted.items()), _Found()
            for start in range(0, len(sealers), _IN_ONE):
                some = dict(sealers[start : start + _IN_ONE])
                for record in await self._store.sessions_of(some):
                    found[record.conversation, record.number] = record
                    log.learn(record.token or "")
            return found
