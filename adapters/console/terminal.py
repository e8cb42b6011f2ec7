"""A keyboard that is read line by line, without blocking the loop, and a screen."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from bridge.errors import Unreachable

#: What drives a terminal or turns its writing around.
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def harmless(text: str) -> str:
    """The same words without what drives a terminal."""
    return _HARMFUL.sub("", text)


@contextmanager
def terminal(path: str) -> Iterator[tuple[int, TextIO]]:
    """The keyboard and the screen of the device at `path`; without one, standard input and output.

    Raises:
        Unreachable: nothing is there that could be opened.
    """
    if not path:
        yield sys.stdin.fileno(), sys.stdout
        return
    try:
        device = os.open(path, os.O_RDWR | os.O_NOCTTY)
    except OSError as error:
        raise Unreachable(f"the terminal cannot be opened: {error.strerror}") from error
    screen = os.fdopen(device, "w", encoding="utf-8")
    try:
        yield device, screen
    finally:
        with suppress(OSError):  # what could not be shown is still in its buffer
            screen.close()


async def typed_lines(keyboard: int) -> AsyncIterator[str]:
    """Each line of the descriptor: a terminal, a pipe, a file or nothing. Blank ones too.

    Leaves the descriptor's flags alone: a terminal shares them with our own output.
    """
    pending = b""
    while chunk := await _chunk(keyboard):
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace").strip()
    if pending:
        yield pending.decode(errors="replace").strip()


async def _chunk(keyboard: int) -> bytes:
    """What can be read now, once there is something; nothing at the end."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        with suppress(PermissionError):  # an ordinary file cannot be waited for: it never blocks
            loop.add_reader(keyboard, ready.set)
            await ready.wait()
    finally:
        loop.remove_reader(keyboard)
    try:
        return os.read(keyboard, 65536)
    except OSError:  # a terminal that was closed ends so
        return b""
