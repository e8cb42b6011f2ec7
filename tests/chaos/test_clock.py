"""The wall clock is stepped by an hour, while the bridge runs and between two of its runs."""

import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from tests.chaos.slack_scene import open_door
from tests.stage import Stage, staged

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("cc") is None, reason="the stepped clock is compiled"),
]

GREETING = "Hello, I am Ava. How can I help you today?"
HOUR = 3600
STEPS, WAYS = (HOUR, -HOUR), ("forwards", "backwards")
_SOURCE = Path(__file__).parent / "wall_clock.c"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wall clock that can be stepped."""
    made = tmp_path_factory.mktemp("clock") / "wall_clock.so"
    command = ["cc", "-shared", "-fPIC", "-o", str(made), str(_SOURCE)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("the stepped clock cannot be compiled here")
    return made


class WallClock:
    """The daemon's wall clock; ours is right."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "stepped"
        self.step(0)

    def step(self, seconds: int) -> None:
        """It is wrong by so much from now on."""
        new = self.file.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self.file)


@pytest.fixture
def wall(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WallClock:
    """Every process that the test starts reads this clock."""
    clock = WallClock(tmp_path)
    monkeypatch.setitem(os.environ, "LD_PRELOAD", str(library))
    monkeypatch.setitem(os.environ, "STEPPED_BY", str(clock.file))
    return clock


async def started(stage: Stage) -> None:
    """Start it, and wait until Slack can reach it by its door."""
    before = _connected(stage)
    await stage.start()
    await stage.until(lambda: _connected(stage) > before)


def _connected(stage: Stage) -> int:
    return stage.log.read_text().count("adapter.connected") if stage.log.exists() else 0


async def all_acked(stage: Stage) -> None:
    """Wait until all that was said is accepted: what is said from now on comes after it."""
    await stage.until(lambda: all(e.acked for e in stage.slack.envelopes))


async def assert_all_once(stage: Stage, thread: str, *said: str) -> None:
    """All of it was heard and answered once, in this order."""
    await stage.until(lambda: len(stage.told(thread)) > len(said))
    await stage.quiet()
    assert stage.heard() == [f"say {text}" for text in said], stage.tail()
    assert stage.told(thread) == [GREETING, *said], stage.tail()


@pytest.mark.parametrize("step", STEPS, ids=WAYS)
@pytest.mark.parametrize("door", ["socket", "http"])
async def test_a_step_while_it_runs_is_not_noticed(
    tmp_path: Path, wall: WallClock, door: str, step: int
) -> None:
    async with staged(tmp_path) as stage:
        open_door(stage, door)
        await started(stage)
        thread = await stage.opened()
        await stage.reply(thread, "say one")
        wall.step(step)
        await stage.reply(thread, "say two")
        await stage.until(lambda: "two" in stage.told(thread))
        wall.step(0)
        await stage.reply(thread, "say three")

        await assert_all_once(stage, thread, "ready", "one", "two", "three")


@pytest.mark.parametrize(
    ("dies_at", "step"),
    [
        ("after-attempt:1", HOUR),
        ("after-attempt:1", -HOUR),
        ("after-send:1", HOUR),
        ("after-send:1", -HOUR),
    ],
)
async def test_a_step_between_a_kill_and_the_next_start_costs_nothing(
    tmp_path: Path, wall: WallClock, dies_at: str, step: int
) -> None:
    async with staged(tmp_path) as stage:
        await stage.start(dies_at=dies_at)
        await stage.connected()
        thread = await stage.mention("say one")
        await stage.reply(thread, "say two")
        await stage.died()
        wall.step(step)
        await stage.started()
        await all_acked(stage)
        await stage.reply(thread, "say three")

        await assert_all_once(stage, thread, "one", "two", "three")


@pytest.mark.parametrize("step", STEPS, ids=WAYS)
async def test_requests_that_a_wrong_clock_takes_for_old_come_again_when_it_is_right(
    tmp_path: Path, wall: WallClock, step: int
) -> None:
    async with staged(tmp_path) as stage:
        open_door(stage, "http")
        await started(stage)
        thread = await stage.opened()
        await stage.kill()
        wall.step(step)
        await started(stage)
        await stage.reply(thread, "say one")
        refused = stage.slack.envelopes[-1]
        await stage.until(lambda: "reason=clock" in stage.tail())
        assert refused.acked is None
        wall.step(0)
        await all_acked(stage)
        await stage.reply(thread, "say two")

        await assert_all_once(stage, thread, "ready", "one", "two")


@pytest.mark.parametrize("step", STEPS, ids=WAYS)
async def test_a_session_whose_token_seems_over_costs_no_word(
    tmp_path: Path, wall: WallClock, step: int
) -> None:
    async with staged(tmp_path) as stage:
        stage.polyai.configure(token_seconds=HOUR // 2)
        await stage.started()
        thread = await stage.opened()
        await stage.kill()
        wall.step(step)
        await stage.started()
        for text in ("one", "two"):
            await stage.reply(thread, f"say {text}")
            await all_acked(stage)
        await stage.until(lambda: "two" in stage.told(thread))
        await stage.quiet()

        sessions = 2 if step > 0 else 1  # a younger one, which looks dead, is not tried
        assert sum(session.joins for session in stage.sessions) == sessions, stage.tail()
        assert stage.heard() == ["say ready", "say one", "say two"], stage.tail()
        answers = [text for text in stage.told(thread) if text in ("ready", "one", "two")]
        assert answers == ["ready", "one", "two"], stage.tail()


async def test_a_pause_that_slack_asked_for_is_over_when_the_clock_was_set_forward(
    tmp_path: Path, wall: WallClock
) -> None:
    async with staged(tmp_path) as stage:
        await stage.started()
        thread = await stage.opened()
        stage.slack.rate_limit("chat.postMessage", after=timedelta(seconds=5))
        await stage.reply(thread, "say one")
        await stage.until(lambda: "delivery.retry" in stage.tail())
        await stage.kill()
        wall.step(HOUR)
        await stage.started()
        await stage.reply(thread, "say two")

        await assert_all_once(stage, thread, "ready", "one", "two")
