"""One plain wording for each notice."""

import pytest

from bridge.model.messages import Control, Notice, NoticeKind
from bridge.plugin.text import notice_text

K = NoticeKind
NOON = "2026-03-01T12:05:00+00:00"


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
        (K.ENDED, {"reason": "LEFT_QUEUE"}, "You are no longer waiting for a person"),
        (K.HANDOFF_WAITING, {}, "Connecting you to a person."),
        (K.HANDOFF_WAITING, {"queue": "Sales"}, "to a person in Sales."),
        (K.HANDOFF_WAITING, {"position": "3"}, "You are number 3 in the queue."),
        (K.HANDOFF_WAITING, {"wait_seconds": "20"}, "about 1 minute."),
        (K.HANDOFF_WAITING, {"wait_seconds": "150"}, "about 2 minutes."),
        (K.HANDOFF_WAITING, {"message": "Soon!", "position": "3"}, "Soon!"),
        (K.HANDOFF_WAITING, {"message": "Hold on"}, "Hold on."),
        (K.HANDOFF_WAITING, {"since": NOON}, "to a person. Waiting since 12:05 UTC."),
        (K.HANDOFF_WAITING, {"message": "Hold on", "since": NOON}, "Hold on. Waiting since 12:05"),
        (K.HANDOFF_WAITING, {"since": "long ago"}, "Connecting you to a person."),
        (K.HANDOFF_FOUND, {}, "The wait for a person is over."),
        (K.HANDOFF_JOINED, {"name": "Jo"}, "Jo has joined"),
        (K.HANDOFF_JOINED, {}, "A person has joined"),
        (K.HANDOFF_LEFT, {"name": "Jo"}, "Jo has left"),
        (K.HANDOFF_LEFT, {}, "The person has left"),
        (K.HANDOFF_FAILED, {"reason": "closed"}, "No person could be reached (closed)."),
        (K.HANDOFF_FAILED, {}, "No person could be reached. You can go on"),
        (K.HANDOFF_FAILED, {"timed_out": "yes"}, "No person could be reached in time. You can"),
        (K.HANDOFF_ELSEWHERE, {}, "A person needs to take this from here."),
        (K.HANDOFF_ELSEWHERE, {"queue": "Sales"}, "from here (Sales)."),
        (K.HANDOFF_ELSEWHERE, {"route": "https://x"}, "here. You can go on at https://x."),
        (K.HANDOFF_ELSEWHERE, {"number": "112"}, "You can call 112."),
        (
            K.HANDOFF_ELSEWHERE,
            {"link": "https://a", "route": "https://b", "number": "112"},
            "You can go on at https://a or https://b, or call 112.",
        ),
        (K.HANDOFF_ELSEWHERE, {"called": "yes"}, "called and will get in touch."),
        (K.HANDOFF_ELSEWHERE, {"called": "yes", "number": "112"}, "people. You can also call 112."),
        (K.HANDOFF_CALL, {}, "Somebody needs a person to help."),
        (
            K.HANDOFF_CALL,
            {"person": "Ann", "queue": "Sales"},
            "Ann needs a person to help (Sales).",
        ),
        (K.HANDOFF_CALL, {"reason": "COMPLEX_QUERY"}, "to help: the question is a complex one."),
        (K.HANDOFF_CALL, {"reason": "refund"}, "to help: refund."),
        (K.WITHDRAWN, {}, "took this part of its message back"),
        (K.AGENT_PROBLEM, {"message": "Sorry, I failed."}, "Sorry, I failed."),
        (K.AGENT_PROBLEM, {}, "The agent reported a problem."),
        (
            K.AGENT_PROBLEM,
            {"message": "Oops", "again": "yes"},
            "Oops. Your message was sent again.",
        ),
        (K.NOT_DELIVERED, {"text": "hello"}, "“hello”. Please send it again."),
        (K.NOT_DELIVERED, {"text": "hello", "again": "yes"}, "was sent again: “hello”."),
        (K.TOO_LONG, {"limit_bytes": "1024"}, "the limit is 1024 bytes"),
        (K.TOO_LONG, {}, "too long for the agent, so it was not sent"),
        (K.NEW_CONVERSATION, {}, "no longer knows what was said"),
        (K.UNAVAILABLE, {"kept": "yes"}, "is kept and will be delivered"),
        (K.UNAVAILABLE, {}, "Please try again later."),
        (K.STATUS, {}, "Write here to talk to the agent."),
        (K.STATUS, {"state": "open"}, "You are talking to the agent. Write here"),
        (K.STATUS, {"state": "waiting"}, "You are waiting for a person. You will"),
        (K.STATUS, {"state": "live"}, "You are talking to a person."),
        (K.STALE, {"what": "something new"}, "belongs to something that is over"),
        (K.TOO_FAST, {"seconds": "1"}, "again in 1 second."),
        (K.TOO_FAST, {"seconds": "9"}, "again in 9 seconds."),
        (K.TOO_FAST, {"seconds": "soon"}, "again in a moment."),
        (K.UNANSWERED, {"text": "hello"}, "this message: “hello”. Please send it again."),
        (K.UNANSWERED, {"text": "hello", "again": "yes"}, "was sent again: “hello”."),
    ],
)
def test_the_wording(kind: NoticeKind, details: dict[str, str], expected: str) -> None:
    assert expected in notice_text(Notice(kind, details))


def test_a_long_message_is_quoted_in_part() -> None:
    sentence = notice_text(Notice(K.NOT_DELIVERED, {"text": "x" * 201}))
    assert f"“{'x' * 199}…”" in sentence
    assert f"“{'x' * 200}”" in notice_text(Notice(K.NOT_DELIVERED, {"text": "x" * 200}))


def test_who_offers_to_send_it_again_does_not_ask_for_it_too() -> None:
    offering = Notice(K.NOT_DELIVERED, {"text": "hello"}, controls=(Control.RETRY,))
    assert notice_text(offering) == "This message did not reach the agent: “hello”."


def test_an_instant_is_worded_by_whoever_knows_the_readers_clock() -> None:
    waiting = Notice(K.HANDOFF_WAITING, {"since": "2026-03-01T13:05:00+01:00"})
    assert notice_text(waiting).endswith("Waiting since 12:05 UTC.")
    said = notice_text(waiting, moment=lambda instant: f"[{instant.timestamp():.0f}]")
    assert said.endswith("Waiting since [1772366700].")


@pytest.mark.parametrize(
    ("kind", "control", "ending"),
    [
        (K.NOT_DELIVERED, Control.RETRY, "the agent. Reply 1 to send it again."),
        (K.HANDOFF_WAITING, Control.CANCEL, "to a person. Reply 1 to stop waiting."),
        (K.ENDED, Control.START, "ended. Write here, or reply 1, to start a new one."),
        (K.HANDOFF_ELSEWHERE, Control.START, "from here. Reply 1 to start again."),
    ],
)
def test_what_is_asked_for_by_number_is_said_in_the_sentence(
    kind: NoticeKind, control: Control, ending: str
) -> None:
    assert notice_text(Notice(kind, controls=(control,), numbers=(1,))).endswith(ending)


def test_several_things_to_ask_for_are_a_list() -> None:
    notice = Notice(
        K.STATUS,
        {"state": "waiting"},
        (Control.CANCEL, Control.START, Control.PERSON, Control.END, Control.STATUS),
        numbers=(0, 1, 2, 3, 4),
    )
    assert notice_text(notice).splitlines()[1:] == [
        "Reply with a number:",
        "0. Stop waiting",
        "1. Start again",
        "2. Talk to a person",
        "3. End the conversation",
        "4. Hear how things stand",
    ]


def test_words_that_are_given_stand_in_place_of_the_sentence() -> None:
    given = Notice(K.ENDED, controls=(Control.START,), numbers=(1,), words="It ha…")
    assert notice_text(given) == "It ha… Reply 1 to start again."


def test_where_nothing_can_be_changed_what_is_taken_back_is_said_anew() -> None:
    assert notice_text(Notice(K.WITHDRAWN, {"anew": "yes"})).endswith("which now reads:")
