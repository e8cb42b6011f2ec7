"""The real bridge against Microsoft's own emulator of Teams (Microsoft 365 Agents Playground)."""

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
#: Where the emulator is, if not on the PATH.
EMULATOR = os.environ.get("AGENTSPLAYGROUND") or shutil.which("agentsplayground") or ""
#: A network with nobody else in it, where it is listened to by nobody else.
ALONE = ("unshare", "--map-root-user", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"')


async def run(*command: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE, stderr=STDOUT)
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def test_a_chat_and_a_channel_are_answered_and_a_button_is_pressed(tmp_path: Path) -> None:
    if not EMULATOR:
        pytest.skip("no agentsplayground: npm install -g @microsoft/m365agentsplayground")
    try:
        alone, why = await run(*ALONE, "sh", "true")
    except FileNotFoundError:
        alone, why = 1, "no unshare"
    if alone:
        pytest.skip(f"no network of its own can be made here: {why.strip()}")

    scene = (sys.executable, "-m", "tests.integration.teams_emulator", EMULATOR, str(tmp_path))
    code, told = await run(*ALONE, "sh", *scene)

    assert code == 0, told
