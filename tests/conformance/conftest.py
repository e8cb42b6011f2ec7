"""What the scenarios share: virtual time, the stage, and the report at the end."""

from collections.abc import AsyncIterator, Callable
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
async def cold_stage(tmp_path: Path) -> AsyncIterator[ConformanceStage]:
    """The simulators, and the bridge configured but not started."""
    async with staged(tmp_path) as ready:
        yield ready


@pytest.fixture
async def stage(cold_stage: ConformanceStage) -> ConformanceStage:
    """The bridge, running between the simulators."""
    await cold_stage.start()
    return cold_stage
