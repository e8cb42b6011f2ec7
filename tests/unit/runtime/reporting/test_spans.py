"""One trace for a message and its answer, whoever tells it, of nothing but ids and kinds."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.model.delivery import DeliveryState
from bridge.model.ids import DeliveryId
from bridge.runtime.reporting.spans import sampled, spans_of
from bridge.testing.builders import said
from tests.unit.runtime.journey import C1, Journey, journey, shown


@pytest.fixture
async def way(tmp_path: Path) -> AsyncIterator[Journey]:
    async with journey(tmp_path) as way:
        yield way


async def answered(way: Journey) -> tuple[DeliveryId, DeliveryId]:
    """A message and its answer."""
    ask = await way.say("secret words", opens=True)
    await way.connect()
    assert ask is not None
    await way.echo(ask, "secret words")
    (answer,) = await way.answer(said("a secret answer", "m1"))
    return ask, answer


async def test_what_was_said_and_its_answer_are_one_trace(way: Journey) -> None:
    ask, answer = await answered(way)
    timeline = await way.timeline()

    question, reply = spans_of(timeline, ask), spans_of(timeline, answer)

    everything = [*question, *reply]
    assert len({span.trace for span in everything}) == 1
    roots = [span for span in everything if not span.parent]
    assert [span.name for span in roots] == ["said said"]
    known = {span.id for span in everything}
    assert len(known) == len(everything)
    assert all(span.parent in known for span in everything if span.parent)
    assert {"journaled", "sent", "confirmed", "posted"} <= {span.name for span in everything}
    assert all(span.since <= span.until for span in everything)
    assert "secret" not in repr(everything)
    assert "U1" not in repr(everything)


async def test_after_a_restart_it_is_the_same_trace(way: Journey) -> None:
    ask, answer = await answered(way)

    before = spans_of(await way.timeline(written=False), ask)
    way.kill()
    near = await way.store.timelines.around(C1, int(answer.split(".")[1]))
    assert near is not None
    after = spans_of(near, answer)

    assert {span.trace for span in before} == {span.trace for span in after}


async def test_what_has_not_come_to_its_end_is_not_told_yet(way: Journey) -> None:
    await way.say("words", opens=True)
    await way.connect()
    (owed,) = shown(await way.hear(said("an answer", "m1")))

    assert spans_of(await way.timeline(), owed) == []


async def test_what_is_given_up_failed(way: Journey) -> None:
    await way.say("words", opens=True)
    await way.connect()
    (owed,) = shown(await way.hear(said("an answer", "m1")))
    await way.attempt(owed)
    await way.settle(owed, DeliveryState.DEAD, reason="no such channel")

    spans = spans_of(await way.timeline(), owed)

    assert [span.failed for span in spans if span.name == "owed post"] == [True]
    assert "channel" not in repr(spans)


async def test_of_several_that_it_may_answer_the_others_are_linked(way: Journey) -> None:
    for number, text in enumerate(("one", "two")):
        ask = await way.say(text, opens=not number)
        if not number:
            await way.connect()
        assert ask is not None
        await way.echo(ask, text)
    (answer,) = await way.answer(said("both", "m1"))
    timeline = await way.timeline()

    (reply,) = [span for span in spans_of(timeline, answer) if span.name == "owed post"]

    (second,) = [s for s in spans_of(timeline, DeliveryId("c1.2")) if s.name == "said said"]
    assert reply.links == ((second.trace, second.id),)
    assert reply.trace != second.trace


def test_a_part_of_all_traces_is_always_the_same_one() -> None:
    traces = [number * 0x9E3779B97F4A7C15 % 2**128 for number in range(1, 1001)]

    half = [trace for trace in traces if sampled(trace, 0.5)]

    assert half == [trace for trace in traces if sampled(trace, 0.5)]
    assert 400 < len(half) < 600
    assert [sampled(trace, 0.0) for trace in traces[:3]] == [False] * 3
    assert all(sampled(trace, 1.0) for trace in traces)


async def test_each_leg_of_the_way_is_measured(way: Journey) -> None:
    ask, answer = await answered(way)

    def count(leg: str, **labels: str) -> float | None:
        names = {"hop": leg, "adapter": "slack", "agent": "", **labels}
        return way.metrics.registry.get_sample_value("polyai_bridge_hop_seconds_count", names)

    assert [count(leg, agent="default") for leg in ("step", "send", "echo", "answer")] == [1] * 4
    assert [count(leg) for leg in ("accept", "post", "whole")] == [1] * 3
    assert way.ended == [ask, answer]
    whole = way.metrics.registry.get_sample_value(
        "polyai_bridge_hop_seconds_sum", {"hop": "whole", "adapter": "slack", "agent": ""}
    )
    assert whole == pytest.approx(timedelta(milliseconds=25).total_seconds(), abs=0.005)
