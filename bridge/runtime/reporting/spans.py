"""Which spans does the story of a message make? Pure; one trace from what was said to the answer.

All ids are made of durable ones, so that a trace goes on across a restart, and a hop that is told
twice is one span. Nothing but ids of ours, kinds and figures stands in them.
"""

import hashlib
from datetime import datetime
from itertools import pairwise

from bridge.model.ids import DeliveryId
from bridge.model.value import Value
from bridge.runtime.reporting.stories import Story, story_of
from bridge.runtime.reporting.telling import Line, told
from bridge.store import Subject, Timeline

#: Lines of a story that are no part of any message of it.
_ASIDE = {"handoff", "session"}


class Span(Value, frozen=True, kw_only=True):
    """A stretch of a message's way; `parent` 0 for the first of its trace."""

    trace: int
    id: int
    parent: int
    name: str
    since: datetime
    until: datetime
    attributes: dict[str, str | int]
    failed: bool = False
    links: tuple[tuple[int, int], ...] = ()  #: traces, and spans of them, that it is about as well


def spans_of(timeline: Timeline, settled: DeliveryId) -> list[Span]:
    """The spans of what has just come to its end; none if it has not, or is not known."""
    story = story_of(timeline, Subject(conversation=timeline.conversation.id, delivery=settled))
    own = next((one for one in timeline.deliveries if one.id == settled), None)
    if own is None or own.settled_at is None:
        return []
    lines = told(story)
    spans = _row(story, lines, settled, own.kind, failed=own.state == "dead")
    asks = [one for one in story.deliveries if one.target == "agent"]
    if own.target == "agent" or not asks:
        # What was said is told with what is owed for it to the agent; else with what there is.
        for entry in story.entries:
            spans += _row(story, lines, entry.name, entry.kind, failed=entry.dead_at is not None)
    return spans


def trace_of(story: Story, row: str) -> int:
    """The id of the trace that tells the story: of the first thing said, else of the row itself."""
    return _number(16, story.timeline.conversation.id, _first(story, row))


def sampled(trace: int, ratio: float) -> bool:
    """Whether it is one of this part of all traces: always the same ones."""
    return (trace & (2**64 - 1)) < ratio * 2**64


def _first(story: Story, row: str) -> str:
    return story.entries[0].name if story.entries else row


def _row(story: Story, lines: list[Line], row: str, kind: str, *, failed: bool) -> list[Span]:
    """The span of one message of the story, and one for each of its hops below it."""
    mine = [line for line in lines if line.row == row and line.hop not in _ASIDE]
    known = [(line.hop, line.at) for line in mine if line.at is not None and not line.clock]
    if not known:
        return []
    conversation = story.timeline.conversation
    trace, first = trace_of(story, row), _first(story, row)
    instants = [at for _, at in known]
    attributes: dict[str, str | int] = {
        "polyai_bridge.conversation": conversation.id,
        "polyai_bridge.message": row,
        "polyai_bridge.kind": kind,
        "polyai_bridge.adapter": conversation.adapter,
        "polyai_bridge.agent": conversation.agent,
    }
    whole = Span(
        trace=trace,
        id=_number(8, conversation.id, row),
        parent=0 if row == first else _number(8, conversation.id, first),
        name=f"{'said' if row.startswith('inbox.') else 'owed'} {kind}",
        since=min(instants),
        until=max(instants),
        attributes=attributes,
        failed=failed,
        links=_others(story) if row != first else (),
    )
    return [whole, *_hops(whole, known)]


def _hops(whole: Span, known: list[tuple[str, datetime]]) -> list[Span]:
    return [
        Span(
            trace=whole.trace,
            id=_number(8, str(whole.id), hop, str(number)),
            parent=whole.id,
            name=hop,
            since=before,
            until=max(before, at),
            attributes={
                "polyai_bridge.message": whole.attributes["polyai_bridge.message"],
                "polyai_bridge.hop": hop,
            },
        )
        for number, ((_, before), (hop, at)) in enumerate(pairwise(known))
    ]


def _others(story: Story) -> tuple[tuple[int, int], ...]:
    """The other things said that it may be for."""
    conversation = story.timeline.conversation.id
    names = [entry.name for entry in story.entries[1:]]
    return tuple([(_number(16, conversation, n), _number(8, conversation, n)) for n in names])


def _number(size: int, *names: str) -> int:
    """A number of so many bytes, made of names; never 0."""
    digest = hashlib.blake2b("\0".join(names).encode(), digest_size=size).digest()
    return int.from_bytes(digest, "big") or 1
