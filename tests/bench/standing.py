"""What every process of the bench has: its event loop, and a collection when asked for one."""

import asyncio
import gc
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any


def run_fast(main: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where there is one, as our bridge does."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    try:
        import uvloop

        factory = uvloop.new_event_loop
    except ImportError:
        pass
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


def standing() -> None:
    """From now on SIGUSR1 means: a full collection, and a line that says its milliseconds."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _collect)


def _collect() -> None:
    began = time.perf_counter()
    gc.collect()
    sys.stdout.write(f"{(time.perf_counter() - began) * 1e3:.4f}\n")
    sys.stdout.flush()
