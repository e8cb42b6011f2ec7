"""A process that has imported everything, and forks a real bridge for each order it is given.

Importing the bridge takes a second of work, a fork takes milliseconds; what is forked runs the real
daemon, in a process of its own that SIGKILL ends like any other. Orders come as lines of JSON on
standard input; on standard output it says which process serves each, and how each died. When its
input ends, it ends all that it started.
"""

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

from bridge import config
from bridge.errors import BridgeError
from bridge.runtime.adapters.configured import configured_adapters
from bridge.testing import crash
from tests.chaos import seeded

Json = dict[str, Any]

#: How long strace may take to hold a process, in seconds.
_PATIENCE = 10.0


class ForkServer:
    """Everything that was forked and has not died yet."""

    def __init__(self) -> None:
        self._children: dict[int, str] = {}
        self._tracers: set[int] = set()

    def serve(self) -> None:
        """Until standard input ends."""
        woken, wakes = socket.socketpair()
        woken.setblocking(False)
        wakes.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakes.fileno())
        with selectors.DefaultSelector() as ready:
            ready.register(0, selectors.EVENT_READ)
            ready.register(woken, selectors.EVENT_READ)
            rest = b""
            while True:
                for key, _ in ready.select():
                    if key.fd != 0:
                        with contextlib.suppress(BlockingIOError):
                            woken.recv(4096)
                        continue
                    read = os.read(0, 65536)
                    if not read:
                        return
                    *lines, rest = (rest + read).split(b"\n")
                    for line in lines:
                        self._fork(json.loads(line))
                self._reap()

    def end(self) -> None:
        """Kill whatever runs."""
        for pid in (*self._children, *self._tracers):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _fork(self, order: Json) -> None:
        held, holds = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(holds)
            _be_the_bridge(order, held)
        os.close(held)
        self._children[pid] = order["name"]
        _tell({"name": order["name"], "pid": pid})
        if order.get("system_call"):
            self._trace(pid, order["system_call"], order["nth"])
        os.close(holds)  # now it may go on

    def _trace(self, pid: int, system_call: str, nth: int) -> None:
        """Have it killed as it enters the n-th such system call of one of its threads."""
        injected = f"inject={system_call}:signal=SIGKILL:when={nth}"
        quiet = ("-qq", "-o", os.devnull, "-e", f"trace={system_call}", "-e", injected)
        tracer = subprocess.Popen(
            ["strace", "-f", *quiet, "-p", str(pid)],  # noqa: S607 - wherever it is
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._tracers.add(tracer.pid)
        deadline = time.monotonic() + _PATIENCE
        while _tracer(pid) == 0 and time.monotonic() < deadline:
            time.sleep(0.002)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._tracers.discard(pid)
            if name := self._children.pop(pid, None):
                _tell({"name": name, "code": os.waitstatus_to_exitcode(status)})


def _tracer(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("TracerPid:"):
            return int(line.partition(":")[2])
    return 0


def _tell(fact: Json) -> None:
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()


def _be_the_bridge(order: Json, held: int) -> NoReturn:
    """Wait to be let go, then run the daemon; never returns to the server's loop."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _take_over_streams(Path(order["log"]))
        while os.read(held, 1):
            pass
        os.close(held)
        if order["fault"]:
            seeded.plant(order["fault"])
        crash.main(order.get("at") or "", order["config"])
        code = 0
    except BridgeError as error:
        sys.stderr.write(f"{error}\n")
        code = error.exit_code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _take_over_streams(log: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nothing, 0)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.close(nothing)
    os.close(written)


def _import_everything(example: str) -> None:
    """What the daemon would import with such a configuration, most of it only when needed."""
    import aiosqlite  # noqa: F401 - each is imported late by the daemon
    import alembic.command  # noqa: F401
    import slack_bolt.async_app  # noqa: F401
    import slack_sdk.web.async_client  # noqa: F401
    import sqlalchemy.dialects.sqlite.aiosqlite  # noqa: F401

    import adapters.slack.connection  # noqa: F401

    configured_adapters(config.load(Path(example), {}))


def main(example: str) -> None:
    """Serve orders; `example` is a configuration like those to come."""
    _import_everything(example)
    gc.collect()
    gc.freeze()
    server = ForkServer()
    _tell({"name": "", "ready": True})
    try:
        server.serve()
    finally:
        server.end()


if __name__ == "__main__":
    main(sys.argv[1])
