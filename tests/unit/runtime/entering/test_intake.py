"""The host an adapter is lent: stored first, then acknowledged, then seen to."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from bridge.core.rates import Rate
from bridge.core.state import Handoff, Session
from bridge.core.terms import Terms
from bridge.errors import DatabaseFailed
from bridge.model.delivery import DeliveryState, Receipt
from bridge.model.ids import AdapterName, AgentName, ConversationId, DeliveryId, PersonId
from bridge.plugin import Accepted, Host
from bridge.runtime.adapters.remembering import AdapterMemory
from bridge.runtime.adapters.routes import Routes
from bridge.runtime.entering.intake import Intake
from bridge.runtime.entering.limits import Limits
from bridge.runtime.watching.status import Status
from bridge.runtime.worker import Worker
from bridge.store import Outcome, TakeStep
from bridge.testing.builders import ANN
from bridge.testing.clock import NOON
from tests.unit.runtime.house import House, lived_in
from tests.unit.store.given import SLACK, opened, owing, reply, said


@dataclass
class Door:
    """An intake before a worker that nobody carries anything out for."""

    house: House
    http: aiohttp.ClientSession
    status: Status = field(default_factory=Status)
    routes: Routes = field(default_factory=Routes)
    routed: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        world = self.house.world
        self.limits = Limits(world.clock, person=Rate(3, timedelta(seconds=30)), account=None)
        self.worker = Worker(self.house.store, world, lambda _: Terms(), self.house.tasks)
        self.host: Host = Intake(
            SLACK,
            store=self.house.store,
            worker=self.worker,
            world=world,
            http=self.http,
            status=self.status,
            memory=AdapterMemory(SLACK, self.house.store, None),
            routes=self.routes,
            limits=self.limits,
            route=self._route,
        )

    def _route(self, adapter: AdapterName, place: str) -> AgentName:
        self.routed.append((adapter, place))
        return AgentName("default")

    def waiting(self, conversation: str = "c1") -> list[str]:
        """What waits for the agent there, in memory."""
        present = self.worker.present(ConversationId(conversation))
        return [message.text for message in present.waiting] if present else []


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with lived_in(tmp_path) as house, aiohttp.ClientSession() as http:
        yield Door(house, http)


async def test_what_is_accepted_is_on_the_disk_before_the_answer(door: Door) -> None:
    answer = await door.host.accept(said("hello", opens=True))

    assert answer is Accepted.NEW
    assert door.house.rows("SELECT count(*) FROM inbox") == [(1,)]
    assert door.house.passed[:2] == ["before-accept", "after-accept"]
    assert door.routed == [("slack", "")]
    await door.house.until(lambda: door.waiting() == ["hello"])


async def test_what_is_told_twice_is_seen_to_once(door: Door) -> None:
    inbound = said("hello", opens=True)

    answers = await asyncio.gather(*(door.host.accept(inbound) for _ in range(3)))

    assert sorted(answers) == [*[Accepted.KNOWN] * 2, Accepted.NEW]
    await door.house.until(door.waiting)
    await door.house.quiet()
    assert door.waiting() == ["hello"]


async def test_half_a_character_costs_nobody_the_rest(door: Door) -> None:
    broken = said("half \ud83d of it", "1", opens=True)
    joined = said("two halves \ud83d\ude00", "2")

    answers = [await door.host.accept(one) for one in (broken, broken, joined)]

    assert answers == [Accepted.NEW, Accepted.KNOWN, Accepted.NEW]
    await door.house.until(lambda: len(door.waiting()) == 2)
    assert door.waiting() == ["half \ufffd of it", "two halves \U0001f600"]


async def test_what_belongs_to_nobody_is_ignored_until_its_thread_is_opened(door: Door) -> None:
    assert await door.host.accept(said("b", order="2")) is Accepted.IGNORED
    assert door.worker.in_memory == 0

    assert await door.host.accept(said("a", order="1", opens=True)) is Accepted.NEW

    await door.house.until(lambda: len(door.waiting("c2")) == 2)
    assert door.waiting("c2") == ["a", "b"]


async def test_only_what_is_new_counts_against_the_rate(door: Door) -> None:
    """Slack tells of a mention twice, and of every reply in threads that are not ours."""
    for _ in range(5):
        await door.host.accept(said("hello", opens=True))
        await door.host.accept(said("among people", thread="T2"))

    await door.host.accept(said("more"))
    await door.host.accept(said("still more"))
    await door.house.until(lambda: len(door.waiting()) == 3)

    assert await door.host.accept(said("too much")) is Accepted.NEW
    await door.house.quiet()
    assert len(door.waiting()) == 3


async def test_what_is_not_stored_does_not_count_against_the_rate(door: Door) -> None:
    door.house.damage("ALTER TABLE identities RENAME TO hidden")
    for _ in range(5):
        with pytest.raises(DatabaseFailed):
            await door.host.accept(said("hello", opens=True))
    door.house.damage("ALTER TABLE hidden RENAME TO identities")

    await door.host.accept(said("hello", opens=True))

    await door.house.until(lambda: door.waiting("c6") == ["hello"])


async def test_what_cannot_be_stored_is_not_acknowledged_nor_seen_to(door: Door) -> None:
    door.house.damage("ALTER TABLE identities RENAME TO hidden")

    with pytest.raises(DatabaseFailed):
        await door.host.accept(said("hello", opens=True))

    assert door.worker.in_memory == 0
    door.house.damage("ALTER TABLE hidden RENAME TO identities")
    assert await door.host.accept(said("hello", opens=True)) is Accepted.NEW


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("turns", range(6))
async def test_an_adapter_that_stops_waiting_loses_nothing(
    door: Door, turns: int, times: int
) -> None:
    """Its connection breaks while we commit; the platform's repeat will be known, and ignored."""
    gone = asyncio.ensure_future(door.host.accept(said("hello", opens=True)))
    for _ in range(turns):
        await asyncio.sleep(0)
    for _ in range(times):
        gone.cancel()
        await asyncio.sleep(0)
    await asyncio.gather(gone, return_exceptions=True)

    again = await door.host.accept(said("hello", opens=True))

    assert again in (Accepted.NEW, Accepted.KNOWN)
    await door.house.until(door.waiting)
    await door.house.quiet()
    assert door.waiting() == ["hello"]


async def test_the_host_counts_and_reports(door: Door) -> None:
    await door.host.accept(said("hello", opens=True))
    await door.host.accept(said("hello", opens=True))
    door.host.report(connected=False, detail="no route")

    counted = [
        door.status.metrics.registry.get_sample_value(
            "polyai_bridge_inbound_total", {"adapter": "slack", "outcome": outcome}
        )
        for outcome in ("new", "known", "ignored")
    ]
    assert counted == [1, 1, None]
    assert door.status.causes == ["adapter slack: no route"]


async def test_the_host_tells_where_a_person_talks_and_with_whom(door: Door) -> None:
    await door.host.accept(said("hello", opens=True))
    await door.house.until(door.waiting)
    await door.house.quiet()
    (glimpse,) = await door.host.conversations_of(ANN.id)

    assert (glimpse.thread, glimpse.agent, glimpse.with_person) == ("T1", "default", False)
    assert await door.host.open_threads("T") == ["T1"]
    assert await door.host.open_threads("U") == []
    assert await door.host.conversations_of(PersonId("nobody")) == []


@pytest.mark.parametrize("handoff", list(Handoff))
async def test_a_glimpse_says_whether_a_person_is_there_or_awaited(
    door: Door, handoff: Handoff
) -> None:
    conversation = await opened(door.house.store)
    session = Session(number=1, opened_at=NOON, handoff=handoff)
    now = msgspec.structs.replace(conversation, session=session)
    await door.house.store.write(TakeStep(conversation=now, at=NOON))

    (glimpse,) = await door.host.conversations_of(ANN.id)

    assert glimpse.with_person is (handoff in (Handoff.WAITING, Handoff.LIVE))


async def test_what_comes_too_fast_is_stored_as_that_and_known_when_told_again(door: Door) -> None:
    for number in range(4):
        await door.host.accept(said(str(number), opens=True))
    again = await door.host.accept(said("3", opens=True))
    await door.house.clock.advance(timedelta(seconds=30))

    assert again is Accepted.KNOWN
    assert await door.host.accept(said("3", opens=True)) is Accepted.KNOWN
    assert await door.host.accept(said("4", opens=True)) is Accepted.NEW
    await door.house.until(lambda: "4" in door.waiting())
    assert door.waiting() == ["0", "1", "2", "4"]


async def test_what_the_host_remembers_and_serves_is_the_adapters_own(door: Door) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response()

    await door.host.memory.remember("k", "text")
    door.host.serve("POST", "/events", answer)

    assert door.house.rows("SELECT adapter, key FROM memory") == [("slack", "k")]
    with pytest.raises(ValueError, match="already"):
        door.routes.add(SLACK, "POST", "/events", answer)


def test_the_host_lends_no_more_than_it_says(door: Door) -> None:
    assert (door.host.name, door.host.http) == (SLACK, door.http)
    assert door.host.clock is door.house.clock


async def test_what_stood_twice_is_on_record_and_counted_once(door: Door) -> None:
    store, copy = door.house.store, Receipt("C1:2.0")
    await store.write(owing(await opened(store), (1, reply("hello"))))

    for removed in (False, False, True, True):
        await door.host.doubled(DeliveryId("c1.1"), copy, removed=removed)

    (twin,) = await store.list_twins(ConversationId("c1"))
    assert (twin.receipt, twin.removed_at) == (copy, NOON)
    registry = door.status.metrics.registry
    for outcome in ("seen", "removed"):
        words = {"adapter": SLACK, "outcome": outcome}
        assert registry.get_sample_value("polyai_bridge_twins_total", words) == 1


async def test_the_copy_whose_receipt_we_have_is_not_the_one_to_go(door: Door) -> None:
    store, copy = door.house.store, Receipt("C1:2.0")
    await store.write(owing(await opened(store), (1, reply("hello"))))
    sent = Outcome(id=DeliveryId("c1.1"), state=DeliveryState.SENT, at=NOON, receipt=copy)
    await store.write(sent)

    assert not await door.host.doubled(DeliveryId("c1.1"), copy)
    assert await door.host.doubled(DeliveryId("c1.1"), Receipt("C1:1.0"))

    (twin,) = await store.list_twins(ConversationId("c1"))
    assert twin.receipt == Receipt("C1:1.0")
