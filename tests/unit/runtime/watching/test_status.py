"""What `/ready` says."""

import logging

import pytest

from bridge.model.ids import AdapterName, AgentName
from bridge.runtime.watching.status import Side, State, Status
from bridge.runtime.watching.trouble import Dependency, Trouble

SLACK, TEAMS = AdapterName("slack"), AdapterName("teams")
DEFAULT = AgentName("default")


def figure(status: Status, name: str, **labels: str) -> float | None:
    """A published figure."""
    return status.metrics.registry.get_sample_value(name, labels)


def test_troubles_name_who_is_away_and_why() -> None:
    status = Status()
    assert status.causes == []

    status.adapter(SLACK, connected=True)
    status.adapter(TEAMS, connected=False, detail="no route")
    status.agent(DEFAULT, "refused")

    assert status.causes == ["adapter teams: no route", "agent default: refused"]
    assert figure(status, "polyai_bridge_adapter_connected", adapter="slack") == 1
    assert figure(status, "polyai_bridge_adapter_connected", adapter="teams") == 0


def test_what_is_back_is_no_trouble_any_more() -> None:
    status = Status()
    status.adapter(SLACK, connected=False)
    status.agent(DEFAULT, "refused")
    assert status.causes == ["adapter slack: not connected", "agent default: refused"]

    status.adapter(SLACK, connected=True)
    status.agent(DEFAULT, None)

    assert status.causes == []
    assert figure(status, "polyai_bridge_adapter_connected", adapter="slack") == 1


def test_it_is_logged_once_when_lost_and_once_when_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    status = Status()
    for _ in range(3):
        status.adapter(SLACK, connected=True)
    for _ in range(3):
        status.adapter(SLACK, connected=False, detail="gone")
        status.agent(DEFAULT, "away")
    for _ in range(3):
        status.adapter(SLACK, connected=True)
        status.agent(DEFAULT, None)

    assert [record.levelname for record in caplog.records] == [
        "INFO",
        "WARNING",
        "ERROR",
        "INFO",
        "INFO",
    ]


def test_refused_deliveries_are_a_trouble_of_their_own() -> None:
    """A connection that stands says nothing about them, and their end says nothing about it."""
    status = Status()
    status.adapter(SLACK, connected=True)
    status.refused(SLACK, "the bot token was revoked")
    status.adapter(SLACK, connected=True)
    assert status.causes == ["adapter slack: refuses deliveries: the bot token was revoked"]

    status.adapter(SLACK, connected=False, detail="away")
    status.refused(SLACK, None)
    assert status.causes == ["adapter slack: away"]


def test_how_each_adapter_stands_is_told_with_what_becomes_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    status = Status()
    status.expected(SLACK)
    assert status.adapters[SLACK].state is State.STARTING
    assert status.causes == ["adapter slack: not connected yet"]

    for failures in (1, 2):
        status.failed(SLACK, State.RESTARTING, "away", failures)
    assert status.adapters[SLACK].state is State.RESTARTING
    assert status.causes == ["adapter slack: away (restarting, attempt 3)"]
    assert figure(status, "polyai_bridge_adapter_restarts_total", adapter="slack") == 2
    assert len(caplog.records) == 1  # the same trouble is told once

    status.adapter(SLACK, connected=True)
    assert status.adapters[SLACK].state is State.CONNECTED
    assert status.causes == []
    status.adapter(SLACK, connected=False, detail="no pong")
    assert status.adapters[SLACK].state is State.DISCONNECTED
    assert status.causes == ["adapter slack: no pong"]
    assert figure(status, "polyai_bridge_adapter_connected", adapter="slack") == 0


def test_an_adapter_that_says_too_early_that_it_is_there_is_not() -> None:
    status = Status()
    status.expected(SLACK)
    status.reported(SLACK, connected=True, detail="early")
    assert status.causes == ["adapter slack: not connected yet"]
    status.arrived(SLACK)
    assert not status.causes

    status.failed(SLACK, State.RESTARTING, "broken", 1)
    status.reported(SLACK, connected=True, detail="")  # what is left of the one that broke
    assert status.adapters[SLACK].state is State.RESTARTING


def test_an_adapter_that_comes_and_says_it_is_not_connected_is_believed() -> None:
    status = Status()
    status.expected(SLACK)
    status.reported(SLACK, connected=False, detail="the server is away")
    status.arrived(SLACK)
    assert status.causes == ["adapter slack: the server is away"]

    status.reported(SLACK, connected=True, detail="")
    assert not status.causes


def test_each_trouble_is_a_value_with_what_it_is_with() -> None:
    status = Status()
    low = Trouble(Dependency.DISK, "", "there is no room")
    status.look_also(lambda: [low])
    status.database("locked")
    status.adapter(SLACK, connected=False, detail="gone")
    status.refused(TEAMS, "revoked")
    status.agent(DEFAULT, "away")

    assert status.troubles == [
        Trouble(Dependency.DATABASE, "", "locked"),
        Trouble(Dependency.ADAPTER, "slack", "gone"),
        Trouble(Dependency.ADAPTER, "teams", "refuses deliveries: revoked"),
        Trouble(Dependency.AGENT, "default", "away"),
        low,
    ]
    assert status.causes[-1] == "disk: there is no room"


def test_an_agent_is_back_when_each_side_of_it_is(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    status = Status()
    status.agent(DEFAULT, "no session")
    status.agent(DEFAULT, "no answer", side=Side.NETWORK)
    status.agent(DEFAULT, None)
    assert status.causes == ["agent default: no answer"]
    assert status.ails(DEFAULT, Side.NETWORK)
    assert not status.ails(DEFAULT, Side.SESSIONS)

    status.agent(DEFAULT, None, side=Side.NETWORK)

    assert status.causes == []
    told = [record.msg["event"] for record in caplog.records if isinstance(record.msg, dict)]
    assert told == ["agent.unavailable", "agent.unavailable", "agent.available"]
