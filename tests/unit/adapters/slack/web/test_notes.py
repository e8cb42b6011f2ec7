"""Are notes written behind, the newest of each, and never in anybody's way?"""

import asyncio

from adapters.slack.web.notes import Notes
from bridge.errors import DatabaseFailed
from bridge.testing.host import PlayedMemory


class SlowMemory(PlayedMemory):
    """A memory that takes its time, or cannot write at all."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.full = False
        self.writes = 0

    async def remember(self, key: str, text: str, *, secret: bool = False) -> None:
        await self.gate.wait()
        self.writes += 1
        if self.full:
            raise DatabaseFailed("full")
        await super().remember(key, text, secret=secret)

    async def recall_all(self, prefix: str) -> dict[str, str]:
        if self.full:
            raise DatabaseFailed("full")
        return await super().recall_all(prefix)


async def test_the_newest_of_a_key_is_kept() -> None:
    memory = SlowMemory()
    notes = Notes(memory)
    for text in "one", "two", "three":
        notes.write("a", text)
    notes.write("b", "gone")
    notes.erase("b")
    memory.gate.set()
    await notes.close()
    assert memory.kept == {"a": "three"}
    assert memory.writes == 1
    assert await notes.read("a") == {"a": "three"}


async def test_a_full_disk_costs_the_note_and_nothing_else() -> None:
    memory = SlowMemory()
    memory.full = True
    memory.gate.set()
    notes = Notes(memory)
    notes.write("a", "lost")
    notes.write("b", "lost too")
    await notes.close()
    assert memory.writes == 2
    assert await notes.read("") == {}


async def test_leaving_waits_for_no_memory_that_hangs() -> None:
    notes = Notes(SlowMemory())
    notes.write("a", "never")
    await notes.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "slack-notes"]


async def test_nothing_to_note_is_nothing_to_close() -> None:
    await Notes(PlayedMemory()).close()
