"""What the scenarios share: virtual time, the stage, and the report at the end."""

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from bridge.testing.virtual import VirtualLoop
from tests.conformance.stage import ConformanceStage, staged


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], VirtualLoop]]:
    """Every scenario runs in virtual time."""
    return {"virtual": VirtualLoop}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: with several workers it is then nobody's last."""
    items.sort(key=lambda item: not item.name.startswith("test_100_"))


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A place for the database: in memory where there is one, as no scenario is about the disk."""
    memory = Path("/dev/shm")  # noqa: S108 - the directory made in it has a name of its own
    if not (memory.is_dir() and os.access(memory, os.W_OK)):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="conformance-", dir=memory) as found:
        yield Path(found)


@pytest.fixture
async def cold_stage(directory: Path) -> AsyncIterator[ConformanceStage]:
    """The simulators, and the bridge configured but not started."""
    async with staged(directory) as ready:
        yield ready


@pytest.fixture
async def stage(cold_stage: ConformanceStage) -> ConformanceStage:
    """The bridge, running between the simulators."""
    await cold_stage.start()
    return cold_stage
