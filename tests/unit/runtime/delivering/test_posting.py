"""What waits for its turn was not attempted, and every delivery says how urgent it is."""

import asyncio
from datetime import timedelta

import pytest

from bridge.errors import MaybeDelivered, RetryLater, ThreadClosed, Unreachable
from bridge.model.delivery import (
    Announce,
    Outbound,
    Post,
    Receipt,
    Replace,
    Retire,
    ThreadBody,
    Urgency,
)
from bridge.model.ids import DeliveryId
from bridge.model.messages import AgentReply, Author, AuthorKind, Notice, NoticeKind
from bridge.plugin import text_of
from bridge.runtime.delivering.outcomes import DEATHS, died, hung
from bridge.runtime.delivering.posting import urgency_of
from bridge.testing.builders import ANN
from tests.unit.runtime.house import House, Lively
from tests.unit.runtime.office import Office
from tests.unit.store.given import SLACK, opened, reply

FIRST = DeliveryId("c1.1")
ANSWER = AgentReply(Author(AuthorKind.AGENT), "Hello")
NEWS = Notice(NoticeKind.HANDOFF_WAITING)


@pytest.fixture
def platform(office: Office) -> Lively:
    office.platform = platform = Lively(office.house)
    office.connect()
    return platform


async def test_a_turn_is_taken_before_the_attempt_is_written_down(
    office: Office, platform: Lively
) -> None:
    await office.owe(await opened(office.house.store), reply("hi"), Replace(FIRST, ANSWER))

    await office.idle()

    assert platform.turns == [("c1.1", False, "pending"), ("c1.1", True, "pending")]
    assert platform.seen_states == ["sending"]
    assert office.house.rows("SELECT attempts FROM deliveries") == [(1,), (1,)]


@pytest.mark.parametrize(
    "fault", [RetryLater("full", after=timedelta(seconds=7)), ZeroDivisionError()]
)
async def test_a_turn_that_does_not_come_is_waited_for_again_without_an_attempt(
    office: Office, platform: Lively, fault: Exception
) -> None:
    platform.turn_faults = [fault]
    await office.owe(await opened(office.house.store), reply("hi"))

    await office.idle()

    assert [turn[0] for turn in platform.turns] == ["c1.1", "c1.1"]
    assert platform.looked == []
    assert office.texts == ["hi"]
    assert office.house.rows("SELECT attempts FROM deliveries") == [(1,)]


@pytest.mark.parametrize("change", [False, True])
async def test_a_turn_that_the_adapter_took_with_it_is_asked_of_the_next(
    office: Office, platform: Lively, change: bool
) -> None:
    """Else a thread would wait for ever at a gate that nobody keeps any more."""
    conversation = await opened(office.house.store)
    if change:
        await office.owe(conversation, reply("hi"))
        await office.idle()
    platform.gate.clear()
    await office.owe(conversation, Replace(FIRST, ANSWER) if change else reply("hi"))
    await office.house.until(lambda: len(platform.turns) == 1 + change)

    office.adapters.left(SLACK)
    await office.house.quiet()
    after = Lively(office.house)
    office.connect(after)
    await office.idle()

    assert len(after.turns) == 1
    assert [text for _, text in after.posted] == ([] if change else ["hi"])
    assert len(after.revised) == change


async def test_a_turn_that_is_called_off_is_asked_for_again(
    office: Office, platform: Lively
) -> None:
    platform.turn_faults = [asyncio.CancelledError()]
    await office.owe(await opened(office.house.store), reply("hi"))

    await office.idle()

    assert office.texts == ["hi"]


async def test_each_try_takes_a_turn_of_its_own(office: Office, platform: Lively) -> None:
    later = RetryLater("full", after=timedelta(seconds=7))
    platform.faults, platform.revising_faults = [later], [later]
    await office.owe(await opened(office.house.store), reply("hi"), Replace(FIRST, ANSWER))

    await office.idle()

    assert [turn[:2] for turn in platform.turns] == [("c1.1", False)] * 2 + [("c1.1", True)] * 2
    assert office.house.rows("SELECT attempts FROM deliveries") == [(2,), (1,)]


async def test_a_change_whose_turn_does_not_come_is_not_attempted(
    office: Office, platform: Lively
) -> None:
    conversation = await opened(office.house.store)
    await office.owe(conversation, reply("hi"))
    await office.idle()
    platform.turn_faults = [ThreadClosed("archived")]
    await office.owe(conversation, Replace(FIRST, ANSWER))
    await office.idle()

    assert list(office.house.states().values()) == ["sent", "dead"]
    assert office.house.rows("SELECT attempts FROM deliveries") == [(1,), (0,)]
    assert platform.revised == []


@pytest.mark.parametrize(
    ("body", "urgency"),
    [
        (Post(ANSWER), Urgency.ANSWER),
        (Replace(FIRST, ANSWER), Urgency.ANSWER),
        (Post(NEWS), Urgency.NEWS),
        (Replace(FIRST, NEWS), Urgency.NEWS),
        (Announce("C9", NEWS), Urgency.NEWS),
        (Retire(FIRST), Urgency.SUGGESTIONS),
    ],
)
def test_answers_go_first_and_what_only_takes_away_goes_last(
    body: ThreadBody, urgency: Urgency
) -> None:
    assert urgency_of(body) is urgency


async def test_the_adapter_is_told_how_urgent_it_is_and_for_whom(
    office: Office, platform: Lively
) -> None:
    await office.owe(
        await opened(office.house.store),
        Post(NEWS, only_for=ANN.id),
        Post(ANSWER),
        Replace(FIRST, NEWS),
        Retire(DeliveryId("c1.2"), content=ANSWER),
    )

    await office.idle()

    assert [(one.urgency, one.only_for) for one in platform.asked] == [
        (Urgency.NEWS, ANN.id),
        (Urgency.ANSWER, None),
        (Urgency.NEWS, ANN.id),
        (Urgency.SUGGESTIONS, None),
    ]


async def test_what_ends_the_adapters_process_three_times_is_given_up_visibly(
    office: Office, platform: Lively
) -> None:
    platform.faults = [died(MaybeDelivered) for _ in range(DEATHS)]
    await office.owe(await opened(office.house.store), reply("poison"), reply("after"))

    await office.idle()

    assert office.texts == ["after"]
    assert office.house.rows("SELECT state, reason FROM deliveries ORDER BY number") == [
        ("dead", "the adapter's process ended over it 3 times"),
        ("sent", None),
    ]


@pytest.mark.thorough
async def test_what_never_comes_to_an_end_is_given_up_like_whatever_breaks(
    office: Office, platform: Lively
) -> None:
    platform.faults = [hung(MaybeDelivered) for _ in range(500)]
    await office.owe(await opened(office.house.store), reply("stuck"), reply("after"))

    await office.house.until(
        lambda: office.house.states()["c1.1"] == "dead", by=timedelta(seconds=30)
    )
    platform.faults.clear()
    await office.idle()

    assert office.texts == ["after"]
    assert office.house.states() == {"c1.1": "dead", "c1.2": "sent"}


async def test_looking_that_ends_the_adapters_process_each_time_is_given_up_and_held(
    office: Office, platform: Lively
) -> None:
    platform.faults = [died(MaybeDelivered)]
    platform.finding_faults = [died(Unreachable) for _ in range(DEATHS)]
    await office.owe(await opened(office.house.store), reply("poison"))

    await office.idle()

    assert office.house.states() == {"c1.1": "sending"}


class Fragile(Lively):
    """Whatever is under way when it is to post poison is lost with it: at first, all four."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._under_way: set[str] = set()
        self._crowd, self._died = asyncio.Event(), asyncio.Event()
        self.together: list[int] = []  #: how many were under way when it died

    async def deliver(self, outbound: Outbound) -> Receipt:
        self._under_way.add(outbound.id)
        try:
            if len(self._under_way) == 4:
                self._crowd.set()
            await self._crowd.wait()
            if text_of(outbound.content) == "poison":
                self.together.append(len(self._under_way))
                self._died.set()
                raise died(MaybeDelivered)
            if not self.together:
                await self._died.wait()
                raise died(MaybeDelivered)
        finally:
            self._under_way.discard(outbound.id)
        return await super().deliver(outbound)


async def test_only_what_is_to_blame_is_given_up_and_not_what_was_under_way_beside_it(
    office: Office,
) -> None:
    fragile = Fragile(office.house)
    office.connect(fragile)
    words = ["poison", "one", "two", "three"]
    for number, word in enumerate(words):
        conversation = await opened(office.house.store, f"c{number}")
        await office.owe(conversation, reply(word))

    await office.idle()

    assert sorted(text for _, text in fragile.posted) == ["one", "three", "two"]
    assert office.house.states()["c0.1"] == "dead"
    assert fragile.together == [4, 1, 1]
