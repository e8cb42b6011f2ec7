"""How do tasks end together? Those that go on for ever, and errors that come in a group."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.errors import BridgeError


@asynccontextmanager
async def cancelled_at_end() -> AsyncIterator[asyncio.TaskGroup]:
    """A group whose tasks would go on for ever: they are cancelled when the body is done."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
            await _leave()
    except* _Left:
        pass


class _Left(Exception):
    """Makes a task group cancel its tasks."""


async def _leave() -> None:
    raise _Left


async def until(stop: asyncio.Event, running: list[asyncio.Task[None]]) -> None:
    """Until told to stop, or until one of those that run has ended."""
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait((stopped, *running), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()


def first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that is ours to tell among those that came together."""
    ours = group.subgroup(BridgeError)
    inner: BaseException = ours or group
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    return inner
