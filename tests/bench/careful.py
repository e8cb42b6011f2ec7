"""The script, made durable as one would at first: a transaction by SQLAlchemy for each operation.

What comes from Slack is inserted before it is acknowledged, what goes there before it is posted,
and both are marked when they are done; each commits by itself. One connection, so that no writer
fails because of another. `python -m tests.bench.careful SLACK_API AGENT DATABASE`.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, Text, event
from sqlalchemy.ext.asyncio import create_async_engine

from tests.bench import script

engine = create_async_engine(
    f"sqlite+aiosqlite:///{sys.argv[3]}", pool_size=1, max_overflow=0, pool_timeout=60
)
metadata = MetaData()
inbox, outbox = (
    Table(
        name,
        metadata,
        Column("id", Integer, primary_key=True),
        Column("text", Text, nullable=False),
        Column("done", Integer, nullable=False, default=0),
    )
    for name in ("inbox", "outbox")
)


@event.listens_for(engine.sync_engine, "connect")
def durable(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


async def kept(table: Table, text: str) -> int:
    async with engine.begin() as connection:
        result = await connection.execute(table.insert().values(text=text))
        assert result.inserted_primary_key is not None
        return int(result.inserted_primary_key[0])


async def done(table: Table, number: int) -> None:
    async with engine.begin() as connection:
        await connection.execute(table.update().where(table.c.id == number).values(done=1))


@script.app.middleware
async def receive(body: dict[str, Any], next: Callable[[], Awaitable[None]]) -> None:  # noqa: A002 - Bolt's name
    number = await kept(inbox, body["event"]["text"])
    await next()
    await done(inbox, number)


post_at_once = script.post


async def post(channel: str, thread: str, text: str) -> None:
    number = await kept(outbox, text)
    await post_at_once(channel, thread, text)
    await done(outbox, number)


async def main() -> None:
    script.post = post
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await script.main()


if __name__ == "__main__":
    asyncio.run(main())
