"""However a message is cut, shuffled and repeated, it comes out byte for byte."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.assembly import Stream
from bridge.model.frames import AgentChunk
from bridge.testing.builders import piece
from bridge.testing.clock import NOON

FAST = settings(max_examples=300, derandomize=True, deadline=None, database=None)
TEXTS = st.lists(st.text(max_size=8), min_size=1, max_size=8)


def pieces(texts: list[str], base: int) -> list[tuple[int, AgentChunk]]:
    """The numbered frames of a stream counted from `base`."""
    last = len(texts) - 1
    return [(10 + at, piece(text, base + at, complete=at == last)) for at, text in enumerate(texts)]


def assembled(frames: list[tuple[int, AgentChunk]]) -> Stream:
    stream = Stream(message_id="m", touched_at=NOON)
    for sequence, chunk in frames:
        stream = stream.with_piece(chunk, sequence, NOON)
    return stream


@FAST
@given(texts=TEXTS, base=st.integers(0, 1), data=st.data())
def test_any_order_and_any_repetition_give_the_same_text(
    texts: list[str], base: int, data: st.DataObject
) -> None:
    frames = pieces(texts, base)
    repeated = data.draw(st.lists(st.sampled_from(frames), max_size=8))
    stream = assembled(data.draw(st.permutations([*frames, *repeated])))
    assert stream.whole
    assert stream.message().text == "".join(texts)
    assert stream.first_sequence == 10


@FAST
@given(texts=TEXTS, data=st.data())
def test_nothing_is_whole_while_a_piece_is_missing(texts: list[str], data: st.DataObject) -> None:
    frames = pieces(texts, 1)
    del frames[data.draw(st.integers(0, len(frames) - 1))]
    stream = assembled(data.draw(st.permutations(frames)))
    assert not stream.whole


@FAST
@given(texts=TEXTS)
def test_without_an_index_the_order_of_arrival_counts(texts: list[str]) -> None:
    *first, last = texts
    frames = [piece(text, None) for text in first] + [piece(last, None, complete=True)]
    stream = assembled(list(enumerate(frames)))
    assert stream.whole
    assert stream.message().text == "".join(texts)
