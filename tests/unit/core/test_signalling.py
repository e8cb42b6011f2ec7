"""A sign of life lasts from a person's message to the answer, and never longer."""

from datetime import timedelta

import pytest

from bridge.core import events as e
from bridge.core.effects import Effect, Show
from bridge.model import frames as f
from bridge.model.signal import Signal, SignalKind
from bridge.testing.builders import Talk, piece, said

SECOND = timedelta(seconds=1)
THINKING = Show(Signal(SignalKind.THINKING))
CLEAR = Show(Signal(SignalKind.CLEAR))


def asked() -> Talk:
    """A person's message has just been sent to the agent."""
    return Talk().joined().say("hello")


def heard() -> Talk:
    """And PolyAI has it."""
    return asked().echo("hello", "c1.1")


def shows(talk: Talk) -> list[Effect]:
    return list(talk.of(Show))


def test_a_sign_is_shown_as_soon_as_the_message_goes_to_the_agent() -> None:
    assert shows(asked()) == [THINKING]
    waiting = Talk().say("hello").opened()
    assert shows(waiting.ready()) == [], "nobody is there yet"
    assert shows(waiting.hear(f.JoinEchoed()).hear(f.AgentJoined())) == [THINKING]


def test_the_answer_takes_it_away_once() -> None:
    talk = heard()
    assert shows(talk) == []
    assert shows(talk.hear(said("Hi", "m1"))) == [CLEAR]
    assert shows(talk.hear(said("And more", "m2"))) == []


def test_it_is_shown_again_while_it_lasts() -> None:
    talk = heard()
    assert shows(talk.wait(74 * SECOND)) == []
    assert shows(talk.wait(SECOND)) == [THINKING]
    assert shows(talk.wait(75 * SECOND)) == [THINKING]


def test_it_does_not_outlast_the_time_in_which_an_answer_is_expected() -> None:
    talk = heard().wait(75 * SECOND).wait(75 * SECOND)
    assert shows(talk.wait(75 * SECOND)) == [CLEAR]
    assert talk.session.signalled_at is None


def test_a_sign_that_belongs_to_no_message_lapses_after_ten_seconds() -> None:
    talk = Talk().joined()
    talk.hear_transient(f.AgentThinking())
    assert shows(talk) == [THINKING]
    assert shows(talk.wait(9 * SECOND)) == []
    assert shows(talk.wait(SECOND)) == [CLEAR]


def test_thinking_does_not_shorten_the_wait_for_an_answer() -> None:
    talk = heard()
    talk.hear_transient(f.AgentThinking())
    assert shows(talk.wait(10 * SECOND)) == []


@pytest.mark.parametrize(
    "end",
    [
        f.SessionEnded(),
        f.HandoffTriggered(),
        f.HandoffElsewhere(),
        f.LiveAgentMessage("m", "a7", "Sam", text="Hi"),
        f.SystemMessage("error", "Something nobody knows"),
        f.SystemMessage("error", "Sorry, I'm having trouble responding right now."),
    ],
)
def test_whatever_ends_the_wait_takes_it_away(end: f.FrameBody) -> None:
    assert shows(heard().hear(end)) == [CLEAR]


def test_a_lost_session_takes_it_away() -> None:
    assert CLEAR in shows(heard().gone())


def test_a_message_after_a_trouble_is_waited_for_again() -> None:
    talk = heard().hear(f.SystemMessage("error", "Something nobody knows"))
    talk.now += SECOND
    assert shows(talk.say("hello?")) == [THINKING]


def test_people_are_not_shown_as_thinking() -> None:
    talk = Talk().joined().hear(f.LiveAgentJoined("a7", "Sam")).say("hello")
    assert shows(talk) == []
    talk.hear_transient(f.LiveAgentTyping(name="Sam"))
    assert shows(talk.wait(10 * SECOND)) == [CLEAR]


def test_an_outage_takes_it_away_and_its_end_brings_it_back() -> None:
    talk = heard().lost()
    assert shows(talk) == []
    assert shows(talk.take(e.SocketUnavailable(1))) == [CLEAR]
    talk.take(e.Woke())
    assert shows(talk.wait(timedelta(minutes=5))) == []


def test_after_a_kill_it_is_shown_again_with_the_socket() -> None:
    talk = heard()
    talk.conversation = talk.conversation.essence()
    assert shows(talk.ready()) == [THINKING]


def test_a_stream_that_cannot_be_shown_growing_is_still_awaited() -> None:
    assert shows(heard().hear(piece("Half", 1))) == []
