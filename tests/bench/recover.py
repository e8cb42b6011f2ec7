"""How long until all is well after a kill? The bridge as it is in service, its pace and limits too.

Many conversations are open and many deliveries owed when it is killed; then it is started again.
"""

import asyncio
import contextlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from bridge.app import CONNECTS_PER_SECOND
from bridge.core.state import Conversation
from bridge.runtime.connecting.pace import BURST
from bridge.simulators.slack_limits import RateLimits
from bridge.store import open_store
from tests.bench.drain import POST, fewest_seconds
from tests.bench.fake_agent import FakeAgent
from tests.bench.stand import CONFIG
from tests.bench.traffic import Broken, Traffic
from tests.bench.wire import Answer, Ear, Request, Wire
from tests.unit.store.given import owing, reply

Json = dict[str, Any]

#: A start, and how much longer than it must anything may take before the run is broken.
_START, _SLOWER = 30.0, 3.0


class Watch:
    """Stands before the fake Slack, and counts the posts that the real one would have refused."""

    def __init__(self, answer: Answer) -> None:
        self.channels: list[str] = []  #: of each post
        self.excesses = 0
        self._answer = answer
        self._limits = RateLimits()

    def answer(self, request: Request, wire: Wire) -> bytes | Ear:
        """As the fake Slack does."""
        if request.path.endswith(POST):
            channel = _channel(request)
            self.channels.append(channel)
            self.excesses += self._limits.take(POST, channel, datetime.now(UTC)) is not None
        return self._answer(request, wire)

    def begin(self) -> None:
        """Count from here; Slack has had a quiet time."""
        self.channels.clear()
        self.excesses, self._limits = 0, RateLimits()


def measure(directory: Path, *, sessions: int, owed: int) -> Json:
    """Kill it with so many open conversations and deliveries owed, and see it recover.

    Raises:
        Broken: it never came back.
    """
    directory.mkdir(parents=True, exist_ok=True)
    return asyncio.run(_measured(directory, sessions, owed))


async def _measured(directory: Path, sessions: int, owed: int) -> Json:
    agent, traffic = FakeAgent(), Traffic()
    watch = Watch(traffic.slack.answer)
    database, config = directory / "bridge.db", directory / "bridge.toml"
    async with _listening(watch.answer) as slack_port, _listening(agent.answer) as agent_port:
        traffic.slack.address = f"ws://127.0.0.1:{slack_port}/link"
        places = {
            "agent": f"http://127.0.0.1:{agent_port}",
            "slack": f"http://127.0.0.1:{slack_port}/api/",
        }
        config.write_text(CONFIG.format(database=database, **places))
        async with _running(directory, "tests.bench.ours", str(config)):
            await _until(lambda: len(traffic.slack.links) >= 2, _START)
            await traffic.open(sessions, at_once=100)
            await _until(lambda: agent.open >= sessions and _settled(database), _START)
        await _until(lambda: agent.open == 0, _START)
        least_owed = await _owe(f"sqlite+aiosqlite:///{database}", owed)
        least_sockets = max(0, sessions - BURST) / CONNECTS_PER_SECOND
        watch.begin()
        began, patience = time.perf_counter(), _START + _SLOWER * max(least_sockets, least_owed)
        async with _running(directory, "bridge", "run", "--config", str(config)):
            sockets_s, owed_s = await asyncio.gather(
                _until(lambda: agent.open >= sessions, patience, began),
                _until(lambda: len(watch.channels) >= owed, patience, began),
            )
    return {
        "sessions": sessions,
        "owed": owed,
        "sockets_s": sockets_s,
        "least_sockets_s": least_sockets,
        "sockets_ratio": sockets_s / least_sockets if least_sockets else 0.0,
        "owed_s": owed_s,
        "least_owed_s": least_owed,
        "owed_ratio": owed_s / least_owed if least_owed else 0.0,
        "429s": watch.excesses,
        "posts": len(watch.channels),
    }


async def _owe(url: str, owed: int) -> float:
    """Have so many answers owed, one in each conversation; the least time Slack lets them have."""
    async with open_store(url) as store:
        live: list[Conversation] = (await store.live_conversations())[:owed]
        for one in live:
            await store.write(owing(one, (one.deliveries + 1, reply("What was owed"))))
    if len(live) < owed:
        raise Broken(f"only {len(live)} conversations are open")
    channels = [one.thread.split(":")[1] for one in live]
    fullest = max(map(channels.count, set(channels)))
    return max(fewest_seconds(1, fullest), fewest_seconds(owed, 1))


def _settled(database: Path) -> bool:
    """Whether nothing is owed or in doubt: this Slack cannot be asked what it has."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        query = "SELECT count(*) FROM deliveries WHERE settled_at IS NULL"
        return not connection.execute(query).fetchone()[0]


@asynccontextmanager
async def _running(directory: Path, *module: str) -> AsyncIterator[None]:
    """One process, for as long as the block lasts: then it is killed."""
    with (directory / f"{module[0]}.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *module, stdout=log, stderr=log, env=_environment()
        )
    try:
        yield
        if process.returncode is not None:
            raise Broken(f"{module[0]} ended by itself")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def _listening(answer: Answer) -> AsyncIterator[int]:
    """A server for as long as the block lasts; its port."""
    wires: list[Wire] = []

    def wire() -> Wire:
        wires.append(Wire(answer))
        return wires[-1]

    server = await asyncio.get_running_loop().create_server(wire, "127.0.0.1", 0, backlog=4096)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for one in wires:
            one.cut()
        await server.wait_closed()


async def _until(seen: Callable[[], bool], patience: float, began: float | None = None) -> float:
    """Wait for it; after how many seconds it was there. Raises Broken."""
    began = time.perf_counter() if began is None else began
    while not seen():
        if time.perf_counter() - began > patience:
            raise Broken(f"not seen in {patience:.0f} s")
        await asyncio.sleep(0.02)
    return time.perf_counter() - began


def _channel(request: Request) -> str:
    if request.headers.get("content-type", "").startswith("application/json"):
        return str(json.loads(request.body)["channel"])
    return parse_qs(request.body.decode())["channel"][0]


def _environment() -> dict[str, str]:
    """Ours, without proxies and settings."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("POLYAI_BRIDGE_") and not name.lower().endswith("_proxy")
    }
