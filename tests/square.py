"""One real bridge between several platforms at once, each played by its adapter's stand-in."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from bridge.clock import RandomIds, SystemClock
from bridge.simulators.polyai import PolyAISimulator
from bridge.testing.stand_in import GROUP, StandIn, Uttered
from tests import leaks
from tests.stage import PATIENCE, Running


class Square(Running):
    """The platforms round it, by the names of their adapters; the bridge in the middle."""

    def __init__(
        self, polyai: PolyAISimulator, directory: Path, stand_ins: Mapping[str, StandIn], port: int
    ) -> None:
        super().__init__(polyai, directory)
        self.stand_ins = stand_ins
        self.address = f"http://127.0.0.1:{port}"
        self._port = port

    def configure(self, isolated: Sequence[str] = ()) -> None:
        """Write the configuration; the adapters `isolated` run in processes of their own."""
        lines = [
            "[database]",
            f'url = "sqlite+aiosqlite:///{self.database}"',
            "[http]",
            f"port = {self._port}",
            "[intake]",
            'person_rate = "off"',
            "[agents.default]",
            f'base_url = "{self.polyai.base_url}"',
            'connector_token = "simulated-connector-token"',
            'host = "https://demo.example"',
        ]
        for name, stand_in in self.stand_ins.items():
            lines += [f"[adapters.{name}]", f'type = "{name}"']
            lines += [f'isolation = "{"process" if name in isolated else "none"}"']
            own = {k: v for k, v in stand_in.settings.items() if k != "type"}
            lines += [f"{key} = {_toml(value)}" for key, value in own.items()]
        self.config.write_text("\n".join(lines) + "\n")

    async def start(self) -> None:
        """Start the bridge, and wait until every adapter is connected."""
        await self.spawn("bridge", "run", "--config", str(self.config))
        names = len(self.stand_ins)
        await self.until(lambda: self.said("adapter.connected") >= names or self.dead)
        assert not self.dead, self.tail()

    def said(self, event: str) -> int:
        """How often the bridge logged this."""
        return self.log.read_text().count(event) if self.log.exists() else 0

    def children(self) -> list[int]:
        """The processes of its adapters, the oldest first."""
        return sorted(
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and _parent(entry) == self.pid
        )

    async def ask(
        self,
        name: str,
        text: str,
        thread: str | None = None,
        *,
        look: float = 0.005,
        patience: float = PATIENCE,
    ) -> tuple[Uttered, float]:
        """Say `text` on one platform and wait until the answer is seen; how long it took, in s.

        `look` is how long to wait between two looks: some platforms take a while to tell.
        """
        stand_in, loop = self.stand_ins[name], asyncio.get_running_loop()
        begun = loop.time()
        uttered = await stand_in.say(text, thread=thread)
        while not await self.answers(name, uttered.thread, text):
            if loop.time() - begun > patience:
                raise AssertionError(f"{name}: {text} never answered:\n{self.tail()}")
            await asyncio.sleep(look)
        return uttered, loop.time() - begun

    async def answers(self, name: str, thread: str, text: str) -> int:
        """How many answers to `text` are seen there."""
        seen = await self.stand_ins[name].seen(thread)
        wanted = f"You said: {text}"
        return sum(wanted in one.text for one in seen if one.ours)


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0  # gone meanwhile


def _toml(value: Any) -> str:  # noqa: ANN401 - any value of a table
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@asynccontextmanager
async def square(
    directory: Path, names: Sequence[str], isolated: Sequence[str] = ()
) -> AsyncIterator[Square]:
    """The platforms of these adapters, and a bridge between them that is not started yet."""
    announced = {entry.name: entry for entry in entry_points(group=GROUP)}
    async with (
        leaks.played(PolyAISimulator(clock=SystemClock(), ids=RandomIds())) as polyai,
        AsyncExitStack() as stack,
    ):
        stand_ins = {
            name: await stack.enter_async_context(announced[name].load()()) for name in names
        }
        made = Square(polyai, directory, stand_ins, _free_port())
        for name, stand_in in stand_ins.items():
            await stand_in.reach(f"{made.address}/{name}")
        made.configure(isolated)
        try:
            yield made
        finally:
            if not made.dead:
                await made.stop()
