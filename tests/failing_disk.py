"""Disks that fail under a running bridge: calls that go wrong, and one that is small."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests.stage import Stage


@asynccontextmanager
async def faulty(stage: Stage, fault: str, *, only: Path | None = None) -> AsyncIterator[Path]:
    """Its calls to the disk, or to one file, go wrong like this while the block lasts.

    Gives the file in which each call is told.
    """
    calls, told = fault.partition(":")[0], stage.directory / "calls"
    tracer = await asyncio.create_subprocess_exec(
        *("strace", "-f", "-qq", "-o", str(told), "-p", str(_process(stage))),
        *("-e", f"trace={calls}", "-e", f"inject={fault}"),
        *(("-P", str(only)) if only else ()),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await stage.until(lambda: _traced(stage) or tracer.returncode is not None)
        if tracer.returncode is not None:
            pytest.skip("strace may not trace another process here")
        yield told
    finally:
        if tracer.returncode is None:
            tracer.send_signal(signal.SIGINT)
        await tracer.wait()


def _process(stage: Stage) -> int:
    """The daemon: whoever holds the lock of the database, as it is the only one."""
    lock = f"{os.path.realpath(stage.database)}.lock"
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(entry.readlink()) == lock:
                return int(entry.parts[2])
        except OSError:
            continue
    raise AssertionError("nobody serves the database")


def _traced(stage: Stage) -> bool:
    """Whether every thread is held by a tracer."""
    found = [p.read_text() for p in Path(f"/proc/{_process(stage)}/task").glob("*/status")]
    return all("TracerPid:\t0\n" not in status for status in found)


@contextmanager
def small_disk(at: Path, *, megabytes: int = 2) -> Iterator[Path]:
    """A disk of so many megabytes, in memory."""
    at.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "small-disk", str(at)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk, and not everywhere")
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", str(at)], check=False)  # noqa: S607 - the system's own
