"""What a message looks like once its suggestions are gone."""

from bridge.model.delivery import retired
from bridge.model.messages import (
    AgentReply,
    Author,
    AuthorKind,
    Choice,
    Control,
    Notice,
    NoticeKind,
    Suggestion,
)
from bridge.testing.builders import BOB

AGENT = Author(AuthorKind.AGENT)


def test_a_reply_loses_its_suggestions_and_names_the_choice() -> None:
    reply = AgentReply(AGENT, "Which?", suggestions=(Suggestion("red"),))
    assert retired(reply, Choice("red", BOB)) == AgentReply(
        AGENT, "Which?", chosen=Choice("red", BOB)
    )
    assert retired(reply, None) == AgentReply(AGENT, "Which?")


def test_a_notice_has_nothing_to_lose() -> None:
    notice = Notice(NoticeKind.ENDED, controls=(Control.START,))
    assert retired(notice, None) is notice
