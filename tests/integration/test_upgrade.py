"""The version with the schema before ours, killed, and ours on its database; and the way back."""

import asyncio
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from bridge.store.schema import NEWEST
from tests.stage import Stage, staged

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
#: What a version is made of.
PARTS = ("bridge", "adapters", "migrations")


def _git(*arguments: str) -> bytes:
    return subprocess.run(
        ["git", "-C", str(ROOT), *arguments],  # noqa: S607 - whichever git there is
        check=True,
        capture_output=True,
    ).stdout


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last version that had another schema, as the history has it."""
    try:
        began = _git("log", "--format=%H", "-S", f'"{NEWEST}"', "--", "bridge/store/schema.py")
        revision = f"{began.decode().split()[-1]}^"
        archive = _git("archive", revision, *PARTS)
    except (subprocess.CalledProcessError, FileNotFoundError, IndexError):
        pytest.skip("the history is not here: a checkout of all of it is needed")
    directory = tmp_path_factory.mktemp("former")
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(directory, filter="data")
    return directory


async def _run(former: Path, stage: Stage) -> asyncio.subprocess.Process:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("POLYAI_BRIDGE_")}
    with stage.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge", "run", "--config", str(stage.config)),
            cwd=former,
            env={**environment, "PYTHONPATH": str(former)},
            stdout=log,
            stderr=log,
        )


async def test_what_the_former_version_was_killed_over_ours_goes_on_with(
    former: Path, tmp_path: Path
) -> None:
    async with staged(tmp_path) as stage:
        stage.configure(echo_timeout='"1s"', reconnect_max='"1s"')
        old = await _run(former, stage)
        await stage.until(lambda: stage.slack.sockets)
        thread = await stage.opened()
        stage.polyai.swallow_messages()
        await stage.reply(thread, "say after the upgrade")
        await stage.until(lambda: all(envelope.acked for envelope in stage.slack.envelopes))
        old.kill()
        await old.wait()

        await stage.start()
        await stage.until(lambda: "after the upgrade" in stage.told(thread))
        await stage.reply(thread, "say more")
        await stage.until(lambda: "more" in stage.told(thread))
        await stage.quiet()
        assert stage.told(thread).count("after the upgrade") == 1
        assert stage.heard().count("say after the upgrade") == 1
        assert await stage.stop() == 0

        again = await _run(former, stage)
        assert await again.wait() == 12, "it must not touch what it does not know"
        assert "which this version does not know" in stage.tail()
        assert "restore a backup" in stage.tail()
