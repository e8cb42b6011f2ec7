"""Which conversations are open, and whose they are: what adapters make lists of."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from alembic import command
from alembic.config import Config

from bridge.core.state import Conversation, Session
from bridge.model.ids import AdapterName, ConversationId, DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import (
    Clicked,
    Deleted,
    EndAsked,
    InboundBody,
    Said,
    StatusAsked,
    ThreadGone,
    TooFast,
)
from bridge.model.messages import Person
from bridge.store import Store, TakeStep, open_store
from bridge.store.engines import writing_engine
from bridge.store.schema import migrations_directory
from bridge.testing.builders import ANN
from bridge.testing.clock import NOON
from tests.unit.store.given import DEFAULT, SLACK, accept, address, made, said, tidied

BEN = Person(PersonId("ben"))
MONTH = timedelta(days=31)
SESSION = Session(number=1, opened_at=NOON)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(made(tmp_path)) as store:
        yield store


async def begun(
    store: Store, thread: str, *, touched_at: datetime = NOON, session: Session | None = SESSION
) -> Conversation:
    """A conversation in `thread` that Ann has begun, after its first step."""
    await store.write(accept(said("hello", thread=thread, opens=True), new_id=f"of {thread}"))
    conversation = await store.conversation(ConversationId(f"of {thread}"))
    assert conversation is not None
    now = msgspec.structs.replace(conversation, session=session, touched_at=touched_at)
    await store.write(TakeStep(conversation=now, at=touched_at))
    return now


async def told(store: Store, thread: str, person: Person, body: InboundBody) -> None:
    inbound = said(f"{person.id} {body}", thread=thread, order="z")
    await store.write(accept(msgspec.structs.replace(inbound, person=person, body=body)))


async def threads_of(store: Store, person: Person, *, most: int = 50) -> list[str]:
    found = await store.conversations_of(SLACK, person.id, most=most)
    return [conversation.thread for conversation in found]


async def test_open_threads_are_found_by_how_their_keys_begin(store: Store) -> None:
    for thread in ("C1/2", "C1/1", "C11/1", "c1/1", "C2/1"):
        await begun(store, thread)
    await begun(store, "C1/over", session=None)

    assert await store.open_threads(SLACK, "C1/") == ["C1/1", "C1/2"]
    assert len(await store.open_threads(SLACK, "")) == 5
    assert await store.open_threads(AdapterName("other"), "") == []


async def test_a_quiet_conversation_is_open_and_one_that_ended_is_not(store: Store) -> None:
    quiet = msgspec.structs.replace(SESSION, released=True)
    conversation = await begun(store, "T1", session=quiet)
    assert not conversation.live
    assert await store.open_threads(SLACK, "") == ["T1"]

    over = msgspec.structs.replace(conversation, session=None)
    await store.write(TakeStep(conversation=over, at=NOON))
    assert await store.open_threads(SLACK, "") == []
    assert await threads_of(store, ANN) == []


async def test_a_person_finds_their_conversations_the_last_touched_first(store: Store) -> None:
    for minute, thread in enumerate(("T1", "T2", "T3")):
        await begun(store, thread, touched_at=NOON + timedelta(minutes=minute))
    await told(store, "T1", BEN, Said("me too"))

    assert await threads_of(store, ANN) == ["T3", "T2", "T1"]
    assert await threads_of(store, ANN, most=2) == ["T3", "T2"]
    assert await threads_of(store, BEN) == ["T1"]


@pytest.mark.parametrize(
    ("body", "takes_part"),
    [
        (Said("hm"), True),
        (Clicked(DeliveryId("d"), 0), True),
        (EndAsked(), True),
        (StatusAsked(), False),
        (Deleted("x"), False),
        (TooFast(3), False),
        (ThreadGone(), False),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_who_says_or_presses_something_takes_part(
    store: Store, body: InboundBody, takes_part: bool
) -> None:
    await begun(store, "T1")
    await told(store, "T1", BEN, body)
    await told(store, "T1", BEN, body)

    assert await threads_of(store, BEN) == (["T1"] if takes_part else [])


async def test_whose_reply_came_before_the_opening_takes_part_too(store: Store) -> None:
    await told(store, "T1", BEN, Said("hm"))
    assert await threads_of(store, BEN) == []

    await begun(store, "T1")
    assert await threads_of(store, BEN) == ["T1"]


async def test_who_took_part_is_forgotten_a_month_after_the_end(store: Store) -> None:
    await begun(store, "open")
    over = await begun(store, "over", session=None)
    done = tuple(one.id for one in await store.open_entries() if one.conversation == over.id)
    await store.write(TakeStep(conversation=over, at=NOON, done=done))
    await tidied(store, NOON + MONTH)

    again = msgspec.structs.replace(over, session=SESSION)
    await store.write(TakeStep(conversation=again, at=NOON + MONTH))
    assert await threads_of(store, ANN) == ["open"]


async def test_a_database_of_the_first_schema_is_taken_over_with_its_content(
    tmp_path: Path,
) -> None:
    live = conversation("live", wanted=True)
    quiet = conversation("quiet", session=msgspec.structs.replace(SESSION, released=True))
    spoken = msgspec.structs.replace(live, id=ConversationId("spoken"), speaker=BEN)
    spoken = msgspec.structs.replace(spoken, thread=ThreadKey("spoken"))
    _first_schema(tmp_path, live, quiet, spoken, conversation("over"))

    async with open_store(address(tmp_path)) as store:
        assert await store.open_threads(SLACK, "") == ["live", "quiet", "spoken"]
        assert await threads_of(store, BEN) == ["spoken"]
        assert await store.conversation(ConversationId("quiet")) == quiet
        assert [c.id for c in await store.live_conversations()] == ["live", "spoken"]


def conversation(
    name: str, *, wanted: bool = False, session: Session | None = None
) -> Conversation:
    return Conversation(
        id=ConversationId(name),
        adapter=SLACK,
        thread=ThreadKey(name),
        agent=DEFAULT,
        opened_at=NOON,
        touched_at=NOON,
        wanted=wanted,
        session=session,
    )


def _first_schema(directory: Path, *conversations: Conversation) -> None:
    """A database as the first version left it."""
    config = Config()
    config.set_main_option("script_location", str(migrations_directory()))
    with writing_engine(directory / "bridge.db") as engine, engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with closing(sqlite3.connect(directory / "bridge.db")) as raw, raw:
        for one in conversations:
            state = msgspec.json.encode(one).decode()
            row = (one.id, one.adapter, one.thread, one.agent, one.live, state)
            raw.execute(
                "INSERT INTO conversations (id, adapter, thread, agent, opened_at, touched_at,"
                " live, state) VALUES (?, ?, ?, ?, '2026-03-01', '2026-03-01', ?, ?)",
                row,
            )
