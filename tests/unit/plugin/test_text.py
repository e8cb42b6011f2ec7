"""One plain wording for each notice."""

import pytest

from bridge.model.messages import Notice, NoticeKind
from bridge.plugin.text import notice_text

K = NoticeKind


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_notice_has_a_sentence_even_without_details(kind: NoticeKind) -> None:
    sentence = notice_text(Notice(kind))
    assert sentence.endswith(".")
    assert "None" not in sentence
    assert "  " not in sentence


@pytest.mark.parametrize(
    ("kind", "details", "expected"),
    [
        (K.ENDED, {"reason": "REASON_USER_END"}, "as asked. Write here to start a new one."),
        (K.ENDED, {"reason": "REASON_USER_ABANDONED"}, "nothing was said for a while"),
        (K.ENDED, {"reason": "agent_ended"}, "The conversation has ended. Write here"),
        (K.ENDED, {"resumed": "yes"}, "A new one follows."),
        (K.HANDOFF_WAITING, {}, "Connecting you to a person."),
        (K.HANDOFF_WAITING, {"queue": "Sales"}, "to a person in Sales."),
        (K.HANDOFF_WAITING, {"position": "3"}, "You are number 3 in the queue."),
        (K.HANDOFF_WAITING, {"wait_seconds": "20"}, "about 1 minute."),
        (K.HANDOFF_WAITING, {"wait_seconds": "150"}, "about 2 minutes."),
        (K.HANDOFF_WAITING, {"message": "Soon!", "position": "3"}, "Soon!"),
        (K.HANDOFF_JOINED, {"name": "Jo"}, "Jo has joined"),
        (K.HANDOFF_JOINED, {}, "A person has joined"),
        (K.HANDOFF_LEFT, {"name": "Jo"}, "Jo has left"),
        (K.HANDOFF_LEFT, {}, "The person has left"),
        (K.HANDOFF_FAILED, {"reason": "closed"}, "No person could be reached (closed)."),
        (K.HANDOFF_FAILED, {}, "No person could be reached. You can go on"),
        (K.HANDOFF_ELSEWHERE, {}, "A person needs to take this from here."),
        (K.HANDOFF_ELSEWHERE, {"queue": "Sales"}, "from here (Sales)."),
        (K.HANDOFF_ELSEWHERE, {"route": "https://x"}, "You can reach them here: https://x."),
        (K.AGENT_PROBLEM, {"message": "Sorry, I failed."}, "Sorry, I failed."),
        (K.AGENT_PROBLEM, {}, "The agent reported a problem."),
        (K.NOT_DELIVERED, {"text": "hello"}, "“hello”. Please send it again."),
        (K.TOO_LONG, {"limit_bytes": "1024"}, "the limit is 1024 bytes"),
        (K.TOO_LONG, {}, "the limit is unknown bytes"),
        (K.NEW_CONVERSATION, {}, "no longer knows what was said"),
        (K.UNAVAILABLE, {}, "is kept and will be delivered"),
    ],
)
def test_the_wording(kind: NoticeKind, details: dict[str, str], expected: str) -> None:
    assert expected in notice_text(Notice(kind, details))


def test_a_long_message_is_quoted_in_part() -> None:
    sentence = notice_text(Notice(K.NOT_DELIVERED, {"text": "x" * 201}))
    assert f"“{'x' * 199}…”" in sentence
    assert f"“{'x' * 200}”" in notice_text(Notice(K.NOT_DELIVERED, {"text": "x" * 200}))
