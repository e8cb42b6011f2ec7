"""Receipts: which echo confirms what, and what an error says about a message."""

import pytest

from bridge.core import events as e
from bridge.core.effects import Settle
from bridge.model import frames as f
from bridge.model.delivery import DeliveryState
from bridge.model.messages import NoticeKind
from bridge.testing.builders import ANN, Talk


def asking(text: str = "hello") -> Talk:
    return Talk().joined().say(text)


@pytest.mark.parametrize("key", ["client_event_id", "local_id"])
def test_an_echo_with_our_id_confirms(key: str) -> None:
    talk = asking().hear(f.MessageEchoed(text="tidied by PolyAI"), 9, custom={key: "c1.1"})
    assert talk.of(Settle) == [Settle(talk.of(Settle)[0].id, DeliveryState.SENT, "9")]
    assert talk.conversation.in_flight is None


def test_an_echo_without_metadata_confirms_by_its_text() -> None:
    assert asking().echo("hello").of(Settle)


def test_an_echo_of_somebody_elses_confirms_nothing() -> None:
    assert asking().echo("hello", "c2.1").of(Settle) == []
    assert asking().echo("something else").of(Settle) == []


def test_an_echo_confirms_nothing_when_nothing_is_in_flight() -> None:
    assert Talk().joined().echo("hello").of(Settle) == []
    talk = Talk().say("hello").opened().ready()
    assert talk.echo("hello").of(Settle) == [], "the join is in flight"


def test_the_same_words_twice_are_two_messages() -> None:
    talk = asking("ok").say("ok")
    assert talk.hear(f.MessageEchoed(text="ok"), 5).sent == ["ok"]
    assert talk.hear(f.MessageEchoed(text="ok"), 5).of(Settle) == [], "the same frame again"
    assert talk.hear(f.MessageEchoed(text="ok"), 6).of(Settle)


def in_order(talk: Talk, *orders: str) -> Talk:
    for order in orders:
        talk.take(e.MessageAccepted(f"said at {order}", ANN, order=order))
    return talk


def test_what_still_waits_is_sent_in_the_order_it_was_said_in() -> None:
    """Slack tells of it over several sockets, of which one may be slower."""
    talk = in_order(Talk(), "1", "4", "2", "3")
    waiting = talk.conversation.waiting
    assert [message.order for message in waiting] == ["1", "2", "3", "4"]
    assert [message.delivery for message in waiting] == ["c1.1", "c1.3", "c1.4", "c1.2"]


def test_what_is_sent_already_is_overtaken_by_nothing() -> None:
    talk = in_order(Talk().joined(), "2", "3", "1")
    flight = talk.conversation.in_flight
    assert flight is not None
    assert flight.text == "said at 2"
    assert [message.order for message in talk.conversation.waiting] == ["1", "3"]


def test_words_of_an_unknown_order_stay_where_they_came() -> None:
    talk = in_order(Talk(), "2", "", "1")
    assert [message.order for message in talk.conversation.waiting] == ["2", "", "1"]


def test_an_echo_without_a_number_refers_to_its_frame() -> None:
    talk = asking()
    identity = f.Frame(id="x", body=f.MessageEchoed(text="hello"))
    talk.take(e.FrameArrived(1, identity))
    assert talk.of(Settle)[0].reference == "x"


def problem(text: str, level: str = "error") -> f.SystemMessage:
    return f.SystemMessage(level, text)


OURS = {"client_event_id": "c1.1"}


def test_an_error_that_names_our_message_is_its_receipt() -> None:
    talk = asking().hear(problem("Sorry, I'm having trouble"), custom=OURS)
    assert [outcome.state for outcome in talk.of(Settle)] == [DeliveryState.SENT]
    assert talk.notices == [NoticeKind.AGENT_PROBLEM]


def test_an_error_about_something_else_is_not() -> None:
    talk = asking().hear(problem("Sorry"), custom={"client_event_id": "c1.7"})
    assert talk.of(Settle) == []
    assert Talk().joined().hear(problem("Sorry"), custom=OURS).of(Settle) == []


def test_a_late_echo_after_the_error_changes_nothing() -> None:
    talk = asking().hear(problem("Sorry"), custom=OURS)
    assert talk.echo("hello", "c1.1").effects == ()


def test_a_message_refused_for_want_of_a_conversation_goes_again_after_the_join() -> None:
    talk = asking().say("two").hear(problem("Error: Conversation not found"), custom=OURS)
    assert talk.of(Settle) == []
    assert talk.sent == ["join"]
    assert talk.hear(f.JoinEchoed()).hear(f.AgentJoined()).sent == ["hello"]
    assert talk.echo("hello", "c1.1").sent == ["two"]


def test_a_message_that_found_no_session_is_carried_into_the_next() -> None:
    talk = asking().hear(problem("Error: Session not found"), custom=OURS)
    assert talk.of(Settle) == []
    assert [w.text for w in talk.conversation.waiting] == ["hello"]


def test_a_message_polyai_could_not_read_is_told_as_undelivered() -> None:
    talk = asking().hear(problem("Unknown event type or invalid message format"), custom=OURS)
    assert [outcome.state for outcome in talk.of(Settle)] == [DeliveryState.DEAD]
    assert talk.notices == [NoticeKind.NOT_DELIVERED]


def test_information_that_names_our_message_is_its_receipt_too() -> None:
    talk = asking().hear(problem("Received", "info"), custom=OURS)
    assert [outcome.state for outcome in talk.of(Settle)] == [DeliveryState.SENT]


def test_a_message_that_broke_the_socket_by_its_size_is_not_sent_again() -> None:
    talk = asking().say("two").take(e.SocketLost(1, too_big=True)).ready()
    assert [(o.id, o.state) for o in talk.of(Settle)] == [("c1.1", DeliveryState.DEAD)]
    assert talk.notices == [NoticeKind.TOO_LONG]
    assert talk.sent == ["two"]


def test_a_message_that_arrived_although_the_socket_broke_over_a_size_is_confirmed() -> None:
    talk = asking().take(e.SocketLost(1, too_big=True)).echo("hello", "c1.1").ready()
    assert talk.notices == []
    assert talk.sent == []
