"""Does what nobody caught go through the log, where secrets and words are masked?"""

import asyncio
import gc
import io
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator

import pytest

from bridge import log

_PROGRAM = """
import asyncio, threading, warnings
from bridge import log
log.configure("info", "text")
log.surface()
def fail(): raise RuntimeError("words of somebody, xoxb-hunter2secret")
thread = threading.Thread(target=fail); thread.start(); thread.join()
class Odd:
    def __del__(self): fail()
Odd()
warnings.warn("with xoxb-hunter2secret")
fail()
"""


@pytest.mark.thorough
def test_threads_finalisers_warnings_and_the_end_of_the_program() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if "bridge.surprise" in line]
    assert [line.partition("where=")[2].split(" error")[0] for line in told] == [
        '"a thread"', '"a finaliser"', '"the program"',
    ]  # fmt: skip
    assert "xoxb-[secret]" in done.stderr  # the warning
    assert "hunter2" not in done.stderr
    assert "words of somebody" not in done.stderr


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    made = io.StringIO()
    monkeypatch.setattr("sys.stderr", made)
    log.configure("info", "text")
    yield made
    logging.getLogger().handlers.clear()


@pytest.mark.thorough
async def test_tasks_and_callbacks(screen: io.StringIO) -> None:
    loop = asyncio.get_running_loop()
    log.surface_tasks(loop)

    async def fail(text: str) -> None:
        raise RuntimeError(text)

    def refuse(text: str) -> None:
        raise RuntimeError(text)

    task = loop.create_task(fail("words of somebody"))
    loop.call_soon(refuse, "words of somebody else")
    await asyncio.sleep(0.01)
    del task
    gc.collect()

    told = screen.getvalue()
    assert told.count("bridge.surprise") == 2
    assert "Task exception was never retrieved" in told
    assert "somebody" not in told


async def test_what_asyncio_shows_of_slow_callbacks_is_cut(screen: io.StringIO) -> None:
    logging.getLogger("asyncio").warning(
        "Executing %s took %.3f seconds", "<Handle tell('words of somebody')>", 0.2
    )

    assert screen.getvalue().strip().endswith("Executing")
    assert "somebody" not in screen.getvalue()


def test_warnings_are_as_before_for_the_rest_of_the_tests() -> None:
    assert warnings.showwarning.__module__ != "logging"
