"""The story of a message as it is told: in order, with what is missing, and without its words."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from bridge.core import events as e
from bridge.model import frames as f
from bridge.model.delivery import DeliveryState
from bridge.model.hops import Hop, HopKind
from bridge.model.ids import DeliveryId, EntryId
from bridge.runtime.deciding import entry_mail
from bridge.runtime.reporting.stories import Sure, stories, story_of
from bridge.runtime.reporting.telling import LOST, Line, told
from bridge.store import Subject
from bridge.testing.builders import said
from tests.unit.runtime.journey import C1, Journey, asked, journey, shown


@pytest.fixture
async def way(tmp_path: Path) -> AsyncIterator[Journey]:
    async with journey(tmp_path) as way:
        yield way


async def lines(way: Journey, *, entry: int = 0, delivery: str = "") -> list[Line]:
    """The story of an entry, or of a delivery."""
    subject = Subject(
        conversation=C1,
        entry=EntryId(entry) if entry else None,
        delivery=DeliveryId(delivery) if delivery else None,
    )
    return told(story_of(await way.timeline(written=False), subject))


def seen(told_: list[Line], row: str) -> list[str]:
    """The hops of one message, each with a mark if it is open or not known when."""
    marks = [" open" if one.open else "" if one.at else " ?" for one in told_ if one.row == row]
    return [one.hop + mark for one, mark in zip(_of(told_, row), marks, strict=True)]


def _of(told_: list[Line], row: str) -> list[Line]:
    return [one for one in told_ if one.row == row]


async def test_a_message_and_its_answer_are_one_story_from_either_end(way: Journey) -> None:
    ask = await way.begin("secret words")
    (answer,) = await way.answer(said("a secret answer", "m1"))
    await way.timeline()

    by_entry, by_answer = await lines(way, entry=1), await lines(way, delivery=answer)

    assert by_entry == by_answer == await lines(way, delivery=ask)
    assert seen(by_entry, "inbox.1") == ["said", "received", "journaled", "acked", "stepped"]
    assert seen(by_entry, ask) == ["owed", "journaled", "sent", "read", "confirmed"]
    assert seen(by_entry, answer) == [
        *("read", "owed", "journaled", "attempted", "posted", "receipt")
    ]
    assert "secret" not in repr(by_entry)
    instants = [line.at for line in by_entry if line.at is not None and not line.clock]
    assert instants == sorted(instants)


async def test_several_messages_that_waited_share_their_answer_and_it_is_said_so(
    way: Journey,
) -> None:
    await way.begin("one")
    second = await way.say("two")
    assert second is not None
    await way.echo(second, "two")
    (answer,) = await way.answer(said("both", "m1"))
    (more,) = await way.answer(said("and more", "m2"))

    timeline = await way.timeline()
    story = story_of(timeline, Subject(conversation=C1, entry=EntryId(1)))

    number = int(answer.rpartition(".")[2])
    assert story.answers[number].sure is Sure.SOME
    assert {entry.id for entry in story.entries} == {1}
    by_answer = story_of(timeline, Subject(conversation=C1, delivery=answer))
    assert [entry.id for entry in by_answer.entries] == [1, 2]
    assert story.answers[int(more.rpartition(".")[2])].sure is Sure.MORE
    assert "for one of these, or for all" in repr(told(story))


async def test_what_changes_a_message_belongs_to_its_story_and_not_to_whoever_speaks_next(
    way: Journey,
) -> None:
    await way.begin("one")
    (answer,) = await way.answer(said("choose", "m1", "red", "blue"))
    decision = await way.step(entry_mail(await way.accept("red")))
    change = shown(decision)[0]
    await way.post(change)
    await way.timeline()

    first, second = await lines(way, entry=1), await lines(way, entry=2)

    assert seen(first, change)[-2:] == ["posted", "receipt"]
    assert any(f"changes {answer}" in line.says for line in first)
    assert not _of(second, answer), "the story of what came next does not begin before it"
    assert await lines(way, delivery=change) == await lines(way, delivery=answer)


async def test_a_kill_after_the_accept_leaves_its_instants_unknown(way: Journey) -> None:
    await way.accept("words", opens=True)
    way.kill()

    found = await lines(way, entry=1)

    assert seen(found, "inbox.1") == ["said", "received", "journaled ?", "acked ?", "stepped open"]
    assert any(line.says == LOST for line in found)


@pytest.mark.parametrize("sent", [False, True], ids=["after-step", "after-transmit"])
async def test_a_kill_on_the_way_to_the_agent_leaves_it_unknown_whether_it_was_sent(
    way: Journey, sent: bool
) -> None:
    await way.say("hello", opens=True)
    await way.connect()
    await way.echo(DeliveryId("c1.1"), "hello")
    decision = await way.step(entry_mail(await way.accept("words")))
    if sent:
        way.send(decision)
    way.kill()

    found = await lines(way, entry=2)

    ask = asked(decision)
    assert ask is not None
    assert seen(found, ask) == ["owed", "journaled ?", "sent ?", "confirmed open"]
    assert "sent 1 time(s), and not confirmed yet" in found[-1].says


async def test_a_frame_that_a_kill_kept_from_going_out_is_sent_again_as_attempt_two(
    way: Journey,
) -> None:
    await way.say("hello", opens=True)
    await way.connect()
    await way.echo(DeliveryId("c1.1"), "hello")
    decision = await way.step(entry_mail(await way.accept("words")))
    way.kill()  # before it was sent
    await way.happen(e.SocketLost(1))
    await way.happen(e.SocketReady(1))
    await way.timeline()

    sent = [line for line in await lines(way, entry=2) if line.hop == "sent"]

    assert decision.change is not None
    assert [line.at is None for line in sent] == [True, False]
    assert LOST in sent[0].says
    assert "attempt 1" in sent[0].says
    assert "attempt 2" in sent[1].says


async def test_a_message_carried_into_the_next_session_says_so(way: Journey) -> None:
    ask = await way.say("words", opens=True)
    await way.connect()
    await way.happen(e.SessionLost(1))
    await way.connect(2)
    await way.timeline()

    assert ask is not None
    assert seen(await lines(way, delivery=ask), ask) == [
        *("owed", "journaled", "sent", "carried", "sent", "confirmed open")
    ]


async def test_what_was_in_doubt_absent_found_or_held_is_told(way: Journey) -> None:
    await way.say("words", opens=True)
    await way.connect()
    (post,) = shown(await way.hear(said("an answer", "m1")))
    await way.attempt(post)
    await way.settle(post, DeliveryState.PENDING, reason="away")
    await way.attempt(post)
    way.kill()
    await way.attempt(post)
    await way.settle(post, found=True)
    (held,) = shown(await way.hear(said("another", "m2")))
    await way.attempt(held)
    await way.settle(held, DeliveryState.SENDING, reason="in doubt: nobody can tell")
    await way.timeline()

    assert seen(await lines(way, delivery=post), post) == [
        *("read", "owed", "journaled", "attempted", "absent", "attempted", "doubted ?"),
        *("attempted", "doubted ?", "found", "posted", "receipt"),
    ]
    assert seen(await lines(way, delivery=held), held)[-2:] == ["held", "posted open"]


async def test_an_answer_that_died_and_was_redriven_is_told_in_order_and_found_by_its_id(
    way: Journey,
) -> None:
    await way.begin("one")
    (answer,) = shown(await way.hear(said("both", "m1")))
    await way.attempt(answer)
    await way.settle(answer, DeliveryState.DEAD, reason="no")
    died = story_of(await way.timeline(), Subject(conversation=C1, entry=EntryId(1)))
    way.tick(60_000)
    await way.happen(e.Redriven(answer, None))
    await way.post(answer)
    await way.timeline()

    found = await lines(way, delivery=answer)

    assert died.answered_at is None, "what died did not answer anybody"
    assert found == await lines(way, entry=1)
    assert seen(found, answer) == [
        *("read", "owed", "journaled", "attempted", "dead", "redriven"),
        *("attempted", "posted", "receipt"),
    ]
    instants = [line.at for line in found if line.at is not None and not line.clock]
    assert instants == sorted(instants)


async def test_what_is_said_again_for_a_dead_letter_to_the_agent_belongs_to_its_story(
    way: Journey,
) -> None:
    await way.say("one", opens=True)
    await way.connect()
    await way.echo(DeliveryId("c1.1"), "one")
    await way.answer(said("first", "m0"))
    dead = await way.say("two")
    assert dead is not None
    for _ in range(4):
        await way.happen(e.SocketLost(1))
        await way.happen(e.SocketReady(1))
    found = await way.store.letters.dead_ask(dead)
    assert found is not None
    decision = await way.happen(e.Redriven(dead, found))
    again = asked(decision)
    assert again is not None
    await way.echo(again, "two")
    (answer,) = await way.answer(said("at last", "m1"))
    await way.timeline()

    told_ = await lines(way, entry=2)

    assert {dead, again, answer} <= {line.row for line in told_}
    assert seen(told_, dead)[-2:] == ["dead", "dropped"]
    assert await lines(way, delivery=again) == told_
    assert await lines(way, delivery=answer) == told_


async def test_what_is_owed_says_since_when_and_what_is_wrong(way: Journey) -> None:
    await way.say("words", opens=True)
    await way.connect()
    (post,) = shown(await way.hear(said("an answer", "m1")))

    subject = Subject(conversation=C1, delivery=post)
    story = story_of(await way.timeline(), subject)
    last = told(story, lambda what: f"{what} disconnected")

    opened = [line.says for line in last if line.row == post and line.open]
    assert opened == ["owed since 2030-01-01T12:00:00.021Z: adapter slack disconnected"]


async def test_a_handoff_on_the_way_is_told(way: Journey) -> None:
    ask = await way.begin("a person, please")
    await way.hear(f.HandoffTriggered())
    await way.hear(f.LiveAgentJoined(agent_id="a1", name="Mia"))
    await way.answer(f.LiveAgentMessage(message_id="m1", agent_id="a1", text="Hello"))
    await way.timeline()

    told_ = await lines(way, delivery=ask)

    assert [one.says for one in told_ if one.hop == "handoff"] == [
        "handoff waiting",
        "handoff live",
    ]
    assert "Mia" not in repr(told_)


async def test_of_thousands_of_messages_each_row_is_looked_at_once(way: Journey) -> None:
    ask = await way.say("one", opens=True)
    assert ask is not None
    timeline = await way.timeline()
    (entry,), (row,) = timeline.entries, timeline.deliveries
    many = range(2, 3000)
    long = msgspec.structs.replace(
        timeline,
        entries=tuple([msgspec.structs.replace(entry, id=EntryId(n)) for n in many]),
        deliveries=tuple(
            [
                msgspec.structs.replace(
                    row,
                    id=DeliveryId(f"c1.{n}"),
                    number=n,
                    hops=(Hop(HopKind.ENTRY, detail=str(n)),),
                )
                for n in many
            ]
        ),
    )
    found = stories(long)
    looked = [one.number for story in found for one in story.deliveries]
    assert looked == list(many)


async def test_a_conversation_is_a_list_of_stories_in_their_order(way: Journey) -> None:
    for number, text in enumerate(("one", "two"), start=1):
        ask = await way.say(text, opens=number == 1)
        if number == 1:
            await way.connect()
        assert ask is not None
        await way.echo(ask, text)
        await way.answer(said(f"answer {number}", f"m{number}"))

    found = stories(await way.timeline())

    assert [[entry.id for entry in one.entries] for one in found if one.entries] == [[1], [2]]
    assert [one.began for one in found] == sorted(one.began for one in found)
