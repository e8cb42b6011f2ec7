"""What is an adapter's process bound to? Its daemon, behind whose back it must not live on."""

import ctypes
import os
import select
import signal
import socket
import sys
import threading
from typing import Final

from bridge import log
from bridge.runtime import process
from bridge.runtime.isolation.serving import serve

#: prctl(2): the signal that this process gets when its parent ends.
_PDEATHSIG: Final = 1
_ORPHANED: Final = 1


def run(descriptor: int, parent: int) -> None:
    """Serve the daemon `parent` over the socket `descriptor`, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the daemon hears it, and drains us
    _bind_to(parent, descriptor)
    log.surface()
    process.run(serve(socket.socket(fileno=descriptor)))
    os._exit(0)  # whatever threads the plug-in left


def _bind_to(parent: int, descriptor: int) -> None:
    """End when the daemon does, whatever the plug-in is doing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has died in the meantime
        os._exit(_ORPHANED)
    threading.Thread(target=_watch, args=(descriptor,), daemon=True).start()


def _watch(descriptor: int) -> None:
    """Elsewhere than on Linux: until the other end of the socket is closed."""
    poll = select.poll()
    poll.register(descriptor, 0)
    while not any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll()):
        pass
    os._exit(_ORPHANED)
