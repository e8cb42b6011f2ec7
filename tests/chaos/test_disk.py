"""A disk that fails under the real bridge: what is acknowledged stays, the rest comes again."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.failing_disk import faulty, small_disk
from tests.stage import Stage, staged

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]

GREETING = "Hello, I am Ava. How can I help you today?"

#: What every call to the disk comes to while the fault lasts, as strace says it.
LASTING = {
    "EIO at the sync": "fsync,fdatasync:error=EIO",
    "ENOSPC at the write": "pwrite64:error=ENOSPC",
    "EIO in the middle of a write": "pwrite64:error=EIO:when=2+2",
    "EROFS at the write": "pwrite64:error=EROFS",
}
#: What only some of them come to.
PASSING = {
    "EIO at every other sync": "fsync,fdatasync:error=EIO:when=2+2",
    "slow syncs": "fsync,fdatasync:delay_enter=300000",
}


#: So many fill the log until it is to be written back, with much to spare.
MOST_LONG_TEXTS = 60


async def refused(stage: Stage, thread: str) -> None:
    """Speak, and see that Slack is not told that we have it."""
    for text in ("say one", "say two"):
        await stage.reply(thread, text)
    last = stage.slack.envelopes[-1]
    await stage.until(lambda: len(last.deliveries) > 1)
    assert last.acked is None
    assert not stage.dead


async def all_acked(stage: Stage) -> None:
    """Wait until all that was said is accepted: what is said from now on comes after it."""
    await stage.until(lambda: all(e.acked for e in stage.slack.envelopes))


async def assert_all_once(stage: Stage, thread: str) -> None:
    """Nothing is lost or doubled, and what is answered stands in the order it was heard in.

    Of what was refused Slack decides what it repeats first; all of it comes before "say three",
    which was said when the rest was accepted.
    """
    texts = ["say one", "say two", "say three"]
    await stage.until(lambda: len(stage.told(thread)) >= len(texts) + 2)
    await stage.quiet()
    heard = stage.heard()
    assert sorted(heard) == sorted(["say ready", *texts]), stage.tail()
    assert (heard[0], heard[-1]) == ("say ready", "say three"), stage.tail()
    answers = [text.removeprefix("say ") for text in heard]
    assert stage.told(thread) == [GREETING, *answers], stage.tail()
    assert all(e.acked for e in stage.slack.envelopes)
    assert not stage.dead


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace makes the faults")
@pytest.mark.parametrize("fault", LASTING)
async def test_what_the_disk_does_not_take_is_not_acknowledged_and_comes_again(
    tmp_path: Path, fault: str
) -> None:
    async with staged(tmp_path) as stage:
        await stage.started()
        thread = await stage.opened()
        async with faulty(stage, LASTING[fault]):
            await refused(stage, thread)
        await all_acked(stage)
        await stage.reply(thread, "say three")

        await assert_all_once(stage, thread)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace makes the faults")
@pytest.mark.parametrize("fault", PASSING)
async def test_a_disk_that_stumbles_delays_and_breaks_nothing(tmp_path: Path, fault: str) -> None:
    async with staged(tmp_path) as stage:
        await stage.started()
        thread = await stage.opened()
        async with faulty(stage, PASSING[fault]):
            for text in ("say one", "say two"):
                await stage.reply(thread, text)
            await all_acked(stage)
            await stage.reply(thread, "say three")

            await assert_all_once(stage, thread)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace makes the faults")
async def test_a_kill_while_syncs_fail_costs_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.started()
        thread = await stage.opened()
        async with faulty(stage, LASTING["EIO at the sync"]):
            await refused(stage, thread)
            # What was written and not synced may come up again: it must be known then.
            await stage.kill()
        await stage.started()
        await all_acked(stage)
        await stage.reply(thread, "say three")

        await assert_all_once(stage, thread)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace makes the faults")
async def test_a_checkpoint_that_fails_costs_nothing_as_the_log_keeps_it_all(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        await stage.started()
        thread = await stage.opened()
        said = ["say ready"]
        # Only checkpoints write to the database itself; commits write to its log.
        async with faulty(stage, "pwrite64:error=EIO", only=stage.database) as told:
            while "(INJECTED)" not in told.read_text():
                assert len(said) < MOST_LONG_TEXTS, "no checkpoint was tried"
                said.append(f"my order is number {len(said)}, with {'words ' * 4000}")
                await stage.reply(thread, said[-1])
                await stage.until(lambda: len(stage.heard()) == len(said))
            await stage.kill()
        await stage.started()
        await stage.reply(thread, "say three")
        await stage.until(lambda: "three" in stage.told(thread))
        await stage.quiet()

        assert [text.strip() for text in stage.heard()] == [*map(str.strip, said), "say three"]
        assert len(stage.told(thread)) == len(said) + 2
        assert len(set(stage.told(thread)[1:])) == 3  # "ready", the question again and again, three


async def test_a_full_disk_stops_intake_until_there_is_room_again(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        async with staged(tmp_path) as stage:
            stage.database = disk / "bridge.db"
            stage.configure()
            await stage.started()
            thread = await stage.opened()
            async with _filled(disk / "ballast"):
                await refused(stage, thread)
            await all_acked(stage)
            await stage.reply(thread, "say three")

            await assert_all_once(stage, thread)


@asynccontextmanager
async def _filled(ballast: Path) -> AsyncIterator[None]:
    """Not a byte is left."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass
    try:
        yield
    finally:
        ballast.unlink()
