"""What the tests of the real process share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stage import Stage, staged


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The bridge, running between the simulators, and impatient: waits are a second at most."""
    async with staged(tmp_path) as running:
        running.configure(echo_timeout='"1s"', reconnect_max='"1s"')
        await running.started()
        yield running
