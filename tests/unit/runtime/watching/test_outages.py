"""A trouble is said once when it begins and once when it ends."""

import logging

import pytest

from bridge.runtime.watching.outages import Outages
from bridge.runtime.watching.trouble import Dependency, Trouble


def test_each_is_said_once_whatever_its_figures(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    outages = Outages()
    for minutes in (5, 6, 7):
        outages.note(
            [
                Trouble(Dependency.BACKLOG, "thread", f"for {minutes} min"),
                Trouble(Dependency.BACKLOG, "agent", "for long"),
            ]
        )
    outages.note([Trouble(Dependency.BACKLOG, "agent", "for long")])
    outages.note([])

    told = [r.msg for r in caplog.records if isinstance(r.msg, dict)]
    assert [(one["event"], one["name"]) for one in told] == [
        ("health.trouble", "thread"),
        ("health.trouble", "agent"),
        ("health.mended", "thread"),
        ("health.mended", "agent"),
    ]
    assert told[0]["error"] == "for 5 min"
