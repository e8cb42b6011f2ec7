"""The wall clock is stepped by an hour, while the bridge runs and between two of its runs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.stage import Stage, staged

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("cc") is None, reason="the stepped clock is compiled"),
]

GREETING = "Hello, I am Ava. How can I help you today?"
HOUR = 3600
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


async def assert_all_once(stage: Stage, thread: str, *said: str) -> None:
    """All of it was heard and answered, once."""
    await stage.until(lambda: len(stage.told(thread)) > len(said))
    await stage.quiet()
    assert sorted(stage.heard()) == sorted(f"say {text}" for text in said), stage.tail()
    assert sorted(stage.told(thread)) == sorted([GREETING, *said]), stage.tail()


@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forwards", "backwards"])
async def test_a_step_while_it_runs_is_not_noticed(
    tmp_path: Path, wall: WallClock, step: int
) -> None:
    async with staged(tmp_path) as stage:
        await stage.started()
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
        await stage.reply(thread, "say three")

        await assert_all_once(stage, thread, "one", "two", "three")
