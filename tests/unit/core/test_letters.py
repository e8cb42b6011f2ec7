"""Dead letters: what the thread hears of them, and how they are owed again."""

from bridge.core import events as e
from bridge.core.effects import Owe, OweAgain, Settle, Supersede, Transmit
from bridge.model.delivery import Ask, DeliveryState, Replace
from bridge.model.ids import DeliveryId
from bridge.model.messages import Notice, NoticeKind
from bridge.testing.builders import ANN, Talk

OLD = DeliveryId("c1.1")


def given_up() -> Talk:
    """Ann's words were sent four times, never confirmed, and given up: the notice is c1.2."""
    talk = Talk().joined().say("hello")
    for _ in range(4):
        talk.lost().ready()
    assert talk.notices == [NoticeKind.NOT_DELIVERED]
    return talk


def test_an_answer_given_up_is_told_in_the_very_step_that_settles_it() -> None:
    talk = Talk().joined()

    talk.take(e.GivenUp(DeliveryId("c1.9"), "too ugly", "make it nicer"))

    settled = Settle(DeliveryId("c1.9"), DeliveryState.DEAD, "too ugly", "make it nicer")
    assert talk.of(Settle) == [settled]
    assert talk.notices == [NoticeKind.NOT_SHOWN]


def test_whoever_was_not_understood_hears_of_it() -> None:
    talk = Talk().joined()

    talk.take(e.NotTaken())

    assert talk.notices == [NoticeKind.NOT_TAKEN]


def test_a_lost_thread_hears_nothing_but_what_is_settled_stays_settled() -> None:
    talk = Talk().joined().take(e.ThreadLost())

    talk.take(e.GivenUp(DeliveryId("c1.9"), "too ugly"))

    assert talk.of(Settle)
    assert not talk.notices


def test_what_is_redriven_to_a_thread_goes_to_the_end_of_its_order() -> None:
    talk = Talk().joined().say("hello")  # c1.1

    talk.take(e.Redriven(DeliveryId("c1.9")))

    assert talk.of(OweAgain) == [OweAgain(DeliveryId("c1.9"), 2)]
    assert talk.say("and then").of(Owe)[0].id == "c1.3"


def test_it_is_owed_again_to_a_thread_that_is_gone_to_hear_it_once_more() -> None:
    talk = Talk().joined().take(e.ThreadLost())

    talk.take(e.Redriven(DeliveryId("c1.9")))

    assert talk.of(OweAgain)


def test_what_is_redriven_to_the_agent_is_a_new_message_and_its_notice_offers_it_no_more() -> None:
    talk = given_up()

    talk.take(e.Redriven(OLD, Ask("hello", ANN)))

    (again,) = [owe.id for owe in talk.of(Owe) if isinstance(owe.body, Ask)]
    assert talk.of(Supersede) == [Supersede(OLD, again)]
    assert [sent.delivery for sent in talk.of(Transmit)] == [again]
    (change,) = [owe.body for owe in talk.of(Owe) if isinstance(owe.body, Replace)]
    assert change == Replace(
        DeliveryId("c1.2"), Notice(NoticeKind.NOT_DELIVERED, {"text": "hello", "again": "yes"})
    )

    talk.take(e.RetryRequested(DeliveryId("c1.2"), ANN))

    assert not [owe for owe in talk.of(Owe) if isinstance(owe.body, Ask)]
    assert talk.notices == [NoticeKind.STALE]


def test_what_somebody_sends_again_settles_its_dead_letter() -> None:
    talk = given_up()

    talk.take(e.RetryRequested(DeliveryId("c1.2"), ANN))

    (again,) = [owe.id for owe in talk.of(Owe) if isinstance(owe.body, Ask)]
    assert talk.of(Supersede) == [Supersede(OLD, again)]


def test_one_frame_at_a_time_also_when_redriven() -> None:
    talk = given_up().say("something else")

    talk.take(e.Redriven(OLD, Ask("hello", ANN)))

    assert not talk.of(Transmit)
    assert [waiting.text for waiting in talk.conversation.waiting] == ["hello"]


def test_what_the_agent_never_takes_stays_a_dead_letter() -> None:
    talk = Talk().joined()

    talk.take(e.Redriven(OLD, Ask("x" * 200_000, ANN)))

    assert not talk.of(Supersede)
    assert talk.notices == [NoticeKind.TOO_LONG]
