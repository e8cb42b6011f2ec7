"""What do we know of a session that is to be connected? Read for all who ask together at once."""

import asyncio
from typing import Final

from bridge.errors import DatabaseFailed
from bridge.model.ids import ConversationId
from bridge.runtime.world import World
from bridge.store import Sealer, SessionRecord, Store

_Key = tuple[ConversationId, int]
#: How many are asked for by one statement: SQLite has a limit.
_IN_ONE: Final = 500


class Recall:
    """Reads the records of sessions; whoever asks while one reading goes on is in the next."""

    def __init__(self, store: Store, world: World) -> None:
        self._store = store
        self._world = world
        self._wanted: dict[_Key, Sealer] = {}
        self._reading: asyncio.Future[dict[_Key, SessionRecord]] | None = None
        self._one = asyncio.Lock()

    async def session(
        self, conversation: ConversationId, number: int, sealer: Sealer
    ) -> SessionRecord | None:
        """One session with its token, if that can still be unsealed; until it could be read."""
        key = (conversation, number)
        self._wanted[key] = sealer
        failures = 0
        while True:
            if self._reading is None:
                self._reading = asyncio.ensure_future(self._read())
            reading = self._reading
            try:
                # Not ended with one of those who wait for it.
                found = await asyncio.shield(reading)
                return found.get(key)
            except DatabaseFailed:
                failures += 1
                await self._world.pause(failures)
                self._wanted[key] = sealer

    async def _read(self) -> dict[_Key, SessionRecord]:
        async with self._one:
            wanted, self._wanted, self._reading = list(self._wanted.items()), {}, None
            found = dict[_Key, SessionRecord]()
            for start in range(0, len(wanted), _IN_ONE):
                some = dict(wanted[start : start + _IN_ONE])
                for record in await self._store.sessions_of(some):
                    found[record.conversation, record.number] = record
            return found
