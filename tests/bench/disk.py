"""What durability costs on this disk, without any network: T_c, group commit, and the core alone.

T_c is the time of one durable single-row transaction by the bare driver, from the loop by way of
one thread: what no bridge that commits before it acknowledges can do without.
"""

import asyncio
import json
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bridge.core.conversation import step
from bridge.core.events import FrameArrived, SessionOpened, SocketReady
from bridge.core.state import Conversation
from bridge.core.terms import Terms
from bridge.model.frames import AgentMessage, Frame
from bridge.model.ids import AdapterName, AgentName, ConversationId, PersonId, ThreadKey
from bridge.model.inbound import Inbound, Said
from bridge.model.messages import Person
from bridge.polyai.wire import decode
from bridge.store import Accept, Store, open_store

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def accept(number: int) -> Accept:
    """A message that opens a conversation of its own."""
    inbound = Inbound(
        thread=ThreadKey(f"thread-{number}"),
        identities=(f"message-{number}",),
        order=str(number),
        person=Person(PersonId("U1")),
        at=NOW,
        body=Said("A message of about the usual length, as people write them."),
        opens=True,
    )
    return Accept(
        adapter=AdapterName("bench"),
        inbound=inbound,
        agent=AgentName("default"),
        new_id=ConversationId(f"c{number}"),
        at=NOW,
    )


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    """How long it took."""
    begun = time.perf_counter()
    await work()
    return time.perf_counter() - begun


async def row_seconds(path: Path, rows: int = 200) -> float:
    """T_c: the median time of one row, committed to the disk."""
    loop = asyncio.get_running_loop()
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    with closing(database), ThreadPoolExecutor(1) as thread:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)")
        times = []
        for _ in range(rows):
            begun = time.perf_counter()
            await loop.run_in_executor(thread, _one_row, database)
            times.append(time.perf_counter() - begun)
    return statistics.median(times)


def _one_row(database: sqlite3.Connection) -> None:
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO rows (text) VALUES (?)", ("A message of the usual length.",))
    database.execute("COMMIT")


async def commits(store: Store, rounds: int) -> dict[str, float]:
    """Accepts one at a time, and 64 in flight."""
    numbers = iter(range(10**9))

    async def alone() -> None:
        for _ in range(100):
            await store.write(accept(next(numbers)))

    async def lane() -> None:
        for _ in range(20):
            await store.write(accept(next(numbers)))

    async def together() -> None:
        await asyncio.gather(*(lane() for _ in range(64)))

    one = statistics.median([await seconds(alone) / 100 for _ in range(rounds)])
    many = statistics.median([await seconds(together) / (64 * 20) for _ in range(rounds)])
    return {"accepts_per_s_1": 1 / one, "accepts_per_s_64": 1 / many}


def frames_per_second() -> float:
    """Frames decoded and followed by the core, without any I/O."""
    conversation = Conversation(
        id=ConversationId("c"),
        adapter=AdapterName("bench"),
        thread=ThreadKey("t"),
        agent=AgentName("default"),
        opened_at=NOW,
        touched_at=NOW,
    )
    terms = Terms()
    for opening in (SessionOpened(1), SocketReady(1)):
        conversation = step(conversation, opening, NOW, terms).conversation
    texts = [
        json.dumps(
            {
                "type": "EVENT_TYPE_POLY_AGENT_MESSAGE",
                "id": f"id-{n}",
                "sequence": n,
                "payload": {"message_id": f"m-{n}", "text": "An answer. " * 20},
            }
        )
        for n in range(1, 2001)
    ]
    begun = time.perf_counter()
    followed = 0
    for text in texts:
        for frame in decode(text).frames:
            event = FrameArrived(1, frame)
            conversation = step(conversation, event, NOW, terms).conversation
            followed += isinstance(frame, Frame) and isinstance(frame.body, AgentMessage)
    return followed / (time.perf_counter() - begun)


async def measured(directory: Path, rounds: int) -> dict[str, float]:
    """What this machine takes."""
    async with open_store(f"sqlite+aiosqlite:///{directory / 'disk.db'}") as store:
        found = await commits(store, rounds)
    found["T_c_ms"] = await row_seconds(directory / "row.db") * 1e3
    found["group_commit_gain"] = found["accepts_per_s_64"] / found["accepts_per_s_1"]
    found["frames_per_s"] = frames_per_second()
    return found
