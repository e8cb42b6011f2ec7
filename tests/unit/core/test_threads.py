"""Nothing can be written in the thread any more."""

from datetime import timedelta

import pytest

from bridge.core import events as e
from bridge.core.effects import ForgetSession, Owe, Settle, Show
from bridge.core.handoff_rules import HandoffRule
from bridge.core.state import Wish
from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.delivery import Ask, DeliveryState
from bridge.model.ids import DeliveryId
from bridge.model.messages import NoticeKind
from bridge.testing.builders import ANN, Talk, piece, said

LOST = e.ThreadLost()


def test_the_session_is_ended_without_a_word() -> None:
    talk = Talk().joined().take(LOST)
    assert talk.sent == ["end"]
    assert talk.contents == []
    talk.hear(f.EndEchoed()).hear(f.SessionEnded("REASON_USER_END"))
    assert talk.effects == (ForgetSession(1),)
    assert talk.conversation.wish is Wish.NOTHING
    assert talk.conversation.restart_notice is None


def test_an_end_that_never_comes_is_not_waited_for() -> None:
    talk = Talk().joined().say("one").lost().take(LOST).wait(timedelta(seconds=10))
    assert talk.of(Owe) == []
    assert [settle.state for settle in talk.of(Settle)] == [DeliveryState.DEAD]
    assert talk.of(ForgetSession) == [ForgetSession(1)]


def test_what_waits_is_dropped_and_opens_nothing() -> None:
    talk = Talk().say("one").say("two").take(LOST)
    assert [(s.id, s.state) for s in talk.of(Settle)] == [
        ("c1.1", DeliveryState.DROPPED),
        ("c1.2", DeliveryState.DROPPED),
    ]
    assert talk.conversation.wish is Wish.NOTHING
    assert talk.opened().of(ForgetSession) == [ForgetSession(1)]


def test_losing_it_again_changes_nothing() -> None:
    talk = Talk().joined().say("one").take(LOST)
    before = talk.conversation
    assert talk.take(LOST).effects == ()
    assert talk.conversation == before


@pytest.mark.parametrize(
    "word",
    [
        said("Hello", "m1", "yes"),
        piece("Hello", 1, complete=True),
        f.HandoffTriggered(),
        f.HandoffElsewhere(),
        f.LiveAgentJoined("s1", "Sam"),
        f.AgentThinking(),
        f.SystemMessage("error", "Sorry, I encountered an error. Please try again."),
    ],
)
def test_what_the_agent_still_says_is_shown_nowhere(word: f.FrameBody) -> None:
    talk = Talk(Terms(handoffs=(HandoffRule(place="C9"),))).joined().say("one").take(LOST)
    talk.hear(word)
    assert not [owe for owe in talk.of(Owe) if not isinstance(owe.body, Ask)]
    assert talk.of(Show) == []
    assert talk.conversation.offered is None
    assert talk.conversation.call is None


def test_somebody_who_speaks_there_finds_it_as_ever() -> None:
    talk = Talk().joined().take(LOST).hear(f.SessionEnded("REASON_USER_END")).say("hello?")
    assert not talk.conversation.thread_lost
    assert talk.notices == [], "there is no old notice to be changed"
    talk.opened().ready().hear(f.JoinEchoed())
    assert talk.hear(f.AgentJoined()).sent == ["hello?"]
    assert talk.hear(said("Hi", "m9")).texts == ["Hi"]


def test_somebody_who_asks_there_is_answered() -> None:
    talk = Talk().take(LOST).take(e.StatusRequested(ANN))
    assert talk.notices == [NoticeKind.STATUS]


@pytest.mark.parametrize(
    "event",
    [e.EndRequested(), e.MessageDeleted("m1", ANN), e.MessageEdited("m1", "x", ANN), e.Woke()],
)
def test_nothing_else_brings_it_back(event: e.Event) -> None:
    talk = Talk().take(LOST).take(event)
    assert talk.conversation.thread_lost
    assert talk.effects == ()


def test_what_stood_there_is_not_changed_once_it_is_back() -> None:
    talk = Talk().joined().hear(said("Which?", "m1", "red")).hear(f.HandoffTriggered())
    talk.take(LOST).say("hello?")
    talk.hear(said("Which one?", "m1", "red"))
    talk.hear(f.SessionEnded("REASON_USER_END"))
    targets = [owe for owe in talk.of(Owe) if type(owe.body).__name__ in ("Replace", "Retire")]
    assert targets == []
    assert talk.conversation.restart_notice != DeliveryId("c1.1")


def test_a_new_start_is_forgotten_with_the_thread() -> None:
    talk = Talk().joined().take(e.StartRequested(ANN)).take(LOST).hear(f.SessionEnded())
    assert talk.conversation.wish is Wish.NOTHING
