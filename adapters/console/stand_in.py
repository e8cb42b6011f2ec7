"""Who plays the terminal for the conformance kit? A real pseudo-terminal, with somebody at it."""

import asyncio
import os
import pty
import tty
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from bridge.testing.stand_in import Seen, Uttered

_THREAD = "console"
_MOST = 65_536


class TerminalStandIn:
    """One person at one terminal: whoever speaks is them, and there is one thread.

    It echoes nothing and takes lines of any length, so that its screen shows what was printed and
    nothing else. What it cannot do: a terminal asks for no acknowledgement and repeats nothing.
    """

    def __init__(self, master: int, device: int) -> None:
        self._master, self._device = master, os.ttyname(device)
        self._seen: list[Seen] = []
        self._printed = b""
        self._typed = 0

    @property
    def settings(self) -> Mapping[str, Any]:
        """The terminal's device, and who sits there."""
        return {"user": "ada", "terminal": self._device}

    @property
    def lacks(self) -> Mapping[str, str]:
        """What means nothing where a terminal is."""
        return {
            "who-speaks": "whoever types at a terminal is the one who sits there",
            "refusal": "a terminal refuses nothing",
            "rate-limit": "a terminal takes whatever is printed",
            "lost-answer": "a terminal answers nothing",
            "unreachable": "a terminal is there, or it is gone for good",
            "silence": "a terminal answers nothing",
            "crash-and-resume": "what was read from a terminal nobody can read again",
        }

    async def reach(self, address: str) -> None:
        """A terminal calls nobody."""

    async def say(self, text: str, *, thread: str | None = None, person: str = "ada") -> Uttered:
        """Type `text`; a line of it is a message of its own."""
        self.look()
        self._typed += 1
        said = Seen(id=f"typed-{self._typed}", text=text, author=person, ours=False)
        self._seen.append(said)
        line = f"{text}\n".encode()
        while line:
            try:
                line = line[os.write(self._master, line) :]
            except BlockingIOError:  # nobody has read so far
                await asyncio.sleep(0.01)
        return Uttered(thread=_THREAD, id=said.id)

    async def taken(self, uttered: Uttered) -> bool | None:
        """None: nobody tells a keyboard that a line was taken."""
        return None

    async def repeat(self, uttered: Uttered) -> None:
        """Nothing: what is typed twice was said twice."""

    async def seen(self, thread: str) -> list[Seen]:
        """The screen from above, with what was typed in between."""
        self.look()
        return self._seen if thread == _THREAD else []

    @property
    def printed(self) -> list[str]:
        """What the adapter has printed so far, as far as it was looked at."""
        return [one.text for one in self._seen if one.ours]

    def look(self) -> None:
        """Read what was printed since; a message is told from the next by its first character."""
        while chunk := self._read():
            self._printed += chunk
        *lines, self._printed = self._printed.split(b"\n")
        for line in lines:
            self._show(line.decode())

    def _show(self, line: str) -> None:
        if line.startswith("* "):
            number = sum(one.ours for one in self._seen) + 1
            self._seen.append(Seen(id=f"printed-{number}", text=line[2:]))
        elif line.startswith("  "):
            at = max(at for at, one in enumerate(self._seen) if one.ours)
            before = self._seen[at]
            self._seen[at] = Seen(id=before.id, text=f"{before.text}\n{line[2:]}")

    def _read(self) -> bytes:
        try:
            return os.read(self._master, _MOST)
        except OSError:  # nothing is there now, or nobody has the other end open
            return b""


@asynccontextmanager
async def stand_in() -> AsyncIterator[TerminalStandIn]:
    """A terminal that lasts as long as the context."""
    master, device = pty.openpty()
    try:
        tty.setraw(device)
        os.set_blocking(master, False)
        terminal = TerminalStandIn(master, device)
        loop = asyncio.get_running_loop()
        loop.add_reader(master, terminal.look)  # so that whoever prints is never held up
        yield terminal
    finally:
        asyncio.get_running_loop().remove_reader(master)
        os.close(master)
        os.close(device)
