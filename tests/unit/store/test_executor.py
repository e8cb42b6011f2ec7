"""A thread that works for one loop."""

import asyncio
import sys
import threading
from datetime import timedelta

import pytest

from bridge.store.executor import OneThread
from bridge.testing.virtual import LoopClock, VirtualLoop


async def test_everything_is_done_in_its_order_by_one_thread() -> None:
    done: list[tuple[int, str]] = []

    def work(number: int) -> int:
        done.append((number, threading.current_thread().name))
        return number * 2

    loop = asyncio.get_running_loop()
    with OneThread("worker") as thread:
        answers = [loop.run_in_executor(thread, work, number) for number in range(50)]
        assert await asyncio.gather(*answers) == [2 * number for number in range(50)]
    assert done == [(number, "worker") for number in range(50)]


async def test_an_error_is_told_to_who_asked_and_the_thread_goes_on() -> None:
    loop = asyncio.get_running_loop()
    with OneThread("worker") as thread:
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(thread, divmod, 1, 0)
        with pytest.raises(SystemExit):
            await loop.run_in_executor(thread, sys.exit)
        assert await loop.run_in_executor(thread, divmod, 7, 2) == (3, 1)


async def test_who_leaves_early_harms_nobody_and_the_work_is_done() -> None:
    hold, done = threading.Event(), threading.Event()

    def work() -> None:
        hold.wait(5)
        done.set()

    loop = asyncio.get_running_loop()
    with OneThread("worker") as thread:
        left = loop.run_in_executor(thread, work)
        left.cancel()
        hold.set()
        assert await loop.run_in_executor(thread, divmod, 7, 2) == (3, 1)
    assert done.is_set()
    assert left.cancelled()


async def test_at_the_end_of_its_block_all_is_done_and_the_thread_gone() -> None:
    done: list[int] = []
    loop = asyncio.get_running_loop()
    with OneThread("leaving") as thread:
        answers = [loop.run_in_executor(thread, done.append, number) for number in range(50)]
    assert done == list(range(50))
    assert all(one.name != "leaving" for one in threading.enumerate())
    await asyncio.gather(*answers)


def test_virtual_time_stands_still_while_it_works() -> None:
    hold = threading.Event()

    async def story() -> float:
        loop = asyncio.get_running_loop()
        later = asyncio.create_task(LoopClock().sleep(timedelta(hours=1)))
        with OneThread("worker") as thread:
            working = loop.run_in_executor(thread, hold.wait, 5)
            threading.Timer(0.05, hold.set).start()
            await working
            before = loop.time()
            await later
        return before

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(story()) == 0
