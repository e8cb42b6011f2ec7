"""The machine is suspended, or its wall clock set, while Slack reaches the bridge over HTTP.

Slack signs every request with the time, which must be ours within five minutes.
"""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.chaos.test_clock import GREETING, HOUR, WallClock
from tests.stage import Stage, staged

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("cc") is None, reason="the stepped clocks are compiled"),
]

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
_SOURCE = Path(__file__).parent / "wall_clock.c"
#: What jumps when a machine wakes: every clock but those that only count while it is awake.
_WHILE_SUSPENDED = "-DSTEPPED(clock)=((clock) == CLOCK_REALTIME || (clock) == CLOCK_BOOTTIME)"
_WHEN_SET = "-DSTEPPED(clock)=((clock) == CLOCK_REALTIME)"


def stepped(directory: Path, clocks: str, monkeypatch: pytest.MonkeyPatch) -> WallClock:
    """These clocks of every process that the test starts."""
    library = directory / "clocks.so"
    command = ["cc", "-shared", "-fPIC", clocks, "-o", str(library), str(_SOURCE)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("the stepped clocks cannot be compiled here")
    clock = WallClock(directory)
    monkeypatch.setitem(os.environ, "LD_PRELOAD", str(library))
    monkeypatch.setitem(os.environ, "STEPPED_BY", str(clock.file))
    return clock


def over_http(stage: Stage) -> None:
    """Slack reaches the bridge over HTTP."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    text = stage.config.read_text().replace("port = 0", f"port = {url.rpartition(':')[2]}")
    signed = f'mode = "http"\nsigning_secret = "{SECRET}"\npublic_url = "{url}"'
    stage.config.write_text(text.replace('app_token = "xapp-simulated"', signed))
    stage.slack.send_requests_to(f"{url}/slack/events", SECRET)


@pytest.mark.parametrize(
    ("clocks", "before", "after"),
    [
        (_WHILE_SUSPENDED, -HOUR, 0),
        (_WHEN_SET, -HOUR, 0),
        (_WHEN_SET, HOUR, 0),
        (_WHEN_SET, 0, HOUR),
        (_WHEN_SET, 0, -HOUR),
    ],
    ids=["suspended", "set right forwards", "set right backwards", "set fast", "set slow"],
)
async def test_slacks_requests_are_taken_whatever_became_of_the_clocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clocks: str, before: int, after: int
) -> None:
    clock = stepped(tmp_path, clocks, monkeypatch)
    clock.step(before)
    async with staged(tmp_path) as stage:
        over_http(stage)
        await stage.start()
        await stage.until(lambda: "adapter.connected" in stage.tail())
        clock.step(after)

        thread = await stage.mention("say one")
        await stage.until(lambda: "one" in stage.told(thread))
        await stage.reply(thread, "say two")

        await stage.until(lambda: "two" in stage.told(thread))
        await stage.quiet()
        assert stage.heard() == ["say one", "say two"], stage.tail()
        assert stage.told(thread) == [GREETING, "one", "two"], stage.tail()
        assert "slack.request_refused" not in stage.tail()


async def test_a_suspension_in_the_middle_of_a_conversation_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All sockets have been silent for an hour when the machine wakes."""
    clock = stepped(tmp_path, _WHILE_SUSPENDED, monkeypatch)
    clock.step(-HOUR)
    async with staged(tmp_path) as stage:
        await stage.started()
        thread = await stage.opened()
        await stage.reply(thread, "say one")
        clock.step(0)
        await stage.reply(thread, "say two")
        await stage.until(lambda: {"one", "two"} <= set(stage.told(thread)))

        await stage.quiet()
        assert sorted(stage.heard()) == ["say one", "say ready", "say two"], stage.tail()
        assert sorted(stage.told(thread)) == sorted([GREETING, "ready", "one", "two"])
