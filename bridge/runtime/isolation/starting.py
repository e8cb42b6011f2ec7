"""How does an adapter's process begin and end? With one end of a socket pair; killed and reaped.

It is told nothing on its command line and nothing by its environment: neither our variables, which
hold secrets of others, nor a terminal. What the plug-in prints goes nowhere: it can log.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from bridge.config.sources import PREFIX

_MODULE: Final = "bridge.runtime.isolation"
#: How long a process whose line broke may take to end, in seconds, before it is not asked why.
_ENDING: Final = 1.0


class Child:
    """A running process, and our end of the line to it."""

    def __init__(self, process: asyncio.subprocess.Process, sock: socket.socket) -> None:
        self._process = process
        self.sock = sock

    async def ended(self, within: float) -> str | None:
        """How it came to its end, for the operator; None if it lives on after these seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._process.wait()
        code = self._process.returncode
        if code is None:
            return None
        if code >= 0:
            return f"with exit code {code}"
        named = -code in set(signal.Signals)  # most of the real-time signals have no name
        return f"by {signal.Signals(-code).name}" if named else f"by signal {-code}"

    async def why(self) -> str:
        """What became of it, once its line is broken."""
        how = await self.ended(_ENDING)
        return f"its process ended {how}" if how else "its process left its line"

    async def kill(self) -> None:
        """End it, and whatever it has started in its session; return when it is reaped."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()


async def start() -> Child:
    """A process that waits for what to be; raises OSError if there can be none."""
    ours, theirs = socket.socketpair()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *_flags(),
            "-m",
            _MODULE,
            str(theirs.fileno()),
            str(os.getpid()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            env=_environment(os.environ),
            start_new_session=True,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return Child(process, ours)


def _flags() -> tuple[str, ...]:
    """It imports from where we do: from the working directory only if we do."""
    return () if {"", os.getcwd()} & set(sys.path) else ("-P",)  # noqa: PTH109 - as sys.path has it


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    hidden = (PREFIX, "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_")
    return {name: value for name, value in ours.items() if not name.startswith(hidden)}
