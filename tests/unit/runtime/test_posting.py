"""What waits for its turn was not attempted, and every delivery says how urgent it is."""

import asyncio
from datetime import timedelta

import pytest

from bridge.errors import RetryLater, ThreadClosed
from bridge.model.delivery import Announce, Post, Replace, Retire, ThreadBody, Urgency
from bridge.model.ids import DeliveryId
from bridge.model.messages import AgentReply, Author, AuthorKind, Notice, NoticeKind
from bridge.runtime.posting import urgency_of
from bridge.testing.builders import ANN
from tests.unit.runtime.house import Lively
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
        Retire(DeliveryId("c1.2")),
    )

    await office.idle()

    assert [(one.urgency, one.only_for) for one in platform.asked] == [
        (Urgency.NEWS, ANN.id),
        (Urgency.ANSWER, None),
        (Urgency.NEWS, ANN.id),
        (Urgency.SUGGESTIONS, None),
    ]
