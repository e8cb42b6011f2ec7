"""Ends and losses: what is told, what is carried, what is given up."""

from datetime import timedelta

import pytest

from bridge.core import events as e
from bridge.core.effects import ForgetSession, Owe, Settle, Show
from bridge.core.state import Wish
from bridge.model import frames as f
from bridge.model.delivery import DeliveryState, Post, Retire
from bridge.model.messages import Control, Notice, NoticeKind
from bridge.model.signal import Signal, SignalKind
from bridge.testing.builders import Talk, frame, piece, said


def test_an_end_is_told_with_its_reason_and_a_way_to_start_again() -> None:
    talk = Talk().joined().hear(f.SessionEnded("REASON_NATURAL_END"))
    (_, body) = talk.thread[-1]
    details = {"reason": "REASON_NATURAL_END"}
    assert body == Post(Notice(NoticeKind.ENDED, details, controls=(Control.START,)))
    assert talk.of(ForgetSession) == [ForgetSession(1)]
    assert talk.conversation.wish is Wish.NOTHING


def test_a_clean_close_is_an_end_without_a_reason() -> None:
    talk = Talk().joined().gone(ended=True)
    assert talk.contents == [Notice(NoticeKind.ENDED, controls=(Control.START,))]


def test_the_agents_last_message_ends_the_session_once() -> None:
    talk = Talk().joined().hear(said("Goodbye", "m1", ends=True))
    assert talk.texts == ["Goodbye"]
    assert talk.notices == [NoticeKind.ENDED]
    again = e.FrameArrived(1, frame(f.SessionEnded("REASON_NATURAL_END"), 99))
    assert talk.take(again).effects == (), "PolyAI's own end follows"


def test_an_end_takes_the_suggestions_away() -> None:
    talk = Talk().joined().hear(said("Which?", "m1", "red"))
    talk.hear(f.SessionEnded())
    retire = next(owe.body for owe in talk.of(Owe))
    assert isinstance(retire, Retire)
    assert (retire.target, retire.chosen) == (talk.thread[0][0], None)


@pytest.mark.parametrize("end", [f.SessionEnded(), f.SystemMessage("error", "Session not found")])
def test_an_unfinished_stream_is_shown_before_the_end(end: f.FrameBody) -> None:
    talk = Talk().joined().hear(piece("Half a", 1)).hear(end)
    assert talk.texts == ["Half a"]


def test_a_lost_session_is_told_by_the_next_one() -> None:
    talk = Talk().joined().gone()
    assert talk.notices == []
    assert talk.conversation.wish is Wish.NOTHING
    assert talk.say("hello").notices == []
    assert talk.opened().notices == [NoticeKind.NEW_CONVERSATION]


def test_a_session_nobody_met_is_not_missed() -> None:
    talk = Talk().say("hello").opened().gone().opened()
    assert talk.notices == []


def test_what_was_not_confirmed_is_carried_once_in_its_order() -> None:
    talk = Talk().joined().say("one").say("two").gone()
    assert [(w.text, w.carried) for w in talk.conversation.waiting] == [
        ("one", True),
        ("two", True),
    ]
    assert talk.of(Settle) == []
    talk.opened().ready().hear(f.AgentJoined(), 101)
    assert talk.sent == ["one"]


def test_what_loses_its_second_session_is_told() -> None:
    talk = Talk().joined().say("one").gone().opened().ready().hear(f.AgentJoined(), 101)
    talk.say("two").gone()
    assert talk.notices == [NoticeKind.NOT_DELIVERED]
    assert [outcome.state for outcome in talk.of(Settle)] == [DeliveryState.DEAD]
    assert [w.text for w in talk.conversation.waiting] == ["two"]


def test_a_confirmed_message_is_not_carried() -> None:
    talk = Talk().joined().say("one").echo("one", "c1.1").gone()
    assert talk.conversation.waiting == ()


def test_a_join_or_an_end_in_flight_is_not_carried() -> None:
    assert Talk().say("").opened().ready().gone().conversation.in_flight is None


def test_no_deadline_outlives_its_session() -> None:
    talk = Talk().joined().gone()
    assert talk.due is None
    assert talk.wait(timedelta(days=1)).effects == ()


def test_a_session_lost_after_its_agent_was_forgotten_is_missed_all_the_same() -> None:
    talk = Talk().joined().hear(f.SystemMessage("error", "Conversation not found"))
    talk.gone().say("hello")
    assert talk.opened().notices == [NoticeKind.NEW_CONVERSATION]


def test_what_is_said_after_the_end_was_asked_for_is_for_the_next_session() -> None:
    talk = Talk().joined().say("one").take(e.EndRequested()).say("two")
    assert talk.echo("one", "c1.1").sent == ["end"], "what was said before it still goes first"
    assert talk.say("three").hear(f.EndEchoed()).sent == []
    talk.hear(f.SessionEnded("REASON_USER_END"))
    assert [w.text for w in talk.conversation.waiting] == ["two", "three"]
    assert talk.conversation.wish is Wish.SESSION
    assert talk.opened().ready().hear(f.JoinEchoed()).hear(f.AgentJoined()).sent == ["two"]


def test_an_end_nobody_confirms_keeps_what_was_said_after_it() -> None:
    talk = Talk().joined().say("one").take(e.EndRequested()).say("two")
    talk.lost().wait(timedelta(seconds=10))
    assert NoticeKind.NOT_DELIVERED in talk.notices
    assert [w.text for w in talk.conversation.waiting] == ["two"]


def test_an_end_that_finds_the_session_gone_is_an_end() -> None:
    talk = Talk().joined().say("one").take(e.EndRequested()).gone()
    assert NoticeKind.ENDED in talk.notices
    assert NoticeKind.NOT_DELIVERED in talk.notices, "nothing is carried into a session unasked for"
    assert talk.conversation.wish is Wish.NOTHING


def test_who_calls_the_agent_after_its_session_died_in_its_sleep_gets_another() -> None:
    talk = Talk().joined().wait(timedelta(minutes=30))
    assert talk.session.released
    talk.lost().say("").gone()
    assert talk.notices == []
    assert talk.conversation.wish is Wish.SESSION
    assert talk.opened().notices == [NoticeKind.NEW_CONVERSATION]


def test_who_calls_an_agent_that_only_slept_finds_it_there() -> None:
    talk = Talk().joined().wait(timedelta(minutes=30)).lost().say("").ready()
    assert not talk.conversation.wanted
    assert talk.sent == []


def test_an_agent_out_of_reach_is_nobodys_business_after_the_end() -> None:
    talk = Talk().say("hello").take(e.EndRequested())
    assert talk.take(e.SessionUnavailable()).notices == []


def test_an_end_goes_on_offering_a_start_if_what_came_was_too_long() -> None:
    talk = Talk().joined().hear(f.SessionEnded()).say("x" * 200_000)
    assert talk.notices == [NoticeKind.TOO_LONG]


@pytest.mark.parametrize("step", [f.HandoffTriggered(), f.LiveAgentJoined("a1", "Jo")])
def test_who_expects_a_person_is_told_when_the_session_is_lost(step: f.FrameBody) -> None:
    talk = Talk().joined().hear(step).say("hello").gone()
    assert NoticeKind.ENDED in talk.notices
    assert NoticeKind.NOT_DELIVERED in talk.notices, (
        "what was meant for a person is not the agent's"
    )
    assert talk.conversation.wish is Wish.NOTHING


@pytest.mark.parametrize("ended", [True, False])
def test_a_session_that_ended_in_its_sleep_is_followed_by_another(ended: bool) -> None:
    talk = Talk().joined().wait(timedelta(minutes=30)).lost().say("").gone(ended=ended)
    assert talk.conversation.wish is Wish.SESSION


def test_a_mention_in_the_moment_of_the_release_finds_the_agent_there() -> None:
    talk = Talk().joined().wait(timedelta(minutes=30)).say("")
    assert not talk.conversation.wanted, "its socket has not gone yet"


def test_a_sign_of_life_goes_with_its_session() -> None:
    talk = Talk().joined().hear_transient(f.AgentThinking()).gone()
    assert talk.of(Show) == [Show(Signal(SignalKind.CLEAR))]
