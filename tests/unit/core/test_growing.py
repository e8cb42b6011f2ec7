"""An unfinished message is begun once, grows without a commit, and is always ended."""

from datetime import timedelta

import msgspec
import pytest

from bridge.core import events as e
from bridge.core.effects import Grow, Owe, Show
from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.delivery import Post, Replace
from bridge.model.ids import DeliveryId
from bridge.model.messages import (
    AgentReply,
    Attachment,
    AttachmentKind,
    NoticeKind,
    Suggestion,
)
from bridge.model.signal import SignalKind
from bridge.testing.builders import Talk, piece, said

MINUTE = timedelta(minutes=1)
TERMS = Terms(streaming=True, stream_beginning=4)
MAP = Attachment(AttachmentKind.LINK, "https://x/map", "Map")


def begun(terms: Terms = TERMS) -> Talk:
    """The agent has said `One `, which stands in the thread."""
    return Talk(terms).joined().hear(piece("One two ", 1))


def standing(talk: Talk) -> dict[DeliveryId, AgentReply]:
    """The agent's messages as the thread shows them."""
    shown: dict[DeliveryId, AgentReply] = {}
    for identity, body in talk.thread:
        if isinstance(body, Post | Replace) and isinstance(body.content, AgentReply):
            shown[body.target if isinstance(body, Replace) else identity] = body.content
    return shown


def ended(talk: Talk) -> list[str]:
    """The agent's messages, none of them unfinished."""
    shown = list(standing(talk).values())
    assert not any(reply.unfinished for reply in shown)
    return [reply.text for reply in shown]


def restarted(talk: Talk) -> Talk:
    """The process is killed: what is not committed is gone."""
    talk.conversation = talk.conversation.essence()
    return talk


# -- beginning -------------------------------------------------------------------------------------


def test_a_message_is_posted_with_its_first_words() -> None:
    talk = begun()
    (owe,) = talk.of(Owe)
    assert isinstance(owe.body, Post)
    (reply,) = standing(talk).values()
    assert (reply.text, reply.unfinished) == ("One two ", True)


def test_where_nothing_can_grow_it_is_posted_when_it_is_whole() -> None:
    talk = begun(Terms())
    assert talk.effects == ()


def test_a_beginning_is_a_few_words_or_a_sentence() -> None:
    talk = Talk(Terms(streaming=True)).joined()
    assert talk.hear(piece("Please bear with", 1)).texts == []
    assert talk.hear(piece(" me for a", 2)).texts == ["Please bear with me for a"]
    assert talk.hear(piece("One moment. ", 1, "n")).texts == ["One moment. "]


def test_a_message_that_is_whole_at_once_is_simply_posted() -> None:
    talk = Talk(TERMS).joined().hear(piece("All of it.", 1, complete=True))
    assert ended(talk) == ["All of it."]
    assert [type(owe.body) for owe in talk.of(Owe)] == [Post]


def test_what_stands_behind_a_gap_waits() -> None:
    talk = Talk(TERMS).joined().hear(piece("three four ", 2))
    assert talk.effects == ()
    assert talk.hear(piece("One two ", 1)).texts == ["One two three four "]
    assert talk.hear(piece("seven ", 4)).effects == ()
    assert talk.hear(piece("five six ", 3)).of(Grow)[0].reply.text.endswith("five six seven ")


def test_pieces_are_counted_from_nought_as_well() -> None:
    talk = Talk(TERMS).joined().hear(piece("One two ", 0)).hear(piece("three", 1))
    assert talk.of(Grow)[0].reply.text == "One two three"


def test_pieces_without_numbers_grow_as_they_come() -> None:
    talk = Talk(TERMS).joined().hear(piece("One two ", None)).hear(piece("three", None))
    assert talk.of(Grow)[0].reply.text == "One two three"


def test_a_stream_that_has_no_id_is_not_begun() -> None:
    talk = Talk(TERMS).joined().hear(piece("One two ", 1, ""))
    assert talk.effects == ()
    assert ended(talk.hear(piece("three", 2, "", complete=True))) == ["One two three"]


def test_the_first_words_take_the_suggestions_and_the_sign_of_life_away() -> None:
    talk = Talk(TERMS).joined().hear(said("Which?", "m0", "red")).say("blue")
    talk.echo("blue", talk.thread[-1][0]).hear(piece("One two ", 1))
    assert [show.signal.kind for show in talk.of(Show)] == [SignalKind.CLEAR]
    assert talk.conversation.offered is None
    talk.hear_transient(f.AgentThinking())
    assert talk.effects == (), "the words themselves are the sign"


# -- growing ---------------------------------------------------------------------------------------


def test_growing_costs_no_commit() -> None:
    talk = begun()
    before = talk.conversation
    talk.hear(piece("three ", 2))
    (delivery,) = standing(talk)
    (grow,) = talk.effects
    assert isinstance(grow, Grow)
    assert (grow.delivery, grow.reply.text, grow.reply.unfinished) == (
        delivery,
        "One two three ",
        True,
    )
    assert talk.conversation.essence() == before.essence()


def test_what_says_nothing_new_grows_nothing() -> None:
    talk = begun()
    assert talk.hear(piece("One two ", 1)).effects == ()
    assert talk.hear(piece("", 2)).effects == ()


def test_a_piece_that_was_corrected_is_shown_with_the_end() -> None:
    talk = begun().hear(piece("three ", 2)).hear(piece("Oh ", 1))
    assert talk.effects == ()
    assert talk.hear(piece("four ", 3)).effects == ()
    assert ended(talk.hear(piece("five", 4, complete=True))) == ["Oh three four five"]


def test_two_messages_grow_side_by_side() -> None:
    talk = begun().hear(piece("Uno dos ", 1, "n")).hear(piece("three", 2))
    first, second = standing(talk)
    assert talk.of(Grow)[0].delivery == first
    assert talk.hear(piece("tres", 2, "n")).of(Grow)[0].delivery == second


def test_what_no_longer_fits_is_finished_and_goes_on_in_a_message_of_its_own() -> None:
    terms = Terms(streaming=True, stream_beginning=4, text_limit=20)
    talk = begun(terms).hear(piece("three four five six ", 2))
    first, second = standing(talk).items()
    assert [owe.id for owe in talk.of(Owe) if isinstance(owe.body, Post)] == [second[0]]
    assert not first[1].unfinished
    assert second[1].unfinished
    talk.hear(piece("7 8", 3))
    (grow,) = talk.of(Grow)
    assert grow.delivery == second[0]
    talk.hear(piece(" 9.", 4, complete=True))
    words = " ".join(ended(talk)).split()
    assert words == ["One", "two", "three", "four", "five", "six", "7", "8", "9."]
    assert len(standing(talk)) == 2


def test_nothing_grows_before_the_history_is_followed() -> None:
    talk = begun().hear(piece("three ", 2)).lost()
    assert talk.hear(piece("four ", 3), replayed=True).effects == ()
    assert talk.ready().of(Grow)[0].reply.text == "One two three four "


def test_a_message_that_began_meanwhile_is_shown_after_the_history() -> None:
    talk = Talk(TERMS).joined().lost().hear(piece("One two ", 1), replayed=True)
    assert talk.effects == ()
    assert talk.ready().texts == ["One two "]


# -- ending ----------------------------------------------------------------------------------------


def test_the_last_piece_ends_it_with_one_change() -> None:
    talk = begun().hear(piece("three ", 2))
    (delivery,) = standing(talk)
    last = f.AgentChunk("m", "four", 3, complete=True, suggestions=(Suggestion("yes"),))
    talk.hear(last)
    (owe,) = talk.of(Owe)
    assert isinstance(owe.body, Replace)
    assert ended(talk) == ["One two three four"]
    assert talk.conversation.offered is not None
    assert talk.conversation.offered.delivery == delivery


def test_the_same_words_end_it_too() -> None:
    assert ended(begun().hear(piece("", 2, complete=True))) == ["One two "]


def test_the_whole_message_ends_it() -> None:
    talk = begun().hear(said("Something else", "m", "yes"))
    assert ended(talk) == ["Something else"]
    assert talk.session.streams == ()


def test_a_whole_message_without_words_adds_to_what_came() -> None:
    talk = begun().hear(piece("three", 2)).hear(f.AgentMessage("m", attachments=(MAP,)))
    assert ended(talk) == ["One two three"]
    (reply,) = standing(talk).values()
    assert reply.attachments == (MAP,)
    assert ended(begun().hear(f.AgentMessage("m"))) == ["One two "]


@pytest.mark.parametrize(
    "end",
    [
        f.SessionEnded(),
        f.AgentLeft(),
        f.HandoffTriggered(),
        f.HandoffElsewhere(),
        f.LiveAgentJoined("a7", "Sam"),
        f.SystemMessage("error", "Sorry, I encountered an error. Please try again."),
        f.SystemMessage("error", "Error: Session not found"),
    ],
)
def test_whatever_happens_ends_it_with_what_there_is(end: f.FrameBody) -> None:
    talk = begun().hear(piece("three", 2)).hear(end)
    assert ended(talk) == ["One two three"]


def test_a_stall_ends_it_and_the_rest_revises_it() -> None:
    talk = begun().hear(piece("three ", 2)).wait(MINUTE)
    assert ended(talk) == ["One two three "]
    assert talk.hear(piece("four ", 3)).effects == ()
    assert ended(talk.hear(piece("five", 4, complete=True))) == ["One two three four five"]
    assert len(standing(talk)) == 1


def test_a_lost_session_ends_it() -> None:
    assert ended(begun().hear(piece("three", 2)).gone()) == ["One two three"]
    assert ended(begun().gone(ended=True)) == ["One two "]


def test_an_outage_that_lasts_ends_it() -> None:
    talk = begun().hear(piece("three ", 2)).lost()
    assert not talk.of(Owe)
    talk.take(e.SocketUnavailable(1))
    assert ended(talk) == ["One two three "]
    talk.ready().hear(piece("four", 3, complete=True))
    assert ended(talk) == ["One two three four"]


def test_a_quiet_conversation_whose_socket_is_gone_ends_it() -> None:
    talk = begun().lost().wait(timedelta(minutes=30))
    assert talk.session.released
    assert ended(talk) == ["One two "]


def test_who_starts_anew_ends_it() -> None:
    talk = Talk(TERMS).joined().hear(f.HandoffElsewhere()).hear(piece("One two ", 1))
    assert ended(talk.take(e.StartRequested())) == ["One two "]


def test_of_too_many_streams_the_oldest_is_ended() -> None:
    talk = begun()
    for number in range(12):
        talk.hear(piece("Half of it ", 1, f"m{number}"))
    talk.wait(MINUTE)
    assert ended(talk)[:2] == ["One two ", "Half of it "]
    assert len(standing(talk)) == 13


def test_a_stream_that_is_given_up_says_what_it_has() -> None:
    talk = begun().hear(piece("four", 3, complete=True)).wait(timedelta(seconds=2)).lost()
    assert ended(talk.ready()) == ["One two four"]


# -- a kill in mid-stream --------------------------------------------------------------------------


def test_after_a_kill_the_replay_finishes_the_same_message() -> None:
    talk = Talk(TERMS).joined().hear(piece("One two ", 1), 5).hear(piece("three ", 2), 6)
    restarted(talk)
    assert talk.session.cursor <= 4
    talk.hear(piece("One two ", 1), 5, replayed=True).hear(piece("three ", 2), 6, replayed=True)
    assert talk.effects == (), "a replay that is under way shrinks nothing"
    assert talk.ready().of(Grow)[0].reply.text == "One two three "
    assert ended(talk.hear(piece("four", 3, complete=True), 7)) == ["One two three four"]
    assert len(standing(talk)) == 1


def test_after_a_kill_pieces_without_numbers_finish_it_too() -> None:
    talk = Talk(TERMS).joined().hear(piece("One two ", None), 5)
    restarted(talk).hear(piece("One two ", None), 5, replayed=True).ready()
    assert ended(talk.hear(piece("three", None, complete=True), 6)) == ["One two three"]
    assert len(standing(talk)) == 1


def test_what_a_replay_does_not_bring_again_is_ended_as_it_stands() -> None:
    talk = restarted(Talk(TERMS).joined().hear(piece("One two ", 1), 5))
    assert ended(talk.hear(piece("four", 3), 7, replayed=True).ready()) == ["One two "]


def test_a_session_that_is_gone_after_a_kill_leaves_nothing_unfinished() -> None:
    talk = restarted(begun())
    assert ended(talk.gone()) == ["One two "]


def test_streaming_that_was_turned_off_meanwhile_leaves_nothing_unfinished() -> None:
    talk = restarted(Talk(TERMS).joined().hear(piece("One two ", 1), 5))
    talk.terms = Terms()
    talk.hear(piece("One two ", 1), 5, replayed=True).ready()
    assert ended(talk.hear(piece("three", 2, complete=True), 6)) == ["One two three"]


# -- what else is said meanwhile -------------------------------------------------------------------


def test_suggestions_come_with_the_end_though_a_person_wrote_meanwhile() -> None:
    talk = begun().say("Hello?")
    talk.hear(f.AgentChunk("m", "?", 2, complete=True, suggestions=(Suggestion("yes"),)))
    (reply,) = standing(talk).values()
    assert reply.suggestions == (Suggestion("yes"),)
    assert talk.conversation.offered is not None


def test_an_end_below_which_the_agent_has_spoken_brings_no_suggestions() -> None:
    talk = begun().hear(said("Which?", "n", "red"))
    offered = talk.conversation.offered
    talk.hear(f.AgentChunk("m", "?", 2, complete=True, suggestions=(Suggestion("yes"),)))
    assert standing(talk)[next(iter(standing(talk)))].suggestions == ()
    assert talk.conversation.offered == offered


def test_an_unfinished_message_is_remembered_however_much_else_is_said() -> None:
    talk = begun()
    for number in range(6):
        talk.hear(said("x", f"n{number}"))
    talk.conversation = msgspec.structs.replace(
        talk.conversation, session=msgspec.structs.replace(talk.session, streams=())
    )
    for number in range(6, 12):
        talk.hear(said("x", f"n{number}"))
    assert ended(talk.ready())[0] == "One two "


def test_a_message_that_ends_the_conversation_is_finished_before_the_end_is_told() -> None:
    talk = begun().hear(f.AgentChunk("m", "Bye", 2, complete=True, ends_conversation=True))
    assert ended(talk) == ["One two Bye"]
    assert talk.notices == [NoticeKind.ENDED]
    assert [type(owe.body) for owe in talk.of(Owe)] == [Replace, Post]
