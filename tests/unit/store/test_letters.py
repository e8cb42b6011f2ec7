"""Dead letters in the store: which there are, and what can be done about each."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.core.state import Conversation
from bridge.model.delivery import Announce, Ask, DeliveryState
from bridge.model.ids import DeliveryId, EntryId
from bridge.model.messages import Notice, NoticeKind
from bridge.store import Attempt, Outcome, Store, TakeStep, open_store
from bridge.store.letters import HELD, STATES, Wanted
from bridge.store.records import Letter
from bridge.store.redriving import (
    Alerted,
    Arrived,
    DropLetter,
    OwedAgain,
    Seen,
    SetAside,
    Superseded,
    TakenUpAgain,
)
from bridge.store.retention import Keeping, Place, Tidy
from bridge.testing.builders import ANN
from bridge.testing.clock import NOON
from tests.unit.store.given import accept, entries, made, opened, owing, reply, said

LATER = NOON + timedelta(hours=1)
CALL = Announce("C9", Notice(NoticeKind.HANDOFF_CALL))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(made(tmp_path)) as store:
        yield store


@pytest.fixture
async def conversation(store: Store) -> Conversation:
    """Which owes: a reply that is dead, words that are dead, a held reply, a reply, a call."""
    conversation = await opened(store)
    await store.write(
        owing(
            conversation,
            (1, reply("one")),
            (2, Ask("two", ANN)),
            (3, reply("three")),
            (4, reply("four")),
        )
    )
    call = TakeStep(conversation=conversation, at=NOON, owed=((DeliveryId("c1.5"), CALL),))
    await store.write(call)
    await end(store, "c1.1", DeliveryState.DEAD, "too long", attempted=True)
    await end(store, "c1.2", DeliveryState.DEAD, "never confirmed")
    await end(store, "c1.3", DeliveryState.SENDING, "in doubt: nobody saw it", attempted=True)
    await end(store, "c1.5", DeliveryState.DEAD, "no such channel", attempted=True)
    return conversation


async def end(
    store: Store, delivery: str, state: DeliveryState, reason: str, *, attempted: bool = False
) -> None:
    identity = DeliveryId(delivery)
    if attempted:
        await store.write(Attempt(id=identity, at=NOON))
    await store.write(Outcome(id=identity, state=state, at=LATER, reason=reason))


async def set_aside(store: Store, conversation: Conversation, text: str = "odd") -> EntryId:
    accepted = await store.write(accept(said(text, thread=conversation.thread)))
    (entry,) = entries(accepted)
    await store.write(SetAside(entry=entry, at=LATER, reason="ValueError"))
    return entry


async def states(store: Store) -> dict[str, str]:
    return {one.id: one.state for one in await store.letters.listed(Wanted(states=STATES))}


async def one(store: Store, identity: str) -> Letter:
    letter = await store.letters.one(identity)
    assert letter is not None
    return letter


async def test_a_listing_tells_both_directions_without_words(
    store: Store, conversation: Conversation
) -> None:
    entry = await set_aside(store, conversation)

    letters = await store.letters.listed(Wanted())

    assert [(one.id, one.to, one.kind, one.state) for one in letters] == [
        ("c1.1", "thread", "post", "dead"),
        ("c1.2", "agent", "ask", "dead"),
        ("c1.3", "thread", "post", HELD),
        ("c1.4", "thread", "post", "pending"),
        ("c1.5", "place", "announce", "dead"),
        (f"inbox.{entry}", "agent", "said", "dead"),
    ]
    assert letters[0].attempts == 1
    assert letters[0].settled_at == LATER
    assert "odd" not in repr(letters)
    assert all(one.size for one in letters)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(states=frozenset({"dead"})), ["c1.1", "c1.2", "c1.5", "inbox.2"]),
        (Wanted(states=frozenset({HELD})), ["c1.3"]),
        (Wanted(states=frozenset({"sending"})), []),
        (Wanted(to="agent"), ["c1.2", "inbox.2"]),
        (Wanted(to="place"), ["c1.5"]),
        (Wanted(adapter="teams"), []),
        (Wanted(agent="default", to="thread"), ["c1.1", "c1.3", "c1.4"]),
        (Wanted(conversation="c2"), []),
        (Wanted(reason="ever conf"), ["c1.2"]),
        (Wanted(reason="%"), []),
        (Wanted(since=LATER), ["c1.1", "c1.2", "c1.5", "inbox.2"]),
        (Wanted(until=LATER), ["c1.3", "c1.4"]),
        (Wanted(ids=("c1.4", "inbox.2", "no")), ["c1.4", "inbox.2"]),
    ],
)
async def test_filters_take_what_is_wanted_alone(
    store: Store, conversation: Conversation, wanted: Wanted, found: list[str]
) -> None:
    await set_aside(store, conversation)

    assert [one.id for one in await store.letters.listed(wanted)] == found


async def test_the_dead_are_counted_by_direction_until_they_are_known(
    store: Store, conversation: Conversation
) -> None:
    entry = await set_aside(store, conversation)
    assert await store.letters.dead() == {"thread": 2, "agent": 2}

    for known in ("c1.1", f"inbox.{entry}"):
        assert await store.write(Seen(id=known, at=LATER))
    assert not await store.write(Seen(id="c1.4", at=LATER))

    assert await store.letters.dead() == {"thread": 1, "agent": 1}
    assert await store.letters.dead(seen=True) == {"thread": 1, "agent": 1}


async def test_what_is_owed_again_comes_last_as_new_and_on_record(
    store: Store, conversation: Conversation
) -> None:
    await store.write(Seen(id="c1.1", at=LATER))
    again = OwedAgain(id=DeliveryId("c1.1"), number=6, at=LATER)
    await store.write(again)

    letter = await one(store, "c1.1")
    assert (letter.state, letter.attempts, letter.reason) == ("pending", 0, None)
    assert (letter.redriven, letter.redriven_at, letter.seen_at) == (1, LATER, None)
    assert [owed.id for owed in await store.owed_to_threads()] == ["c1.3", "c1.4", "c1.1"]

    await store.write(again)  # it is not dead any more: nothing happens
    assert await one(store, "c1.1") == letter


async def test_what_is_sent_or_for_the_agent_is_not_owed_again(
    store: Store, conversation: Conversation
) -> None:
    await end(store, "c1.4", DeliveryState.SENT, "")
    before = await states(store)

    for number, delivery in enumerate(("c1.4", "c1.2"), 6):
        await store.write(OwedAgain(id=DeliveryId(delivery), number=number, at=LATER))

    assert await states(store) == before


async def test_what_says_nothing_any_more_is_not_owed_again(
    store: Store, conversation: Conversation
) -> None:
    keeping = Keeping(dead=timedelta())
    place: Place | None = Place(2)  # the words of dead letters go, while somebody redrives one
    while place is not None:
        place = await store.write(Tidy(at=LATER + timedelta(days=1), keeping=keeping, place=place))

    await store.write(OwedAgain(id=DeliveryId("c1.1"), number=6, at=LATER))
    assert (await one(store, "c1.1")).state == "dead"


async def test_words_sent_again_are_settled_with_the_new_ones(
    store: Store, conversation: Conversation
) -> None:
    await store.write(
        TakeStep(conversation=conversation, at=LATER, owed=((DeliveryId("c1.6"), Ask("two")),))
    )
    again = Superseded(id=DeliveryId("c1.2"), by=DeliveryId("c1.6"), at=LATER, redriven=True)
    await store.write(again)
    await store.write(again)

    old, new = await one(store, "c1.2"), await one(store, "c1.6")
    assert (old.state, old.reason) == ("dropped", "sent again as c1.6")
    assert (new.state, new.redriven, new.redriven_at) == ("pending", 1, LATER)


@pytest.mark.parametrize("delivery", ["c1.1", "c1.3"])
async def test_the_dead_and_the_held_can_be_dropped(
    store: Store, conversation: Conversation, delivery: str
) -> None:
    assert await store.write(DropLetter(id=delivery, at=LATER))
    assert not await store.write(DropLetter(id=delivery, at=LATER))
    assert not await store.write(DropLetter(id="c1.4", at=LATER))

    assert (await one(store, delivery)).state == "dropped"


async def test_what_is_held_and_did_arrive_is_sent(
    store: Store, conversation: Conversation
) -> None:
    assert await store.write(Arrived(id=DeliveryId("c1.3"), at=LATER))
    assert not await store.write(Arrived(id=DeliveryId("c1.1"), at=LATER))

    assert (await one(store, "c1.3")).state == "sent"
    assert [owed.id for owed in await store.owed_to_threads()] == ["c1.4"]


async def test_a_dead_entry_is_not_read_until_it_is_taken_up_again(
    store: Store, conversation: Conversation
) -> None:
    entry = await set_aside(store, conversation)
    assert await store.open_entries() == []

    taken = await store.write(TakenUpAgain(entry=entry, at=LATER))

    assert taken is not None
    assert await store.open_entries() == [taken]
    assert await store.write(TakenUpAgain(entry=entry, at=LATER)) is None


async def test_a_dropped_entry_has_no_words_left(store: Store, conversation: Conversation) -> None:
    entry = await set_aside(store, conversation)

    assert await store.letters.body(f"inbox.{entry}")
    assert await store.write(DropLetter(id=f"inbox.{entry}", at=LATER))

    assert not await store.letters.body(f"inbox.{entry}")
    assert await store.write(TakenUpAgain(entry=entry, at=LATER)) is None
    assert (await one(store, f"inbox.{entry}")).state == "dropped"


async def test_what_an_alarm_told_of_it_tells_no_more(
    store: Store, conversation: Conversation
) -> None:
    entry = await set_aside(store, conversation)
    untold = [one.id for one in await store.letters.unalerted()]
    assert untold == ["c1.1", "c1.2", "c1.3", "c1.5", f"inbox.{entry}"]

    await store.write(Alerted(ids=tuple(untold), at=LATER))
    assert await store.letters.unalerted() == []

    await store.write(OwedAgain(id=DeliveryId("c1.1"), number=6, at=LATER))
    await end(store, "c1.1", DeliveryState.DEAD, "once more")
    assert [one.id for one in await store.letters.unalerted()] == ["c1.1"]


async def test_what_stands_beside_a_letter_is_of_its_conversation(
    store: Store, conversation: Conversation
) -> None:
    before, after = await store.letters.beside(await one(store, "c1.2"))
    assert (before and before.id, after and after.id) == ("c1.1", "c1.3")

    before, after = await store.letters.beside(await one(store, "c1.1"))
    assert before is None


async def test_only_a_dead_letter_to_the_agent_says_what_to_send(
    store: Store, conversation: Conversation
) -> None:
    assert await store.letters.dead_ask(DeliveryId("c1.2")) == Ask("two", ANN)
    assert await store.letters.dead_ask(DeliveryId("c1.1")) is None
    assert await store.letters.one("c7.1") is None
