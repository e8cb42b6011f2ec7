"""By which names a message is found, and what of a conversation is on record."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.model.delivery import DeliveryState, Receipt
from bridge.model.hops import HopKind
from bridge.model.ids import AdapterName, ConversationId, DeliveryId, EntryId, ThreadKey
from bridge.model.pointer import Pointer
from bridge.store import (
    Attempt,
    NewSession,
    Outcome,
    Store,
    Subject,
    TakeStep,
    open_store,
)
from bridge.testing.clock import NOON
from tests.unit.store.given import SLACK, accept, made, owing, reply, said

C1, POST, THREAD = ConversationId("c1"), DeliveryId("c1.1"), ThreadKey("T1:C1:1.0")
IDENTITY, RECEIPT = "message:T1:C1:1.0", "C1:2.0"
SAID = Subject(conversation=C1, entry=EntryId(1))
POSTED = Subject(conversation=C1, delivery=POST)
WHOLE = Subject(conversation=C1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Somebody said something, and an answer was posted."""
    async with open_store(made(tmp_path)) as store:
        await store.write(accept(said("words", IDENTITY, thread=THREAD, opens=True)))
        conversation = await store.conversation(C1)
        assert conversation is not None
        await store.write(owing(conversation, (1, reply("an answer"))))
        await store.write(Attempt(id=POST, at=NOON))
        sent = Outcome(id=POST, state=DeliveryState.SENT, at=NOON, receipt=Receipt(RECEIPT))
        await store.write(sent)
        yield store


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("c1", WHOLE),
        ("c1.1", POSTED),
        ("inbox.1", SAID),
        (IDENTITY, SAID),
        (RECEIPT, POSTED),
        (THREAD, WHOLE),
    ],
)
async def test_a_message_is_found_by_each_of_its_names(
    store: Store, name: str, expected: Subject
) -> None:
    assert await store.timelines.named(name) == [expected]


@pytest.mark.parametrize("name", ["c9", "c1.9", "inbox.9", "message:*", "", "inbox.x", "C1:9.0"])
async def test_what_is_not_known_is_not_found(store: Store, name: str) -> None:
    assert await store.timelines.named(name) == ([] if name != "message:*" else [SAID])


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        (Pointer(identity="message:*:C1:1.0"), [SAID]),
        (Pointer(identity="message:*:C1:9.9", receipt=RECEIPT), [POSTED]),
        (Pointer(identity="message:*:C1:9.9", receipt="C1:9.9", thread="*:C1:1.0"), [WHOLE]),
        (Pointer(identity="message:*:C2:1.0"), []),
        (Pointer(identity="message:[T]1:*"), []),
        (Pointer(identity="message:T?:C1:*"), []),
    ],
)
async def test_a_link_finds_the_message_else_its_thread(
    store: Store, pointer: Pointer, expected: list[Subject]
) -> None:
    assert await store.timelines.pointed(SLACK, pointer) == expected
    assert await store.timelines.pointed(AdapterName("other"), pointer) == []


async def test_attempts_their_outcomes_and_sessions_are_on_record(store: Store) -> None:
    conversation = await store.conversation(C1)
    assert conversation is not None
    session = NewSession(
        number=1, session_id="s1", sealed_token="sealed", expires_at=None, correlation_id="corr-1"
    )
    later = NOON + timedelta(seconds=1)
    await store.write(
        TakeStep(conversation=conversation, at=later, session=session, befell=("handoff live",))
    )

    timeline = await store.timelines.of(C1)

    assert timeline is not None
    assert [hop.kind for hop in timeline.deliveries[0].hops] == [HopKind.ATTEMPTED]
    assert [hop.kind for hop in timeline.entries[0].hops] == [HopKind.SAID, HopKind.SIZE]
    assert timeline.sessions[0].correlation_id == "corr-1"
    assert [(one.at, one.what) for one in timeline.befallen] == [(later, "handoff live")]
    assert await store.timelines.lately(timedelta(seconds=10), 5) == [POST]
    assert await store.timelines.of(ConversationId("c9")) is None


async def test_a_reply_that_was_nobodys_is_known_as_kept(store: Store) -> None:
    await store.write(accept(said("early", thread="T9", order="2"), new_id="c9"))
    await store.write(accept(said("opens", thread="T9", order="1", opens=True), new_id="c9"))

    timeline = await store.timelines.of(ConversationId("c9"))

    assert timeline is not None
    kept = [HopKind.KEPT in {hop.kind for hop in one.hops} for one in timeline.entries]
    assert kept == [True, False]
