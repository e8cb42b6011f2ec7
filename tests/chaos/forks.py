"""Bridges, started in milliseconds: the fork server's other side."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_EXAMPLE = """
[database]
url = "sqlite+aiosqlite:///example.db"
[agents.default]
base_url = "http://127.0.0.1:9"
connector_token = "simulated-connector-token"
host = "https://demo.example"
[adapters.slack]
type = "slack"
bot_token = "xoxb-simulated"
app_token = "xapp-simulated"
"""
_EXAMPLE_OF_SAMPLE = """
[adapters.pinboard]
type = "pinboard"
url = "http://127.0.0.1:9"
token = "simulated-token"
"""


@dataclass(frozen=True)
class Fork:
    """One started bridge."""

    pid: int
    death: "asyncio.Future[int]"  #: its exit code, as `subprocess` has it

    @property
    def dead(self) -> bool:
        """Whether it is known to have died."""
        return self.death.done()

    async def kill(self) -> None:
        """`kill -9`; returns when it is dead."""
        if not self.dead:
            with contextlib.suppress(ProcessLookupError):  # it died, and we are about to hear it
                os.kill(self.pid, signal.SIGKILL)
        await asyncio.shield(self.death)


class Forks:
    """Starts bridges and hears of their deaths."""

    def __init__(self, server: asyncio.subprocess.Process) -> None:
        self._server = server
        self._names = itertools.count(1)
        self._pids: dict[str, asyncio.Future[int]] = {}
        self._deaths: dict[str, asyncio.Future[int]] = {}

    async def start(
        self,
        config: Path,
        log: Path,
        *,
        at: str = "",
        system_call: str = "",
        nth: int = 1,
        fault: str = "",
    ) -> Fork:
        """A bridge that dies at a point (`NAME:N`), or as it enters the n-th `system_call`.

        `fault`: one of `seeded.FAULTS` in its code.
        """
        loop, name = asyncio.get_running_loop(), str(next(self._names))
        self._pids[name] = pid = loop.create_future()
        self._deaths[name] = death = loop.create_future()
        order: Json = {
            "name": name,
            "config": str(config),
            "log": str(log),
            "at": at,
            "fault": fault,
        }
        order |= {"system_call": system_call, "nth": nth} if system_call else {}
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(order).encode() + b"\n")
        return Fork(await pid, death)

    async def listen(self) -> None:
        """Hear what the server says, until it says no more."""
        assert self._server.stdout is not None
        async for line in self._server.stdout:
            self._hear(json.loads(line))

    def _hear(self, fact: Json) -> None:
        name = fact["name"]
        if "pid" in fact:
            self._pids.pop(name).set_result(fact["pid"])
        elif "code" in fact:
            self._deaths.pop(name).set_result(fact["code"])


@asynccontextmanager
async def forking(directory: Path, *, sample: Path | None = None) -> AsyncIterator[Forks]:
    """A fork server, ended together with all that it started.

    `sample`: where the sample plug-in is installed, if it is.
    """
    example = directory / "example.toml"
    example.write_text(_EXAMPLE + _EXAMPLE_OF_SAMPLE if sample else _EXAMPLE)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("POLYAI_BRIDGE_")}
    if sample:
        environment["PYTHONPATH"] = str(sample)
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.chaos.forkserver",
        str(example),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    assert server.stdout is not None
    assert server.stdin is not None
    ready = await server.stdout.readline()
    assert b"ready" in ready, "the fork server did not start"
    forks = Forks(server)
    listening = asyncio.create_task(forks.listen())
    try:
        yield forks
    finally:
        server.stdin.close()
        await server.wait()
        await listening
