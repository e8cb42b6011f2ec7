"""The real bridge as a process between the two simulators, which outlive its deaths."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from bridge.clock import RandomIds, SystemClock
from bridge.simulators.polyai import PolyAISimulator, SimulatedSession
from bridge.simulators.slack import SlackSimulator
from bridge.simulators.slack_limits import RateLimits
from tests import leaks

T = TypeVar("T")

#: How long anything may take before a test gives up; generous, as machines are slow and shared.
PATIENCE = 25.0


class Ground:
    """A bridge's files, and what the agent's side of it has on record."""

    def __init__(self, polyai: PolyAISimulator, directory: Path) -> None:
        self.polyai = polyai
        self.directory = directory
        self.config = directory / "bridge.toml"
        self.database = directory / "bridge.db"
        self.log = directory / "bridge.log"

    async def until(self, seen: Callable[[], T], patience: float = PATIENCE) -> T:
        """Wait until `seen` gives something true, and give it."""
        deadline = asyncio.get_running_loop().time() + patience
        while not (value := seen()):
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"never seen; the bridge's log ends:\n{self.tail()}")
            await asyncio.sleep(0.02)
        return value

    async def quiet(self, lasting: float = 0.6) -> None:
        """Wait until nothing has happened for a while: a double would come now."""
        before, since = self.records(), asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - since < lasting:
            await asyncio.sleep(0.05)
            if self.records() != before:
                before, since = self.records(), asyncio.get_running_loop().time()

    def heard(self) -> list[str]:
        """What the agent has accepted, over all sessions, in order."""
        return [m.text for session in self.sessions for m in session.accepted]

    @property
    def sessions(self) -> list[SimulatedSession]:
        """PolyAI's sessions, the oldest first."""
        return list(self.polyai.sessions.values())

    def tail(self) -> str:
        """The end of the bridge's log."""
        return self.log.read_text()[-4000:] if self.log.exists() else "(no log)"

    def records(self) -> tuple[int, ...]:
        """How much there is on record by now."""
        return (sum(len(session.journal) for session in self.sessions),)


class Running(Ground):
    """The same with the bridge's process, once it is started."""

    def __init__(self, polyai: PolyAISimulator, directory: Path) -> None:
        super().__init__(polyai, directory)
        self._process: asyncio.subprocess.Process | None = None

    async def spawn(self, *command: str) -> None:
        """Start a module of ours, its words into the log; returns at once."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *command, stdout=log, stderr=log, env=_environment()
            )

    @property
    def dead(self) -> bool:
        """Whether the bridge is not running."""
        return self._process is None or self._process.returncode is not None

    @property
    def pid(self) -> int:
        """The number of the bridge's process."""
        assert self._process is not None
        return self._process.pid

    async def kill(self) -> None:
        """`kill -9`."""
        assert self._process is not None
        leaks.titles(self._process.pid)
        self._process.kill()
        await self._process.wait()

    async def died(self) -> None:
        """Wait for the death that was built in."""
        assert self._process is not None
        async with asyncio.timeout(PATIENCE):
            code = await self._process.wait()
        assert code == -signal.SIGKILL, self.tail()

    async def stop(self) -> int:
        """SIGTERM, drain, and the exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            leaks.titles(self._process.pid)
            await leaks.pages(self.log)
            self._process.terminate()
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()


class Stage(Running):
    """Everything a test needs to play a conversation and to ask what was seen."""

    def __init__(self, polyai: PolyAISimulator, slack: SlackSimulator, directory: Path) -> None:
        super().__init__(polyai, directory)
        self.slack = slack
        self.channel = slack.add_channel("help")
        self.ann = slack.add_user("Ann")
        self.ben = slack.add_user("Ben")
        self.configure()

    def configure(self, **agent: str) -> None:
        """Write the configuration; `agent` are further keys of the agent, as TOML values."""
        further = "\n".join(f"{key} = {value}" for key, value in agent.items())
        self.config.write_text(
            f"""
[database]
url = "sqlite+aiosqlite:///{self.database}"
[http]
port = 0
[intake]
person_rate = "off"
[log]
level = "info"
[agents.default]
base_url = "{self.polyai.base_url}"
connector_token = "simulated-connector-token"
host = "https://demo.example"
{further}
[adapters.slack]
type = "slack"
bot_token = "xoxb-simulated"
app_token = "xapp-simulated"
api_url = "{self.slack.api_url}"
in_doubt_wait = "700ms"
"""
        )

    async def start(self, *, dies_at: str | None = None) -> None:
        """Start the bridge, perhaps with a death built in; returns at once."""
        what = ["bridge.testing.crash", dies_at, str(self.config)] if dies_at else []
        command = what or ["bridge", "run", "--config", str(self.config)]
        await self.spawn(*command)

    async def started(self, **slack: str) -> None:
        """Start the bridge and wait until Slack has a socket to it.

        `slack` are further keys of its adapter, as TOML values.
        """
        keys = "".join(f"{key} = {value}\n" for key, value in slack.items())
        self.config.write_text(self.config.read_text() + keys)
        await self.start()
        await self.connected()

    async def connected(self) -> None:
        """Wait until Slack has a socket to the bridge."""
        await self.until(lambda: self.slack.sockets or self.dead)

    async def run_command(self, *arguments: str) -> tuple[int, str, str]:
        """Run the command line: exit code, standard output, standard error."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bridge",
            *arguments,
            "--config",
            str(self.config),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
        )
        out, err = await process.communicate()
        leaks.shown(f"the answer of {arguments[0]}", out + err)
        return process.returncode or 0, out.decode(), err.decode()

    async def mention(self, text: str, *, channel: str | None = None) -> str:
        """Ann calls the bot at the top of the channel; the thread's ts."""
        said = f"<@{self.slack.bot_user_id}> {text}".strip()
        return await self.slack.say(channel or self.channel, self.ann, said)

    async def reply(self, thread: str, text: str, *, channel: str | None = None) -> str:
        """Ann writes in the thread."""
        return await self.slack.say(channel or self.channel, self.ann, text, thread_ts=thread)

    async def opened(self) -> str:
        """A thread in which the agent has answered."""
        thread = await self.mention("say ready")
        await self.until(lambda: "ready" in self.told(thread))
        return thread

    def told(self, thread: str, *, channel: str | None = None) -> list[str]:
        """What the bridge has posted in a thread, in order, without the buttons' words."""
        messages = self.slack.messages(channel or self.channel, thread)
        ours = (m.text for m in messages if m.bot_id == self.slack.bot_id and not m.deleted)
        return [text.partition("\nChoose: ")[0].partition("\n✓ ")[0] for text in ours]

    def records(self) -> tuple[int, ...]:
        """Ours are those of Slack, too."""
        return *super().records(), len(self.slack.posts), len(self.slack.updates)


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("POLYAI_BRIDGE_")}


@asynccontextmanager
async def staged(
    directory: Path,
    *,
    session_life: timedelta = timedelta(minutes=10),
    streaming_pace: timedelta = timedelta(milliseconds=30),
) -> AsyncIterator[Stage]:
    """Both simulators running and the bridge configured, not yet started."""
    clock, ids = SystemClock(), RandomIds()
    polyai = PolyAISimulator(
        clock=clock, ids=ids, session_life=session_life, streaming_pace=streaming_pace
    )
    slack = SlackSimulator(
        clock=clock, ids=ids, ladder=(timedelta(milliseconds=500),) * 40, limits=RateLimits.off()
    )
    leaks.played(polyai)
    leaks.played(slack)
    async with polyai, slack:
        stage = Stage(polyai, slack, directory)
        try:
            yield stage
        finally:
            if not stage.dead:
                await stage.kill()
        assert polyai.violations == [], polyai.violations
