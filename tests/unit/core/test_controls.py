"""What people ask for beside talking: a person, an end, a start, how things stand."""

from datetime import timedelta

import pytest

from bridge.core import events as e
from bridge.core.effects import ForgetSession, Owe, Settle
from bridge.core.handoff_rules import HandoffRule
from bridge.core.state import Wish
from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.delivery import Ask, DeliveryState, Post
from bridge.model.ids import DeliveryId
from bridge.model.messages import Control, Notice, NoticeKind
from bridge.testing.builders import ANN, BOB, Talk, said

ENDED, STALE, STATUS = NoticeKind.ENDED, NoticeKind.STALE, NoticeKind.STATUS


def notices(talk: Talk) -> list[Notice]:
    return [content for content in talk.contents if isinstance(content, Notice)]


def seen_by(talk: Talk) -> list[str | None]:
    """Who sees what the last event posted; None for everybody."""
    return [owe.body.only_for for owe in talk.of(Owe) if isinstance(owe.body, Post)]


def last(talk: Talk) -> DeliveryId:
    """The newest delivery to the thread."""
    return talk.thread[-1][0]


# -- a person -------------------------------------------------------------------------------------


def test_a_person_is_asked_for_in_the_words_of_the_terms() -> None:
    talk = Talk(Terms(person_words="Ein Mensch, bitte.")).joined()
    talk.take(e.PersonRequested(ANN))
    assert talk.of(Owe) == [Owe(DeliveryId("c1.1"), Ask("Ein Mensch, bitte.", ANN))]
    assert talk.sent == ["Ein Mensch, bitte."]


def test_a_person_can_be_asked_for_first_of_all() -> None:
    talk = Talk().take(e.PersonRequested(ANN))
    assert talk.conversation.wish is Wish.SESSION
    assert talk.conversation.starter == ANN.id


def test_a_person_asked_for_twice_in_a_moment_is_asked_for_once() -> None:
    talk = Talk().joined().take(e.PersonRequested(ANN))
    assert talk.take(e.PersonRequested(ANN)).effects == ()
    assert talk.take(e.PersonRequested(BOB)).of(Owe), "somebody else asks, too"


@pytest.mark.parametrize("handoff", [f.HandoffTriggered(), f.LiveAgentJoined("s1", "Sam")])
def test_who_has_a_person_is_told_so_instead(handoff: f.FrameBody) -> None:
    talk = Talk().joined().hear(handoff).take(e.PersonRequested(ANN))
    assert talk.notices == [STATUS]
    assert seen_by(talk) == [ANN.id]
    assert talk.sent == []


def test_who_was_passed_on_to_helpers_is_told_so_instead() -> None:
    talk = Talk(Terms(handoffs=(HandoffRule(place="C9"),))).joined().hear(f.HandoffElsewhere())
    assert talk.take(e.PersonRequested(ANN)).notices == [STATUS]
    assert talk.conversation.call is not None


def test_asking_for_a_person_takes_the_suggestions_away() -> None:
    talk = Talk().joined().hear(said("Which?", "m1", "red"))
    talk.take(e.PersonRequested(ANN))
    assert talk.conversation.offered is None


# -- an end ---------------------------------------------------------------------------------------


def test_an_end_of_nothing_is_declined_to_whoever_asked() -> None:
    talk = Talk().take(e.EndRequested(ANN))
    assert talk.notices == [STALE]
    assert seen_by(talk) == [ANN.id]


def test_an_operator_is_told_nothing_in_the_thread() -> None:
    assert Talk().take(e.EndRequested()).effects == ()


def test_an_end_pressed_twice_is_not_declined_once_it_has_come() -> None:
    talk = Talk().joined().take(e.EndRequested(ANN)).hear(f.SessionEnded())
    assert talk.take(e.EndRequested(ANN)).effects == ()


def test_an_end_takes_back_that_another_session_was_to_follow() -> None:
    talk = Talk().joined().take(e.StartRequested(ANN)).take(e.EndRequested(ANN))
    talk.hear(f.SessionEnded("REASON_USER_END"))
    assert talk.conversation.wish is Wish.NOTHING
    assert notices(talk)[0].controls == (Control.START,)


# -- a start --------------------------------------------------------------------------------------


def test_starting_during_a_session_ends_it_and_opens_another() -> None:
    talk = Talk().joined().take(e.StartRequested(ANN))
    assert talk.sent == ["end"]
    talk.hear(f.EndEchoed()).hear(f.SessionEnded("REASON_USER_END"))
    resumed = {"reason": "REASON_USER_END", "resumed": "yes"}
    assert notices(talk) == [Notice(ENDED, resumed)]
    assert talk.of(ForgetSession) == [ForgetSession(1)]
    assert talk.conversation.wish is Wish.SESSION
    assert talk.opened().ready().sent == ["join"]
    assert talk.conversation.restart_notice is None


def test_what_was_said_before_a_new_start_still_reaches_the_old_session() -> None:
    talk = Talk().joined().say("one").say("two").take(e.StartRequested(ANN))
    assert talk.sent == []
    assert talk.echo("one", "c1.1").sent == ["two"]
    assert talk.echo("two", "c1.2").sent == ["end"]


def test_what_is_said_after_a_new_start_is_for_the_new_session() -> None:
    talk = Talk().joined().take(e.StartRequested(ANN)).say("fresh")
    talk.hear(f.SessionEnded("REASON_USER_END")).opened().ready()
    assert talk.hear(f.JoinEchoed()).hear(f.AgentJoined()).sent == ["fresh"]


def test_a_new_start_does_not_wait_for_an_end_that_never_comes() -> None:
    talk = Talk().joined().say("one").take(e.StartRequested(ANN)).wait(timedelta(seconds=10))
    assert talk.notices == [NoticeKind.NOT_DELIVERED, ENDED]
    assert talk.conversation.wish is Wish.SESSION


def test_a_new_start_of_a_session_that_is_gone_opens_another() -> None:
    talk = Talk().joined().take(e.StartRequested(ANN)).gone()
    assert talk.conversation.wish is Wish.SESSION


def test_a_start_while_the_end_is_awaited_lets_another_session_follow() -> None:
    talk = Talk().joined().take(e.EndRequested(ANN)).take(e.StartRequested(BOB))
    talk.hear(f.SessionEnded("REASON_USER_END"))
    assert talk.conversation.wish is Wish.SESSION


def test_a_session_that_nobody_has_met_is_not_started_again() -> None:
    talk = Talk().take(e.StartRequested(ANN)).opened().ready().take(e.StartRequested(BOB))
    assert talk.session.end_wanted_at is None


def test_starting_twice_in_a_moment_starts_once() -> None:
    talk = Talk().joined().take(e.StartRequested(ANN)).hear(f.SessionEnded())
    talk.opened().ready().hear(f.JoinEchoed()).hear(f.AgentJoined())
    assert talk.take(e.StartRequested(ANN)).sent == []


def test_a_start_below_an_old_end_leaves_the_running_conversation_alone() -> None:
    talk = Talk().joined().hear(f.SessionEnded())
    end = last(talk)
    talk.say("again").opened().ready().hear(f.JoinEchoed()).hear(f.AgentJoined())
    talk.take(e.StartRequested(BOB, end))
    assert notices(talk) == [Notice(STALE, {"what": "start"})]
    assert seen_by(talk) == [BOB.id]
    assert talk.session.end_wanted_at is None


def test_a_start_offered_in_this_session_starts_again() -> None:
    talk = Talk().joined().take(e.StatusRequested(ANN))
    assert talk.take(e.StartRequested(ANN, last(talk))).sent == ["end"]


def test_a_start_of_another_thread_is_not_ours() -> None:
    talk = Talk().joined()
    assert talk.take(e.StartRequested(ANN, DeliveryId("c9.7"))).notices == [STALE]
    assert talk.take(e.StartRequested(BOB, DeliveryId("c1.x"))).notices == [STALE]
    assert talk.take(e.StartRequested(BOB, DeliveryId(f"c1.{'9' * 5000}"))).notices == [STALE]


def test_any_end_still_starts_a_session_while_there_is_none() -> None:
    talk = Talk().joined().hear(f.SessionEnded())
    first = last(talk)
    talk.say("x").opened().ready().hear(f.JoinEchoed()).hear(f.AgentJoined())
    talk.echo("x").hear(f.SessionEnded()).take(e.StartRequested(ANN, first))
    assert talk.conversation.wish is Wish.SESSION


def test_whoever_was_passed_on_starts_anew_at_once() -> None:
    talk = Talk().joined().hear(f.HandoffElsewhere()).take(e.StartRequested(ANN))
    assert talk.of(ForgetSession) == [ForgetSession(1)]
    assert talk.conversation.wish is Wish.SESSION


# -- a wait ---------------------------------------------------------------------------------------


def test_a_wait_can_be_cancelled_where_the_status_offers_it() -> None:
    talk = Talk().joined().hear(f.HandoffTriggered()).take(e.StatusRequested(ANN))
    assert talk.take(e.CancelRequested(last(talk), ANN)).sent == ["end"]


def test_a_cancel_is_declined_once_somebody_has_come() -> None:
    talk = Talk().joined().hear(f.HandoffTriggered())
    wait = last(talk)
    talk.hear(f.LiveAgentJoined("s1", "Sam")).take(e.CancelRequested(wait, ANN))
    assert notices(talk) == [Notice(STALE, {"what": "cancel"})]


def test_a_double_click_on_cancel_is_one() -> None:
    talk = Talk().joined().hear(f.HandoffTriggered())
    wait = last(talk)
    assert talk.take(e.CancelRequested(wait, ANN)).take(e.CancelRequested(wait, ANN)).effects == ()
    assert talk.take(e.CancelRequested(wait, BOB)).notices == [STALE]


# -- how things stand, and what came too late ------------------------------------------------------


def test_a_status_wakes_nobody_and_changes_nothing() -> None:
    talk = Talk().joined().wait(timedelta(minutes=30))
    before = talk.conversation
    talk.take(e.StatusRequested(ANN))
    assert talk.conversation.wish is Wish.NOTHING
    assert talk.session == before.session


def test_a_double_click_on_a_choice_is_one() -> None:
    talk = Talk().joined().hear(said("Which?", "m1", "red", "blue"))
    offer = last(talk)
    assert talk.click(offer, 0).sent == ["red"]
    assert talk.click(offer, 0).effects == ()
    assert talk.click(offer, 1, BOB).notices == [STALE]
    assert talk.click(offer, 0).effects == (), "though somebody else pressed meanwhile"


def test_what_is_declined_is_declined_to_one_person() -> None:
    talk = Talk().joined().click(DeliveryId("c1.1"), 0, BOB)
    assert seen_by(talk) == [BOB.id]
    assert talk.of(Settle) == []


def test_who_writes_too_fast_is_told_once_a_minute() -> None:
    talk = Talk().joined().take(e.TooFastWritten(ANN, 5))
    assert notices(talk) == [Notice(NoticeKind.TOO_FAST, {"seconds": "5"})]
    assert seen_by(talk) == [ANN.id]
    assert talk.take(e.TooFastWritten(ANN, 5)).effects == ()
    assert seen_by(talk.take(e.TooFastWritten(BOB, 5))) == [BOB.id]
    talk.now += timedelta(minutes=1)
    assert seen_by(talk.take(e.TooFastWritten(ANN, 0))) == [ANN.id]


def test_people_among_themselves_may_write_as_fast_as_they_like() -> None:
    talk = Talk(Terms(handoffs=(HandoffRule(place="C9"),))).joined().hear(f.HandoffElsewhere())
    assert talk.take(e.TooFastWritten(ANN, 5)).effects == ()
    assert talk.take(e.TooFastWritten(ANN, 5, called=True)).notices == [NoticeKind.TOO_FAST]


def test_what_is_remembered_against_repeats_stays_small() -> None:
    talk = Talk().joined()
    for number in range(100):
        talk.click(DeliveryId(f"c1.{number}"), 0)
    assert len(talk.conversation.lately) <= 32
    talk.now += timedelta(minutes=2)
    talk.click(DeliveryId("c1.0"), 0)
    assert len(talk.conversation.lately) == 1


def test_a_message_sent_again_is_still_of_whoever_said_it() -> None:
    talk = Talk().say("hello").take(e.EndRequested(BOB))
    talk.take(e.RetryRequested(last(talk), BOB))
    assert Ask("hello", ANN) in [owe.body for owe in talk.of(Owe)]
    assert [settle.state for settle in talk.of(Settle)] != [DeliveryState.SENT]
