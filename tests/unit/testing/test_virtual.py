"""Does virtual time wait for what is real, and for nothing else?"""

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
import pytest

from bridge.testing.clock import NOON
from bridge.testing.virtual import LoopClock, Stalled, VirtualLoop

T = TypeVar("T")


def run(story: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story)


def loop() -> VirtualLoop:
    running = asyncio.get_running_loop()
    assert isinstance(running, VirtualLoop)
    return running


def test_an_hour_takes_a_moment() -> None:
    async def story() -> float:
        await asyncio.sleep(3600)
        return loop().time()

    began = time.monotonic()

    assert run(story()) == 3600
    assert time.monotonic() - began < 2


def test_sleepers_wake_at_their_own_instants_in_order() -> None:
    async def story() -> list[float]:
        woken: list[float] = []

        async def sleeper(seconds: float) -> None:
            await asyncio.sleep(seconds)
            woken.append(loop().time())

        await asyncio.gather(*(sleeper(s) for s in (30, 0.5, 7)))
        return woken

    assert run(story()) == [0.5, 7, 30]


def test_time_waits_for_a_thread() -> None:
    async def story() -> float:
        hurry = asyncio.create_task(asyncio.sleep(60))
        await asyncio.to_thread(time.sleep, 0.05)
        at = loop().time()
        hurry.cancel()
        return at

    assert run(story()) == 0


def test_time_waits_for_sqlite(tmp_path: Path) -> None:
    async def story() -> float:
        hurry = asyncio.create_task(asyncio.sleep(60))
        async with aiosqlite.connect(tmp_path / "some.db") as connection:
            await connection.create_function("slowly", 0, lambda: time.sleep(0.05))
            await connection.execute("SELECT slowly()")
        at = loop().time()
        hurry.cancel()
        return at

    assert run(story()) == 0


def test_time_waits_for_what_is_on_its_way_through_a_socket() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line.upper())
        writer.close()

    async def story() -> tuple[bytes, bytes, float]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        hurry = asyncio.create_task(asyncio.sleep(60))
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for _ in range(100):
            writer.write(b"hello\n" * 100)
        lines = [await reader.readline() for _ in range(10_000)]
        writer.write_eof()
        end = await reader.read()
        at = loop().time()
        writer.close()
        hurry.cancel()
        server.close()
        return lines[-1], end, at

    assert run(story()) == (b"HELLO\n", b"", 0)


def test_time_passes_while_a_reader_holds_the_other_side_back() -> None:
    async def story() -> float:
        slow = asyncio.get_running_loop().create_future()

        async def read_later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(5)
            slow.set_result(len(await reader.readexactly(8_000_000)))
            writer.close()

        server = await asyncio.start_server(read_later, "127.0.0.1", 0, limit=1000)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"x" * 8_000_000)
        await slow
        at = loop().time()
        writer.close()
        server.close()
        return at

    assert run(story()) == 5


@pytest.mark.thorough
def test_time_passes_although_nobody_of_ours_reads_what_was_sent() -> None:
    """A peer that is no socket of the loop costs a moment, and holds nothing up for ever."""

    async def story() -> float:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            _, writer = await asyncio.open_connection(*listening.getsockname())
            writer.write(b"is anybody there?")
            await asyncio.sleep(5)
            writer.close()
            return loop().time()

    assert run(story()) == 5


def test_quiet_is_before_time_moves_and_after_everything_else() -> None:
    async def story() -> tuple[list[str], float]:
        happened: list[str] = []

        async def chain() -> None:
            for step in range(20):
                await asyncio.to_thread(time.sleep, 0.001)
                happened.append(str(step))
            await asyncio.sleep(1)
            happened.append("later")

        task = asyncio.create_task(chain())
        await loop().quiet()
        seen, at = list(happened), loop().time()
        await task
        return seen, at

    assert run(story()) == ([str(n) for n in range(20)], 0)


def test_quiet_moves_no_time_and_change_moves_it() -> None:
    async def story() -> list[float]:
        later = asyncio.create_task(asyncio.sleep(7))
        instants = []
        for wait in (loop().quiet, loop().quiet, loop().change, loop().quiet):
            await wait()
            instants.append(loop().time())
        await later
        return instants

    assert run(story()) == [0, 0, 7, 7]


def test_what_was_begun_without_the_outside_is_finished_before_quiet() -> None:
    async def story() -> tuple[bool, float]:
        await loop().quiet()
        begun = asyncio.create_task(asyncio.sleep(0))
        later = asyncio.create_task(asyncio.sleep(7))
        await loop().quiet()
        result = begun.done(), loop().time()
        await later
        return result

    assert run(story()) == (True, 0)


@pytest.mark.thorough
def test_two_who_wait_for_each_other_are_told() -> None:
    async def story() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stalled):
        run(story())


def test_another_thread_may_call_although_time_jumps() -> None:
    async def story() -> float:
        called = asyncio.Event()
        running = asyncio.get_running_loop()
        with loop().outside():
            threading.Timer(0.05, lambda: running.call_soon_threadsafe(called.set)).start()
            await called.wait()
        return loop().time()

    assert run(story()) == 0


def test_cutting_the_clients_is_seen_by_the_server_at_once() -> None:
    async def story() -> tuple[bytes, float]:
        read = asyncio.get_running_loop().create_future()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            read.set_result(await reader.read())
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await loop().quiet()
        loop().cut_clients()
        result = await read, loop().time()
        writer.close()
        server.close()
        return result

    assert run(story()) == (b"", 0)


def test_the_clock_shows_the_loops_time() -> None:
    async def story() -> None:
        clock = LoopClock()
        assert clock.now() == NOON
        await clock.sleep(timedelta(minutes=90))
        assert clock.now() == NOON + timedelta(minutes=90)
        await clock.sleep(timedelta(seconds=-1))
        assert clock.now() == NOON + timedelta(minutes=90)

    run(story())
