"""What does the process run on? Its event loop, and when the collector may stop everything.

And what it leaves behind is for its own user alone: its files; and no image of its memory.

uvloop, where it is installed: asyncio's own TLS keeps a buffer of 256 KB for every connection.

The collector looks for cycles among all objects that are left from before, which takes 30 ms for
every thousand sessions. So whatever a whole collection leaves is frozen, which means set aside, and
not looked at again: a collection stops us for as long as what is new since the last one takes.
"""

import asyncio
import gc
import os
import resource
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, Final

from bridge import log
from bridge.errors import BridgeError

_log = log.get("process")

#: Objects that survived are looked at, and frozen, at the latest with so many times 7,000 of them.
_OFTEN: Final = 2
#: Set aside are also cycles that died since. With fewer objects than this, that is bearable (about
#: 150 MB); with more, all are looked at once when they have doubled.
_BEARABLE: Final = 1_000_000

#: Too little for a file, as 0 is; and one byte, unlike 0, has Linux give no program a dump either,
#: where `kernel.core_pattern` names one (fs/coredump.c).
_NO_DUMP: Final = 1


def seclude() -> None:
    """Files made from now on are the user's alone, and no crash leaves our memory on the disk.

    Both go for the processes of adapters, too. Whoever is the same user may read all of it anyway.
    """
    os.umask(0o077)
    _limit(resource.RLIMIT_CORE, lambda most: min(most % 2**64, _NO_DUMP))


def open_many() -> None:
    """As many sockets as the system lets us have: what shells are given is 1,024 at times."""
    _limit(resource.RLIMIT_NOFILE, lambda most: most)


def _limit(what: int, chosen: Callable[[int], int]) -> None:
    """Set our own bound of something; the system's stays, and is handed to `chosen`."""
    _, most = resource.getrlimit(what)
    with suppress(OSError, ValueError):  # some systems have a bound beyond the one they tell
        resource.setrlimit(what, (chosen(most), most))


def run(main: Coroutine[Any, Any, None], *, ending: timedelta | None = None) -> None:
    """Run `main` to its end on the best loop there is. Raises whatever it does.

    With an `ending` the process is over so long after `main` is, whatever tasks or threads an
    adapter may have left that do not end: with the code of the error, or 0.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner, freezing():
        code = 1
        log.surface_tasks(runner.get_loop())
        try:
            runner.run(main)
            code = 0
        except BridgeError as error:
            code = error.exit_code
            raise
        finally:
            if ending is not None:
                _end_within(ending, code)


def _end_within(ending: timedelta, code: int) -> None:
    def end() -> None:
        _log.warning("bridge.cut_short")
        os._exit(code)

    timer = threading.Timer(ending.total_seconds(), end)
    timer.daemon = True  # it holds up nothing itself
    timer.start()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """None: asyncio's own."""
    if sys.platform == "win32":
        return None
    try:
        import uvloop
    except ImportError:  # no wheel for this machine, and no compiler: slower, but the same
        return None
    return uvloop.new_event_loop


@contextmanager
def freezing() -> Iterator[None]:
    """Within it, whatever a whole collection leaves is not looked at by the next."""
    before = gc.get_threshold()
    gc.set_threshold(before[0], before[1], _OFTEN)
    gc.callbacks.append(_freeze)
    try:
        yield
    finally:
        gc.callbacks.remove(_freeze)
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def uncollected() -> Iterator[None]:
    """While much is made and nothing thrown away there is nothing to find; then all is frozen."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()


class Thaw:
    """Looks at what is frozen, once it has doubled: for what died in the meantime."""

    def __init__(self, bearable: int = _BEARABLE) -> None:
        self._limit = self._bearable = bearable

    def if_grown(self) -> bool:
        """Whether it had; then everything was looked at, which takes a while."""
        if gc.get_freeze_count() <= self._limit:
            return False
        gc.unfreeze()
        gc.collect()
        self._limit = max(self._bearable, 2 * gc.get_freeze_count())
        return True


def _freeze(phase: str, about: dict[str, int]) -> None:
    if phase == "stop" and about["generation"] == 2:
        gc.freeze()
