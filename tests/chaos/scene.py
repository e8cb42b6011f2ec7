"""Where one flow is played: both simulators, a bridge that keeps dying, and a person who waits."""

import asyncio
import contextlib
import itertools
import os
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from bridge.clock import RandomIds, SystemClock
from bridge.simulators.polyai import PolyAISimulator
from bridge.simulators.polyai_agent import RuleAgent
from bridge.simulators.slack import SimulatedMessage, SlackSimulator
from bridge.simulators.slack_limits import RateLimits
from tests.chaos.forks import Fork, Forks
from tests.stage import Stage

T = TypeVar("T")

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
#: Another process that does the same begins elsewhere.
_PORTS = itertools.cycle(
    range(10_000 + os.getpid() % 200 * 100, 10_000 + os.getpid() % 200 * 100 + 100)
)
_OWED = """
SELECT 'entry', id FROM inbox WHERE done_at IS NULL AND conversation IS NOT NULL
UNION ALL SELECT state, id FROM deliveries WHERE state = 'pending'
UNION ALL SELECT state, id FROM deliveries
    WHERE state = 'sending' AND json_extract(body, '$.only_for') IS NULL
"""
#: How long anything may take before it counts as lost, in seconds.
PATIENCE = 40.0


@dataclass(frozen=True, slots=True)
class Arm:
    """A death that a start is armed with: at a named point, a system call, or a flow's moment."""

    kind: str  #: "point", "call" or "moment"
    name: str
    nth: int = 1

    @property
    def title(self) -> str:
        """As the table has it."""
        return self.name


class Scene:
    """One flow's world. It is for a flow to play in, and for a chain to kill in."""

    def __init__(self, stage: Stage, forks: Forks, door: str, fault: str = "") -> None:
        self.stage = stage
        self.slack = stage.slack
        self.polyai = stage.polyai
        self.ann = stage.ann
        self.kills: list[str] = []  #: the name of each death, in order
        self.patience = PATIENCE
        self._forks = forks
        self._door = door
        self._fault = fault
        self._fork: Fork | None = None
        self._arm: Arm | None = None
        self._port = 0

    # -- the bridge -------------------------------------------------------------------------

    async def start(self, arm: Arm | None) -> None:
        """Start the bridge, perhaps armed."""
        at = f"{arm.name}:{arm.nth}" if arm and arm.kind == "point" else ""
        system_call = arm.name if arm and arm.kind == "call" else ""
        self._fork = await self._forks.start(
            self.stage.config,
            self.stage.log,
            at=at,
            system_call=system_call,
            nth=arm.nth if arm else 1,
            fault=self._fault,
        )
        self._arm = arm

    @property
    def started(self) -> bool:
        """Whether there ever was a bridge."""
        return self._fork is not None

    async def died(self, patience: float) -> bool:
        """Wait for the death that was built in; whether it came in time."""
        assert self._fork is not None
        fork, arm = self._fork, self._arm
        await asyncio.wait((fork.death,), timeout=patience)
        if not fork.dead:
            return False
        if arm is not None and fork.death.result() == -9:
            self.kills.append(arm.title)
        else:
            raise AssertionError(f"the bridge ended by itself:\n{self.stage.tail()}")
        return True

    async def kill(self) -> None:
        """`kill -9` at this moment, whatever it is."""
        assert self._fork is not None
        if not self._fork.dead:
            self._arm = Arm("moment", "any moment")
            await self._fork.kill()

    async def moment(self, name: str) -> None:
        """A moment of the flow that has a name: the bridge dies here, if it is armed so."""
        if self._arm == Arm("moment", name) and self._fork is not None:
            await self._fork.kill()

    # -- a person ---------------------------------------------------------------------------

    async def until(self, seen: Callable[[], T]) -> T:
        """Wait until `seen` gives something true."""
        return await self.stage.until(seen, self.patience)

    async def mention(self, text: str) -> str:
        """Ann calls the bot, and Slack knows that we heard; the thread."""
        thread = await self.stage.mention(text)
        await self.acked(thread)
        return thread

    async def reply(self, thread: str, text: str, *, channel: str = "") -> str:
        """Ann writes in a thread, and Slack knows that we heard."""
        ts = await self.stage.reply(thread, text, channel=channel or None)
        await self.acked(ts)
        return ts

    async def direct(self, text: str) -> str:
        """Ann writes to the app itself, and Slack knows that we heard; the thread."""
        thread = await self.slack.direct_message(self.ann, text)
        await self.acked(thread)
        return thread

    async def acked(self, ts: str) -> None:
        """What was told of the message is acknowledged: from now on it must not be lost."""
        events = [e for e in self.slack.envelopes if _is_about(e.payload, ts)]
        await self.until(lambda: all(e.acked for e in events))

    async def press(self, channel: str, ts: str, **button: str) -> None:
        """Ann presses a button until Slack shows no warning, or it is gone: then it was heard."""
        while True:
            try:
                pressed = await self.slack.click(channel, ts, self.ann, **button)  # type: ignore[arg-type]  # only texts are given
            except LookupError:
                return
            if pressed.acked:
                return
            await asyncio.sleep(0.05)

    def owed(self) -> list[str]:
        """What the bridge has written down as not done: entries, and deliveries with their state.

        One that is in doubt for good is among them, although the other side may have it; but not
        what is shown to one person alone, as Slack tells nobody whether that arrived.
        """
        if not self.stage.database.exists():
            return ["everything: there is no database"]
        where = f"file:{self.stage.database}?mode=ro"
        with contextlib.closing(sqlite3.connect(where, uri=True, timeout=PATIENCE)) as database:
            rows = database.execute(_OWED).fetchall()
        return [f"{what} {which}" for what, which in rows]

    async def connected(self) -> None:
        """Every session that goes on has a socket of ours: what a replay brings, comes now."""
        going_on = [s for s in self.stage.sessions if s.joins and s.ended is None]
        await self.until(lambda: all(session.sockets for session in going_on))

    def posts(self, thread: str, *, channel: str = "") -> list[SimulatedMessage]:
        """What the bridge shows in a thread."""
        told = self.slack.messages(channel or self.stage.channel, thread)
        return [m for m in told if m.bot_id == self.slack.bot_id and not m.deleted]


def _is_about(payload: dict[str, object], ts: str) -> bool:
    event = payload.get("event")
    return isinstance(event, dict) and event.get("ts") == ts


@asynccontextmanager
async def set_up(
    directory: Path, forks: Forks, door: str, *, fault: str = ""
) -> AsyncIterator[Scene]:
    """Both simulators running; `door`: "socket" or "http"."""
    clock, ids = SystemClock(), RandomIds()
    agent = RuleAgent(handoff_pace=timedelta(milliseconds=60))
    polyai = PolyAISimulator(
        clock=clock, ids=ids, agent=agent, streaming_pace=timedelta(milliseconds=20)
    )
    slack = SlackSimulator(
        clock=clock,
        ids=ids,
        ladder=(timedelta(milliseconds=200),) * 300,
        ack_deadline=timedelta(seconds=1),
        limits=RateLimits.off(),
    )
    async with polyai, slack:
        stage = Stage(polyai, slack, directory)
        stage.configure(echo_timeout='"1s"', reconnect_max='"500ms"', edits='"correct"')
        open_door(stage, door)
        scene = Scene(stage, forks, door, fault)
        try:
            yield scene
        finally:
            if scene.started:
                await scene.kill()
        if not fault and polyai.violations:
            raise AssertionError(f"PolyAI objects: {polyai.violations}")


def open_door(stage: Stage, door: str) -> None:
    """Configure the bridge for "socket" or "http", and tell Slack so."""
    text = stage.config.read_text().replace('"700ms"', '"200ms"')
    text += 'stream_pace = "50ms"\n'
    if door == "http":
        port = _free_port()
        text = text.replace("port = 0", f"port = {port}")
        reached = f"http://127.0.0.1:{port}"
        keys = f'mode = "http"\nsigning_secret = "{SECRET}"\npublic_url = "{reached}"'
        text = text.replace('app_token = "xapp-simulated"', keys)
        stage.slack.send_requests_to(f"{reached}/slack/events", SECRET)
    stage.config.write_text(text)


def _free_port() -> int:
    """One that nobody gets by asking for any: those begin higher up."""
    for port in _PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")
