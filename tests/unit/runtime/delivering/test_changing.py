"""What becomes of a change whose message may not be there is settled by what is known of that."""

import pytest

from bridge.errors import MaybeDelivered, Rejected
from bridge.model.delivery import Replace, Retire
from bridge.model.ids import DeliveryId
from bridge.store.redriving import OwedAgain
from bridge.testing.clock import NOON
from tests.unit.runtime.house import Full
from tests.unit.runtime.office import Office
from tests.unit.store.given import opened, reply

FIRST = DeliveryId("c1.1")
CHANGED = Replace(FIRST, reply("all of it").content)


class Blind(Full):
    """A platform on which nobody can tell what became of a post."""

    async def find(self, outbound: object, *, since: object) -> None:
        raise MaybeDelivered("nobody saw it")


@pytest.fixture
def blind(office: Office) -> Blind:
    platform = office.platform = Blind(office.house)
    platform.landed_faults = [MaybeDelivered("reset")]
    office.connect()
    return platform


def reasons(office: Office) -> list[tuple[str, str | None]]:
    """The state of each delivery, and why."""
    return office.house.rows("SELECT state, reason FROM deliveries ORDER BY number")


async def test_the_new_words_of_a_message_in_doubt_are_held_with_it(
    office: Office, blind: Blind
) -> None:
    await office.owe(await opened(office.house.store), reply("hi"), CHANGED, reply("more"))
    await office.idle()

    assert reasons(office)[1:] == [
        ("sending", "in doubt: nobody knows whether its message arrived"),
        ("sent", None),
    ]
    assert blind.revised == []


async def test_new_words_that_were_held_are_shown_when_their_message_is_found(
    office: Office, blind: Blind
) -> None:
    await office.owe(await opened(office.house.store), reply("hi"), CHANGED)
    await office.idle()
    seeing = Full(office.house)
    seeing.posted = blind.posted

    office.connect(seeing)
    await (again := office.restarted()).recover()
    await office.house.until(lambda: not again.owed)

    assert seeing.revised == [("c1.1", "found c1.1", "all of it")]
    assert seeing.posted == [("c1.1", "hi")]
    assert set(office.house.states().values()) == {"sent"}


async def test_what_only_takes_away_from_a_message_in_doubt_is_left_out(
    office: Office, blind: Blind
) -> None:
    await office.owe(await opened(office.house.store), reply("hi"), Retire(FIRST))
    await office.idle()

    assert reasons(office)[1] == ("dropped", "nobody knows whether its message arrived")
    assert blind.revised == []


async def test_where_nobody_knows_any_more_what_stands_there_nothing_is_taken_away(
    office: Office,
) -> None:
    """Owed by an older version: it would blank the message."""
    office.connect()
    await office.owe(await opened(office.house.store), reply("hi"))
    await office.idle()

    await office.owe(await opened(office.house.store), Retire(FIRST))
    await office.idle()

    assert reasons(office)[1] == ("dropped", "the words of its message are not kept")
    assert office.platform.revised == []


async def test_a_change_of_what_was_not_posted_says_so(office: Office) -> None:
    """And the dead letter says it: half of it would be shown if it is redriven."""
    office.platform.faults = [Rejected("no")]
    office.connect()
    await office.owe(await opened(office.house.store), reply("hi"), CHANGED)
    await office.idle()

    assert reasons(office)[1] == ("dropped", "its message was not posted, and says this now")
    await office.house.store.write(OwedAgain(id=FIRST, number=3, at=NOON))
    again = await office.house.store.thread_delivery(FIRST)
    assert again is not None
    office.dispatcher.owe(again)
    await office.idle()
    assert office.texts == ["all of it"]


async def test_a_change_of_words_that_are_kept_no_more_changes_nothing(office: Office) -> None:
    office.platform.faults = [Rejected("no")]
    office.connect()
    await office.owe(await opened(office.house.store), reply("hi"))
    await office.idle()
    office.house.damage("UPDATE deliveries SET body = ''")

    await office.owe(await opened(office.house.store), CHANGED)
    await office.idle()

    assert reasons(office)[1] == ("dropped", "its message was not posted")


async def test_new_words_of_what_is_owed_again_are_kept_until_it_is_posted(office: Office) -> None:
    office.connect()
    post, change = await office.owed(await opened(office.house.store), reply("hi"), CHANGED)
    office.dispatcher.owe(change)
    await office.idle()
    assert reasons(office)[1][0] == "sending", "held"

    office.dispatcher.owe(post)
    await office.idle()
    await (again := office.restarted()).recover()
    await office.house.until(lambda: not again.owed)
    assert [text for *_, text in office.platform.revised] == ["all of it"]


async def test_a_change_of_what_is_forgotten_says_so(office: Office) -> None:
    office.connect()
    await office.owe(await opened(office.house.store), reply("hi"))
    await office.idle()
    office.house.damage("DELETE FROM deliveries")

    await office.owe(await opened(office.house.store, "c2"), CHANGED)
    await office.idle()

    assert reasons(office) == [("dropped", "its message is forgotten")]
