"""What several events together come to, and whether it must be committed."""

from datetime import timedelta

import pytest

from bridge.core import events as e
from bridge.core.effects import ForgetSession, Grow, Owe
from bridge.core.state import Conversation, Wish
from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.delivery import Ask, DeliveryState
from bridge.model.ids import ConversationId, DeliveryId, EntryId
from bridge.model.inbound import (
    OPERATOR,
    CancelAsked,
    Clicked,
    Deleted,
    Edited,
    EndAsked,
    Inbound,
    InboundBody,
    PersonAsked,
    RetryAsked,
    Said,
    StartAsked,
    StatusAsked,
    ThreadGone,
    TooFast,
)
from bridge.model.messages import Person
from bridge.runtime.deciding import Decision, Mail, decide, entry_mail
from bridge.store import Entry, NewSession
from bridge.testing.builders import ANN, BOB, Talk, conversation, frame, piece
from bridge.testing.builders import said as agent_says
from bridge.testing.clock import NOON
from tests.unit.store.given import said

LATER = NOON + timedelta(seconds=1)
SESSION = NewSession(number=1, session_id="s1", sealed_token="sealed", expires_at=None)


def heard(body: f.FrameBody, sequence: int) -> Mail:
    """A frame of session 1."""
    return Mail(e.FrameArrived(1, frame(body, sequence)))


def words(text: str, entry: int, order: str = "") -> Mail:
    """A person says it."""
    return Mail(e.MessageAccepted(text, ANN), entry=EntryId(entry), order=order)


def decided(before: Conversation, *mail: Mail) -> Decision:
    """What they come to."""
    return decide(before, list(mail), LATER, Terms())


def asked(decision: Decision) -> list[str]:
    """What the agent is owed by it, in order."""
    assert decision.change is not None
    return [body.text for _, body in decision.change.owed if isinstance(body, Ask)]


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (Said("hi"), e.MessageAccepted("hi", ANN, origin="x", order="7")),
        (Clicked(DeliveryId("c1.3"), 2), e.ChoiceAccepted(DeliveryId("c1.3"), 2, ANN)),
        (EndAsked(), e.EndRequested(ANN)),
        (StartAsked(), e.StartRequested(ANN)),
        (StartAsked(DeliveryId("c.1")), e.StartRequested(ANN, DeliveryId("c.1"))),
        (RetryAsked(DeliveryId("c.1")), e.RetryRequested(DeliveryId("c.1"), ANN)),
        (CancelAsked(DeliveryId("c.1")), e.CancelRequested(DeliveryId("c.1"), ANN)),
        (PersonAsked(), e.PersonRequested(ANN)),
        (StatusAsked(), e.StatusRequested(ANN)),
        (Edited("m1", "hey"), e.MessageEdited("m1", "hey", ANN)),
        (Deleted("m1"), e.MessageDeleted("m1", ANN)),
        (TooFast(7), e.TooFastWritten(ANN, 7)),
        (ThreadGone(), e.ThreadLost()),
    ],
)
def test_an_entry_means_an_event(body: InboundBody, event: e.Event) -> None:
    assert entry_mail(entry(body)) == Mail(event, entry=EntryId(5), order="7")


def entry(body: InboundBody, person: Person = ANN, *, starter_only: bool = False) -> Entry:
    inbound = Inbound(
        thread=said("").thread,
        identities=("x",),
        order="7",
        person=person,
        at=NOON,
        body=body,
        starter_only=starter_only,
    )
    return Entry(id=EntryId(5), conversation=ConversationId("c1"), inbound=inbound)


def test_an_operator_is_nobody_of_the_platform() -> None:
    assert entry_mail(entry(EndAsked(), Person(OPERATOR))).event == e.EndRequested()


def begun_by_ann() -> Conversation:
    """She said something that waits, was offered a choice, and is asked to wait for a person."""
    talk = Talk(Terms(edits="correct")).joined().say("hello").hear(f.HandoffTriggered())
    talk.hear(agent_says("Which?", "m1", "red", "blue")).take(
        e.MessageAccepted("and more", ANN, origin="m1")
    )
    return talk.conversation


#: One of each kind that a person can send.
FROM_PEOPLE = [
    Said("hi"),
    Said(""),
    Clicked(DeliveryId("c1.3"), 0),
    EndAsked(),
    StartAsked(),
    RetryAsked(DeliveryId("c1.1")),
    CancelAsked(DeliveryId("c1.2")),
    PersonAsked(),
    StatusAsked(),
    Edited("m1", "hey"),
    Deleted("m1"),
    TooFast(7),
]


@pytest.mark.parametrize("body", FROM_PEOPLE)
def test_where_only_the_starter_counts_nobody_else_does(body: InboundBody) -> None:
    before = begun_by_ann()
    theirs = entry_mail(entry(body, BOB, starter_only=True))

    decision = decide(before, [theirs], LATER, Terms())

    assert decision.conversation == before
    assert decision.effects == ()
    assert decision.change is not None
    assert decision.change.done == (5,)


@pytest.mark.parametrize("body", [body for body in FROM_PEOPLE if body != Said("")])
def test_where_only_the_starter_counts_the_starter_does(body: InboundBody) -> None:
    before = begun_by_ann()
    own = entry_mail(entry(body, ANN, starter_only=True))

    decision = decide(before, [own], LATER, Terms())

    assert decision.effects or decision.conversation != before


def test_where_only_the_starter_counts_anybody_starts() -> None:
    bobs = entry_mail(entry(Said("hi"), BOB, starter_only=True))
    anns = Mail(e.MessageAccepted("me too", ANN), entry=EntryId(6), order="8", starter_only=ANN.id)

    decision = decided(conversation(), bobs, anns)

    assert asked(decision) == ["hi"]
    assert decision.conversation.starter == BOB.id


def test_that_a_thread_is_gone_counts_from_anybody() -> None:
    gone = entry_mail(entry(ThreadGone(), BOB, starter_only=True))

    assert decide(begun_by_ann(), [gone], LATER, Terms()).conversation.thread_lost


def test_what_people_said_is_taken_in_the_order_they_said_it() -> None:
    decision = decided(conversation(), words("c", 1, "3"), words("a", 2, "1"), words("b", 3, "2"))

    assert asked(decision) == ["a", "b", "c"]
    assert decision.change is not None
    assert sorted(decision.change.done) == [1, 2, 3]


def test_sorting_moves_entries_among_their_own_places_only() -> None:
    """A frame keeps its place: what came before it was said before it, as far as we know."""
    before = Talk().joined().conversation
    gone = Mail(e.SessionLost(1))

    decision = decided(before, words("b", 1, "2"), gone, words("a", 2, "1"))

    durable = [
        f.body.text if isinstance(f, Owe) and isinstance(f.body, Ask) else type(f).__name__
        for f in decision.effects
        if isinstance(f, Owe | ForgetSession)
    ]
    assert durable == ["a", "ForgetSession", "b"]


def test_entries_of_one_order_keep_the_order_they_came_in() -> None:
    assert asked(decided(conversation(), words("x", 1, "1"), words("w", 2, "1"))) == ["x", "w"]


def test_an_entry_is_done_even_if_it_changes_nothing() -> None:
    edit = Mail(e.MessageEdited("m9", "hey", ANN), entry=EntryId(4))

    decision = decided(conversation(), edit)

    assert decision.change is not None
    assert decision.change.done == (4,)
    assert decision.conversation == conversation()


def test_what_a_replay_brings_back_need_not_be_committed() -> None:
    before = Talk().joined().conversation

    decision = decided(before, heard(f.MessageEchoed(text="somebody else's"), 9))

    assert decision.change is None
    assert decision.conversation != before


def test_nothing_at_all_is_not_committed() -> None:
    decision = decided(conversation(), Mail(e.Woke()), Mail(e.SocketReady(7)))

    assert decision == Decision(conversation(), (), None)


def test_a_new_session_is_committed_with_the_step_that_takes_it() -> None:
    before = Talk().take(e.StartRequested()).conversation

    decision = decided(before, Mail(e.SessionOpened(1), session=SESSION))

    assert decision.change is not None
    assert decision.change.session == SESSION
    assert decision.conversation.wish is Wish.SOCKET
    assert decision.change.conversation == decision.conversation


def test_all_that_steps_ask_for_is_gathered_in_one_change() -> None:
    talk = Talk().joined().say("hello")
    delivery = talk.conversation.in_flight
    assert delivery is not None
    assert delivery.message is not None
    echo = Mail(
        e.FrameArrived(
            1,
            frame(f.MessageEchoed(text="hello"), 11, client_event_id=delivery.message.delivery),
        )
    )

    decision = decided(talk.conversation, echo, Mail(e.SessionLost(1, ended=True)))

    assert decision.change is not None
    assert [(s.id, s.state) for s in decision.change.settled] == [
        (delivery.message.delivery, DeliveryState.SENT)
    ]
    assert decision.change.forgotten == (1,)
    assert decision.change.at == LATER


def test_growth_that_is_overtaken_by_its_own_end_is_not_carried_out() -> None:
    talk = Talk(Terms(streaming=True)).joined().hear(piece("One moment.", 1), 5)
    more = Mail(e.FrameArrived(1, frame(piece(" I look.", 2), 6)))
    last = Mail(e.FrameArrived(1, frame(piece(" Here.", 3, complete=True), 7)))
    before, terms = talk.conversation, talk.terms
    grown = decide(before, [more], NOON, terms)
    assert [type(effect) for effect in grown.effects] == [Grow]
    assert grown.change is None
    ended = decide(before, [more, last], NOON, terms)
    assert [type(effect) for effect in ended.effects] == [Owe]
