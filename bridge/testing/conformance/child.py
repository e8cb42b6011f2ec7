"""The adapter in a process of its own, which can be killed, and counted when the adapter has left.

`python -m bridge.testing.conformance.child FD` is told over that socket which one it is to hold.
"""

import asyncio
import os
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from bridge.errors import DatabaseFailed
from bridge.model.delivery import Outbound, Receipt
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.inbound import Inbound
from bridge.model.value import Value
from bridge.plugin import Accepted, Queuer
from bridge.testing.conformance.holding import Held
from bridge.testing.conformance.lending import Intake, LentHost, http_session
from bridge.testing.conformance.patience import Patience, eventually
from bridge.testing.conformance.subject import Subject
from bridge.testing.conformance.wire import Failed, Wire

#: Where the system tells which descriptors are open; elsewhere they are not counted.
_OPEN = Path("/proc/self/fd")


class FarMemory:
    """The memory of the process that tries us."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def recall(self, key: str) -> str | None:
        """What is kept."""
        kept: str | None = await self._wire.ask("recall", key)
        return kept

    async def recall_all(self, prefix: str) -> dict[str, str]:
        """Everything kept under these keys."""
        kept: dict[str, str] = await self._wire.ask("recall_all", prefix)
        return kept

    async def remember(self, key: str, text: str, *, secret: bool = False) -> None:
        """Keep it."""
        await self._wire.ask("remember", [key, text, secret])

    async def forget(self, key: str) -> None:
        """Keep it no longer."""
        await self._wire.ask("forget", key)


class FarHost(LentHost):
    """A host whose intake is in the process that tries us."""

    def __init__(self, name: str, wire: Wire, http: Any) -> None:  # noqa: ANN401 - a ClientSession
        super().__init__(name, Intake(), http)
        self._wire = wire
        self.memory = FarMemory(wire)

    async def accept(self, inbound: Inbound) -> Accepted:
        """Let it be stored there; raises DatabaseFailed."""
        try:
            return Accepted(await self._wire.ask("accept", msgspec.to_builtins(inbound)))
        except Failed as failed:
            raise DatabaseFailed(failed.message) from None

    async def open_threads(self, prefix: str = "") -> list[ThreadKey]:
        """The threads that something opened."""
        threads: list[ThreadKey] = await self._wire.ask("open_threads", prefix)
        return threads

    async def doubled(self, delivery: DeliveryId, copy: Receipt, *, removed: bool = False) -> bool:
        """True: nobody looks at it."""
        del delivery, copy, removed
        return True


class Order(Value, frozen=True, kw_only=True):
    """Which adapter is to be held, and how."""

    type: str
    plugin: str
    stand_in: str
    settings: dict[str, Any]
    port: int
    patience: Patience


class Child:
    """Holds one adapter when told to, and says what is left when it has gone."""

    def __init__(self) -> None:
        self.wire = Wire({"enter": self.enter, "deliver": self.deliver, "leave": self.leave})

    async def enter(self, value: Any) -> None:  # noqa: ANN401 - JSON
        """Connect the adapter; raises whatever it raises."""
        order = msgspec.convert(value, Order)
        subject = Subject.at(order.type, plugin=order.plugin, stand_in=order.stand_in)
        settings = subject.settings(order.settings)
        self._patience = order.patience
        self._own = asyncio.all_tasks()
        self._before = _descriptors()
        self._executor = ThreadPoolExecutor()
        asyncio.get_running_loop().set_default_executor(self._executor)
        self._http = http_session()
        host = FarHost(subject.name, self.wire, self._http)
        self._held = Held(subject, settings, host, order.port, order.patience)
        await self._held.adapter()

    async def deliver(self, value: Any) -> str:  # noqa: ANN401 - JSON
        """Post it."""
        outbound = msgspec.convert(value, Outbound)
        adapter = await self._held.adapter()
        if isinstance(adapter, Queuer):
            await adapter.turn(outbound)
        return (await adapter.deliver(outbound)).reference

    async def leave(self, _value: Any) -> list[str]:  # noqa: ANN401 - nothing
        """Let it leave; what is still there afterwards that was not there before."""
        await self._held.leave()
        await self._http.close()
        self._executor.shutdown(wait=True)

        async def clean() -> bool | None:
            return True if not self._left() else None

        await eventually(clean, self._patience.leave, self._patience)
        return self._left()

    def _left(self) -> list[str]:
        ours = self._own | self.wire.tasks
        tasks = [task for task in asyncio.all_tasks() if task not in ours]
        threads = [each for each in threading.enumerate() if each is not threading.main_thread()]
        return [
            *(f"the task {task.get_coro()!r}" for task in tasks),
            *(f"the thread {thread.name}" for thread in threads),
            *(f"open: {what}" for what in _descriptors() - self._before),
        ]


def _descriptors() -> set[str]:
    """What is open, each with what it leads to; the devices that anybody may keep open left out."""
    found = set()
    for each in _OPEN.iterdir() if _OPEN.exists() else ():
        try:
            target = str(each.readlink())
        except OSError:
            continue  # that of the listing itself
        if not target.startswith("/dev/"):
            found.add(target)
    return found


async def _serve(number: int) -> None:
    with socket.socket(fileno=number) as sock:
        await Child().wire.run(sock)
    # Whoever tried us is gone, and an adapter that cannot be ended must not stay behind.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
