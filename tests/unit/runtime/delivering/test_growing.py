"""An unfinished message grows when nothing else is to be sent, and never past its end."""

import asyncio

import msgspec
import pytest

from bridge.core.effects import Grow
from bridge.core.state import Conversation
from bridge.errors import DatabaseFailed, Unreachable
from bridge.model.delivery import Post, Replace
from bridge.model.ids import DeliveryId
from bridge.model.messages import AgentReply, Author, AuthorKind
from tests.unit.runtime.house import Full, Lively
from tests.unit.runtime.office import Office
from tests.unit.store.given import opened, reply

FIRST, SECOND = DeliveryId("c1.1"), DeliveryId("c1.2")


def words(text: str, *, unfinished: bool = True) -> AgentReply:
    return AgentReply(Author(AuthorKind.AGENT), text, unfinished=unfinished)


@pytest.fixture
def platform(office: Office) -> Lively:
    office.platform = platform = Lively(office.house)
    office.connect()
    return platform


@pytest.fixture
async def begun(office: Office, platform: Lively) -> Conversation:
    """A conversation in which the agent has begun to speak."""
    conversation = await opened(office.house.store)
    await office.owe(conversation, Post(words("One")))
    await office.idle()
    return conversation


async def test_a_message_grows_where_it_landed(
    office: Office, platform: Lively, begun: Conversation
) -> None:
    for shown, text in enumerate(("One two", "One two three")):
        office.dispatcher.grow(begun, Grow(FIRST, words(text)))
        await office.house.until(lambda: len(platform.grown) > shown, winding=False)  # noqa: B023 - now
        await office.house.quiet()

    assert platform.grown == [
        (FIRST, "at c1.1", "One two"),
        (FIRST, "at c1.1", "One two three"),
    ]
    assert list(office.house.states().values()) == ["sent"], "growth is not written down"


async def test_only_the_newest_growth_counts_and_one_is_under_way(
    office: Office, platform: Lively, begun: Conversation
) -> None:
    platform.growing.clear()
    for text in ("One t", "One tw", "One two"):
        office.dispatcher.grow(begun, Grow(FIRST, words(text)))
        await office.house.quiet()
    assert [text for _, _, text in platform.grown] == ["One t"]

    platform.growing.set()
    await office.house.quiet()

    assert [text for _, _, text in platform.grown] == ["One t", "One two"]


async def test_growth_waits_until_everything_owed_is_out(office: Office, platform: Lively) -> None:
    conversation = await opened(office.house.store)
    platform.blocked[conversation.thread] = asyncio.Event()
    await office.owe(conversation, Post(words("One")))
    office.dispatcher.grow(conversation, Grow(FIRST, words("One two")))
    await office.house.quiet()
    assert platform.grown == []

    platform.blocked[conversation.thread].set()
    await office.idle()
    await office.house.quiet()

    assert platform.grown == [(FIRST, "at c1.1", "One two")]


async def test_what_ends_a_message_waits_for_its_growth_and_has_the_last_word(
    office: Office, platform: Lively, begun: Conversation
) -> None:
    platform.growing.clear()
    office.dispatcher.grow(begun, Grow(FIRST, words("One t")))
    await office.house.quiet()
    office.dispatcher.grow(begun, Grow(FIRST, words("One two")))
    await office.owe(begun, Replace(FIRST, words("One two three.", unfinished=False)))
    await office.house.quiet()
    assert platform.revised == []

    platform.growing.set()
    await office.idle()
    await office.house.quiet()

    assert [text for _, _, text in platform.grown] == ["One t"]
    assert platform.revised == [(FIRST, "at c1.1", "One two three.")]


async def test_growth_holds_no_other_message_up(
    office: Office, platform: Lively, begun: Conversation
) -> None:
    platform.growing.clear()
    office.dispatcher.grow(begun, Grow(FIRST, words("One two")))
    await office.house.quiet()

    await office.owe(begun, reply("Something else"))
    await office.idle()

    assert office.texts == ["One", "Something else"]
    platform.growing.set()


async def test_growth_that_fails_is_forgotten(
    office: Office, platform: Lively, begun: Conversation
) -> None:
    platform.growing_faults = [Unreachable("away"), KeyError("a bug")]
    for text in ("One t", "One tw", "One two"):
        office.dispatcher.grow(begun, Grow(FIRST, words(text)))
        await office.house.quiet()

    assert [text for _, _, text in platform.grown] == ["One t", "One tw", "One two"]


async def test_after_a_restart_a_message_grows_where_it_stands(
    office: Office, platform: Lively, begun: Conversation
) -> None:
    office.dispatcher = office.restarted()
    office.dispatcher.grow(begun, Grow(FIRST, words("One two")))
    await office.house.quiet()

    assert platform.grown == [(FIRST, "at c1.1", "One two")]


async def test_what_never_landed_does_not_grow(
    office: Office, platform: Lively, begun: Conversation
) -> None:
    office.dispatcher.grow(begun, Grow(SECOND, words("Two")))
    await office.house.quiet()

    assert platform.grown == []


async def test_where_nothing_can_grow_the_end_tells_everything(office: Office) -> None:
    office.platform = Full(office.house)
    office.connect()
    conversation = await opened(office.house.store)
    await office.owe(conversation, Post(words("One")))
    await office.idle()
    office.dispatcher.grow(conversation, Grow(FIRST, words("One two")))
    await office.owe(conversation, Replace(FIRST, words("One two.", unfinished=False)))
    await office.idle()

    assert office.platform.revised == [(FIRST, "at c1.1", "One two.")]


async def test_a_database_that_fails_costs_a_growth_only(
    office: Office, platform: Lively, begun: Conversation
) -> None:
    office.house.damage("ALTER TABLE deliveries RENAME TO hidden")
    office.dispatcher.grow(begun, Grow(FIRST, words("One t")))
    for _ in range(5):  # whoever asked before us has been told by then
        await office.house.quiet()
        with pytest.raises(DatabaseFailed):
            await office.house.store.thread_delivery(FIRST)
    office.house.damage("ALTER TABLE hidden RENAME TO deliveries")
    office.dispatcher.grow(begun, Grow(FIRST, words("One two")))
    await office.house.until(lambda: platform.grown, winding=False)

    assert [text for _, _, text in platform.grown] == ["One two"]


async def test_two_messages_grow_side_by_side(
    office: Office, platform: Lively, begun: Conversation
) -> None:
    await office.owe(begun, Post(words("Uno")))
    await office.idle()
    office.dispatcher.grow(begun, Grow(FIRST, words("One two")))
    await office.house.quiet()
    office.dispatcher.grow(begun, Grow(SECOND, words("Uno dos")))
    await office.owe(begun, Replace(FIRST, words("One two.", unfinished=False)))
    await office.idle()
    await office.house.quiet()

    assert [text for _, _, text in platform.grown] == ["One two", "Uno dos"]
    assert [text for _, _, text in platform.revised] == ["One two."]


def test_a_growing_message_is_the_same_value_but_for_its_end() -> None:
    assert msgspec.structs.replace(words("One"), unfinished=False) == words("One", unfinished=False)
