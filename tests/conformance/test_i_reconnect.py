"""I. Reconnecting and close codes."""

from datetime import timedelta
from itertools import pairwise

import pytest

from tests.conformance.stage import ConformanceStage, seconds

pytestmark = pytest.mark.conformance


def waits(instants: list[float]) -> list[float]:
    """The time between each two that follow each other."""
    return [later - earlier for earlier, later in pairwise(instants)]


async def test_078_backs_off_exponentially(stage: ConformanceStage) -> None:
    """Given the socket breaks and every handshake after it fails with 503: the attempts follow each
    other after 1, 2, 4, 8, 16, 30 and 30 seconds, each within 20 %, one at a time."""
    await stage.greeted()
    stage.polyai.configure(max_reconnect_attempts=0)
    stage.polyai.refuse_handshakes(503, n=7)
    broke_at, known = stage.now, len(stage.calls("/ws"))

    stage.polyai.drop_sockets(code=1006)
    await stage.until(lambda: stage.session.sockets, within=timedelta(minutes=5))

    attempts = [seconds(call.at) for call in stage.calls("/ws")[known:]]
    expected = [1, 2, 4, 8, 16, 30, 30, 30]
    measured = waits([broke_at, *attempts])
    assert measured == [pytest.approx(wait, rel=0.21) for wait in expected]
