"""What is typed, line by line, without a thread and without blocking the loop."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress


async def typed_lines(source: int) -> AsyncIterator[str]:
    """Each line of the descriptor `source`: a terminal, a pipe, a file or nothing. Blank ones too.

    Leaves the descriptor's flags alone: a terminal shares them with our own output.
    """
    pending = b""
    while chunk := await _chunk(source):
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace").strip()
    if pending:
        yield pending.decode(errors="replace").strip()


async def _chunk(source: int) -> bytes:
    """What can be read now, once there is something; nothing at the end."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        with suppress(PermissionError):  # an ordinary file cannot be waited for: it never blocks
            loop.add_reader(source, ready.set)
            await ready.wait()
    finally:
        loop.remove_reader(source)
    return os.read(source, 65536)
