"""Who is on stage? Both simulators in this process, and the real bridge as a process of its own.

The bridge learns nothing of the play: only its configuration names addresses on loopback.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bridge.clock import Clock, RandomIds
from bridge.simulators.demo_agent import DemoAgent
from bridge.simulators.polyai import PolyAISimulator
from bridge.simulators.slack import SlackSimulator

#: Slack repeats what it could not deliver for about six minutes; here so much more often that
#: nobody has to wait for it.
_LADDER = (timedelta(seconds=1),) * 360
_DRAIN = timedelta(seconds=10)
_TAIL = 30

_CONFIG = """\
# Written by the demo. A real one differs in addresses and secrets only.
[database]
url = {database}

[http]
port = 0

[agents.default]
base_url = {base_url}
connector_token = "simulated-connector-token"
host = "https://demo.example"
streaming = true
edits = "correct"

[adapters.slack]
type = "slack"
mode = "socket"
bot_token = "xoxb-simulated"
app_token = "xapp-simulated"
api_url = {api_url}
in_doubt_wait = "2s"
stream_pace = "300ms"
"""


class BridgeProcess:
    """`polyai-bridge run` as a process, started and killed at will; its log is a file."""

    def __init__(self, config: Path, log: Path) -> None:
        self._config = config
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it; returns at once."""
        # Settings in the environment are for the operator's own bridge, not for this one.
        own = ("POLYAI_BRIDGE_", "CREDENTIALS_DIRECTORY")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(own)}
        command = ("-m", "bridge", "run", "--config", str(self._config))
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
            )

    async def kill(self) -> int:
        """`kill -9`; the exit code, negative for a signal."""
        return await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM, then the time to drain, then `kill -9`; the exit code."""
        try:
            async with asyncio.timeout(_DRAIN.total_seconds()):
                return await self._end(signal.SIGTERM)
        except TimeoutError:
            return await self.kill()

    async def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
        code = await self._process.wait()
        self._process = None
        return code

    def ended(self) -> str | None:
        """How it ended, if nobody asked it to."""
        if self._process is None or self._process.returncode is None:
            return None
        return f"the bridge has ended by itself with exit code {self._process.returncode}"

    def tail(self) -> str:
        """The end of its log."""
        if not self._log.exists():
            return ""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-_TAIL:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everybody there is."""

    clock: Clock
    agent: DemoAgent
    polyai: PolyAISimulator
    slack: SlackSimulator
    bridge: BridgeProcess


@asynccontextmanager
async def staged(directory: Path, clock: Clock) -> AsyncIterator[Stage]:
    """The simulators running, the bridge configured and not yet started; at the end all is gone."""
    ids = RandomIds()
    pace = timedelta(milliseconds=150)
    agent = DemoAgent()
    polyai = PolyAISimulator(clock=clock, ids=ids, agent=agent, streaming_pace=pace)
    slack = SlackSimulator(clock=clock, ids=ids, ladder=_LADDER)
    async with polyai, slack:
        config = directory / "bridge.toml"
        addresses = {
            "database": f"sqlite+aiosqlite:///{directory / 'bridge.db'}",
            "base_url": polyai.base_url,
            "api_url": slack.api_url,
        }
        quoted = {name: json.dumps(value) for name, value in addresses.items()}
        config.write_text(_CONFIG.format(**quoted))
        bridge = BridgeProcess(config, directory / "bridge.log")
        try:
            yield Stage(clock=clock, agent=agent, polyai=polyai, slack=slack, bridge=bridge)
        finally:
            await bridge.stop()
