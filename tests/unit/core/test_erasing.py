"""What is left of a conversation that is erased."""

import msgspec
import pytest

from bridge.core import events as e
from bridge.core.effects import ForgetSession, Owe, Settle, Transmit
from bridge.model import frames as f
from bridge.model.ids import DeliveryId
from bridge.testing.builders import ANN, BOB, Talk, said


def worded() -> Talk:
    """A conversation with words wherever it can have some."""
    talk = Talk().joined().hear(said("secret question", "m1", "secret red", "secret blue"))
    talk.say("secret first").hear(f.MessageEchoed(text="secret first"))
    talk.hear(said("secret answer", "m2", "secret yes"))
    return talk.say("secret second", BOB).say("secret third", ANN)


def test_no_word_is_left_and_no_id_is_given_twice() -> None:
    talk = worded()
    before = talk.conversation

    after = talk.take(e.Erased()).conversation

    assert b"secret" in msgspec.json.encode(before)
    assert b"secret" not in msgspec.json.encode(after)
    assert str(ANN.id).encode() not in msgspec.json.encode(after)
    assert (after.deliveries, after.sessions) == (before.deliveries, before.sessions)
    assert not after.open


def test_polyai_is_told_once_and_nobody_waits_for_its_echo() -> None:
    talk = worded().take(e.Erased())

    assert [(t.kind, t.parting) for t in talk.of(Transmit)] == [("end", True)]
    assert talk.of(ForgetSession) == [ForgetSession(1)]
    assert talk.of(Owe) == []
    assert talk.of(Settle) == []


def test_without_a_socket_nobody_is_told() -> None:
    talk = worded().take(e.SocketLost(1)).take(e.Erased())

    assert talk.sent == []
    assert talk.of(ForgetSession) == [ForgetSession(1)]


@pytest.mark.parametrize(
    "late",
    [
        e.SocketLost(1),
        e.SocketReady(1),
        e.SessionLost(1),
        e.RetryRequested(DeliveryId("c1.1"), ANN),
        e.Woke(),
    ],
)
def test_what_comes_late_of_the_time_before_brings_nothing_back(late: e.Event) -> None:
    talk = worded().take(e.Erased())

    after = talk.take(late).conversation

    assert b"secret" not in msgspec.json.encode(after)
    assert after.session is None


def test_the_next_message_begins_anew_and_says_so() -> None:
    talk = worded().take(e.Erased()).say("hello again", BOB)

    assert [one.text for one in talk.conversation.waiting] == ["hello again"]
    assert talk.conversation.lost_session
