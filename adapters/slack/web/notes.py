"""What do we note without waiting for it? Short notes in the host's memory, written behind.

They spare us repeating ourselves after a restart. A note that a crash or a full disk swallows costs
such a repetition and nothing else, so nobody waits for one, and a failure is no news here.
"""

import asyncio
import contextlib
from datetime import timedelta
from typing import Final

from bridge.errors import DatabaseFailed
from bridge.plugin import Memory

_FAREWELL: Final = timedelta(seconds=1)


class Notes:
    """Notes by key; the newest of a key is what will be kept."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._due: dict[str, str | None] = {}
        self._writing: asyncio.Task[None] | None = None

    async def read(self, prefix: str) -> dict[str, str]:
        """What was noted before; nothing if that cannot be read."""
        try:
            return await self._memory.recall_all(prefix)
        except DatabaseFailed:
            return {}

    def write(self, key: str, text: str) -> None:
        """Keep it, soon."""
        self._put(key, text)

    def erase(self, key: str) -> None:
        """Keep it no longer, soon."""
        self._put(key, None)

    async def close(self) -> None:
        """Write what is due, unless that takes long; no task stays behind."""
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=_FAREWELL.total_seconds())
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)

    def _put(self, key: str, text: str | None) -> None:
        self._due[key] = text
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="slack-notes")

    async def _write(self) -> None:
        while self._due:
            key = next(iter(self._due))
            text = self._due.pop(key)
            with contextlib.suppress(DatabaseFailed):
                if text is None:
                    await self._memory.forget(key)
                else:
                    await self._memory.remember(key, text)
