"""The scene on the sample plug-in's pinboard: a stranger's package in a process of its own.

Beside the bridge's own deaths there are those of that process: alone, together with the bridge, or
by the bridge's hand after it hung. They come at whatever moment, or when the board sees it do
something: the board is ours, so what dies there dies between two steps of its own code.
"""

import asyncio
import contextlib
import itertools
import re
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from bridge.clock import SystemClock
from bridge.runtime.delivering import outcomes
from bridge.simulators.polyai import PolyAISimulator
from bridge.testing.stand_in import Fault
from tests.chaos import sample, seeded
from tests.chaos.forks import Fork, Forks
from tests.chaos.scene import ANY_MOMENT, Arm, Scene, agent
from tests.chaos.striking import MOMENTS, VICTIMS, Watch, is_over, processes_of, send
from tests.stage import Ground

if TYPE_CHECKING:
    from polyai_bridge_pinboard.board import Board, Pin

#: The board does it, and its answer is lost.
_UNANSWERED = Fault.LOST_ANSWER
#: What can befall the adapter's process.
DEATHS = tuple(itertools.product(VICTIMS, (*MOMENTS, ANY_MOMENT)))
#: So many deaths a bridge forgives over one delivery; at the next one it is given up, visibly.
_SPARED = outcomes.DEATHS - 1
#: The steps in which any moment of the adapter's process is told from another, in seconds.
_APART = 0.4
_OFFER = re.compile(r"\n(?:Reply with a number:\n.*|Reply \d+ to .*)", re.DOTALL)


class PinboardScene(Scene):
    """The board counts as ours what we have asked beyond, so people go on once we have."""

    grows = False

    def __init__(self, ground: Ground, board: "Board", forks: Forks, fault: str = "") -> None:
        super().__init__(ground, forks, fault)
        self.board = board
        self.watch = Watch(self._strike)
        self._threads = itertools.count(1)
        self._victims: list[int] = []
        self._bridges: set[int] = set()  #: all there were
        self._deaths = 0  #: of processes of one bridge

    # -- deaths of the adapter's process -----------------------------------------------------

    async def start(self, arm: Arm | None) -> None:
        """Arm the bridge that runs, if only its adapter's process is to die, or it is the last."""
        spared = arm is None or (arm.kind in VICTIMS and self._deaths < _SPARED)
        if self._lives() and not spared:
            await self.kill()
            self.kills.append(ANY_MOMENT)
        if self._lives():
            self._arm = arm
        else:
            await super().start(arm)
            self._bridges.add(self._bridge.pid)
            self._deaths, self.watch.asked = 0, False
        if arm is not None and arm.kind in VICTIMS:
            self.watch.arm(arm.name, arm.nth, loses=arm.kind != "hung")
            if arm.name.startswith("a look") and not self.board.faults:
                self.board.faults.append(_UNANSWERED)  # or nobody would have to look

    def _lives(self) -> bool:
        """Whether there is a bridge; raises AssertionError if it died with its adapter alone."""
        if self._fork is None or not self._fork.dead:
            return self._fork is not None
        if self._arm is not None and self._arm.kind in ("adapter", "hung"):
            raise AssertionError(f"the bridge died with its adapter:\n{self.ground.tail()}")
        return False

    async def die(self, reach: float) -> None:
        """The same, be it the adapter's process that dies, or is ended because it hangs."""
        arm = self._arm
        if arm is None or arm.kind not in VICTIMS:
            await super().die(reach)
            return
        reach = arm.nth * _APART if arm.name == ANY_MOMENT else reach
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.watch.struck.wait(), reach)
        if not self.watch.struck.is_set():
            arm = Arm(arm.kind, ANY_MOMENT)
            await self.until(self.watch.strike_now)
        await self.until(lambda: all(map(is_over, self._victims)))
        if arm.kind == "both":
            await asyncio.shield(self._bridge.death)
        self._deaths += 1
        self.watch.asked = False
        self.kills.append(arm.title)

    async def connected(self) -> None:
        """The same; and no adapter's process has outlived its bridge, behind whose back it acts."""
        await super().connected()
        former = self._bridges - {self._bridge.pid}
        await self.until(lambda: not processes_of(*former))

    async def end(self) -> None:
        """Leave nothing running, and ask nothing."""
        send(signal.SIGKILL, [self._bridge.pid, *processes_of(*self._bridges)])
        await asyncio.shield(self._bridge.death)

    @property
    def _bridge(self) -> Fork:
        assert self._fork is not None
        return self._fork

    def _strike(self) -> bool:
        assert self._arm is not None
        self._victims = processes_of(self._bridge.pid)
        # One that hangs while it still imports is given a minute, as a plug-in may be large.
        if not self._victims or (self._arm.kind == "hung" and not self.watch.asked):
            return False
        if self._arm.kind == "both":
            send(signal.SIGKILL, [self._bridge.pid])
        send(signal.SIGSTOP if self._arm.kind == "hung" else signal.SIGKILL, self._victims)
        return True

    # -- what people do ----------------------------------------------------------------------

    async def mention(self, text: str) -> str:
        """Ada pins something where nothing was pinned before; the thread."""
        thread = f"thread {next(self._threads)}"
        await self.reply(thread, text)
        return thread

    async def reply(self, thread: str, text: str) -> str:
        """Ada pins something to a thread, and the board knows that we heard."""
        pin = self.board.pin(thread, text, person="ada")
        await self._heard()
        return pin.id

    async def choose(self, thread: str, beginning: str, text: str) -> None:
        """Ada pins the number of what is offered."""
        offers = re.compile(rf"^(\d+)\. {re.escape(text)}$", re.MULTILINE)
        (number, *_) = await self.until(
            lambda: [
                found[1]
                for pin in self._ours(thread)
                if pin.text.startswith(beginning) and (found := offers.search(pin.text))
            ]
        )
        await self.reply(thread, number)

    async def correct(self, _thread: str, message: str, text: str) -> None:
        """Ada changes what she pinned."""
        self.board.change(self.board.pins[message], text)
        await self._heard()

    async def take_back(self, _thread: str, message: str) -> None:
        """Ada takes down what she pinned."""
        self.board.remove(self.board.pins[message])
        await self._heard()

    async def _heard(self) -> None:
        so_far = len(self.board.feed)
        await self.until(lambda: self.board.acknowledged >= so_far)

    # -- what the board shows ----------------------------------------------------------------

    def _ours(self, thread: str) -> "list[Pin]":
        every = [pin for pin in self.board.pins.values() if pin.thread == thread]
        return [pin for pin in every if not pin.person and not pin.removed]

    def told(self, thread: str) -> list[str]:
        """What the bot has pinned, without what is offered below."""
        return [_OFFER.sub("", pin.text) for pin in self._ours(thread)]

    def versions(self, thread: str) -> Sequence[str]:
        """All that each pin has shown."""
        return [text for pin in self._ours(thread) for text in pin.texts]

    def unfinished(self, thread: str) -> list[str]:
        """Nothing grows on a board."""
        return []

    def taken_back(self) -> list[str]:
        """What the bot has taken down."""
        return [pin.text for pin in self.board.pins.values() if pin.removed and not pin.person]


class PinboardGround(Ground):
    """The bridge's files, and how much is on record on both sides."""

    def __init__(self, polyai: PolyAISimulator, directory: Path, board: "Board") -> None:
        super().__init__(polyai, directory)
        self.board = board

    def records(self) -> tuple[int, ...]:
        """The board's feed tells of all that happens there."""
        return *super().records(), len(self.board.feed)


@asynccontextmanager
async def set_up(
    directory: Path, forks: Forks, _door: str, *, fault: str = ""
) -> AsyncIterator[PinboardScene]:
    """The agent and the board running, and a bridge configured between them.

    `fault`: one of `seeded.APART` in the bridge, or of `broken_pinboards.BROKEN` for its plug-in.
    """
    sample.importable()
    from polyai_bridge_pinboard.board import TOKEN, Board

    polyai, board = agent(), Board(SystemClock())
    ground = PinboardGround(polyai, directory, board)
    in_bridge = fault in seeded.APART
    scene = PinboardScene(ground, board, forks, fault if in_bridge else "")
    application = board.application()
    application.middlewares.append(scene.watch.middleware)
    async with polyai, _served(application) as url:
        ground.config.write_text(
            _configuration(ground, url, TOKEN, "pinboard" if in_bridge else fault or "pinboard")
        )
        async with scene.played():
            yield scene


@asynccontextmanager
async def _served(application: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _configuration(ground: Ground, url: str, token: str, type_name: str) -> str:
    return f"""
[database]
url = "sqlite+aiosqlite:///{ground.database}"
[http]
port = 0
[intake]
person_rate = "off"
[agents.default]
base_url = "{ground.polyai.base_url}"
connector_token = "simulated-connector-token"
host = "https://demo.example"
echo_timeout = "1s"
reconnect_max = "500ms"
edits = "correct"
[adapters.pinboard]
type = "{type_name}"
url = "{url}"
token = "{token}"
timeout = "2s"
"""
