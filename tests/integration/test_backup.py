"""A backup made beside the running bridge, and what a restored one does: nothing twice."""

import asyncio
import stat
from pathlib import Path

import pytest

from bridge.store.backup import verified
from tests.stage import Stage

pytestmark = pytest.mark.integration


async def test_a_restored_backup_repeats_nothing_and_goes_on(stage: Stage, tmp_path: Path) -> None:
    directory = tmp_path / "backups"
    directory.mkdir()
    thread = await stage.opened()
    code, out, err = await stage.run_command("backup", str(directory))
    assert (code, err) == (0, ""), err
    (copy,) = directory.iterdir()
    assert "read back and sound" in out
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600

    await stage.reply(thread, "say later")
    await stage.until(lambda: "later" in stage.told(thread))
    second = await stage.opened()
    assert await stage.stop() == 0
    shown, heard = (stage.told(thread), stage.told(second)), stage.heard()

    code, _, err = await stage.run_command("restore", str(copy))
    assert code == 2, "a database that is there is only replaced on demand"
    assert "--yes" in err
    code, out, err = await stage.run_command("restore", str(copy), "--yes")
    assert (code, err) == (0, ""), err
    assert verified(stage.database).conversations == 1

    await stage.start()
    await stage.connected()
    await stage.quiet()
    assert (stage.told(thread), stage.told(second)) == shown
    assert stage.heard() == heard

    await stage.reply(thread, "say anew")
    await stage.until(lambda: "anew" in stage.told(thread))
    assert stage.heard() == [*heard, "say anew"]


async def test_what_slack_tells_again_of_the_unknown_time_is_left_out(
    stage: Stage, tmp_path: Path
) -> None:
    thread = await stage.opened()
    copy = tmp_path / "copy.db"
    assert (await stage.run_command("backup", str(copy)))[0] == 0
    await stage.reply(thread, "say once")
    await stage.until(lambda: "once" in stage.told(thread))
    assert await stage.stop() == 0
    assert (await stage.run_command("restore", str(copy), "--yes"))[0] == 0
    await stage.start()
    await stage.connected()
    for envelope in list(stage.slack.envelopes):
        if envelope.payload.get("event", {}).get("text") == "say once":
            assert stage.slack.redeliver(envelope.event_id)
    await stage.until(lambda: "intake.left_out" in stage.log.read_text())
    await stage.quiet()
    assert stage.heard().count("say once") == 1


async def test_a_backup_while_messages_flow_is_whole(stage: Stage, tmp_path: Path) -> None:
    threads = [await stage.mention(f"say {n}") for n in range(10)]
    for number in range(3):
        code, _, err = await stage.run_command("backup", str(tmp_path / f"copy{number}.db"))
        assert (code, err) == (0, "")
    await asyncio.gather(
        *(
            stage.until(lambda n=n, thread=thread: str(n) in stage.told(thread))  # type: ignore[misc]
            for n, thread in enumerate(threads)
        )
    )
