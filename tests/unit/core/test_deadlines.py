"""What is done when a deadline has passed."""

from datetime import timedelta

import msgspec
import pytest

from bridge.core import events as e
from bridge.core.effects import ForgetSession, Note, Recycle, Show
from bridge.core.state import Wish
from bridge.model import frames as f
from bridge.model.messages import NoticeKind
from bridge.model.signal import Signal, SignalKind
from bridge.testing.builders import Talk, piece, said

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def test_a_sign_of_life_that_nothing_follows_is_taken_away() -> None:
    talk = Talk().joined().hear_transient(f.AgentThinking())
    assert talk.due == talk.now + 10 * SECOND
    assert talk.wait(9 * SECOND).effects == ()
    assert talk.wait(SECOND).effects == (Show(Signal(SignalKind.CLEAR)),)
    assert talk.wait(MINUTE).effects == ()


def test_a_sign_of_life_that_an_answer_follows_needs_no_clearing() -> None:
    talk = Talk().joined().hear_transient(f.AgentThinking()).hear(said("Hello"))
    assert talk.wait(10 * SECOND).effects == ()


def test_a_sign_of_life_is_not_stored() -> None:
    talk = Talk().joined()
    before = talk.conversation.essence()
    assert talk.hear_transient(f.AgentThinking()).conversation.essence() == before


def mortal(life: timedelta = 24 * HOUR) -> Talk:
    """A conversation whose session's token lives as long."""
    talk = Talk().take(e.StartRequested())
    talk.take(e.SessionOpened(1, expires_at=talk.now + life)).ready()
    return talk.hear(f.JoinEchoed()).hear(f.AgentJoined())


def test_a_session_is_left_before_its_token_dies_and_the_next_one_says_so() -> None:
    talk = mortal(HOUR)
    talk.conversation = msgspec.structs.replace(
        talk.conversation, touched_at=talk.now + 50 * MINUTE
    )
    assert talk.due == talk.now + 55 * MINUTE
    assert talk.wait(54 * MINUTE).effects == ()
    talk.wait(MINUTE)
    assert talk.of(ForgetSession) == [ForgetSession(1)]
    assert [note.event for note in talk.of(Note)] == ["session.moved"]
    assert talk.contents == []
    assert talk.conversation.wish is Wish.NOTHING
    assert talk.say("hello").opened().notices == [NoticeKind.NEW_CONVERSATION]


def test_a_session_is_not_left_in_the_middle_of_something() -> None:
    talk = mortal(10 * MINUTE).wait(9 * MINUTE - 10 * SECOND).say("hello")
    assert talk.wait(40 * SECOND).of(ForgetSession) == [], "an echo is awaited"
    talk.lost().ready().echo("hello", "c1.1")
    assert talk.wait(2 * MINUTE).of(ForgetSession) == [], "an answer is expected"
    talk.hear(piece("He", 1))
    assert talk.wait(30 * SECOND).of(ForgetSession) == [], "an answer is coming"
    talk.hear(piece("llo", 2, complete=True))
    assert talk.wait(59 * SECOND).of(ForgetSession) == [], "somebody is reading"
    assert talk.wait(SECOND).of(ForgetSession) == [ForgetSession(1)]
    assert talk.contents == []


def test_an_answer_that_never_comes_is_told_when_the_session_is_left() -> None:
    talk = mortal(10 * MINUTE).wait(8 * MINUTE).say("hello").echo("hello", "c1.1")
    assert talk.wait(3 * MINUTE - SECOND).of(ForgetSession) == []
    assert talk.wait(SECOND).of(ForgetSession) == [ForgetSession(1)]


@pytest.mark.parametrize("life", [-MINUTE, timedelta(0), timedelta(days=400)])
def test_a_token_that_would_be_dead_at_birth_or_live_for_ever_moves_nobody(life: timedelta) -> None:
    talk = mortal(life)
    assert talk.session.expires_at is None
    assert talk.wait(29 * MINUTE).effects == ()


def test_a_short_life_has_a_short_margin() -> None:
    talk = mortal(5 * MINUTE)
    assert talk.wait(4 * MINUTE).effects == ()
    assert talk.wait(30 * SECOND).of(ForgetSession) == [ForgetSession(1)]


def test_nobody_is_taken_away_from_a_person_because_a_token_dies() -> None:
    talk = mortal(HOUR).hear(f.LiveAgentJoined("a1", "Jo"))
    assert talk.wait(2 * HOUR).of(ForgetSession) == []
    talk.hear(f.LiveAgentLeft("a1"))
    assert talk.wait(MINUTE).of(ForgetSession) == [ForgetSession(1)]


def test_a_token_that_never_dies_moves_nobody() -> None:
    assert Talk().joined().wait(29 * MINUTE).effects == ()


def test_sockets_that_cannot_be_had_park_the_conversation() -> None:
    talk = Talk().joined().lost().say("hello").take(e.SocketUnavailable(1))
    assert talk.notices == [NoticeKind.UNAVAILABLE]
    assert talk.conversation.wish is Wish.NOTHING
    assert talk.conversation.live, "a restart takes it up"
    assert [w.text for w in talk.conversation.waiting] == ["hello"]
    assert talk.due == talk.now + 5 * MINUTE
    assert talk.wait(5 * MINUTE).conversation.wish is Wish.SOCKET
    assert talk.take(e.SocketUnavailable(1)).notices == [], "told once"
    assert talk.ready().sent == ["hello"]


def test_a_message_tries_a_parked_conversation_again() -> None:
    talk = Talk().joined().lost().take(e.SocketUnavailable(1))
    assert talk.notices == [], "nobody waits for anything"
    assert talk.say("hello").conversation.wish is Wish.SOCKET


def test_a_parked_conversation_in_which_nothing_happens_is_let_go_of() -> None:
    talk = Talk().joined().lost().take(e.SocketUnavailable(1))
    for _ in range(6):
        talk.wait(5 * MINUTE)
        if talk.conversation.wish is Wish.SOCKET:
            talk.take(e.SocketUnavailable(1))
    assert talk.session.released


def test_the_end_of_a_parked_conversation_needs_no_socket() -> None:
    talk = Talk().joined().lost().take(e.SocketUnavailable(1)).take(e.EndRequested())
    assert talk.conversation.wish is Wish.SOCKET, "it is tried once more"
    assert talk.wait(10 * SECOND).notices == [NoticeKind.ENDED]


@pytest.mark.parametrize("seconds", [1, 9])
def test_before_its_deadline_nothing_is_done(seconds: int) -> None:
    talk = Talk().joined().say("hello")
    assert talk.wait(timedelta(seconds=seconds)).effects == ()
    assert talk.wait(timedelta(seconds=10)).of(Recycle) == [Recycle(1)]
