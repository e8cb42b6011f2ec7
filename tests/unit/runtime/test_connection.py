"""How often a session is asked for a sign of life."""

from datetime import timedelta

import pytest

from bridge.runtime.connection import heartbeat_interval


@pytest.mark.parametrize(
    ("named", "seconds"), [(None, 30), (-1, 30), (1, 1), (15, 15), (601, 600), (2**63 - 1, 600)]
)
def test_a_sessions_own_interval_is_kept_within_reason(named: int | None, seconds: int) -> None:
    """A number no clock can hold comes from the wire like any other."""
    assert heartbeat_interval(named) == timedelta(seconds=seconds)


def test_a_session_may_want_no_heartbeats() -> None:
    assert heartbeat_interval(0) is None
