"""Transactions 2 and 3, and housekeeping: all of a change or nothing of it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bridge.errors import DatabaseFailed
from bridge.model.delivery import Ask, DeliveryState, Post, Receipt, Replace
from bridge.model.ids import ConversationId, DeliveryId
from bridge.store import (
    FORGOTTEN,
    AgentOutcome,
    Attempt,
    NewSession,
    Outcome,
    Store,
    TakeStep,
    open_store,
)
from bridge.testing.builders import ANN
from bridge.testing.clock import NOON
from tests.unit.store.given import accept, entries, made, opened, owing, reply, said, tidied

SECOND = timedelta(seconds=1)
FIRST = DeliveryId("c1.1")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(made(tmp_path)) as store:
        yield store


async def states(store: Store, conversation: str = "c1") -> dict[str, str]:
    """The state of each delivery of a conversation."""
    rows = await store.list_deliveries(ConversationId(conversation))
    return {row.id: row.state.value for row in rows}


def bodies(path: Path) -> list[tuple[str, str | None, int, str | None]]:
    """Of each delivery, then of each entry: its kind, its words, their size and their digest."""
    query = (
        "SELECT kind, body, size, digest FROM deliveries"
        " UNION ALL SELECT kind, body, size, digest FROM inbox"
    )
    with closing(sqlite3.connect(path / "bridge.db")) as connection:
        return connection.execute(query).fetchall()


async def test_of_what_is_settled_no_words_stay_but_those_of_dead_letters(
    store: Store, tmp_path: Path
) -> None:
    accepted = await store.write(accept(said("hello", opens=True)))
    conversation = await store.conversation(ConversationId("c1"))
    assert conversation is not None
    ids = [DeliveryId(f"c1.{number}") for number in range(1, 7)]
    bodies_owed: list[Post | Ask] = [
        *(Post(reply(text).content) for text in "abc"),
        *map(Ask, "abc"),
    ]
    owed = tuple(zip(ids, bodies_owed, strict=True))
    await store.write(
        TakeStep(conversation=conversation, at=NOON, owed=owed, done=entries(accepted))
    )
    ends = (DeliveryState.SENT, DeliveryState.DROPPED, DeliveryState.DEAD)
    for delivery, state in zip(ids[:3], ends, strict=True):
        await store.write(Outcome(id=delivery, state=state, at=NOON))
    settled = tuple(
        AgentOutcome(id=delivery, state=state, reference="")
        for delivery, state in zip(ids[3:], ends, strict=True)
    )
    await store.write(TakeStep(conversation=conversation, at=NOON, settled=settled))

    found = bodies(tmp_path)
    assert [bool(words) for _, words, _, _ in found] == [False, False, True] * 2 + [False]
    assert [kind for kind, _, _, _ in found] == ["post"] * 3 + ["ask"] * 3 + ["said"]
    assert all(size > 10 for _, _, size, _ in found)
    assert len({digest for _, _, _, digest in found}) == 7


async def test_where_something_landed_is_known_when_its_words_are_not(store: Store) -> None:
    await store.write(owing(await opened(store), (1, reply("hi"))))
    await store.write(Outcome(id=FIRST, state=DeliveryState.SENT, at=NOON, receipt=Receipt("r")))

    found = await store.thread_delivery(FIRST)
    assert found is not None
    assert (found.body, found.receipt) == (FORGOTTEN, Receipt("r"))


async def test_for_whom_alone_something_was_is_known_longer_than_its_words(store: Store) -> None:
    """Or else everybody would see what is put in its place."""
    private = Post(reply("hi").content, only_for=ANN.id)
    await store.write(owing(await opened(store), (1, private)))
    await store.write(Outcome(id=FIRST, state=DeliveryState.SENT, at=NOON, receipt=Receipt("r")))

    found = await store.thread_delivery(FIRST)
    assert found is not None
    assert found.body == Post(FORGOTTEN.content, only_for=ANN.id)


async def test_a_step_saves_all_it_says(store: Store) -> None:
    accepted = await store.write(accept(said("hello", opens=True)))
    before = await store.conversation(ConversationId("c1"))
    assert before is not None
    after = msgspec.structs.replace(before, deliveries=2, sessions=1, wanted=True)
    sealer = store.sealer("secret")

    await store.write(
        TakeStep(
            conversation=after,
            at=NOON + SECOND,
            done=entries(accepted),
            owed=((FIRST, reply("hi")), (DeliveryId("c1.2"), Ask("hello"))),
            session=NewSession(
                number=1,
                session_id="s1",
                sealed_token=sealer.seal("t0ken"),
                expires_at=NOON + timedelta(hours=1),
            ),
        )
    )

    (delivery,) = await store.owed_to_threads()
    session = await store.session(ConversationId("c1"), 1, sealer)
    assert await store.conversation(ConversationId("c1")) == after
    assert await store.open_entries() == []
    assert (delivery.id, delivery.body, delivery.thread) == (FIRST, reply("hi"), "T1")
    assert delivery.owed_at == NOON + SECOND
    assert (await store.census()).owed == {"thread": 1, "agent": 1, "step": 0}
    assert session is not None
    assert (session.token, session.expires_at) == ("t0ken", NOON + timedelta(hours=1))


async def test_a_step_that_cannot_be_written_leaves_nothing_of_itself(store: Store) -> None:
    conversation = await opened(store)
    await store.write(owing(conversation, (1, reply("hi"))))
    before = await store.conversation(conversation.id)
    accepted = await store.write(accept(said("more", thread=conversation.thread)))
    twice = owing(conversation, (2, reply("new")), (1, reply("again")))
    wrong = msgspec.structs.replace(conversation, wanted=True)

    with pytest.raises(DatabaseFailed):
        await store.write(
            TakeStep(conversation=wrong, at=NOON, owed=twice.owed, done=entries(accepted))
        )

    assert await store.conversation(conversation.id) == before
    assert await states(store) == {"c1.1": "pending"}
    assert len(await store.open_entries()) == 1


async def test_a_change_that_fails_harms_no_other_of_its_batch(store: Store) -> None:
    """Twenty conversations in one batch; one repeats a delivery's id."""
    conversations = [await opened(store, f"c{n}") for n in range(20)]
    await store.write(owing(conversations[7], (1, reply("there already"))))

    outcomes = await asyncio.gather(
        *(store.write(owing(c, (1, reply(f"for {c.id}")))) for c in conversations),
        return_exceptions=True,
    )

    failed = [n for n, outcome in enumerate(outcomes) if outcome is not None]
    assert failed == [7]
    assert isinstance(outcomes[7], DatabaseFailed)
    owed = {d.conversation: d.body for d in await store.owed_to_threads()}
    assert len(owed) == 20
    assert owed[ConversationId("c7")] == reply("there already")


async def test_an_error_of_the_database_quotes_nobody(store: Store) -> None:
    conversation = await opened(store)
    await store.write(owing(conversation, (1, reply("hi"))))

    with pytest.raises(DatabaseFailed) as caught:
        await store.write(owing(conversation, (1, reply("my password is hunter2"))))

    assert "hunter2" not in repr(caught.value) + str(caught.value)
    assert caught.value.__cause__ is None
    assert "UNIQUE constraint failed" in str(caught.value)


async def test_a_delivery_goes_from_owed_to_sent(store: Store) -> None:
    await store.write(owing(await opened(store), (1, reply("hi"))))

    await store.write(Attempt(id=FIRST, at=NOON + SECOND))
    (doubtful,) = await store.owed_to_threads()
    await store.write(
        Outcome(id=FIRST, state=DeliveryState.SENT, at=NOON, receipt=Receipt("C1:2.0"))
    )

    assert doubtful.state is DeliveryState.SENDING
    assert (doubtful.attempts, doubtful.attempted_at) == (1, NOON + SECOND)
    assert await store.owed_to_threads() == []
    sent = await store.thread_delivery(FIRST)
    assert sent is not None
    assert sent.receipt == Receipt("C1:2.0")


async def test_a_failed_attempt_is_owed_again(store: Store) -> None:
    await store.write(owing(await opened(store), (1, reply("hi"))))
    await store.write(Attempt(id=FIRST, at=NOON))

    await store.write(Outcome(id=FIRST, state=DeliveryState.PENDING, at=NOON, reason="away"))
    await store.write(Attempt(id=FIRST, at=NOON + SECOND))

    (row,) = await store.list_deliveries(ConversationId("c1"))
    assert (row.attempts, row.state, row.settled_at) == (2, DeliveryState.SENDING, None)


async def test_what_is_owed_to_threads_comes_in_order_and_without_what_agents_are_owed(
    store: Store,
) -> None:
    for name in ("c2", "c1"):
        conversation = await opened(store, name)
        owed = [(n, reply(f"{n}")) for n in (11, 2, 10, 1)]
        await store.write(owing(conversation, *owed, (5, Ask("hm"))))

    found = [d.id for d in await store.owed_to_threads()]

    assert found == [f"{c}.{n}" for c in ("c1", "c2") for n in (1, 2, 10, 11)]


async def test_a_step_settles_what_the_agent_was_owed(store: Store) -> None:
    conversation = await opened(store)
    await store.write(owing(conversation, (1, Ask("one")), (2, Ask("two"))))

    outcome = AgentOutcome(id=FIRST, state=DeliveryState.SENT, reference="17")
    await store.write(TakeStep(conversation=conversation, at=NOON, settled=(outcome,)))

    assert await states(store) == {"c1.1": "sent", "c1.2": "pending"}
    assert (await store.census()).owed == {"agent": 1, "step": 0}


@pytest.mark.parametrize("state", [DeliveryState.SENT, DeliveryState.DEAD, DeliveryState.DROPPED])
async def test_however_it_came_out_with_the_agent_the_step_is_taken(
    store: Store, state: DeliveryState
) -> None:
    """What is changed or taken back in time is dropped: the edit must not be set aside for that."""
    conversation = await opened(store)
    await store.write(owing(conversation, (1, Ask("one"))))

    outcome = AgentOutcome(id=FIRST, state=state, reference="so it was")
    await store.write(TakeStep(conversation=conversation, at=NOON, settled=(outcome,)))

    (row,) = await store.list_deliveries(conversation.id)
    assert row.state is state
    assert row.reason == (None if state is DeliveryState.SENT else "so it was")


async def test_a_session_that_is_forgotten_keeps_its_record_without_its_token(
    store: Store,
) -> None:
    conversation, sealer = await opened(store), store.sealer("secret")
    for number in (1, 2):
        session = NewSession(
            number=number,
            session_id=f"s{number}",
            sealed_token=sealer.seal(f"token {number}"),
            expires_at=None,
        )
        await store.write(TakeStep(conversation=conversation, at=NOON, session=session))

    await store.write(TakeStep(conversation=conversation, at=NOON + SECOND, forgotten=(1,)))

    gone = await store.session(conversation.id, 1, sealer)
    kept = await store.session(conversation.id, 2, sealer)
    assert gone is not None
    assert kept is not None
    assert (gone.token, gone.closed_at) == (None, NOON + SECOND)
    assert (kept.token, kept.closed_at) == ("token 2", None)
    assert [s.token for s in await store.sessions(conversation.id)] == [None, None]


async def test_only_live_conversations_are_taken_up_after_a_restart(store: Store) -> None:
    await opened(store, "quiet")
    live = msgspec.structs.replace(await opened(store, "live"), wanted=True)
    await store.write(TakeStep(conversation=live, at=NOON))

    assert [c.id for c in await store.live_conversations()] == ["live"]
    assert [r.conversation.id for r in await store.list_conversations()] == ["live"]
    assert len(await store.list_conversations(everything=True)) == 2


async def test_a_listing_says_what_is_owed_and_shows_no_words(store: Store) -> None:
    conversation = await opened(store)
    await store.write(owing(conversation, (1, reply("secret")), (2, Ask("mine"))))

    (row,) = await store.list_conversations(everything=True)
    deliveries = await store.list_deliveries(conversation.id)

    assert (row.owed_to_thread, row.owed_to_agent) == (1, 1)
    assert [(d.target, d.kind) for d in deliveries] == [("thread", "post"), ("agent", "ask")]
    assert "secret" not in repr(deliveries)


async def test_housekeeping_forgets_what_was_settled_a_month_ago_and_nothing_owed(
    store: Store,
) -> None:
    conversation = await opened(store)
    numbers = range(1, 6)
    await store.write(owing(conversation, *((n, reply(f"{n}")) for n in numbers)))
    for number, state in zip(numbers, DeliveryState, strict=True):
        await store.write(Outcome(id=DeliveryId(f"c1.{number}"), state=state, at=NOON))

    await tidied(store, NOON + timedelta(days=30))
    assert len(await states(store)) == 5
    await tidied(store, NOON + timedelta(days=31))

    assert await states(store) == {"c1.1": "pending", "c1.2": "sending"}
    assert await store.conversation(conversation.id) is not None


async def test_every_kind_of_text_comes_back_as_it_went_in(store: Store) -> None:
    words = "Straße\x00\u2028 👩‍👩‍👧 'quoted' \"twice\" ; DROP TABLE inbox; --\n" + "long " * 20_000
    conversation = await opened(store)
    body = Replace(FIRST, reply(words).content)
    step = TakeStep(conversation=conversation, at=NOON, owed=((FIRST, body),))

    await store.write(step)

    found = await store.thread_delivery(FIRST)
    assert found is not None
    assert found.body == body
