"""Does the bench's own profile say who was at work?"""

import threading
import time
from pathlib import Path

import pytest

from tests.bench.sampling import AREAS, LOOP, Sampler, area, of_thread

ROOT = Path(__file__).parents[3]

OUT = "/x/bridge/runtime/delivering/dispatcher.py"
CLIENT = "/x/adapters/slack/client.py"
WRITER = "/x/bridge/store/writer.py"
WORKER = "/x/bridge/runtime/worker.py"


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (["main.py", OUT, CLIENT], "to Slack: what"),
        (["main.py", "/x/bridge/runtime/delivering/signals.py", CLIENT], "to Slack: signs"),
        (["main.py", "/x/adapters/slack/doors/socket.py", WRITER], "from Slack"),
        (["main.py", WORKER, WRITER], "the worker"),
        (["main.py", "/lib/websockets/asyncio/connection.py"], "the agent"),
    ],
)
def test_the_outermost_of_the_known_frames_says_whose_work_it_is(
    files: list[str], named: str
) -> None:
    assert area(files).startswith(named)


def test_our_own_areas_are_modules_that_there_are() -> None:
    ours = [part for part, _ in AREAS if part.startswith("bridge/")]
    assert [part for part in ours if not (ROOT / f"{part}.py").is_file()] == []


def test_a_stack_of_strangers_is_nobodys() -> None:
    assert area(["main.py"]) == ""


def test_a_thread_is_known_by_its_name() -> None:
    assert of_thread("store.writer_0") == "the store's writer, its thread"
    assert of_thread("uvloop_0") == "the rest"
    assert of_thread("MainThread") == LOOP


@pytest.mark.thorough
def test_whoever_works_is_counted_and_whoever_waits_is_not() -> None:
    """Of two areas one works four times as much as the other, and a thread waits."""
    busy: dict[str, str] = {}
    for name, file, rounds in (
        ("much", OUT, 40),
        ("little", WORKER, 10),
    ):  # far below a look's pause
        text = f"def {name}():\n    for n in range({rounds}): sum(range(1000))\n"
        exec(compile(text, file, "exec"), busy)  # noqa: S102 - our own words
    over, sampler = threading.Event(), Sampler()
    waiting = threading.Thread(target=over.wait, name="store.writer_0")
    waiting.start()
    sampler.start()
    began = time.thread_time()
    while time.thread_time() - began < 0.5:
        for work in (busy["much"], busy["little"]):
            assert callable(work)
            work()
    found = sampler.stop()
    over.set()
    waiting.join()
    assert found["to Slack: what is owed"] > found["the worker: the core's steps"] > 0.0
    assert found["the store's writer, its thread"] < 0.01
    assert sum(found.values()) == pytest.approx(0.5, abs=0.1)
