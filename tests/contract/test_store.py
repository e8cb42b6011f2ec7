"""The store's promises between processes and against a hostile disk."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import pytest

from bridge.errors import DatabaseFailed, DatabaseHeld
from bridge.store import Entry, Store, open_store
from tests.unit.store.given import accept, address, opened, owing, reply, said

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[2]
NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody, or mount")

_SERVE = """
import asyncio, sys
from bridge.store import open_store
from tests.unit.store.given import accept, said
async def main():
    async with open_store(sys.argv[1]) as store:
        print("open", flush=True)
        number = 0
        while True:
            number += 1
            await store.write(accept(said(f"{number:06}", thread="T", opens=True)))
            print(number, flush=True)
asyncio.run(main())
"""
_REFUSED = """
import asyncio, os, sys, tempfile
from bridge.errors import BridgeError
from bridge.store import look_into, open_store
way = {"open": open_store, "look": look_into}[sys.argv[2]]
async def main(url, way):
    async with way(url):
        pass
with tempfile.TemporaryDirectory() as warm:  # imports what somebody else may not
    asyncio.run(main(f"sqlite+aiosqlite:///{warm}/bridge.db", open_store))
os.setuid(int(sys.argv[3]))
try:
    asyncio.run(main(sys.argv[1], way))
except BridgeError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@contextmanager
def another_daemon(url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the database open and never stops writing."""
    command = [sys.executable, "-c", _SERVE, url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            yield process
        finally:
            process.kill()


def attempt(url: str, way: str, user: int = 0) -> tuple[int, str]:
    """Open it in another process, perhaps as somebody else: exit code and what was said."""
    command = [sys.executable, "-c", _REFUSED, url, way, str(user or os.geteuid())]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout


async def left_open(store: Store) -> list[Entry]:
    """All of it, read piece by piece."""
    found = await store.open_entries()
    while more := await store.open_entries(found[-1] if found else None):
        found += more
    return found


async def test_another_process_is_refused_and_a_kill_frees_the_database(tmp_path: Path) -> None:
    """What the killed one had acknowledged is all there, and nothing is there twice."""
    url = address(tmp_path)
    with another_daemon(url) as other:
        with pytest.raises(DatabaseHeld) as refused:
            async with open_store(url):
                pass
        code, said_there = attempt(url, "open")
        assert other.stdout is not None
        acknowledged = [other.stdout.readline() for _ in range(30)]
        other.send_signal(signal.SIGKILL)
        acknowledged += other.stdout.readlines()

    assert refused.value.exit_code == code == 14
    assert str(refused.value) in said_there
    async with open_store(url) as store:
        kept = [entry.inbound.order for entry in await left_open(store)]
    whole = len([line for line in acknowledged if line.endswith("\n")])
    assert kept == [f"{n:06}" for n in range(1, len(kept) + 1)]
    assert whole <= len(kept) <= whole + 1


async def test_looking_into_a_database_beside_its_daemon_is_allowed(tmp_path: Path) -> None:
    with another_daemon(address(tmp_path)):
        assert attempt(address(tmp_path), "look") == (0, "")


@needs_root
def test_a_file_that_is_read_only_is_refused_in_words(
    readable_by_all: Callable[[], Path],
) -> None:
    directory = readable_by_all()
    directory.chmod(0o777)
    _make(directory / "bridge.db").chmod(0o444)

    code, words = attempt(address(directory), "open", NOBODY)

    assert (code, "Permission denied" in words) == (12, True)


@needs_root
@pytest.mark.parametrize("way", ["open", "look"])
def test_a_directory_that_is_read_only_is_refused_in_words(
    readable_by_all: Callable[[], Path], way: str
) -> None:
    directory = readable_by_all()
    _make(directory / "bridge.db").chmod(0o666)
    directory.chmod(0o555)

    code, words = attempt(address(directory), way, NOBODY)

    assert code == 12
    assert "permission" in words.lower()


@needs_root
@pytest.mark.parametrize("way", ["open", "look"])
def test_a_directory_that_may_not_be_entered_is_refused_in_words(
    readable_by_all: Callable[[], Path], way: str
) -> None:
    directory = readable_by_all()
    _make(directory / "bridge.db")
    directory.chmod(0o700)

    code, words = attempt(address(directory), way, NOBODY)

    assert (code, "Permission denied" in words) == (12, True)


async def test_a_full_disk_stops_writing_and_nothing_else(tmp_path: Path) -> None:
    """Nothing is half-written, what was there stays readable, and space heals it."""
    async with small_disk(tmp_path) as disk, open_store(address(disk)) as store:
        await store.write(owing(await opened(store), (1, reply("kept"))))
        ballast = disk / "ballast"
        _fill(ballast)

        failed = await _write_until_refused(store)
        before = len(await left_open(store))
        assert "full" in str(failed) or "I/O" in str(failed)
        assert [d.body for d in await store.owed_to_threads()] == [reply("kept")]

        ballast.unlink()
        await store.write(accept(said("after", thread="thread of c1")))
        assert len(await left_open(store)) == before + 1


async def test_a_database_that_cannot_be_made_for_want_of_space_can_be_made_later(
    tmp_path: Path,
) -> None:
    async with small_disk(tmp_path) as disk:
        ballast = disk / "ballast"
        _fill(ballast)
        with pytest.raises(DatabaseFailed) as refused:
            async with open_store(address(disk)):
                pass
        ballast.unlink()
        async with open_store(address(disk)) as store:
            await opened(store)

    assert refused.value.exit_code == 12
    assert refused.value.remedy


@asynccontextmanager
async def small_disk(directory: Path) -> AsyncIterator[Path]:
    """A disk of one megabyte, if we may have one."""
    disk = directory / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk needs the right to mount one")
    try:
        yield disk
    finally:
        unmount = ["umount", "--lazy", str(disk)]  # an error that is held may hold a file open
        subprocess.run(unmount, check=True)


def _fill(ballast: Path) -> None:
    """Take all the space that is left."""
    with ballast.open("wb", buffering=0) as file:
        for size in (65_536, 4096, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue


async def _write_until_refused(store: Store) -> DatabaseFailed:
    for number in range(200):
        try:
            await store.write(accept(said(f"{number}" + "x" * 5000, thread="thread of c1")))
        except DatabaseFailed as error:
            return error
    raise AssertionError("the disk was never full")


@pytest.fixture
def readable_by_all() -> Iterator[Callable[[], Path]]:
    """Makes a directory whose whole path anybody may enter, unlike pytest's own."""
    made: list[Path] = []

    def make() -> Path:
        directory = Path("/tmp") / f"bridge-store-{os.getpid()}"  # noqa: S108 - see above
        directory.mkdir()
        made.append(directory)
        return directory

    yield make
    for directory in made:
        directory.chmod(0o700)
        for file in directory.iterdir():
            file.unlink()
        directory.rmdir()


def _make(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    return path
