"""In every recorded history hops stand in causal order: none precedes its cause.

Histories are drawn: who speaks when, what PolyAI says, what becomes of posts, and kills, each of
which loses what had not been written yet.
"""

import asyncio
import tempfile
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core import events as e
from bridge.model import frames as f
from bridge.model.delivery import DeliveryState
from bridge.model.hops import HopKind
from bridge.runtime.reporting.stories import Story, links, stories
from bridge.runtime.reporting.telling import ways
from bridge.store import DeliveryHops, Timeline
from bridge.testing.builders import said
from tests.unit.runtime.journey import Journey, journey, shown

MOVES = st.sampled_from(
    ("say", "say", "answer", "answer", "stream", "lost", "kill", "handoff", "away", "doubt", "echo")
)


@settings(max_examples=6, deadline=None)
@given(moves=st.lists(MOVES, min_size=3, max_size=10))
def test_no_hop_precedes_its_cause(moves: list[str]) -> None:
    timeline = asyncio.run(_lived(moves))

    hold(timeline)


def test_the_law_notices_a_hop_before_its_cause() -> None:
    timeline = asyncio.run(_lived(["say", "answer"]))
    early = timeline.deliveries[0].hops[0].at or timeline.conversation.opened_at
    broken = [
        _with_attempt_at(one, early.replace(year=2029)) if one.target == "thread" else one
        for one in timeline.deliveries
    ]
    wrong = Timeline(
        conversation=timeline.conversation, entries=timeline.entries, deliveries=tuple(broken)
    )

    with pytest.raises(AssertionError):
        hold(wrong)


def hold(timeline: Timeline) -> None:
    """The law, for all of a conversation."""
    for story in stories(timeline):
        for way in ways(story):
            instants = [line.at for line in way if line.at is not None and not line.clock]
            assert all(one <= after for one, after in pairwise(instants)), way
        _caused(story)


def _caused(story: Story) -> None:
    """What is owed comes of an entry that was stepped then, an answer of what PolyAI had."""
    stepped = {entry.id: entry.done_at for entry in story.entries}
    confirmed = {one.number: one.settled_at for one in story.deliveries if one.target == "agent"}
    owed = {one.number: one.owed_at for one in story.deliveries}
    for one in story.deliveries:
        causes: list[datetime | None] = [
            stepped.get(entry) for entry in stepped if entry in links(one, HopKind.ENTRY)
        ]
        answer = story.answers.get(one.number)
        causes += [confirmed.get(ask) for ask in (answer.asks if answer else ())]
        causes += [owed.get(changed) for changed in links(one, HopKind.CHANGES)]
        assert all(cause is None or cause <= one.owed_at for cause in causes), one


def _with_attempt_at(one: DeliveryHops, at: datetime) -> DeliveryHops:
    hops = [
        msgspec.structs.replace(hop, at=at) if hop.kind is HopKind.ATTEMPTED else hop
        for hop in one.hops
    ]
    return msgspec.structs.replace(one, hops=tuple(hops))


async def _lived(moves: list[str]) -> Timeline:
    with tempfile.TemporaryDirectory() as directory:
        async with journey(Path(directory)) as way:
            await way.say("hello", opens=True)
            await way.connect()
            person = _Life(way)
            for number, move in enumerate(moves):
                await person.move(move, number)
            return await way.timeline()


class _Life:
    """Plays the moves."""

    def __init__(self, way: Journey) -> None:
        self.way = way
        self.session = 1

    async def move(self, move: str, number: int) -> None:
        way, text = self.way, f"words {number}"
        match move:
            case "say":
                await way.say(text)
            case "echo":
                await self._echo()
            case "answer":
                await self._echo()
                await way.answer(said(text, f"m{number}", "yes", "no"))
            case "stream":
                chunks = ("It is. ", "And more.")
                for index, chunk in enumerate(chunks):
                    owed = shown(
                        await way.hear(
                            f.AgentChunk(
                                message_id=f"s{number}",
                                text=chunk,
                                index=index,
                                complete=index == len(chunks) - 1,
                            )
                        )
                    )
                    await way.post(*owed)
                    for one in owed[:1]:
                        way.hops.grew(one, 1, way.tick())
            case "handoff":
                await way.post(*shown(await way.hear(f.HandoffTriggered())))
            case "kill":
                way.kill()
                await way.happen(e.SocketLost(self.session))
                await way.happen(e.SocketReady(self.session))
            case "lost":
                await way.happen(e.SessionLost(self.session))
                self.session += 1
                await way.connect(self.session)
            case _:
                await self._tried(move, number)

    async def _tried(self, move: str, number: int) -> None:
        way = self.way
        for post in shown(await way.hear(said(f"tried {number}", f"t{number}"))):
            await way.attempt(post)
            if move == "away":
                await way.settle(post, DeliveryState.PENDING, reason="away")
                await way.attempt(post)
                await way.settle(post)
            else:
                way.kill()
                await way.settle(post, found=True)

    async def _echo(self) -> None:
        flight = self.way.present.in_flight if self.way.present else None
        if flight is not None and flight.message is not None:
            await self.way.echo(flight.message.delivery, flight.text)
