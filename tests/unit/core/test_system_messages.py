"""What PolyAI's own words ask of us."""

import pytest

from bridge.core.system_messages import Answer, answer_to
from bridge.model.frames import SystemMessage


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Unknown event type or invalid message format", Answer.QUIET),
        ("Event type not allowed: EVENT_TYPE_X", Answer.QUIET),
        ("Our system is experiencing high load. Please try again in a moment.", Answer.SHOW),
        ("Sorry, I'm unable to start a conversation right now.", Answer.JOIN_AGAIN),
        ("Sorry, I'm having trouble responding right now. Please try again.", Answer.SHOW),
        ("Error: Session not found", Answer.SESSION_GONE),
        ("error: CONVERSATION NOT FOUND", Answer.JOIN_AGAIN),
        ("Error: Conversation ID not found in session", Answer.JOIN_AGAIN),
        ("Sorry, we could not connect you to an agent. Please try again.", Answer.SHOW),
        ("Failed to forward message to live agent", Answer.SHOW),
        ("", Answer.QUIET),
    ],
)
def test_the_text_of_an_error_decides(text: str, answer: Answer) -> None:
    assert answer_to(SystemMessage("error", text)) is answer


def test_a_warning_is_shown_whatever_it_says() -> None:
    assert answer_to(SystemMessage("warning", "Session not found")) is Answer.SHOW
    assert answer_to(SystemMessage("warning", "")) is Answer.QUIET


@pytest.mark.parametrize("level", ["info", "anything"])
def test_information_asks_for_nothing(level: str) -> None:
    assert answer_to(SystemMessage(level, "Session not found")) is Answer.QUIET
