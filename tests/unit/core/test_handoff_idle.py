"""Who waits for a person keeps the socket: what that person writes comes to no other place."""

from datetime import timedelta

import pytest

from bridge.core.state import Wish
from bridge.model import frames as f
from bridge.testing.builders import Talk

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("body", [f.HandoffTriggered(), f.LiveAgentJoined("a1", "Jo", None)])
def test_a_long_wait_for_a_person_keeps_the_socket(body: f.FrameBody) -> None:
    talk = Talk().joined().hear(body)
    assert talk.wait(2 * HOUR).conversation.wish is Wish.SOCKET
    assert talk.due is not None


@pytest.mark.parametrize("body", [f.HandoffTriggered(), f.LiveAgentJoined("a1", "Jo", None)])
def test_but_not_for_ever(body: f.FrameBody) -> None:
    assert Talk().joined().hear(body).wait(12 * HOUR).conversation.wish is Wish.NOTHING


@pytest.mark.parametrize(
    "body",
    [f.HandoffBroke("nobody"), f.LiveAgentLeft("a1", "Jo"), f.HandoffElsewhere("", "", "")],
)
def test_after_a_handoff_the_usual_patience_counts(body: f.FrameBody) -> None:
    talk = Talk().joined().hear(f.HandoffTriggered()).hear(body)
    assert talk.wait(HOUR).conversation.wish is Wish.NOTHING
