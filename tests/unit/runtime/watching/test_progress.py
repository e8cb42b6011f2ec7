"""Who stands still, and who only waits."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from bridge.runtime.watching.progress import PATIENCE, Progress, Stuck
from bridge.runtime.watching.trouble import Dependency

SECOND = timedelta(seconds=1)
Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


@pytest.fixture
async def spawn() -> Any:  # noqa: ANN401 - a generator of a callable
    tasks: list[asyncio.Task[None]] = []

    def start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(work))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Loop:
    """A loop whose work takes until it is let go."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.go = asyncio.Event()

    async def work(self) -> None:
        with self.progress.at_work("dispatcher", "c1.1"):
            await self.go.wait()

    async def work_and_wait(self) -> None:
        with self.progress.at_work("dispatcher", "c1.1"):
            with self.progress.waits(), self.progress.waits():
                await self.go.wait()
            await asyncio.Event().wait()


async def begun() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_loop_that_is_at_work_for_long_stands_still_and_is_named(spawn: Spawn) -> None:
    progress = Progress()
    loop = Loop(progress)
    spawn(loop.work())
    await begun()

    assert progress.look(PATIENCE - SECOND) == ()
    (stuck,) = progress.look(SECOND)

    assert (stuck.name, stuck.about) == ("dispatcher", "c1.1")
    assert stuck.where.startswith("test_progress.py:")
    (trouble,) = progress.troubles()
    assert (trouble.dependency, trouble.name) == (Dependency.PROGRESS, "dispatcher")
    assert "c1.1" not in trouble.sentence


async def test_one_that_goes_on_is_no_trouble_any_more(spawn: Spawn) -> None:
    progress = Progress()
    loop = Loop(progress)
    task = spawn(loop.work())
    await begun()
    assert progress.look(PATIENCE)

    loop.go.set()
    await task

    assert progress.look(SECOND) == ()
    assert progress.troubles() == []
    assert progress.marks == {}


async def test_whoever_waits_is_excused_however_long_and_then_begins_anew(spawn: Spawn) -> None:
    progress = Progress()
    loop = Loop(progress)
    spawn(loop.work_and_wait())
    await begun()
    for _ in range(1000):
        assert progress.look(PATIENCE) == ()

    loop.go.set()
    await begun()

    assert progress.look(PATIENCE - SECOND) == ()
    assert progress.look(SECOND) != ()


async def test_a_wait_of_another_task_excuses_nobody(spawn: Spawn) -> None:
    progress = Progress()

    async def hand_on() -> None:
        with progress.at_work("worker", "c1"):
            await asyncio.create_task(waiting())

    async def waiting() -> None:
        with progress.waits():
            await asyncio.Event().wait()

    spawn(hand_on())
    await begun()
    (stuck,) = progress.look(PATIENCE)
    assert stuck.name == "worker"


async def test_work_within_work_leaves_the_outer_one_marked(spawn: Spawn) -> None:
    progress = Progress()

    async def nested() -> None:
        with progress.at_work("outer", "a"):
            with progress.at_work("inner", "b"):
                pass
            await asyncio.Event().wait()

    spawn(nested())
    await begun()
    (stuck,) = progress.look(PATIENCE)
    assert stuck.name == "outer"


async def test_of_many_that_stand_still_in_one_loop_one_is_told(
    spawn: Spawn, caplog: pytest.LogCaptureFixture
) -> None:
    progress = Progress()
    for _ in range(5):
        spawn(Loop(progress).work())
    await begun()

    for _ in range(3):
        assert len(progress.look(PATIENCE)) == 1

    assert [record.getMessage().count("progress.stuck") for record in caplog.records] == [1]


async def test_work_that_fails_is_over() -> None:
    progress = Progress()
    with pytest.raises(ZeroDivisionError), progress.at_work("worker", "c1"):
        raise ZeroDivisionError
    assert progress.look(PATIENCE) == ()


def test_a_queue_that_is_at_the_same_thing_for_long_stands_still() -> None:
    progress = Progress()
    at: list[int | None] = [None]
    progress.watch("writer", lambda: at[0], patience=3 * SECOND)

    for _ in range(10):
        assert progress.look(SECOND) == ()
    for number in range(10):
        at[0] = number
        assert progress.look(SECOND) == ()
    assert progress.look(2 * SECOND) == ()
    assert progress.look(SECOND) == (Stuck("writer", "", ""),)
    at[0] = 10
    assert progress.look(SECOND) == ()


async def test_time_that_nobody_saw_pass_makes_nobody_late(spawn: Spawn) -> None:
    """A machine that was suspended for an hour comes back between two looks."""
    progress = Progress()
    spawn(Loop(progress).work())
    await begun()
    assert progress.look(SECOND) == ()
    assert progress.look(SECOND) == ()
