"""Who keeps the adapter connected? One task, as the daemon's supervisor does it."""

import asyncio
from typing import Any

from bridge.errors import BridgeError
from bridge.plugin import Adapter
from bridge.testing.conformance.lending import LentHost, listening
from bridge.testing.conformance.patience import Patience
from bridge.testing.conformance.subject import Subject
from bridge.testing.conformance.verdicts import Broken


class Held:
    """An adapter that is connected, and connected again whenever it falls."""

    def __init__(
        self,
        subject: Subject,
        settings: Any,  # noqa: ANN401 - of the plug-in's own model
        host: LentHost,
        port: int,
        patience: Patience,
    ) -> None:
        self._plugin = subject.plugin
        self._settings = settings
        self._host = host
        self._port = port
        self._patience = patience
        self._stop = asyncio.Event()
        self._adapter = _promised()
        self._task = asyncio.create_task(self._hold())

    async def adapter(self) -> Adapter:
        """The adapter as soon as it is connected.

        Raises:
            Broken: it does not connect in time.
            Exception: whatever its first connect raised.
        """
        within = self._patience.event
        try:
            return await asyncio.wait_for(asyncio.shield(self._adapter), within)
        except TimeoutError:
            raise Broken(
                "the adapter connects",
                seen=f"entering its context took more than {within:g} s",
                remedy="yield as soon as it can deliver; what takes longer belongs into a task",
            ) from None

    @property
    def fallen(self) -> bool:
        """Whether it is not connected at this moment."""
        return not self._adapter.done()

    async def leave(self) -> None:
        """Let it leave its context; raises Broken if that takes too long."""
        self._stop.set()
        if not self._task.done():
            await asyncio.wait((self._task,), timeout=self._patience.leave)
        if not self._task.done():
            self._task.cancel()
            raise Broken(
                "the adapter leaves its context when it is told to",
                seen=f"it was still there after {self._patience.leave:g} s",
                remedy="cancel its tasks on the way out, and wait for nothing that may not come",
            )

    async def drop(self) -> None:
        """Be rid of it, whatever it does."""
        self._task.cancel()
        await asyncio.wait((self._task,), timeout=self._patience.leave)

    async def _hold(self) -> None:
        served = False
        while not self._stop.is_set():
            try:
                await self._held()
            except Exception as error:
                served = served or self._adapter.done()
                if not served:
                    self._adapter.set_exception(cause(error))
                    return
                if self._adapter.done():
                    self._adapter = _promised()
                await asyncio.sleep(self._patience.again)

    async def _held(self) -> None:
        try:
            async with (
                listening(self._host.routes, self._port),
                self._plugin.connect(self._settings, self._host) as adapter,
            ):
                self._adapter.set_result(adapter)
                await self._stop.wait()
        finally:
            self._host.routes.withdraw(self._host.name)


def cause(error: BaseException) -> BaseException:
    """What went wrong, out of the groups that an adapter's own tasks wrapped it in."""
    while isinstance(error, BaseExceptionGroup):
        error = (error.subgroup(BridgeError) or error).exceptions[0]
    return error


def _promised() -> "asyncio.Future[Adapter]":
    """To be an adapter; nobody has to wait for it."""
    promised: asyncio.Future[Adapter] = asyncio.get_running_loop().create_future()
    promised.add_done_callback(lambda done: done.cancelled() or done.exception())
    return promised
