"""Deaths of the adapter's process: as the board sees it do something, or at whatever moment."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: What the board can see of one call: as it comes, when it is done, when it was answered.
_CALLS = {
    "news": ("GET", "/feed"),
    "a pin": ("POST", "/pins"),
    "a look": ("GET", "/pins"),
    "a change": ("PUT", "/pins/"),
}
_COMES, _DONE, _ANSWERED = "on its way", "done, not answered", "answered"
#: The moments of the adapter's process, by what it has just asked the board for.
MOMENTS = tuple(f"{what} {when}" for what in _CALLS for when in (_COMES, _DONE, _ANSWERED))
#: Whose death it is: the adapter's process alone, the bridge's too, or it hangs and is killed.
VICTIMS = ("adapter", "both", "hung")


class Watch:
    """Sees what the board is asked, and strikes once at the n-th time that it comes to a moment."""

    def __init__(self, strike: Callable[[], bool]) -> None:
        self._strike = strike  #: says whether anything was there to be struck
        self._moment = ""
        self._left = 0
        self._loses = False
        self.struck = asyncio.Event()
        self.asked = False  #: since whoever looks has said no

    def arm(self, moment: str, nth: int, *, loses: bool) -> None:
        """Strike at the `nth` such moment from now; what is on its way then is perhaps lost."""
        self._moment, self._left, self._loses = moment, nth, loses
        self.struck.clear()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Everything the adapter asks the board for passes here."""
        what, self.asked = _what(request), True
        if self._come_to(f"{what} {_COMES}", request) and self._loses:
            return _lost(request)
        response = await handler(request)
        self._come_to(f"{what} {_DONE}", request)
        with contextlib.suppress(ConnectionError):  # whoever asked has died
            await response.prepare(request)
            await response.write_eof()
        self._come_to(f"{what} {_ANSWERED}", request)
        return response

    def _come_to(self, moment: str, request: web.Request) -> bool:
        if moment != self._moment or self._left == 0 or request.transport is None:
            return False  # nothing is due, or whoever asked is gone
        self._left -= 1
        return self._left == 0 and self.strike_now()

    def strike_now(self) -> bool:
        """Strike, or at the next such moment if nobody is there; whether somebody was."""
        struck = self._strike()
        self._left = int(not struck)
        if struck:
            self.struck.set()
        return struck


def _lost(request: web.Request) -> web.Response:
    """Nothing was done, and nothing is answered: it never arrived."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _what(request: web.Request) -> str:
    for what, (method, path) in _CALLS.items():
        if request.method == method and request.path.startswith(path):
            return what
    return ""


def processes_of(*bridges: int) -> list[int]:
    """The adapters' processes that these bridges have started, and that are not dead."""
    return [pid for pid in _processes() if _bridge(pid) in bridges and not is_over(pid)]


def send(signal_number: int, pids: list[int]) -> None:
    """To each that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal_number)


def is_over(pid: int) -> bool:
    """Whether it is dead, reaped or not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "ZX"


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _bridge(pid: int) -> int:
    """Who started it, if it is an adapter's process: it is told on its command line."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
    except OSError:
        return 0
    return int(words[-1]) if b"bridge.runtime.isolation" in words else 0
