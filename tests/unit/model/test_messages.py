"""When is there nothing to show?"""

import pytest

from bridge.model.messages import (
    AgentReply,
    Attachment,
    AttachmentKind,
    Author,
    AuthorKind,
    CallAction,
    Suggestion,
)

AGENT = Author(AuthorKind.AGENT)


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_blank_text_alone_is_nothing(text: str) -> None:
    assert AgentReply(AGENT, text).empty


@pytest.mark.parametrize(
    "reply",
    [
        AgentReply(AGENT, "x"),
        AgentReply(AGENT, attachments=(Attachment(AttachmentKind.IMAGE),)),
        AgentReply(AGENT, suggestions=(Suggestion("yes"),)),
        AgentReply(AGENT, call_actions=(CallAction("Call", "1"),)),
    ],
)
def test_anything_else_is_something(reply: AgentReply) -> None:
    assert not reply.empty
