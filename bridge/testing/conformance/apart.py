"""How is an adapter killed? In a process of its own; what it brings is stored in this one."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from bridge.model.delivery import Outbound, Receipt
from bridge.model.inbound import Inbound
from bridge.testing.conformance.child import Order
from bridge.testing.conformance.lending import Intake
from bridge.testing.conformance.wire import Wire


class Apart:
    """One adapter in one process, over the intake that outlives it."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        memory = intake.memory
        self.wire = Wire(
            {
                "accept": self._accept,
                "open_threads": self._open_threads,
                "recall": memory.recall,
                "recall_all": memory.recall_all,
                "remember": self._remember,
                "forget": memory.forget,
            }
        )
        self._process: asyncio.subprocess.Process | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The process, without an adapter yet; it is dead afterwards."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bridge.testing.conformance.child", str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        answering = asyncio.create_task(self.wire.run(ours))
        try:
            yield
        finally:
            await self.kill()
            await answering

    async def kill(self) -> None:
        """SIGKILL: no exit of anything is run."""
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()

    async def enter(self, order: Order) -> None:
        """Connect the adapter; raises Failed if it cannot."""
        await self.wire.ask("enter", msgspec.to_builtins(order))

    async def deliver(self, outbound: Outbound) -> Receipt:
        """Post it; raises Failed if it raised."""
        return Receipt(await self.wire.ask("deliver", msgspec.to_builtins(outbound)))

    async def leave(self) -> list[str]:
        """Let the adapter leave; what is left of it."""
        left: list[str] = await self.wire.ask("leave")
        return left

    async def _accept(self, value: Any) -> str:  # noqa: ANN401 - JSON
        return str(await self._intake.accept(msgspec.convert(value, Inbound)))

    async def _open_threads(self, prefix: str) -> list[str]:
        return list(self._intake.open_threads(prefix))

    async def _remember(self, value: Any) -> None:  # noqa: ANN401 - JSON
        key, text, secret = value
        await self._intake.memory.remember(key, text, secret=secret)
