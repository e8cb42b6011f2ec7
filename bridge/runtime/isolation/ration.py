"""What may an adapter in a process of its own have us keep? As much as can be handed back to it."""

from bridge.errors import DatabaseFailed
from bridge.plugin import Memory
from bridge.runtime.isolation.verbs import LONGEST_KEPT

#: The longest key, in bytes; the most keys; and the most of all keys and texts, in bytes.
LONGEST_KEY = 1_000
MOST_KEYS = 100_000
MOST_KEPT = 48 * 1024 * 1024


class Rationed:
    """The memory of one adapter, which holds so much and no more."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._sizes: dict[str, int] | None = None
        self._total = 0

    async def remember(self, key: str, text: str, secret: bool) -> None:  # noqa: FBT001 - as it is sent
        """Keep it.

        Raises:
            DatabaseFailed: it is too long, or there is too much; nothing is kept.
        """
        size = len(text.encode())
        if len(key.encode()) > LONGEST_KEY or size > LONGEST_KEPT:
            raise DatabaseFailed(f"a text of more than {LONGEST_KEPT} bytes is not kept")
        sizes = await self._known()
        grown = self._total + _weight(key, size) - sizes.get(key, 0)
        if grown > MOST_KEPT or (len(sizes) >= MOST_KEYS and key not in sizes):
            raise DatabaseFailed("the adapter remembers as much as it may", remedy="forget some")
        # Before it is there: what comes meanwhile counts it already.
        self._total, sizes[key] = grown, _weight(key, size)
        await self._memory.remember(key, text, secret=secret)

    async def forget(self, key: str) -> None:
        """Keep nothing under `key`."""
        await self._memory.forget(key)
        self._total -= (await self._known()).pop(key, 0)

    async def _known(self) -> dict[str, int]:
        if self._sizes is None:
            kept = await self._memory.recall_all("")
            if self._sizes is None:
                self._sizes = {key: _weight(key, len(text.encode())) for key, text in kept.items()}
                self._total = sum(self._sizes.values())
        return self._sizes


def _weight(key: str, size: int) -> int:
    return len(key.encode()) + size
