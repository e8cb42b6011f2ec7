"""Sessions refused at once, or gone without a word: bounded, told once, nothing lost."""

from datetime import timedelta

from bridge.core.effects import Settle
from bridge.core.state import Wish
from bridge.model import frames as f
from bridge.model.messages import NoticeKind
from bridge.testing.builders import Talk


def refused(talk: Talk, times: int = 1) -> list[NoticeKind]:
    """So many new sessions never get a socket; what is told meanwhile."""
    told: list[NoticeKind] = []
    for _ in range(times):
        told += talk.opened().notices + talk.gone().notices
        assert talk.of(Settle) == []
    return told


def test_what_waits_outlives_refused_sessions_and_the_third_one_parks_it() -> None:
    talk = Talk().say("hello")
    assert refused(talk, 3) == [NoticeKind.UNAVAILABLE]
    assert talk.conversation.wish is Wish.NOTHING
    assert [(w.text, w.carried) for w in talk.conversation.waiting] == [("hello", False)]


def test_a_parked_conversation_tries_again_in_silence() -> None:
    talk = Talk().say("hello")
    refused(talk, 3)
    assert refused(talk.wait(timedelta(minutes=5)), 3) == []
    assert talk.conversation.wish is Wish.NOTHING


def test_a_message_wakes_a_parked_conversation() -> None:
    talk = Talk().say("hello")
    refused(talk, 3)
    assert talk.say("hello?").conversation.wish is Wish.SESSION


def test_a_call_without_words_outlives_a_refused_session() -> None:
    talk = Talk().say("")
    refused(talk)
    assert talk.conversation.wish is Wish.SESSION


def test_a_call_without_words_that_comes_to_nothing_is_told() -> None:
    talk = Talk().say("").opened().ready()
    assert talk.gone().notices == [NoticeKind.UNAVAILABLE]
    assert talk.conversation.wish is Wish.NOTHING


def test_a_message_answered_by_a_lost_session_is_carried() -> None:
    talk = Talk().joined().say("one")
    gone = f.SystemMessage("error", "Error: Session not found")
    talk.hear(gone, custom={"client_event_id": "c1.1"})
    assert talk.of(Settle) == []
    assert [(w.text, w.carried) for w in talk.conversation.waiting] == [("one", True)]
