"""Which rows tell the story of one message, and in which relation do they stand? Pure.

What somebody said is one inbox entry; because of it things are owed to the agent, and to the
thread. What the agent then says answers what waited for an answer: PolyAI does not say what an
answer is for, so each answer is told with how sure that is.
"""

import enum
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from bridge.model.delivery import DeliveryState
from bridge.model.hops import Hop, HopKind
from bridge.model.ids import DeliveryId, EntryId
from bridge.store import DeliveryHops, EntryHops, Subject, Timeline


class Sure(enum.StrEnum):
    """How sure it is which message an answer is for."""

    ONE = "one"  #: nothing else waited for an answer
    SOME = "some"  #: several waited: it is for one of them, or for all
    MORE = "more"  #: nothing waited: it goes on from what was said before, or comes by itself
    NOBODY = "nobody"  #: and nothing was said before


class Answer(NamedTuple):
    """A message of the agent, what it may be for, and how sure that is."""

    delivery: DeliveryHops
    asks: tuple[int, ...]  #: the numbers of the deliveries to the agent
    sure: Sure


class Story(NamedTuple):
    """One message with everything that came of it; or of several that were answered together."""

    timeline: Timeline
    entries: tuple[EntryHops, ...]
    deliveries: tuple[DeliveryHops, ...]
    answers: dict[int, Answer]  #: by the number of its delivery

    @property
    def began(self) -> datetime:
        """When our process first knew of it."""
        return min(
            [e.accepted_at for e in self.entries] + [d.first_owed_at for d in self.deliveries]
        )

    @property
    def answered_at(self) -> datetime | None:
        """When the first answer stood in the thread."""
        posts = [
            d.settled_at
            for d in self.deliveries
            if d.number in self.answers and d.state == DeliveryState.SENT
        ]
        return min([at for at in posts if at is not None], default=None)


def story_of(timeline: Timeline, subject: Subject) -> Story:
    """The story of one message of a conversation, named in either direction."""
    known = _Links(timeline)
    entries = {subject.entry} if subject.entry is not None else set()
    shown: set[int] = set()
    if subject.delivery is not None:
        start = _beginning(timeline, subject.delivery)
        entries |= _asked_by(timeline, start, known.answers)
        shown.add(start)
    return known.grown(entries, shown)


def stories(timeline: Timeline) -> list[Story]:
    """The whole conversation, as one story for each thing that somebody said or that stands alone.

    In the order they began.
    """
    known = _Links(timeline)
    told: list[Story] = []
    seen: set[int] = set()
    for entry in timeline.entries:
        story = known.grown({entry.id}, set())
        seen |= {one.number for one in story.deliveries}
        told.append(story)
    for delivery in timeline.deliveries:
        if delivery.number not in seen and not links(delivery, HopKind.CHANGES):
            story = known.grown(set(), {delivery.number})
            seen |= {one.number for one in story.deliveries}
            told.append(story)
    return sorted(told, key=lambda story: story.began)


def answers_of(timeline: Timeline) -> dict[int, Answer]:
    """What the agent said, with what it may be for."""
    found: dict[int, Answer] = {}
    before: tuple[int, ...] = ()
    for delivery in timeline.deliveries:
        noted = [hop for hop in delivery.hops if hop.kind is HopKind.ANSWERS]
        if not noted:
            continue
        asks = _numbers(noted)
        if asks:
            before, sure = asks, Sure.ONE if len(asks) == 1 else Sure.SOME
        else:
            asks, sure = before, Sure.MORE if before else Sure.NOBODY
        found[delivery.number] = Answer(delivery, asks, sure)
    return found


def links(row: EntryHops | DeliveryHops, kind: HopKind) -> tuple[int, ...]:
    """The numbers that hops of this kind name."""
    return _numbers(hop for hop in row.hops if hop.kind is kind)


def _beginning(timeline: Timeline, identity: DeliveryId) -> int:
    """The delivery whose story it is: that which it changes, if it changes one."""
    number = int(identity.rpartition(".")[2])
    row = next((d for d in timeline.deliveries if d.number == number), None)
    changed = links(row, HopKind.CHANGES) if row else ()
    return changed[0] if changed else number


def _asked_by(timeline: Timeline, number: int, answers: dict[int, Answer]) -> set[EntryId]:
    """What was said that led to this delivery, as far as is known."""
    answer = answers.get(number)
    wanted = {number, *(answer.asks if answer else ())}
    for row in reversed(timeline.deliveries):  # what says something again came after it
        if row.number in wanted:
            wanted |= set(links(row, HopKind.AGAIN))
    rows = [d for d in timeline.deliveries if d.number in wanted]
    return {EntryId(n) for row in rows for n in links(row, HopKind.ENTRY)}


class _Links:
    """What comes of what, each row looked at once: a conversation may have thousands."""

    def __init__(self, timeline: Timeline) -> None:
        self.answers = answers_of(timeline)
        self._timeline = timeline
        self._entries = {entry.id: entry for entry in timeline.entries}
        self._deliveries = {delivery.number: delivery for delivery in timeline.deliveries}
        self._after: dict[tuple[HopKind, int], list[int]] = {}
        for delivery in timeline.deliveries:
            for kind in (HopKind.ENTRY, HopKind.AGAIN, HopKind.CHANGES):
                self._note(kind, links(delivery, kind), delivery.number)
        for number, answer in self.answers.items():
            self._note(HopKind.ANSWERS, answer.asks, number)

    def grown(self, entries: set[EntryId], shown: set[int]) -> Story:
        """Everything that came of these: what was owed for it, its answers, what changed those."""
        owed = shown.union(*(self._after.get((HopKind.ENTRY, one), []) for one in entries))
        again = self._of(HopKind.AGAIN, owed)
        while again - owed:
            owed |= again
            again = self._of(HopKind.AGAIN, again)
        owed |= self._of(HopKind.ANSWERS, owed)
        owed |= self._of(HopKind.CHANGES, owed)
        numbers = [number for number in sorted(owed) if number in self._deliveries]
        return Story(
            timeline=self._timeline,
            entries=tuple([self._entries[one] for one in sorted(entries) if one in self._entries]),
            deliveries=tuple([self._deliveries[number] for number in numbers]),
            answers={number: self.answers[number] for number in numbers if number in self.answers},
        )

    def _of(self, kind: HopKind, numbers: set[int]) -> set[int]:
        return {after for number in numbers for after in self._after.get((kind, number), [])}

    def _note(self, kind: HopKind, causes: tuple[int, ...], number: int) -> None:
        for cause in causes:
            self._after.setdefault((kind, cause), []).append(number)


def _numbers(hops: Iterable[Hop]) -> tuple[int, ...]:
    words = [word for hop in hops for word in hop.detail.split(",")]
    return tuple([int(word) for word in words if word.isdecimal()])
