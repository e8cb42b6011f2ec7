"""However a message is cut, shuffled, repeated and mixed, it comes out byte for byte."""

from datetime import timedelta
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.assembly import Stream
from bridge.core.terms import Terms
from bridge.model.delivery import Retire
from bridge.model.frames import AgentChunk, AgentMessage
from bridge.model.messages import (
    AgentReply,
    Attachment,
    AttachmentKind,
    CallAction,
    Suggestion,
)
from bridge.testing.builders import Talk
from bridge.testing.clock import NOON
from tests.examples import many

FAST = settings(
    max_examples=many(200),
    derandomize=True,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
)
TEXTS = st.lists(st.text(max_size=8), min_size=1, max_size=12)
#: Few, so that the same one often stands in several pieces.
ATTACHMENTS = st.sampled_from(
    [
        Attachment(AttachmentKind.LINK, "https://a.example"),
        Attachment(AttachmentKind.IMAGE, "https://b.example", "the same address twice"),
        Attachment(AttachmentKind.IMAGE, "https://b.example"),
        Attachment(AttachmentKind.OTHER, None, "without an address"),
    ]
)
SUGGESTIONS = st.sampled_from([Suggestion("yes"), Suggestion("no"), Suggestion("perhaps")])
CALLS = st.sampled_from([CallAction("Desk", "+1"), CallAction("Shop", "+2")])


class Cut(NamedTuple):
    """A message in pieces: what it says, and its numbered frames."""

    whole: AgentMessage
    frames: list[tuple[int, AgentChunk]]


@st.composite
def cuts(draw: st.DrawFn, message_id: str = "m", bases: tuple[int | None, ...] = (0, 1)) -> Cut:
    """Any message, cut anywhere, with anything beside its text, counted from one of `bases`."""
    texts, base = draw(TEXTS), draw(st.sampled_from(bases))
    last = len(texts) - 1
    chunks = [
        AgentChunk(
            message_id=message_id,
            text=text,
            index=None if base is None else base + at,
            complete=at == last,
            attachments=tuple(draw(st.lists(ATTACHMENTS, max_size=2))),
            suggestions=tuple(draw(st.lists(SUGGESTIONS, max_size=2))),
            call_actions=tuple(draw(st.lists(CALLS, max_size=2))),
        )
        for at, text in enumerate(texts)
    ]
    return Cut(_said_by(chunks), list(enumerate(chunks, start=10)))


def _said_by(chunks: list[AgentChunk]) -> AgentMessage:
    """What pieces say together, told as simply as it can be: each thing where it stood first."""
    attachments: list[Attachment] = []
    for attachment in [a for chunk in chunks for a in chunk.attachments]:
        if attachment.url is None or attachment.url not in [a.url for a in attachments]:
            attachments.append(attachment)
    return AgentMessage(
        message_id=chunks[0].message_id,
        text="".join(chunk.text for chunk in chunks),
        attachments=tuple(attachments),
        suggestions=tuple(dict.fromkeys(s for chunk in chunks for s in chunk.suggestions)),
        call_actions=tuple(dict.fromkeys(c for chunk in chunks for c in chunk.call_actions)),
    )


def assembled(frames: list[tuple[int, AgentChunk]]) -> Stream:
    stream = Stream(message_id="m", touched_at=NOON)
    for sequence, chunk in frames:
        stream = stream.with_piece(chunk, sequence, NOON)
    return stream


@FAST
@given(cut=cuts(), data=st.data())
@pytest.mark.thorough
def test_any_order_and_any_repetition_give_the_same_message(cut: Cut, data: st.DataObject) -> None:
    repeated = data.draw(st.lists(st.sampled_from(cut.frames), max_size=8))
    stream = assembled(data.draw(st.permutations([*cut.frames, *repeated])))
    assert stream.whole
    assert stream.message() == cut.whole
    assert stream.first_sequence == 10


@FAST
@given(cut=cuts(), data=st.data())
def test_the_same_piece_in_a_frame_of_its_own_changes_nothing(
    cut: Cut, data: st.DataObject
) -> None:
    again = [(sequence + 50, chunk) for sequence, chunk in cut.frames]
    repeated = data.draw(st.lists(st.sampled_from(again), max_size=8))
    stream = assembled(data.draw(st.permutations([*cut.frames, *repeated])))
    assert stream.whole
    assert stream.message() == cut.whole


@FAST
@given(cut=cuts(), data=st.data())
@pytest.mark.thorough
def test_a_corrected_piece_wins_whenever_it_comes(cut: Cut, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(cut.frames) - 1))
    wrong = msgspec.structs.replace(cut.frames[at][1], text="something else")
    stream = assembled(data.draw(st.permutations([*cut.frames, (at + 1, wrong)])))
    assert stream.message() == cut.whole


@pytest.mark.thorough
@FAST
@given(cut=cuts(bases=(1,)), data=st.data())
def test_nothing_is_whole_while_a_piece_is_missing(cut: Cut, data: st.DataObject) -> None:
    frames = list(cut.frames)
    del frames[data.draw(st.integers(0, len(frames) - 1))]
    stream = assembled(data.draw(st.permutations(frames)))
    assert not stream.whole


@FAST
@given(cut=cuts(bases=(None,)))
def test_without_an_index_the_order_of_arrival_counts(cut: Cut) -> None:
    stream = assembled(cut.frames)
    assert stream.whole
    assert stream.message() == cut.whole


@FAST
@given(cut=cuts(bases=(0, 1, None)), data=st.data())
def test_the_first_number_is_the_lowest_that_counts(cut: Cut, data: st.DataObject) -> None:
    some = data.draw(st.lists(st.sampled_from(cut.frames), unique_by=lambda frame: frame[0]))
    stream = assembled(some)
    assert stream.first_sequence == min((sequence for sequence, _ in some), default=None)


Arrival = tuple[int, AgentChunk]


@st.composite
def mixed(draw: st.DrawFn) -> tuple[list[Cut], list[Arrival]]:
    """Two or three messages whose frames come in any order, mixed, some of them twice.

    Pieces without an index keep their order. Piece 0 comes before the last one of its message:
    numbers put it there (`ordering`), and nothing else could tell that counting began at 0.
    """
    told = [draw(cuts(f"m{n}", (0, 1, None))) for n in range(draw(st.integers(2, 3)))]
    queues = [_arrivals(draw, cut, 100 * n) for n, cut in enumerate(told)]
    turns = draw(st.permutations([n for n, queue in enumerate(queues) for _ in queue]))
    waiting = [iter(queue) for queue in queues]
    arrived = [next(waiting[n]) for n in turns]
    for again in draw(st.lists(st.integers(0, len(arrived) - 1), max_size=5)):
        arrived.insert(draw(st.integers(again + 1, len(arrived))), arrived[again])
    return told, arrived


def _arrivals(draw: st.DrawFn, cut: Cut, offset: int) -> list[Arrival]:
    first, *rest = [(sequence + offset, chunk) for sequence, chunk in cut.frames]
    if first[1].index is None or not rest:
        return [first, *rest]
    if first[1].index == 1:
        return draw(st.permutations([first, *rest]))
    shuffled = draw(st.permutations(rest))
    last = next(at for at, (_, chunk) in enumerate(shuffled) if chunk.complete)
    at = draw(st.integers(0, len(shuffled) - 1))
    return [*shuffled[: min(at, last)], first, *shuffled[min(at, last) :]]


@pytest.mark.thorough
@FAST
@given(story=mixed())
def test_messages_mixed_with_each_other_are_each_told_once_and_whole(
    story: tuple[list[Cut], list[Arrival]],
) -> None:
    """In the conversation, not only in the assembler: what the thread is shown in the end."""
    told, arrived = story
    talk = Talk(Terms(stream_stall=timedelta(days=1))).joined()
    for sequence, chunk in arrived:
        talk.hear(chunk, sequence)
    shown = [
        c
        for _, body in talk.thread
        if not isinstance(body, Retire) and isinstance(c := getattr(body, "content", 0), AgentReply)
    ]
    expected = [cut.whole for cut in told if not _says_nothing(cut.whole)]
    assert sorted(_said(reply) for reply in shown) == sorted(_said(whole) for whole in expected)


def _said(message: AgentMessage | AgentReply) -> str:
    kept = (message.text, message.attachments, message.suggestions, message.call_actions)
    return repr(kept)


def _says_nothing(message: AgentMessage) -> bool:
    beside = (*message.attachments, *message.suggestions, *message.call_actions)
    return not (message.text.strip() or beside)
