"""How much memory did something take at most? What came before it does not count."""

import gc
import resource
import sys
from contextlib import suppress
from pathlib import Path

_STATUS = Path("/proc/self/status")


def level() -> int:
    """What this process has now, in bytes; from here on its peak is measured anew (proc(5))."""
    gc.collect()
    with suppress(OSError):  # elsewhere what came before counts, too
        Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    """The most that it had, in bytes."""
    with suppress(OSError):
        return int(_STATUS.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    unit = 1 if sys.platform == "darwin" else 1_024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
