"""What the process runs on: the loop, and a collector that looks at nothing twice."""

import asyncio
import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bridge.runtime.process import Thaw, freezing, run, uncollected

pytestmark = pytest.mark.thorough


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    assert gc.get_threshold() == before
    assert gc.isenabled()
    gc.unfreeze()


class Knot:
    """Refers to itself, so that only the collector finds it dead."""

    def __init__(self) -> None:
        self.myself = self


def tied() -> int:
    return id(Knot())


def knots() -> int:
    return sum(isinstance(one, Knot) for one in gc.get_objects())


@pytest.mark.skipif(sys.platform == "win32", reason="there is none")
def test_the_daemon_runs_on_uvloop() -> None:
    loops: list[str] = []

    async def main() -> None:
        loops.append(type(asyncio.get_running_loop()).__module__)

    run(main())

    assert loops == ["uvloop"]


def test_without_uvloop_it_runs_on_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    loops: list[str] = []

    async def main() -> None:
        loops.append(type(asyncio.get_running_loop()).__module__)

    run(main())

    assert loops == ["asyncio.unix_events"]


def test_what_a_whole_collection_leaves_is_not_looked_at_again() -> None:
    with freezing():
        kept: list[list[int]] = [[] for _ in range(1000)]
        gc.collect()

        assert gc.get_freeze_count() >= len(kept)


def test_a_cycle_that_dies_is_still_found() -> None:
    with freezing():
        gc.collect()
        tied()
        assert knots() == 1

        gc.collect()

        assert knots() == 0


def test_nothing_is_collected_while_much_is_made() -> None:
    with uncollected():
        assert not gc.isenabled()

    assert gc.isenabled()


def test_what_died_while_frozen_is_found_once_there_is_twice_as_much() -> None:
    with freezing():
        knot = Knot()
        gc.collect()
        frozen = gc.get_freeze_count()
        del knot
        gc.collect()

        assert not Thaw(frozen * 2).if_grown()
        assert gc.get_freeze_count() >= frozen - 10  # the dead one is among them

        before = gc.get_freeze_count()
        assert Thaw(bearable=1).if_grown()
        assert gc.get_freeze_count() < before


@pytest.mark.parametrize(
    ("main", "code"),
    [("pass", 0), ("raise DatabaseFailed('full')", 12), ("raise ValueError", 1)],
)
def test_a_process_ends_in_time_whatever_was_left_in_it(main: str, code: int) -> None:
    """A thread that never ends, and a task that cannot be cancelled."""
    program = f"""
import asyncio, threading
from datetime import timedelta
from bridge.errors import DatabaseFailed
from bridge.runtime.process import run
async def stubborn():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass
async def main():
    threading.Thread(target=threading.Event().wait).start()
    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    {main}
run(main(), ending=timedelta(milliseconds=50))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    assert done.returncode == code
