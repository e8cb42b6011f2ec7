"""Is everything typed read line by line, from whatever standard input is?"""

import asyncio
import os
import pty
import tty
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from adapters.console.terminal import terminal, typed_lines
from bridge.errors import Unreachable


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    with suppress(OSError):  # the test may have closed it
        os.close(writing)


async def test_lines_arrive_one_by_one_and_the_end_is_seen(pipe: tuple[int, int]) -> None:
    source, keyboard = pipe
    os.write(keyboard, "hello\n  wörld \r\n\nlast".encode())
    os.close(keyboard)

    assert [line async for line in typed_lines(source)] == ["hello", "wörld", "", "last"]


async def test_a_line_is_told_as_soon_as_it_is_whole(pipe: tuple[int, int]) -> None:
    source, keyboard = pipe
    lines = typed_lines(source)
    os.write(keyboard, b"one\ntw")
    assert await anext(lines) == "one"

    waiting = asyncio.ensure_future(anext(lines))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    os.write(keyboard, b"o\n")

    assert await waiting == "two"
    await lines.aclose()  # type: ignore[attr-defined]  # an async generator behind its protocol


async def test_waiting_can_be_cancelled_and_leaves_nothing_behind(pipe: tuple[int, int]) -> None:
    source, _ = pipe
    waiting = asyncio.ensure_future(anext(typed_lines(source)))
    await asyncio.sleep(0.01)

    waiting.cancel()
    await asyncio.wait([waiting])

    assert waiting.cancelled()
    assert not asyncio.get_running_loop().remove_reader(source)


async def test_an_ordinary_file_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "typed").write_bytes(b"a\nb\n" + b"c" * 70_000 + b"\n\xff\n")

    with (tmp_path / "typed").open("rb") as file:
        lines = [line async for line in typed_lines(file.fileno())]

    assert lines == ["a", "b", "c" * 70_000, "�"]


async def test_nothing_at_all_is_an_end() -> None:
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device, not a path
        assert [line async for line in typed_lines(nothing.fileno())] == []


async def test_a_terminal_is_read_too() -> None:
    master, device = pty.openpty()
    try:
        os.write(master, b"hello\n")
        lines = typed_lines(device)
        assert await anext(lines) == "hello"
        await lines.aclose()  # type: ignore[attr-defined]  # an async generator behind its protocol
    finally:
        os.close(master)
        os.close(device)


async def test_a_terminal_that_is_closed_is_an_end() -> None:
    master, device = pty.openpty()
    os.close(master)
    try:
        assert [line async for line in typed_lines(device)] == []
    finally:
        os.close(device)


def test_a_device_is_opened_by_its_path_and_closed_again() -> None:
    master, device = pty.openpty()
    tty.setraw(device)
    try:
        with terminal(os.ttyname(device)) as (keyboard, screen):
            print("hello", file=screen, flush=True)
            assert os.read(master, 100) == b"hello\n"
            os.write(master, b"you\n")
            assert os.read(keyboard, 100) == b"you\n"
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(keyboard)
    finally:
        os.close(master)
        os.close(device)


def test_where_there_is_no_device_the_platform_is_away(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="No such file"), terminal(str(tmp_path / "tty9")):
        pass
