"""What is counted of agents: how sessions and sockets are opened, lost, and opened again."""

import pytest

from bridge.core.effects import Recycle
from bridge.errors import Unreachable
from bridge.model import frames as f
from bridge.polyai.handshake import HandshakeRefused, Refusal
from bridge.polyai.refusals import ConnectorRefused, SessionRefused, TryLater
from bridge.testing.builders import frame
from tests.unit.runtime.far_end import C1, FarEnd, Line


def figure(far: FarEnd, name: str, /, **labels: str) -> float:
    """A figure of the agent; 0 if there is none."""
    whole = {"agent": "default", **labels}
    value = far.status.metrics.registry.get_sample_value(f"polyai_bridge_{name}", whole)
    return value or 0


async def test_each_attempt_to_open_a_session_counts_by_its_outcome(far: FarEnd) -> None:
    far.calls.plan = [
        TryLater("not now", after=None, status=500, correlation_id=""),
        SessionRefused("bad request", remedy="", correlation_id=""),
        ConnectorRefused("bad token", remedy="", correlation_id=""),
        None,
    ]
    await far.say()
    await far.passes(300)

    for outcome in ("later", "refused", "credentials_refused", "opened"):
        assert figure(far, "session_openings_total", outcome=outcome) == 1, outcome


async def test_each_handshake_counts_by_its_outcome(far: FarEnd) -> None:
    busy = HandshakeRefused(status=429, text="", kind=Refusal.BUSY, after=None, correlation_id="")
    far.connects.plan = [busy, Unreachable("nobody there"), Line]
    await far.say()
    await far.passes(60)

    for outcome in ("busy", "unreachable", "opened"):
        assert figure(far, "handshakes_total", outcome=outcome) == 1, outcome


async def test_a_lost_socket_and_the_replay_on_the_next_count_with_the_reason(far: FarEnd) -> None:
    line = await far.connected()
    assert figure(far, "replays_total", reason="start") == 0  # a new session has no history
    line.close_with(1006)
    await far.passes(5)
    assert figure(far, "reconnects_total", reason="dropped") == 1
    far.sessions.recycle(C1, Recycle(1))
    await far.passes(5)

    assert figure(far, "reconnects_total", reason="recycled") == 1
    assert figure(far, "replays_total", reason="dropped") == 1


@pytest.mark.parametrize("named", [30, 0])
async def test_how_long_an_echo_or_a_pong_takes_is_measured(far: FarEnd, named: int) -> None:
    """Sessions that want no heartbeats are sent pings."""
    line = await far.connected(heartbeat_seconds=named)
    while not (figure(far, "heartbeat_seconds_count") or "HEARTBEAT" in line.sent[-1]):
        await far.passes(1)
    await far.passes(3)
    line.say(frame(f.HeartbeatEchoed()))
    await far.passes(0)

    assert figure(far, "heartbeat_seconds_count") == 1
    assert figure(far, "heartbeat_seconds_sum") == pytest.approx(0 if named == 0 else 3, abs=1)


async def test_a_socket_that_is_dropped_as_silent_is_counted_so(far: FarEnd) -> None:
    line = await far.connected(heartbeat_seconds=30)
    line.stuck = True
    await far.passes(120)

    assert figure(far, "reconnects_total", reason="silent") == 1
