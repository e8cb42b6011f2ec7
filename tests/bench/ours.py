"""Our bridge for the bench: the real daemon, the real Slack adapter, the real store.

Two things are given to it that are not as in service. Its gates to Slack let everything through,
as Slack's limits (300 posts a minute in a workspace) would be all that a bench could measure; every
call still goes through its gate. And it may open as many sockets a second as it can.
`python -m tests.bench.ours CONFIG`.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import aiohttp

from adapters.slack import PLUGIN
from adapters.slack.client import SlackClient
from adapters.slack.connection import connect
from adapters.slack.settings import SlackSettings
from adapters.slack.web.buckets import Allowance, Bucket
from adapters.slack.web.governor import Turns, _Gate
from adapters.slack.web.notes import Notes
from bridge import config, log
from bridge.app import Configured, Daemon
from bridge.model.ids import AdapterName
from bridge.plugin import Host
from bridge.runtime.process import run
from bridge.runtime.world import World
from bridge.store import open_store
from tests.bench.fake_slack import TEAM
from tests.bench.standing import standing

#: New sockets and calls per second, so that the machine is the limit.
_CONNECTS = 1e6
_NO_LIMIT = Allowance(per_minute=60_000_000, burst=1_000_000)


class OpenGate(_Gate):
    """A gate that does all its work and holds nobody up."""

    def __init__(self, method: str, turns: Turns) -> None:
        super().__init__(method, turns)
        self._shared = Bucket(_NO_LIMIT, self._clock.now())

    def _take(self, channel: str, now: datetime) -> None:
        self._shared.take(now)
        self._channels.setdefault(channel, Bucket(_NO_LIMIT, now)).take(now)


class OpenTurns(Turns):
    """Turns with such gates."""

    def _gate(self, method: str) -> _Gate:
        if method not in self._gates:
            self._gates[method] = OpenGate(method, self)
        return self._gates[method]


@contextlib.asynccontextmanager
async def connect_freely(settings: SlackSettings, host: Host) -> AsyncIterator[SlackClient]:
    """The adapter, whose one workspace gets turns that hold nobody up."""
    tasks: set[asyncio.Task[None]] = set()
    async with connect(settings, host) as client:
        workspace = await client._workspaces.of(TEAM)
        workspace.calls.turns = OpenTurns(TEAM, host.clock, Notes(host.memory), tasks)
        yield client


async def main(path: Path) -> None:
    """Run until SIGTERM."""
    settings = config.load(path, os.environ)
    own = config.adapter_settings(settings, AdapterName("slack"), SlackSettings)
    log.configure(settings.log.level, settings.log.format)
    adapter = Configured(AdapterName("slack"), replace(PLUGIN, connect=connect_freely), own)
    stop = asyncio.Event()
    standing()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with open_store(settings.database.url) as store, aiohttp.ClientSession() as http:
        await Daemon(settings, [adapter], store, http, World(), connects=_CONNECTS).run(stop)


if __name__ == "__main__":
    run(main(Path(sys.argv[1])))
