"""How the agent's words stand in the thread, and what becomes of them later."""

from datetime import timedelta

from bridge.core import events as e
from bridge.core.effects import Owe, Recycle
from bridge.core.terms import Terms
from bridge.model import frames as f
from bridge.model.delivery import Post, Replace, Retire
from bridge.model.messages import (
    AgentReply,
    Attachment,
    AttachmentKind,
    Choice,
    Notice,
    NoticeKind,
    Suggestion,
)
from bridge.testing.builders import ANN, Talk, piece, said

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
MAP = Attachment(AttachmentKind.LINK, "https://x/map", "Map")


def bodies(talk: Talk) -> list[object]:
    return [owe.body for owe in talk.of(Owe)]


def replies(talk: Talk) -> list[AgentReply]:
    return [content for content in talk.contents if isinstance(content, AgentReply)]


def test_the_whole_message_wins_over_what_its_chunks_said() -> None:
    talk = Talk().joined().hear(piece("Helo", 1, complete=True))
    posted = talk.of(Owe)[0].id
    talk.hear(said("Hello", "m"))
    (changed,) = bodies(talk)
    assert isinstance(changed, Replace)
    assert (changed.target, talk.texts) == (posted, ["Hello"])
    assert talk.hear(said("Hello", "m")).effects == (), "no change, nothing to do"


def test_a_late_attachment_joins_its_message() -> None:
    talk = Talk().joined().hear(said("Here we are", "m1", "thanks"))
    talk.hear(f.AgentMessage("m1", attachments=(MAP,)))
    (reply,) = replies(talk)
    assert (reply.text, reply.attachments) == ("Here we are", (MAP,))
    assert reply.suggestions == (Suggestion("thanks"),)
    assert talk.hear(f.AgentMessage("m1", attachments=(MAP,))).effects == ()


def test_suggestions_that_are_gone_do_not_come_back_with_a_late_attachment() -> None:
    talk = Talk().joined().hear(said("Which?", "m1", "red", "blue"))
    posted = talk.of(Owe)[0].id
    talk.click(posted, 1)
    talk.hear(f.AgentMessage("m1", attachments=(MAP,)))
    (reply,) = replies(talk)
    assert reply.suggestions == ()
    assert reply.chosen == Choice("blue", ANN)
    assert talk.conversation.offered is None


def test_suggestions_of_a_message_that_was_revised_go_with_what_it_became() -> None:
    talk = Talk().joined().hear(said("Which?", "m1", "red")).hear(said("Which one?", "m1", "red"))
    talk.say("blue")
    replaced = [body for body in bodies(talk) if isinstance(body, Replace | Retire)]
    assert len(replaced) == 1
    assert isinstance(replaced[0], Replace)
    content = replaced[0].content
    assert isinstance(content, AgentReply)
    assert (content.text, content.suggestions) == ("Which one?", ())


def test_a_revision_may_bring_the_suggestions() -> None:
    talk = Talk().joined().hear(said("Which?", "m1"))
    posted = talk.of(Owe)[0].id
    talk.hear(said("Which?", "m1", "red"))
    assert talk.conversation.offered is not None
    assert talk.conversation.offered.delivery == posted
    assert talk.click(posted, 0).sent == ["red"]


def test_a_longer_text_needs_more_posts_and_a_shorter_one_leaves_none_lying() -> None:
    talk = Talk(Terms(text_limit=20)).joined().hear(said("one two three four five six", "m1"))
    first, second = (owe.id for owe in talk.of(Owe))
    talk.hear(said("one", "m1"))
    assert bodies(talk) == [
        Replace(first, AgentReply(replies(talk)[0].author, "one")),
        Replace(second, Notice(NoticeKind.WITHDRAWN)),
    ]
    talk.hear(said("one and then at last two", "m1"))
    assert [type(body) for body in bodies(talk)] == [Replace, Post]


def test_a_message_many_messages_ago_is_left_as_it_is() -> None:
    talk = Talk().joined()
    for number in range(6):
        talk.hear(said("x", f"m{number}"))
    assert talk.hear(said("y", "m0")).effects == ()
    assert talk.hear(said("y", "m4")).texts == ["y"]


def test_the_rest_of_a_stalled_stream_ends_the_message_that_was_begun() -> None:
    talk = Talk().joined().hear(piece("Half of ", 1))
    talk.wait(MINUTE)
    posted = talk.of(Owe)[0].id
    assert talk.session.cursor == 2, "a crash would need its beginning again"
    assert talk.wait(MINUTE).effects == (), "once"
    talk.hear(piece("it", 2, complete=True))
    (changed,) = bodies(talk)
    assert isinstance(changed, Replace)
    assert (changed.target, talk.texts) == (posted, ["Half of it"])
    assert talk.session.streams == ()


def test_a_stalled_stream_ends_its_message_even_after_a_crash() -> None:
    talk = Talk().joined().hear(piece("Half of ", 1), 5).wait(MINUTE)
    talk.conversation = talk.conversation.essence()
    talk.hear(piece("Half of ", 1), 5, replayed=True).ready()
    assert talk.hear(piece("it", 2, complete=True), 6).texts == ["Half of it"]


def test_pieces_without_their_beginning_do_not_take_what_is_shown_away() -> None:
    talk = Talk().joined().hear(piece("Half of ", 1)).hear(piece("it", 2, complete=True))
    talk.conversation = talk.conversation.essence()
    assert talk.ready().hear(piece("it", 2, complete=True), 99).effects == ()
    assert talk.hear(piece("of ", 1, complete=True), 98).effects == ()


def test_the_rest_of_a_stalled_stream_comes_after_a_new_turn() -> None:
    talk = Talk().joined().hear(piece("Half of ", 1)).wait(MINUTE).say("Hello?")
    talk.hear(said("Yes?", "m2"))
    assert talk.hear(piece("it", 2, complete=True)).texts == ["Half of it"]


def test_an_empty_last_piece_brings_what_it_carries() -> None:
    talk = Talk().joined().hear(piece("Which?", 1)).wait(MINUTE)
    posted = talk.of(Owe)[0].id
    last = f.AgentChunk("m", "", 2, complete=True, suggestions=(Suggestion("red"),))
    talk.hear(last)
    assert talk.conversation.offered is not None
    assert talk.conversation.offered.delivery == posted
    ends = f.AgentChunk("n", "", 2, complete=True, ends_conversation=True)
    talk.hear(piece("Bye", 1, "n")).wait(MINUTE)
    assert NoticeKind.ENDED in talk.hear(ends).notices


def test_a_gap_at_the_end_of_a_stalled_stream_is_looked_up() -> None:
    talk = Talk().joined().hear(piece("a", 1)).wait(MINUTE).hear(piece("c", 3, complete=True))
    assert talk.wait(2 * SECOND).effects == (Recycle(1),)
    assert talk.lost().ready().texts == ["ac"]


def test_only_so_many_stalled_streams_stand_open() -> None:
    talk = Talk().joined()
    for number in range(12):
        talk.hear(piece("Half", 1, f"m{number}")).wait(MINUTE)
    assert len(talk.session.streams) == 8


def test_a_stream_that_is_still_coming_survives_a_new_turn() -> None:
    talk = Talk().joined().hear(piece("Half of ", 1), 5).say("Hello?")
    assert talk.hear(piece("it", 2, complete=True), 6).texts == ["Half of it"]


def test_an_end_after_a_stall_shows_what_else_had_come() -> None:
    talk = Talk().joined().hear(piece("Half ", 1)).wait(MINUTE).hear(piece("of ", 2))
    assert talk.hear(f.SessionEnded()).texts == ["Half of "]


def test_a_suggestion_that_no_longer_stands_there_is_not_chosen() -> None:
    talk = Talk().joined().hear(said("Which?", "m1", "Yes", "No"))
    posted = talk.of(Owe)[0].id
    talk.hear(said("Which?", "m1", "Cancel the order", "Yes"))
    stale = e.ChoiceAccepted(posted, 0, ANN, Suggestion("Yes").mark)
    assert talk.take(stale).notices == [NoticeKind.STALE]
    assert talk.sent == []
    fresh = e.ChoiceAccepted(posted, 1, ANN, Suggestion("Yes").mark)
    assert talk.take(fresh).sent == ["Yes"]


def test_a_stream_that_stalls_again_is_shown_again() -> None:
    talk = Talk().joined().hear(piece("Half", 1)).wait(MINUTE).hear(piece(" of", 2))
    assert talk.wait(MINUTE).texts == ["Half of"]
    assert talk.wait(MINUTE).effects == ()
    assert talk.hear(piece(" it", 3, complete=True)).texts == ["Half of it"]


def test_the_rest_of_a_stalled_stream_is_not_waited_for_for_ever() -> None:
    talk = Talk().joined().hear(piece("Half of ", 1)).wait(MINUTE)
    assert talk.wait(9 * MINUTE).session.streams != ()
    assert talk.wait(MINUTE).effects == ()
    assert talk.session.streams == ()
    assert talk.session.cursor == 3, "a replay need not bring it again"


def test_the_rest_is_waited_for_from_when_the_stall_was_told() -> None:
    """Else a socket that was away for long would leave it no time at all."""
    talk = Talk().joined().hear(piece("Half of ", 1)).lost().wait(20 * MINUTE)
    assert talk.ready().wait(SECOND).texts == ["Half of "]
    talk.wait(SECOND)
    assert talk.hear(piece("it", 2, complete=True)).texts == ["Half of it"]


def test_a_stalled_stream_is_remembered_however_much_else_is_said() -> None:
    talk = Talk().joined().hear(piece("Half of ", 1)).wait(MINUTE)
    for number in range(6):
        talk.hear(said("x", f"n{number}"))
    assert talk.hear(piece("it", 2, complete=True)).texts == ["Half of it"]


def test_what_was_cut_for_another_length_is_shown_as_it_would_be_cut_now() -> None:
    words = " ".join(f"w{number}" for number in range(60))
    talk = Talk(Terms(text_limit=4000)).joined().hear(said(words, "m1"))
    talk.terms = Terms(text_limit=100)
    talk.hear(f.AgentMessage("m1", attachments=(MAP,)))
    assert [type(body) for body in bodies(talk)] == [Replace, Post, Post]
    assert " ".join(talk.texts) == words
