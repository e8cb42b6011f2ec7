"""What each frame of the agent's side comes to."""

from datetime import timedelta

import pytest

from bridge.core.effects import Recycle, Show
from bridge.core.showing import is_shown
from bridge.model import frames as f
from bridge.model.messages import AgentReply, Author, AuthorKind, NoticeKind
from bridge.model.signal import Signal, SignalKind
from bridge.testing.builders import Talk, piece, said

SECOND = timedelta(seconds=1)
TWO_SECONDS = timedelta(seconds=2)


def test_a_message_is_shown_once_however_often_it_comes() -> None:
    talk = Talk().joined().hear(said("Hello", "m1"), 9)
    assert talk.texts == ["Hello"]
    assert talk.hear(said("Hello", "m1"), 9, replayed=True).texts == [], "the same frame"
    assert talk.hear(said("Hello", "m1"), 10).texts == [], "the same message"
    assert talk.hear(said("Hello"), 11).texts == ["Hello"], "the same words"
    assert talk.hear(said("Hello"), 12).texts == ["Hello"]


def test_an_older_frame_that_was_overtaken_is_still_followed() -> None:
    talk = Talk().joined().hear(said("two", "m2"), 12).hear(said("one", "m1"), 11)
    assert talk.texts == ["one"]


def test_an_empty_message_is_not_shown() -> None:
    assert Talk().joined().hear(said("  ", "m1")).effects == ()


def test_the_agent_speaks_by_its_name_of_the_moment() -> None:
    talk = Talk().joined("Poly").hear(said("Hello", "m1"))
    assert talk.contents == [AgentReply(Author(AuthorKind.AGENT, "Poly"), "Hello")]
    talk.hear(f.AgentMessage("m2", "Hi", name="Polly", picture_url="https://x/p.png"))
    author = Author(AuthorKind.AGENT, "Polly", "https://x/p.png")
    assert talk.contents == [AgentReply(author, "Hi")]


def test_an_agent_that_never_gave_its_name_is_just_the_agent() -> None:
    talk = Talk().say("").opened().ready().hear(said("Hello"))
    assert talk.contents == [AgentReply(Author(AuthorKind.AGENT), "Hello")]


def test_a_long_message_becomes_several() -> None:
    talk = Talk().joined().hear(said("word " * 1000, "m1", "yes"))
    assert len(talk.texts) == 2
    first, last = (c for c in talk.contents if isinstance(c, AgentReply))
    assert (first.suggestions, len(last.suggestions)) == ((), 1)


def test_more_suggestions_than_the_platform_takes_are_not_offered() -> None:
    talk = Talk().joined().hear(said("Which?", "m1", *map(str, range(30))))
    assert talk.conversation.offered is not None
    assert len(talk.conversation.offered.texts) == 25


def test_a_stream_is_shown_when_it_is_whole() -> None:
    talk = Talk().joined().hear(piece("Hel", 1)).hear(piece("lo, ", 2))
    assert talk.texts == []
    assert talk.hear(piece("you", 3, complete=True)).texts == ["Hello, you"]
    assert talk.hear(piece("you", 3, complete=True)).texts == []


def test_pieces_are_put_in_the_order_of_their_index() -> None:
    talk = Talk().joined().hear(piece("c", 3, complete=True)).hear(piece("a", 1))
    assert talk.hear(piece("b", 2)).texts == ["abc"]


def test_two_streams_do_not_mix() -> None:
    talk = Talk().joined().hear(piece("a", 1, "m1")).hear(piece("x", 1, "m2"))
    assert talk.hear(piece("y", 2, "m2", complete=True)).texts == ["xy"]
    assert talk.hear(piece("b", 2, "m1", complete=True)).texts == ["ab"]


def test_a_whole_message_replaces_its_stream() -> None:
    talk = Talk().joined().hear(piece("Hel", 1)).hear(said("Hello", "m"))
    assert talk.texts == ["Hello"]
    assert talk.session.streams == ()
    assert talk.hear(piece("lo", 2, complete=True)).effects == ()


def test_a_stream_with_nothing_in_it_is_not_shown() -> None:
    talk = Talk().joined().hear(piece("", 1, complete=True))
    assert talk.texts == []
    assert talk.session.streams == ()


def test_a_stalled_stream_is_shown_as_far_as_it_came() -> None:
    talk = Talk().joined().hear(piece("Half", 1))
    assert talk.wait(timedelta(seconds=59)).effects == ()
    assert talk.wait(SECOND).texts == ["Half"]


def test_a_gap_in_a_finished_stream_is_looked_up_and_then_let_be() -> None:
    talk = Talk().joined().hear(piece("a", 1)).hear(piece("c", 3, complete=True))
    assert talk.wait(SECOND).effects == ()
    assert talk.wait(SECOND).effects == (Recycle(1),)
    assert talk.lost().ready().texts == ["ac"]


def test_a_gap_is_filled_by_the_replay() -> None:
    talk = Talk().joined().hear(piece("a", 1), 3).hear(piece("c", 3, complete=True), 5)
    talk.wait(TWO_SECONDS).lost()
    assert talk.hear(piece("b", 2), 4, replayed=True).texts == ["abc"]
    assert talk.ready().texts == []


def test_a_stream_that_is_still_going_on_survives_a_reconnect() -> None:
    talk = Talk().joined().hear(piece("a", 1)).lost()
    assert talk.session.cursor == 2
    assert talk.ready().texts == []
    assert talk.hear(piece("b", 2, complete=True)).texts == ["ab"]


def test_a_stream_may_end_the_conversation() -> None:
    last = f.AgentChunk("m", "Bye", 1, complete=True, ends_conversation=True)
    talk = Talk().joined().hear(last)
    assert talk.texts == ["Bye"]
    assert talk.notices == [NoticeKind.ENDED]


def test_signs_of_life_are_shown_and_never_stored() -> None:
    talk = Talk().joined()
    before = talk.conversation
    talk.hear_transient(f.AgentThinking())
    assert talk.effects == (Show(Signal(SignalKind.THINKING)),)
    talk.hear_transient(f.LiveAgentTyping(name="Jo"))
    assert talk.effects == (Show(Signal(SignalKind.TYPING, "Jo")),)
    talk.hear_transient(f.LiveAgentTyping(started=False))
    assert talk.effects == (Show(Signal(SignalKind.CLEAR)),)
    assert talk.hear_transient(f.HeartbeatEchoed()).effects == ()
    assert talk.conversation == before


@pytest.mark.parametrize(
    "body", [f.AgentLeft(), f.Unknown("EVENT_TYPE_NEW"), f.HeartbeatEchoed(), f.JoinEchoed()]
)
def test_some_frames_mean_nothing_to_a_person(body: f.FrameBody) -> None:
    talk = Talk().joined().hear(body)
    assert talk.effects == ()
    assert talk.session.cursor == 3


def test_the_language_is_remembered() -> None:
    talk = Talk().joined().hear(f.LanguageChanged("de-AT"))
    assert talk.session.language == "de-AT"
    assert talk.effects == ()


def test_a_session_tells_what_it_can() -> None:
    talk = Talk().joined().hear(f.SessionStarted(f.Capabilities(heartbeat_seconds=10)))
    assert talk.session.capabilities.heartbeat_seconds == 10


def test_only_so_many_message_ids_are_remembered() -> None:
    talk = Talk().joined()
    for number in range(300):
        talk.hear(said("x", f"m{number}"))
    shown = [number for number in range(300) if is_shown(talk.session, f"m{number}")]
    assert shown == list(range(44, 300))
