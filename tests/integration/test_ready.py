"""A real database that cannot be written to makes `/ready` red, and green again by itself."""

import resource
from pathlib import Path

import aiohttp
import pytest

from tests.stage import Stage, staged

pytestmark = pytest.mark.integration

BOUND = 65_536


async def troubles(stage: Stage, http: aiohttp.ClientSession) -> list[str]:
    """What a monitor is told."""
    port = stage.log.read_text().rpartition("listener.ready")[2].partition("port=")[2].split()[0]
    async with http.get(f"http://127.0.0.1:{port}/ready") as answer:
        told = await answer.json()
    assert answer.status == (503 if told["causes"] else 200)
    return list(told["causes"])


def may_write(stage: Stage, size: int) -> None:
    """From now on no file of the bridge may be written beyond this, in bytes."""
    _, hard = resource.prlimit(stage.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(stage.pid, resource.RLIMIT_FSIZE, (size, hard))


async def test_a_database_that_cannot_be_written_is_told_until_it_can(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, aiohttp.ClientSession() as http:
        await stage.started()
        thread = await stage.opened()
        await stage.quiet()
        assert await troubles(stage, http) == []

        assert stage.log.stat().st_size < BOUND // 2, "the log can be written on"
        assert (tmp_path / "bridge.db-wal").stat().st_size > BOUND
        may_write(stage, BOUND)
        await stage.reply(thread, "say again")
        await stage.until(lambda: "slack.not_stored" in stage.log.read_text())
        (cause,) = await troubles(stage, http)
        assert cause.startswith("database: The database did not take a change")

        may_write(stage, resource.RLIM_INFINITY)
        await stage.until(lambda: "database.working" in stage.log.read_text())
        assert await troubles(stage, http) == []
        await stage.until(lambda: "again" in stage.told(thread))
