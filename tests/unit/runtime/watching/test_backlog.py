"""What waits for too long is told, unless for a reason; what dies is told when it is much."""

from datetime import timedelta
from pathlib import Path

from bridge.model.ids import AdapterName, AgentName, ConversationId
from bridge.runtime.watching.backlog import LOOK, RECENT, Backlog, judged
from bridge.runtime.watching.trouble import Dependency
from bridge.store import Overdue
from bridge.testing.clock import NOON
from tests.unit.runtime.house import lived_in
from tests.unit.store.given import accept, opened, owing, reply, said

AGE = timedelta(minutes=5)


def waits(waits_for: str, minutes: int, *, conversation: str = "c1", held: bool = False) -> Overdue:
    """Something that has waited."""
    return Overdue(
        waits_for=waits_for,
        conversation=ConversationId(conversation),
        adapter=AdapterName("slack"),
        agent=AgentName("default"),
        since=NOON - timedelta(minutes=minutes),
        held=held,
    )


def test_each_kind_of_what_waits_is_told_with_the_oldest_of_it() -> None:
    found: list[Overdue] = [
        waits("thread", 9),
        waits("thread", 12),
        waits("agent", 7),
        waits("step", 6),
    ]
    ages = judged(found, 0, excused=lambda _: False, most_dead=10, now=NOON)
    assert [(t.dependency, t.name) for t in ages.troubles] == [
        (Dependency.BACKLOG, "thread"),
        (Dependency.BACKLOG, "agent"),
        (Dependency.BACKLOG, "step"),
    ]
    assert [t.sentence for t in ages.troubles] == [
        "2 wait for too long; the oldest for 12 min, to a thread of slack, in the conversation c1",
        "1 wait for too long; the oldest for 7 min, to the agent default, in the conversation c1",
        (
            "1 wait for too long; the oldest for 6 min, as what slack told, without a step,"
            " in the conversation c1"
        ),
    ]
    assert ages.overdue == 4
    assert ages.oldest == NOON - timedelta(minutes=12)


def _is_parked(one: Overdue) -> bool:
    return one.conversation == "parked"


def test_what_a_person_has_to_end_is_counted_apart() -> None:
    found = [waits("thread", 60, held=True), waits("agent", 30, conversation="parked")]
    ages = judged(
        found, 0, excused=lambda one: one.conversation == "parked", most_dead=10, now=NOON
    )
    assert (ages.overdue, ages.held, ages.excused) == (0, 1, 1)
    assert ages.troubles == ()


def test_dead_letters_are_told_when_they_are_many() -> None:
    few = judged([], 9, excused=lambda _: False, most_dead=10, now=NOON)
    many = judged([], 10, excused=lambda _: False, most_dead=10, now=NOON)
    never = judged([], 1000, excused=lambda _: False, most_dead=0, now=NOON)
    assert few.troubles == never.troubles == ()
    assert [t.dependency for t in many.troubles] == [Dependency.DEAD_LETTERS]
    assert "10 deliveries died within the hour" in str(many.troubles[0])


async def test_it_is_read_from_the_database_as_it_changes(tmp_path: Path) -> None:
    async with lived_in(tmp_path) as house:
        conversation = await opened(house.store)
        backlog = Backlog(house.store, house.clock, lambda _: False, age=AGE, most_dead=1)
        house.tasks.create_task(backlog.watch())
        await house.store.write(accept(said("later", thread=conversation.thread)))
        await house.store.write(owing(conversation, (1, reply("hello"))))
        await house.until(lambda: house.clock.now() > NOON + AGE - LOOK * 2)
        assert not list(backlog.troubles())

        await house.until(lambda: len(list(backlog.troubles())) == 2)
        assert house.clock.now() < NOON + AGE + 10 * LOOK
        assert {one.name for one in backlog.troubles()} == {"thread", "step"}

        house.damage("UPDATE inbox SET done_at = accepted_at")
        house.damage("UPDATE deliveries SET state = 'dead', settled_at = '2030-01-01 12:05:00'")
        await house.until(
            lambda: [one.dependency for one in backlog.troubles()] == [Dependency.DEAD_LETTERS]
        )


async def test_what_somebody_has_looked_at_is_no_trouble_any_more(tmp_path: Path) -> None:
    async with lived_in(tmp_path) as house:
        conversation = await opened(house.store)
        await house.store.write(owing(conversation, (1, reply("hello"))))
        house.damage("UPDATE deliveries SET state = 'dead', settled_at = owed_at")
        assert await house.store.unseen_dead(NOON - RECENT) == 1
        assert await house.store.unseen_dead(NOON) == 0, "what died long ago is no news"
        house.damage("UPDATE deliveries SET seen_at = settled_at")
        assert await house.store.unseen_dead(NOON - RECENT) == 0
