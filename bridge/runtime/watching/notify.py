"""How does the service manager know how we are? One datagram for each message: sd_notify(3).

No library: the protocol is lines of NAME=VALUE, sent to the socket that NOTIFY_SOCKET names. With
none (a terminal, a container) nothing is sent. Nobody waits for the manager, and nothing of ours
fails with it.
"""

import os
import socket
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

#: The most characters of a status: it is shown on one line.
_LONGEST: Final = 400


class Manager:
    """Whoever runs us as a service, if anybody does."""

    def __init__(self, address: str = "", *, watchdog: timedelta | None = None) -> None:
        """`address` is a path, or begins with `@`; within `watchdog` it wants to hear of us."""
        self.watchdog = watchdog
        # An abstract address begins with a zero byte, which a variable cannot hold (unix(7)).
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    @classmethod
    def of(cls, environment: Mapping[str, str], pid: int | None = None) -> "Manager":
        """As systemd tells in the environment of process `pid`, which is us unless given."""
        return cls(
            environment.get("NOTIFY_SOCKET", ""),
            watchdog=_watchdog(environment, pid or os.getpid()),
        )

    def ready(self) -> None:
        """We serve."""
        self._tell("READY=1")

    def stopping(self) -> None:
        """We drain, and then leave."""
        self._tell("STOPPING=1")

    def starting(self, status: str, within: timedelta) -> None:
        """We do this before we serve; it may take so long, counted from now."""
        self._tell(f"STATUS={_line(status)}", f"EXTEND_TIMEOUT_USEC={_microseconds(within)}")

    def status(self, status: str, *, alive: bool) -> None:
        """How we are, in a line; `alive` puts off the watchdog."""
        self._tell(f"STATUS={_line(status)}", *(["WATCHDOG=1"] if alive else []))

    def _tell(self, *assignments: str) -> None:
        if not self._address.startswith(("/", "\0")):
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                told = "\n".join(assignments).encode()
                sock.sendto(told, socket.MSG_DONTWAIT, self._address)
        except OSError:
            return  # it has gone, or is too busy: the next message says it anew


def _watchdog(environment: Mapping[str, str], pid: int) -> timedelta | None:
    """How often it wants to hear of us, if of us (sd_watchdog_enabled(3))."""
    if environment.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    microseconds = environment.get("WATCHDOG_USEC", "")
    usable = microseconds.isascii() and microseconds.isdigit() and int(microseconds) > 0
    return timedelta(microseconds=int(microseconds)) if usable else None


def _line(status: str) -> str:
    line = " ".join(status.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
