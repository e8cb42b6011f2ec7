"""F. Streamed answers: pieces become one message, byte for byte."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.conformance.stage import ConformanceStage, buttons, event

pytestmark = pytest.mark.conformance

Json = dict[str, Any]
ENDED = "The conversation has ended"
#: A piece that waits for nobody is posted within this many seconds of its last chunk.
AT_ONCE = 0.5
#: How long a missing piece may be waited for, and then looked for in a replay.
SHORT_WAIT = 10


def chunk(text: str | None, index: int | None, *, last: bool = False, of: str = "m1") -> Json:
    """The payload of a chunk."""
    body: Json = {"message_id": of, "text": text, "is_complete": last}
    return body if index is None else body | {"chunk_index": index}


def chunks(stage: ConformanceStage, *bodies: Json) -> list[Json]:
    """These payloads as events with the sequences that are due next."""
    first = stage.next_sequence()
    return [
        event("POLY_AGENT_MESSAGE_CHUNK", body, sequence=first + place)
        for place, body in enumerate(bodies)
    ]


def shown(stage: ConformanceStage, thread: str, place: int) -> str:
    """Everything that the blocks of a thread's message hold, as JSON."""
    return json.dumps(stage.posts(thread)[place].blocks, ensure_ascii=False)


@pytest.mark.parametrize(
    "pieces",
    [
        ["I'd be happy to ", "help you with ", "your booking!"],
        ["Hel", "lo, wor", "ld", "s: naï", "ve 東", "京 🙂."],
        ["Everything in one."],
    ],
    ids=["documented", "mid-word", "single"],
)
async def test_055_chunks_become_one_message(stage: ConformanceStage, pieces: list[str]) -> None:
    """Given chunks in order, the last one complete: one message, which may grow from its first
    words, and whose text is the chunks' put together byte for byte, as soon as the last one is
    there."""
    thread = await stage.greeted("hello")

    for text in pieces[:-1]:
        stage.polyai.stream_chunks(None, [text], message_id="m1")
        await stage.wait(timedelta(milliseconds=400))
    begun = [text.rstrip() for text in stage.told(thread)[2:]]
    assert begun in ([], ["".join(pieces[:-1]).rstrip()])
    began = stage.now
    stage.polyai.stream_chunks(None, [{"text": pieces[-1], "is_complete": True}], message_id="m1")
    await stage.until(lambda: stage.told(thread)[2:] == ["".join(pieces)])
    assert stage.now - began < AT_ONCE
    await stage.settled(timedelta(minutes=2))

    assert stage.told(thread)[2:] == ["".join(pieces)]
    assert json.dumps("".join(pieces), ensure_ascii=False) in shown(stage, thread, 2)
    assert len(stage.slack.posts) == 3


async def test_057_chunks_out_of_order_wait_for_each_other(stage: ConformanceStage) -> None:
    """Given chunks 1 and 3, which says that it is the last, and a second later 2, with sequences in
    the order of their coming: nothing is told until 2 is there, and then at once all of it, in the
    order of the indexes."""
    thread = await stage.greeted("hello")

    stage.polyai.stream_chunks(
        None,
        [chunk("one ", 1), chunk("three.", 3, last=True)],
        message_id="m1",
    )
    await stage.wait(timedelta(seconds=1))
    assert len(stage.slack.posts) == 2
    stage.polyai.stream_chunks(None, [chunk("two ", 2)], message_id="m1")
    began = stage.now
    await stage.until(lambda: len(stage.posts(thread)) == 3)

    assert stage.now - began < AT_ONCE
    await stage.settled(timedelta(minutes=2))
    assert stage.told(thread)[2:] == ["one two three."]
    assert len(stage.slack.posts) == 3


async def test_057_chunks_that_overtake_each_other(stage: ConformanceStage) -> None:
    """Given the same chunks numbered in their own order, of which the third overtakes the second on
    the wire: one message in the order of the indexes."""
    thread = await stage.greeted("hello")
    one, two, three = chunks(
        stage, chunk("one ", 1), chunk("two ", 2), chunk("three.", 3, last=True)
    )

    stage.deliver(one, three)
    await stage.wait(timedelta(milliseconds=500))
    assert len(stage.slack.posts) == 2
    stage.deliver(two)
    await stage.settled(timedelta(minutes=2))

    assert stage.told(thread)[2:] == ["one two three."]
    assert len(stage.slack.posts) == 3


async def test_057_a_missing_chunk_is_looked_for(stage: ConformanceStage) -> None:
    """Given the second chunk was journaled and never came: after a short wait it is fetched from a
    replay, and the message is whole."""
    thread = await stage.greeted("hello")

    stage.polyai.stream_chunks(None, [chunk("one ", 1)], message_id="m1")
    stage.session.write("EVENT_TYPE_POLY_AGENT_MESSAGE_CHUNK", chunk("two ", 2))
    stage.polyai.stream_chunks(None, [chunk("three.", 3, last=True)], message_id="m1")
    await stage.until(lambda: len(stage.posts(thread)) == 3, within=timedelta(seconds=SHORT_WAIT))
    await stage.settled(timedelta(minutes=2))

    assert stage.told(thread)[2:] == ["one two three."]
    assert len(stage.slack.posts) == 3


async def test_057_a_chunk_that_never_comes_is_waited_for_briefly(stage: ConformanceStage) -> None:
    """Given the second chunk does not exist: what there is is posted after a short wait; should the
    chunk come after all, there is still one message, and it is no less than before."""
    thread = await stage.greeted("hello")

    stage.polyai.stream_chunks(
        None, [chunk("one ", 1), chunk("three.", 3, last=True)], message_id="m1"
    )
    await stage.wait(timedelta(seconds=1))
    assert len(stage.slack.posts) == 2
    await stage.until(lambda: len(stage.posts(thread)) == 3, within=timedelta(seconds=SHORT_WAIT))
    assert stage.told(thread)[2:] == ["one three."]

    stage.polyai.stream_chunks(None, [chunk("two ", 2)], message_id="m1")
    await stage.settled(timedelta(minutes=2))
    assert len(stage.slack.posts) == 3
    assert stage.told(thread)[2] in ("one three.", "one two three.")
    assert len(stage.sessions) == 1


LINK = {
    "title": "Terms",
    "content_url": "https://demo.example/terms",
    "content_type": "ATTACHMENT_CONTENT_TYPE_URL",
}


def suggest(*texts: str) -> list[Json]:
    return [{"message_text": text} for text in texts]


async def test_059_what_only_the_last_chunk_carries(stage: ConformanceStage) -> None:
    """Given an empty final chunk with two suggestions and an attachment: the one message has the
    text, both buttons and the link, and a button says its text."""
    thread = await stage.greeted("hello")

    extras = {"response_suggestions": suggest("Yes", "No"), "attachments": [LINK]}
    stage.polyai.stream_chunks(
        None, ["Do you ", "agree?", chunk("", 3, last=True) | extras], message_id="m1"
    )
    await stage.until(lambda: len(stage.posts(thread)) == 3)
    await stage.settled()

    post = stage.posts(thread)[2]
    assert "Do you agree?" in shown(stage, thread, 2)
    assert buttons(post) == ["Yes", "No"]
    assert "https://demo.example/terms" in shown(stage, thread, 2)
    assert len(stage.slack.posts) == 3
    await stage.press(thread, "Yes")
    await stage.until(lambda: stage.heard() == ["hello", "Yes"])


async def test_059_suggestions_of_the_first_chunk_last(stage: ConformanceStage) -> None:
    """Given suggestions on the first chunk and an empty final one without any: the finished message
    has them."""
    thread = await stage.greeted("hello")

    first = chunk("Do you agree?", 1) | {"response_suggestions": suggest("Yes", "No")}
    stage.polyai.stream_chunks(None, [first, chunk("", 2, last=True)], message_id="m1")
    await stage.until(lambda: len(stage.posts(thread)) == 3)
    await stage.settled()

    assert buttons(stage.posts(thread)[2]) == ["Yes", "No"]
    assert len(stage.slack.posts) == 3


async def test_059_extras_of_all_chunks_are_joined(stage: ConformanceStage) -> None:
    """Given suggestions and attachments spread over the chunks, some of them twice: all of them are
    there, in the order of the chunks, each once."""
    thread = await stage.greeted("hello")
    other = LINK | {"title": "Prices", "content_url": "https://demo.example/prices"}

    stage.polyai.stream_chunks(
        None,
        [
            chunk("a", 1) | {"response_suggestions": suggest("Yes"), "attachments": [LINK]},
            chunk("b", 2) | {"response_suggestions": suggest("No", "Yes"), "attachments": []},
            chunk("", 3, last=True)
            | {"response_suggestions": suggest("Maybe"), "attachments": [LINK, other]},
        ],
        message_id="m1",
    )
    await stage.until(lambda: len(stage.posts(thread)) == 3)

    assert buttons(stage.posts(thread)[2]) == ["Yes", "No", "Maybe"]
    blocks = shown(stage, thread, 2)
    assert blocks.count("https://demo.example/terms") == 1
    assert blocks.count("https://demo.example/prices") == 1
    assert blocks.index("demo.example/terms") < blocks.index("demo.example/prices")


async def test_060_a_second_stream_does_not_mix_with_the_first(stage: ConformanceStage) -> None:
    """Given a stream that is never completed, and then a second one that is: two messages, no mixed
    text. The whole one does not wait for the other, which is posted as far as it came."""
    thread = await stage.greeted("hello")

    stage.polyai.stream_chunks(None, ["one ", "two"], message_id="m1")
    await stage.wait(timedelta(seconds=1))
    stage.polyai.stream_chunks(
        None, ["three ", {"text": "four", "is_complete": True}], message_id="m2"
    )
    began = stage.now
    await stage.until(lambda: "three four" in stage.told(thread))
    assert stage.now - began < AT_ONCE
    await stage.settled(timedelta(minutes=3))

    assert sorted(stage.told(thread)[2:]) == ["one two", "three four"]
    assert len(stage.slack.posts) == 4


async def test_060_interleaved_streams_both_come_out_whole(stage: ConformanceStage) -> None:
    """Given the chunks of two streams that are interleaved, both completed: two whole messages."""
    thread = await stage.greeted("hello")

    for body in (
        chunk("one ", 1),
        chunk("three ", 1, of="m2"),
        chunk("two", 2, last=True),
        chunk("four", 2, of="m2", last=True),
    ):
        stage.polyai.stream_chunks(None, [body], message_id=body["message_id"])
        await stage.wait(timedelta(milliseconds=300))
    await stage.settled(timedelta(minutes=3))

    assert stage.told(thread)[2:] == ["one two", "three four"]
    assert len(stage.slack.posts) == 4


async def test_063_an_end_in_mid_stream_posts_what_came(stage: ConformanceStage) -> None:
    """Given SESSION_END in the middle of a stream: what came of it is posted, and after that the
    notice of the end."""
    thread = await stage.greeted("hello")

    stage.polyai.stream_chunks(None, ["Half a ", "sen"], message_id="m1")
    stage.polyai.end_session()
    await stage.settled(timedelta(minutes=3))

    half, end = stage.told(thread)[2:]
    assert half == "Half a sen"
    assert ENDED in end


async def test_064_the_whole_message_has_the_last_word(cold_stage: ConformanceStage) -> None:
    """Given the whole message follows its chunks under the same message id and says more than they
    did: the post is changed to what it says, and no second one is made."""
    stage = cold_stage
    stage.polyai.options.turn("copy_live", True)
    stage.polyai.options.turn("copy_suffix", " And more.")
    await stage.start()
    thread = await stage.greeted("hello")

    stage.polyai.agent_says(None, "A streamed answer.", streamed=True)
    await stage.until(lambda: "A streamed answer. And more." in stage.told(thread))
    await stage.settled(timedelta(minutes=2))

    assert stage.told(thread)[2:] == ["A streamed answer. And more."]
    assert len(stage.slack.posts) == 3


@pytest.mark.parametrize("replayed", ["chunks", "whole", "both"])
async def test_064_a_drop_in_mid_stream(cold_stage: ConformanceStage, replayed: str) -> None:
    """Given the socket breaks after two of four chunks, and the rest comes with the replay: as
    chunks, as one whole message, or both: one complete message."""
    stage = cold_stage
    stage.polyai.options.turn("replay_stream", replayed)
    stage.polyai.options.turn("empty_last_chunk", False)
    await stage.start()
    thread = await stage.greeted("hello")
    text = "A sentence that comes in four pieces and is cut in its middle."

    stage.polyai.drop_after_chunks(2)
    stage.polyai.agent_says(None, text, streamed=True)
    await stage.until(lambda: len(stage.posts(thread)) == 3)
    await stage.settled(timedelta(minutes=3))

    assert stage.told(thread)[2:] == [text]
    assert len(stage.slack.posts) == 3
    assert len(stage.sessions) == 1


async def test_064_a_replay_of_the_rest_alone(stage: ConformanceStage) -> None:
    """Given the same, and a server that replays chunks 3 and 4 only, whatever the cursor asks for:
    one complete message."""
    thread = await stage.greeted("hello")
    one, two, three, four = chunks(
        stage,
        chunk("one ", 1),
        chunk("two ", 2),
        chunk("three ", 3),
        chunk("four.", 4, last=True),
    )

    stage.deliver(one, two)
    await stage.wait(timedelta(milliseconds=100))
    stage.polyai.drop_sockets()
    await stage.until(lambda: stage.session.sockets)
    stage.deliver_batch(three, four)
    await stage.settled(timedelta(minutes=3))

    assert stage.told(thread)[2:] == ["one two three four."]
    assert len(stage.slack.posts) == 3


async def test_064_a_death_in_mid_stream(stage: ConformanceStage) -> None:
    """Given the bridge is killed after two of four chunks, and the rest is streamed while it is
    away: after the restart there is one complete message, its beginning too."""
    thread = await stage.greeted("hello")

    stage.polyai.stream_chunks(None, ["one ", "two "], message_id="m1")
    await stage.wait(timedelta(milliseconds=500))
    await stage.crash()
    stage.polyai.stream_chunks(
        None, ["three ", {"text": "four.", "is_complete": True}], message_id="m1"
    )
    await stage.start()
    await stage.settled(timedelta(minutes=3))

    assert stage.told(thread)[2:] == ["one two three four."]
    assert len(stage.slack.posts) == 3


@pytest.mark.parametrize("indexes", ["none", "from_nought", "text", "no_text", "none_no_text"])
async def test_066_chunks_however_they_are_numbered(stage: ConformanceStage, indexes: str) -> None:
    """Given chunks without an index, from 0, with an index written as text, or with `text: null` in
    between: they are put together as they came, and nobody waits for an "index 1"."""
    thread = await stage.greeted("hello")
    bodies = {
        "none": [chunk("one ", None), chunk("two ", None), chunk("three", None, last=True)],
        "from_nought": [chunk("one ", 0), chunk("two ", 1), chunk("three", 2, last=True)],
        "text": [
            chunk("one ", None) | {"chunk_index": "1"},
            chunk("two ", None) | {"chunk_index": 2.0},
            chunk("three", None, last=True) | {"chunk_index": "3"},
        ],
        "no_text": [
            chunk(None, 1),
            chunk("one ", 2),
            chunk("two three", 3),
            chunk(None, 4, last=True),
        ],
        "none_no_text": [
            chunk(None, None),
            chunk("one ", None),
            chunk("two three", None),
            chunk(None, None, last=True),
        ],
    }[indexes]

    stage.deliver(*chunks(stage, *bodies))
    began = stage.now
    await stage.until(lambda: len(stage.posts(thread)) == 3)
    assert stage.now - began < AT_ONCE
    await stage.settled(timedelta(minutes=2))

    assert stage.told(thread)[2:] == ["one two three"]
    assert len(stage.slack.posts) == 3


async def test_066_no_index_at_all_in_a_whole_conversation(cold_stage: ConformanceStage) -> None:
    """Given a service that numbers no chunk and streams its answers: each answer is posted whole,
    right after its last chunk."""
    stage = cold_stage
    stage.polyai.options.turn("chunk_base", None)
    await stage.start()
    thread = await stage.greeted("hello")

    stage.polyai.agent_says(None, "Streamed without a number.", streamed=True)
    await stage.until(
        lambda: "Streamed without a number." in stage.told(thread), within=timedelta(seconds=1)
    )
    await stage.settled(timedelta(minutes=2))
    assert len(stage.slack.posts) == 3
