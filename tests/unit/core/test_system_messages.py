"""What PolyAI's own words ask of us."""

import pytest

from bridge.core.system_messages import CATALOGUE, Answer, Reading, read
from bridge.model.frames import SystemMessage

#: Every text of PolyAI's messaging errors, as its page has them.
TEXTS = {
    "Unknown event type or invalid message format": Answer.OUR_FAULT,
    "Event type not allowed: EVENT_TYPE_SESSION_START": Answer.OUR_FAULT,
    "Our system is experiencing high load. Please try again in a moment.": Answer.WAIT,
    "Sorry, I'm unable to start a conversation right now. Please try again later.": (
        Answer.START_AGAIN
    ),
    "Sorry, I'm having trouble responding right now. Please try again.": Answer.SEND_AGAIN,
    "Sorry, I encountered an error. Please try again.": Answer.STREAM_BROKE,
    "Error: Session not found": Answer.SESSION_GONE,
    "Error: Unable to retrieve session": Answer.LOOK_AGAIN,
    "Error: Connector not found": Answer.OUT_OF_ORDER,
    "Error: Conversation not found": Answer.JOIN_AGAIN,
    "Error: Conversation ID not found in session": Answer.JOIN_AGAIN,
    "Sorry, we could not connect you to an agent. Please try again.": Answer.NO_PERSON,
    "Failed to forward message to live agent": Answer.NOT_FORWARDED,
    "Sorry, handoff could not be initiated.": Answer.MISCONFIGURED,
}


@pytest.mark.parametrize(("text", "answer"), TEXTS.items())
def test_the_text_of_an_error_decides(text: str, answer: Answer) -> None:
    assert read(SystemMessage("error", text)).answer is answer
    assert read(SystemMessage("error", text.upper())).answer is answer


def test_each_text_is_known_by_one_row_and_each_row_by_one_text() -> None:
    matches = [[row.name for row in CATALOGUE if row.words in text.lower()] for text in TEXTS]
    assert sorted(matches) == sorted([row.name] for row in CATALOGUE)


def test_what_is_not_known_is_shown() -> None:
    assert read(SystemMessage("error", "Tea is served")) == Reading("unknown", Answer.SHOW)
    assert read(SystemMessage("error", "")) == Reading("unknown", Answer.SHOW)


def test_only_what_an_operator_must_mend_is_loud() -> None:
    loud = [text for text in TEXTS if read(SystemMessage("error", text)).loud]
    assert [text.split()[1] for text in loud] == ["event", "type", "Connector", "handoff"]


def test_a_warning_is_shown_whatever_it_says() -> None:
    assert read(SystemMessage("warning", "Session not found")).answer is Answer.SHOW
    assert read(SystemMessage("warning", " ")).answer is Answer.QUIET


@pytest.mark.parametrize("level", ["info", "anything"])
def test_information_asks_for_nothing(level: str) -> None:
    assert read(SystemMessage(level, "Session not found")).answer is Answer.QUIET
