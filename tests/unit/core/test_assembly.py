"""Pieces become one message, byte for byte."""

from datetime import timedelta

from bridge.core.assembly import Stream
from bridge.model.frames import AgentChunk
from bridge.model.messages import Attachment, AttachmentKind, CallAction, Suggestion
from bridge.testing.builders import piece
from bridge.testing.clock import NOON


def stream(*chunks: AgentChunk) -> Stream:
    built = Stream(message_id="m", touched_at=NOON)
    for sequence, chunk in enumerate(chunks, start=1):
        built = built.with_piece(chunk, sequence, NOON)
    return built


def test_the_text_is_the_plain_concatenation() -> None:
    assert stream(piece("Hel", 1), piece("lo \n", 2)).message().text == "Hello \n"


def test_the_order_is_that_of_the_index() -> None:
    assert stream(piece("b", 2), piece("a", 1)).message().text == "ab"


def test_without_an_index_the_order_is_that_of_arrival() -> None:
    built = stream(piece("a", None), piece("a", None), piece("b", None, complete=True))
    assert built.message().text == "aab"
    assert built.whole


def test_a_repeated_index_counts_once() -> None:
    assert stream(piece("a", 1), piece("a", 1)).message().text == "a"


def test_of_two_texts_for_one_index_the_later_numbered_counts() -> None:
    assert stream(piece("a", 1), piece("b", 1)).message().text == "b"
    early = stream(piece("a", 1)).with_piece(piece("z", 1), 0, NOON)
    assert early.message().text == "a"


def test_nothing_is_whole_without_its_last_piece() -> None:
    assert not stream(piece("a", 1)).complete
    assert not stream(piece("a", 1)).whole


def test_a_missing_piece_makes_it_unwhole() -> None:
    assert not stream(piece("a", 1), piece("c", 3, complete=True)).whole
    assert not stream(piece("b", 2, complete=True)).whole
    assert stream(piece("b", 2, complete=True), piece("a", 1)).whole


def test_pieces_may_be_counted_from_nought_or_from_one() -> None:
    assert stream(piece("a", 0), piece("b", 1, complete=True)).whole
    assert stream(piece("a", 1), piece("b", 2, complete=True)).whole
    assert not stream(piece("a", 0), piece("c", 2, complete=True)).whole


def test_the_first_number_is_the_lowest_that_came() -> None:
    assert stream(piece("b", 2), piece("a", 1)).first_sequence == 1
    unnumbered = Stream(message_id="m", touched_at=NOON).with_piece(piece("a", 1), None, NOON)
    assert unnumbered.first_sequence is None


def test_a_piece_touches_its_stream() -> None:
    later = NOON + timedelta(seconds=3)
    assert stream(piece("a", 1)).with_piece(piece("b", 2), 2, later).touched_at == later


def test_attachments_are_told_apart_by_address_and_suggestions_by_text() -> None:
    link = Attachment(AttachmentKind.LINK, "https://x")
    bare = Attachment(AttachmentKind.OTHER)
    yes, no, call = Suggestion("yes"), Suggestion("no"), CallAction("Call", "1")
    first = AgentChunk("m", "a", 1, attachments=(link, bare), suggestions=(yes,))
    second = AgentChunk(
        "m", "b", 2, attachments=(link, bare), suggestions=(yes, no), call_actions=(call, call)
    )
    message = stream(first, second).message()
    assert message.attachments == (link, bare, bare)
    assert message.suggestions == (yes, no)
    assert message.call_actions == (call,)
    assert not message.ends_conversation


def test_any_piece_may_end_the_conversation() -> None:
    assert stream(AgentChunk("m", "a", 1, ends_conversation=True)).message().ends_conversation


def test_an_index_may_be_as_large_as_it_likes() -> None:
    stream = Stream("m", NOON).with_piece(AgentChunk("m", "x", 2**60, complete=True), 1, NOON)
    assert not stream.whole
