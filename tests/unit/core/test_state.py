"""What a conversation remembers, what of it matters, and when it wants to be woken."""

from datetime import timedelta

import msgspec

from bridge.core import events as e
from bridge.core.state import Conversation
from bridge.model import frames as f
from bridge.testing.builders import Talk, conversation, piece, said
from bridge.testing.clock import NOON


def test_what_comes_back_by_replay_is_not_of_the_essence() -> None:
    talk = Talk().joined()
    before = talk.conversation.essence()
    talk.now += timedelta(minutes=1)
    talk.hear(piece("a", 1)).hear(f.AgentLeft()).lost()
    assert talk.conversation.essence() == before


def test_what_was_shown_or_sent_is_of_the_essence() -> None:
    talk = Talk().joined()
    before = talk.conversation.essence()
    assert talk.hear(said("Hello", "m1")).conversation.essence() != before
    assert Talk().joined().say("one").conversation.essence() != before


def test_a_conversation_that_may_go_on_is_live() -> None:
    assert not conversation().live
    assert Talk().say("one").conversation.live
    assert Talk().joined().conversation.live
    assert not Talk().joined().wait(timedelta(minutes=30)).conversation.live
    parked = msgspec.structs.replace(Talk().say("one").conversation, parked_at=NOON)
    assert parked.live


def test_the_earliest_deadline_counts() -> None:
    talk = Talk().joined()
    assert talk.due == NOON + timedelta(minutes=30)
    talk.say("one").hear(piece("a", 1))
    assert talk.due == NOON + timedelta(seconds=10), "the echo"
    talk.echo("one", "c1.1")
    assert talk.due == NOON + timedelta(seconds=60), "the stream"
    talk.hear(piece("c", 3, complete=True))
    assert talk.due == NOON + timedelta(seconds=2), "its gap"


def test_an_end_has_a_deadline_even_without_a_socket() -> None:
    talk = Talk().joined().lost().take(e.EndRequested())
    assert talk.due == NOON + timedelta(seconds=10)


def test_without_a_socket_only_what_needs_none_is_due() -> None:
    talk = Talk().joined().say("one").lost()
    assert talk.due == NOON + timedelta(seconds=75), "the sign of life"
    assert talk.take(e.SocketUnavailable(1)).due == NOON + timedelta(minutes=5), "another try"


def test_a_silent_agent_is_due() -> None:
    talk = Talk().say("one").opened().ready().hear(f.JoinEchoed())
    assert talk.due == NOON + timedelta(seconds=45)


def test_an_old_row_still_loads() -> None:
    row = msgspec.json.encode(conversation())
    assert b"session" not in row, "defaults take no room"
    assert msgspec.json.decode(row, type=Conversation) == conversation()
