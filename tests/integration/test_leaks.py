"""Does the search for leaks, which follows every test of the real process, find one?"""

from pathlib import Path

import pytest

from tests import leaks
from tests.stage import staged

pytestmark = pytest.mark.integration


async def test_leaks_that_are_planted_are_found(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.spawn("tests.leaking", str(stage.config))
        await stage.connected()
        await stage.opened()
        thread = await stage.mention("say words that nobody should log")
        await stage.until(lambda: len(stage.told(thread)) > 1)
        with stage.log.open("a") as printed:
            printed.write("said by=Ann\n")
        leaks.shown("a page", '{"app_token": "xapp-simulated"}')
        assert await stage.stop() == 0
        seen = {where for where, _ in leaks._test.shown}

    found = leaks.found(tmp_path)

    log = {each.removeprefix("bridge.log: ") for each in found if each.startswith("bridge.log")}
    assert "a token" in log  # what PolyAI gave out
    assert "the secret sim…" in log  # in base64, within something longer
    assert "the words 'say words that nobody should l'" in log
    assert "the name b'Ann'" in log
    assert "bridge.db: a token" in found
    assert "a page: the secret xap…" in found
    assert {"/ready", "/metrics"} <= seen
    for each in (stage.log, stage.database, Path(f"{stage.database}-wal")):
        each.unlink(missing_ok=True)  # they were to leak, and are searched once more
    leaks.forget()


async def test_what_a_test_used_is_looked_for_in_each_form(tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text("[adapters.one]\nsecret = 'a \"quoted\" $ecret'\n")
    written = {
        "plain": 'a "quoted" $ecret',
        "query": "q=a%20%22quoted%22%20%24ecret",
        "json": '{"a": "a \\"quoted\\" $ecret"}',
        "basic": "dXNlcjphICJxdW90ZWQiICRlY3JldA==",
    }
    for name, text in written.items():
        (tmp_path / name).write_text(text)

    assert {each.partition(":")[0] for each in leaks.found(tmp_path)} == set(written)
    for name in written:
        (tmp_path / name).unlink()
