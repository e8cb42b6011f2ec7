"""What the soak needs: virtual time, and a place for the database that is no disk."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.testing.virtual import VirtualLoop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], VirtualLoop]]:
    """The soak runs in virtual time."""
    return {"virtual": VirtualLoop}


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A place for the database: in memory where there is one, as the soak is not about the disk."""
    memory = Path("/dev/shm")  # noqa: S108 - the directory made in it has a name of its own
    if not (memory.is_dir() and os.access(memory, os.W_OK)):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="soak-", dir=memory) as found:
        yield Path(found)
