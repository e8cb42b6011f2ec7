"""What the tests of sockets and sessions share: PolyAI's end of them, played."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.runtime.far_end import FarEnd, played


@pytest.fixture
async def far() -> AsyncIterator[FarEnd]:
    """A far end, whose tasks end with the test."""
    async with played() as far_end:
        yield far_end
