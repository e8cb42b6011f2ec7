"""What several events together come to, and whether it must be committed."""

from datetime import timedelta

import pytest

from bridge.core import events as e
from bridge.core.effects import ForgetSession, Owe
from bridge.core.state import Conversation, Terms, Wish
from bridge.model import frames as f
from bridge.model.delivery import Ask, DeliveryState
from bridge.model.ids import ConversationId, DeliveryId, EntryId
from bridge.model.inbound import (
    CancelAsked,
    Clicked,
    EndAsked,
    Inbound,
    InboundBody,
    RetryAsked,
    Said,
    StartAsked,
)
from bridge.runtime.deciding import Decision, Mail, decide, entry_mail
from bridge.store import Entry, NewSession
from bridge.testing.builders import ANN, Talk, conversation, frame
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
        (Said("hi"), e.MessageAccepted("hi", ANN)),
        (Clicked(DeliveryId("c1.3"), 2), e.ChoiceAccepted(DeliveryId("c1.3"), 2, ANN)),
        (EndAsked(), e.EndRequested()),
        (StartAsked(), e.StartRequested()),
        (RetryAsked(DeliveryId("c.1")), e.RetryRequested(DeliveryId("c.1"), ANN)),
        (CancelAsked(DeliveryId("c.1")), e.CancelRequested(DeliveryId("c.1"))),
    ],
)
def test_an_entry_means_an_event(body: InboundBody, event: e.Event) -> None:
    inbound = Inbound(
        thread=said("").thread, identities=("x",), order="7", person=ANN, at=NOON, body=body
    )
    mail = entry_mail(Entry(id=EntryId(5), conversation=ConversationId("c1"), inbound=inbound))

    assert mail == Mail(event, entry=EntryId(5), order="7")


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
    click = Mail(e.ChoiceAccepted(DeliveryId("c1.9"), 0, ANN), entry=EntryId(4))

    decision = decided(conversation(), click)

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
