"""How many deliveries are in doubt is true at every moment."""

from datetime import datetime, timedelta

import pytest

from bridge.errors import MaybeDelivered, Rejected, Unreachable
from bridge.model.delivery import Outbound, Receipt, Replace
from bridge.model.ids import DeliveryId
from bridge.runtime.watching.status import Status
from bridge.store import Attempt
from bridge.testing.clock import NOON
from tests.unit.runtime.house import Full
from tests.unit.runtime.office import Office
from tests.unit.store.given import SLACK, opened, reply


def in_doubt(office: Office) -> float | None:
    """What the metric says."""
    return office.status.metrics.registry.get_sample_value(
        "polyai_bridge_deliveries_in_doubt", {"adapter": "slack"}
    )


class Watched(Full):
    """A platform that notes how many are in doubt whenever it is asked for something."""

    def __init__(self, office: Office) -> None:
        super().__init__(office.house)
        self.office = office
        self.seen: list[tuple[str, float | None]] = []

    async def deliver(self, outbound: Outbound) -> Receipt:
        self.seen.append((f"deliver {outbound.id}", in_doubt(self.office)))
        return await super().deliver(outbound)

    async def find(self, outbound: Outbound, *, since: datetime) -> Receipt | None:
        self.seen.append((f"find {outbound.id}", in_doubt(self.office)))
        return await super().find(outbound, since=since)


@pytest.fixture
def platform(office: Office) -> Watched:
    platform = office.platform = Watched(office)
    office.connect()
    office.status.expected(SLACK)
    return platform


async def test_a_doubt_counts_until_it_is_resolved(office: Office, platform: Watched) -> None:
    platform.landed_faults = [MaybeDelivered("reset")]
    platform.finding_faults = [Unreachable("away")]
    await office.owe(await opened(office.house.store), reply("hi"), reply("ho"))
    await office.idle()

    assert platform.seen == [
        ("deliver c1.1", 0),
        ("find c1.1", 1),
        ("find c1.1", 1),
        ("deliver c1.2", 0),
    ]
    assert in_doubt(office) == 0


async def test_what_is_absent_is_in_doubt_no_more(office: Office, platform: Watched) -> None:
    platform.faults = [MaybeDelivered("reset"), Rejected("too late")]
    await office.owe(await opened(office.house.store), reply("hi"))
    await office.idle()

    assert platform.seen == [("deliver c1.1", 0), ("find c1.1", 1), ("deliver c1.1", 0)]
    assert in_doubt(office) == 0


async def test_what_is_held_counts_for_as_long_as_it_is(office: Office, platform: Watched) -> None:
    platform.faults = [MaybeDelivered("reset")]
    platform.finding_faults = [MaybeDelivered("nobody saw it")]
    await office.owe(await opened(office.house.store), reply("hi"), reply("ho"))
    await office.idle()

    assert in_doubt(office) == 1


async def test_after_a_restart_all_count_that_are_not_looked_for_yet(
    office: Office, platform: Watched
) -> None:
    """A change that was under way does not: it is made again."""
    held, other, new = await office.owed(
        await opened(office.house.store), reply("a"), reply("b"), reply("c")
    )
    change = Replace(DeliveryId("c9.1"), reply("d").content)
    (under_way,) = await office.owed(await opened(office.house.store, "c2"), change)
    for delivery in (held, other, under_way):
        await office.house.store.write(Attempt(id=delivery.id, at=NOON - timedelta(seconds=3)))
    platform.finding_faults = [MaybeDelivered("nobody saw it")]
    office.status = Status()

    await (again := office.restarted()).recover()
    assert in_doubt(office) == 2
    await office.house.until(lambda: not again.owed)

    assert [seen for seen in platform.seen if "find" in seen[0]] == [
        ("find c1.1", 2),
        ("find c1.2", 2),
    ]
    assert (f"deliver {new.id}", 1) in platform.seen
    assert in_doubt(office) == 1
