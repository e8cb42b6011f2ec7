"""`pipx install polyai-bridge`, and what comes of it: an environment of its own, nothing else."""

import asyncio
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.environment import Environment, build
from tests.stage import PATIENCE, Stage, staged

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed from the wheel as pipx would, but for what it needs: that is ours."""
    environment = Environment.create(tmp_path_factory.mktemp("environment"))
    wheel = build(ROOT, environment.directory / "wheels")
    pip = [sys.executable, "-m", "pip", "--python", str(environment.python), "install", "--quiet"]
    subprocess.run(
        [*pip, "--no-index", "--no-deps", "--no-compile", str(wheel)], check=True, timeout=50
    )
    return environment.directory / "bin" / "polyai-bridge"


def test_each_file_for_the_machine_is_in_the_wheel(command: Path) -> None:
    shipped = {file.name for file in (ROOT / "bridge" / "deploy").iterdir() if file.is_file()}
    listed = subprocess.run([command, "deploy", "--json"], capture_output=True, check=True)
    assert shipped <= set(re.findall(r'"file": "([^"]+)"', listed.stdout.decode()))


@pytest.mark.parametrize("name", ["unit", "template"])
def test_the_unit_starts_a_command_that_exists(command: Path, name: str) -> None:
    printed = subprocess.run([command, "deploy", name], capture_output=True, check=True, text=True)
    (started,) = re.findall(r"^ExecStart=(\S+) run ", printed.stdout, flags=re.MULTILINE)
    assert Path(started) == command
    assert os.access(started, os.X_OK)


async def test_it_serves_and_tells_the_service_manager_how_it_is(
    command: Path, tmp_path: Path
) -> None:
    async with staged(tmp_path) as stage, told(tmp_path) as heard:
        running = await started(command, stage, tmp_path)
        await stage.until(lambda: "READY=1" in heard or running.returncode is not None)
        thread = await stage.mention("say it works")
        await stage.until(lambda: "it works" in stage.told(thread))
        await stage.until(lambda: any(re.match("STATUS=Ready: 1 conv", each) for each in heard))
        running.terminate()
        async with asyncio.timeout(PATIENCE):
            assert await running.wait() == 0
    assert heard.index("STATUS=opening the database") < heard.index("READY=1")
    assert any(each.startswith("EXTEND_TIMEOUT_USEC=") for each in heard)
    assert heard.count("WATCHDOG=1") > 1
    assert heard.index("STOPPING=1") > heard.index("WATCHDOG=1")


async def started(command: Path, stage: Stage, directory: Path) -> asyncio.subprocess.Process:
    manager = {"NOTIFY_SOCKET": str(directory / "notify"), "WATCHDOG_USEC": "1000000"}
    ours = {name: value for name, value in os.environ.items() if not name.startswith("POLYAI_")}
    return await asyncio.create_subprocess_exec(
        command, "run", "--config", str(stage.config), env=ours | manager
    )


@asynccontextmanager
async def told(directory: Path) -> AsyncIterator[list[str]]:
    """What is said to a service manager, as it comes."""
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.bind(str(directory / "notify"))
        loop = asyncio.get_running_loop()
        loop.add_reader(sock, lambda: heard.extend(sock.recv(8192).decode().split("\n")))
        try:
            yield heard
        finally:
            loop.remove_reader(sock)
