"""What if whoever brings something stops waiting for the answer? It is decided all the same."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def decided(work: Awaitable[T]) -> T:
    """What `work` comes to. A caller that is cancelled leaves only when that is decided."""
    deciding = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(deciding)
    except asyncio.CancelledError:
        # Nobody is left to be told an error; and being cancelled once more must not reach it.
        deciding.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait((deciding,))
        raise
