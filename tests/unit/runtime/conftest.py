"""What the tests of sockets, sessions and deliveries share: PolyAI's end, played, and an office."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.runtime.far_end import FarEnd, played
from tests.unit.runtime.house import lived_in
from tests.unit.runtime.office import Office


@pytest.fixture
async def far() -> AsyncIterator[FarEnd]:
    """A far end, whose tasks end with the test."""
    async with played() as far_end:
        yield far_end


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A dispatcher at work, which ends with the test."""
    async with lived_in(tmp_path) as house:
        yield Office(house)
