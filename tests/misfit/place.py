"""One real bridge that serves Slack and, beside it, strangers' plug-ins that misbehave.

The plug-in is a package of its own, outside of the checkout, found by its entry point.
"""

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.misfit.plugin import lines
from tests.stage import PATIENCE, Stage, staged

_PLUGIN = Path(__file__).with_name("plugin.py")
TOKEN = "misfit-token-93kd"


class Package:
    """The stranger's package, as an installer would leave it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._module = directory / "misfit_plugin.py"
        information = directory / "misfit-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: misfit\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(
            "[polyai_bridge.adapters]\nmisfit = misfit_plugin:PLUGIN\n"
        )
        self.repair()

    def repair(self) -> None:
        """It can be imported."""
        shutil.copy(_PLUGIN, self._module)

    def spoil(self, source: str) -> None:
        """Whoever imports it runs this."""
        self._module.write_text(source)


class MisfitPlace:
    """The stage of Slack, with misfits beside it."""

    def __init__(self, stage: Stage, package: Package) -> None:
        self.stage, self.package = stage, package
        self._said = 0

    def add(self, name: str = "misfit", **keys: str | int) -> None:
        """One more adapter of the misfit's type; `keys` are of its table."""
        written = {"type": "misfit", "file": str(self.file(name)), "token": TOKEN, **keys}
        table = "".join(f"{key} = {json.dumps(value)}\n" for key, value in written.items())
        config = self.stage.config
        config.write_text(f"{config.read_text()}\n[adapters.{name}]\n{table}")

    def file(self, name: str = "misfit") -> Path:
        """What stands for the platform of a misfit."""
        return self.stage.directory / f"{name}.lines"

    def told(self, thread: str, name: str = "misfit") -> list[str]:
        """What was posted in a thread there, without the greeting."""
        posted = [line["text"] for line in lines(self.file(name)) if line["thread"] == thread]
        return [text for text in posted if not text.startswith("Hello, I am Ava")]

    async def say(self, text: str, thread: str = "t", name: str = "misfit") -> str:
        """Somebody says it there, again and again until it is accepted; how it was accepted."""
        self._said += 1
        told = {"id": f"said-{self._said}", "thread": thread, "text": text}
        answers: list[str] = []

        async def accepted() -> bool:
            try:
                address = f"{self.address}/{name}/say"
                timeout = aiohttp.ClientTimeout(total=3)
                async with (
                    aiohttp.ClientSession(timeout=timeout) as http,
                    http.post(address, json=told) as answer,
                ):
                    if answer.status == 200:
                        answers.append((await answer.json())["accepted"])
            except (aiohttp.ClientError, TimeoutError):
                pass
            return bool(answers)

        async with asyncio.timeout(2 * PATIENCE):
            while not await accepted():
                await asyncio.sleep(0.05)
        return answers[0]

    async def ready(self) -> tuple[bool, str]:
        """What `/ready` answers: whether we are, and its causes and states as text."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.address}/ready") as answer:
            return answer.status == 200, await answer.text()

    async def until_ready_says(self, words: str, patience: float = 40.0) -> str:
        """Wait until `/ready` holds these words."""
        deadline = asyncio.get_running_loop().time() + patience
        while words not in (told := (await self.ready())[1]):
            assert asyncio.get_running_loop().time() < deadline, (told, self.stage.tail())
            await asyncio.sleep(0.05)
        return told

    @property
    def address(self) -> str:
        """Where the bridge that runs now listens."""
        ports = re.findall(r"listener\.ready.* port=(\d+)", self.stage.log.read_text())
        return f"http://127.0.0.1:{ports[-1]}"

    def children(self) -> list[int]:
        """The processes of isolated adapters."""
        return children(self.stage.pid)


def children(pid: int) -> list[int]:
    """The processes that this one has begun and that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue  # gone meanwhile
            if int(parent) == pid and state != "Z":
                found.append(int(entry.name))
    return sorted(found)


def alive(pid: int) -> bool:
    """Whether it runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@asynccontextmanager
async def misfit_place(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[MisfitPlace]:
    """Both simulators, and a bridge that is not started yet and could find the package."""
    package = Package(directory / "installed")
    before = os.environ.get("PYTHONPATH", "")
    paths = [str(package.directory), *([before] if before else [])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    async with staged(directory) as stage:
        stage.configure(echo_timeout='"1s"', reconnect_max='"1s"')
        yield MisfitPlace(stage, package)
