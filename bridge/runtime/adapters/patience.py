"""How long does the daemon wait for an adapter that runs within it? Never for ever.

Each call has its time, and whatever it raises, be it meant to end a program, ends that call alone.
The adapters of the bridge's own package are called as they are. A stranger's call runs in a task of
its own, so that one which swallows its cancellation is left behind: that costs a task per call.
What neither can help against is code that never yields; therefore `isolation`.
"""

import asyncio
from functools import partial
from typing import Any, Final

from bridge import log
from bridge.plugin import Adapter
from bridge.runtime.adapters.calling import Verb, front, methods_of
from bridge.runtime.delivering.outcomes import hung

_log = log.get("supervisor")

#: How long what was called off may take to end, in seconds, before it is left behind.
LEFT_AFTER: Final = 1.0


class Surprise(Exception):
    """The adapter raised what is no error of a call; a kind of its own, named like what it was."""


def surprise(error: BaseException) -> Exception:
    """What an adapter raised, as an exception that ends nothing else."""
    if isinstance(error, Exception):
        return error
    named: Exception = type(type(error).__name__, (Surprise,), {})()
    return named


def patient(adapter: Adapter, *, trusted: bool) -> Adapter:
    """The same adapter, for which nobody waits for ever. `trusted`: it can be called off."""
    ask = _ask if trusted else _ask_stranger
    return front(methods_of(adapter), partial(ask, adapter))


async def _ask(adapter: Adapter, verb: Verb[Any], *arguments: object) -> object:
    if verb.patience is None:
        return await _contained(verb, adapter, arguments)
    wait = asyncio.timeout(verb.patience.total_seconds())
    try:
        async with wait:
            return await _contained(verb, adapter, arguments)
    except TimeoutError:
        if wait.expired():
            raise hung(verb.unanswered) from None
        raise


async def _ask_stranger(adapter: Adapter, verb: Verb[Any], *arguments: object) -> object:
    patience = verb.patience.total_seconds() if verb.patience else None
    task = asyncio.ensure_future(_contained(verb, adapter, arguments))
    try:
        done, _ = await asyncio.wait((task,), timeout=patience)
    except asyncio.CancelledError:
        await call_off(task)
        raise
    if not done:
        await call_off(task)
        raise hung(verb.unanswered)
    return task.result()


async def _contained(verb: Verb[Any], adapter: Adapter, arguments: tuple[object, ...]) -> object:
    """The call; of what it raises, only our own cancellation goes further than an exception."""
    try:
        return await verb.ask(adapter, *arguments)
    except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
        raise surprise(error) from None
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise surprise(error) from None


async def call_off(task: "asyncio.Task[Any]", within: float = LEFT_AFTER) -> bool:
    """Cancel it; whether it came to an end within these seconds. If not, it is left behind."""
    task.cancel()
    await asyncio.wait((task,), timeout=within)
    if not task.done():
        _log.warning("adapter.left_behind", task=task.get_name())
        # At the end of the loop nobody waits for it either (asyncio, "Extending").
        asyncio._unregister_task(task)  # noqa: SLF001
        task.add_done_callback(_overheard)
        return False
    _overheard(task)
    return True


def _overheard(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()  # nobody is left to be told
