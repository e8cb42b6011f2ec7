"""What becomes of troubles that nobody logs? They do not go round the log, and pass what masks it.

Python prints what nobody caught to standard error, with its words and past every mask: of the main
thread, of others, of finalisers, of tasks; and warnings.
"""

import asyncio
import logging
import re
import sys
import threading
from typing import Any, Final

from bridge.log.lines import OURS, where

_log = logging.getLogger(f"{OURS}.process")
#: What asyncio says first is its own; what follows may show anything.
_ITS_OWN: Final = re.compile(r"[A-Za-z', !]*")


def surface() -> None:
    """From now on all of them are lines of the log."""
    sys.excepthook = lambda _kind, error, _trace: _uncaught("the program", error)
    threading.excepthook = lambda told: _uncaught("a thread", told.exc_value)
    sys.unraisablehook = lambda told: _uncaught("a finaliser", told.exc_value)
    logging.captureWarnings(capture=True)


def surface_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """The same for a loop's tasks and callbacks."""
    loop.set_exception_handler(_failed)


def _failed(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    said = _ITS_OWN.match(str(context.get("message", "")))
    _uncaught((said[0].strip() if said else "") or "the event loop", context.get("exception"))


def _uncaught(what: str, error: BaseException | None) -> None:
    if isinstance(error, KeyboardInterrupt):
        return
    fields = {"where": what, "error": where(error) if error is not None else ""}
    _log.error("bridge.surprise", exc_info=error, extra=fields)
