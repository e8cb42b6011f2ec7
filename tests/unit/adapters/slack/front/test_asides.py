"""Are people told politely what no conversation can tell them, and is no task left behind?"""

import asyncio

import pytest

from adapters.slack import ids
from adapters.slack.front.asides import Asides, asker_behind, nothing_here, passed_on
from adapters.slack.reading.arrivals import arrival
from adapters.slack.reading.interactions import Asker
from bridge.model.ids import DeliveryId
from bridge.model.inbound import (
    Clicked,
    Deleted,
    EndAsked,
    InboundBody,
    PersonAsked,
    RetryAsked,
    Said,
    StartAsked,
    StatusAsked,
)

ROOT, LATER = "1772366400.000100", "1772366460.000200"


@pytest.mark.parametrize(
    "body",
    [
        EndAsked(),
        StatusAsked(),
        PersonAsked(),
        StartAsked(),
        RetryAsked(DeliveryId("c1.1")),
        Clicked(DeliveryId("c1.1"), 0),
    ],
)
def test_every_wish_without_a_conversation_has_its_answer(body: InboundBody) -> None:
    assert nothing_here(body)
    assert passed_on(body)


@pytest.mark.parametrize("body", [Said("hi"), Deleted("message:T1:C1:1.0")])
def test_what_people_do_in_threads_of_their_own_is_left_alone(body: InboundBody) -> None:
    assert nothing_here(body) == ""


def test_a_word_in_a_thread_is_answered_there_and_one_at_the_top_at_the_top() -> None:
    def behind(ts: str) -> Asker:
        thread = ids.SlackThread("T1", "C1", ROOT)
        said = arrival(thread, ("m",), ts=ts, person="U1", body=StatusAsked(), opens=False)
        return asker_behind(said)

    there = Asker(team="T1", channel="C1", person="U1", root=ROOT, response_url="")
    assert behind(LATER) == there
    assert behind(ROOT).root == ""


async def test_the_newest_of_one_name_replaces_the_older() -> None:
    told: list[str] = []
    begun = asyncio.Event()

    async def long() -> None:
        begun.set()
        await asyncio.Event().wait()
        told.append("old")

    async def short() -> None:
        told.append("new")

    tasks = Asides()
    tasks.start(long(), instead="home")
    await begun.wait()
    tasks.start(short(), instead="home")
    await asyncio.sleep(0)
    assert told == ["new"]
    await tasks.close()


async def test_closing_ends_what_is_under_way() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    tasks = Asides()
    tasks.start(work())
    await asyncio.sleep(0)
    await tasks.close()
    assert ended.is_set()


async def test_a_fault_is_noted_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise ArithmeticError("the secret")

    tasks = Asides()
    tasks.start(work())
    await asyncio.sleep(0)
    await tasks.close()
    await asyncio.sleep(0)
    assert [record.msg for record in caplog.records] == ["slack.aside_failed"]
    assert "secret" not in caplog.text
