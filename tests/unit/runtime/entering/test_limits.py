"""Who writes too fast is told how long to wait, and holds up nobody else."""

from datetime import timedelta

import msgspec
import pytest

from bridge.core.rates import Rate
from bridge.model.ids import DeliveryId, PersonId
from bridge.model.inbound import (
    Clicked,
    Deleted,
    Edited,
    EndAsked,
    Inbound,
    InboundBody,
    PersonAsked,
    Said,
    StatusAsked,
    TooFast,
)
from bridge.model.messages import Person
from bridge.runtime.entering.limits import Limits
from bridge.testing.clock import FakeClock
from tests.unit.store.given import said

SECOND = timedelta(seconds=1)
TWO_IN_TEN = Rate(2, 10 * SECOND)


def one(body: InboundBody | None = None, *, person: str = "ann", account: str = "") -> Inbound:
    return msgspec.structs.replace(
        said("hello", "a", "b", opens=True),
        body=body or Said("hello"),
        person=Person(PersonId(person)),
        account=account,
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_beyond_the_rate_only_the_body_is_another(clock: FakeClock) -> None:
    limits = Limits(clock, person=TWO_IN_TEN, account=None)

    assert [limits.applied(one()) for _ in range(2)] == [one(), one()]
    assert limits.applied(one()) == msgspec.structs.replace(one(), body=TooFast(5))

    await clock.advance(4.5 * SECOND)
    assert limits.applied(one()).body == TooFast(1)
    await clock.advance(0.5 * SECOND)
    assert limits.applied(one()) == one()
    assert limits.applied(one()).body == TooFast(5)


async def test_what_is_given_back_was_never_counted(clock: FakeClock) -> None:
    limits = Limits(clock, person=TWO_IN_TEN, account=TWO_IN_TEN)
    for _ in range(5):
        assert limits.applied(one()) == one()
        limits.given_back(one())

    assert limits.remembered == 0
    assert [limits.applied(one()) for _ in range(2)] == [one(), one()]
    limits.given_back(one(Deleted("a")))
    assert limits.applied(one()).body == TooFast(5)


async def test_one_persons_flood_is_not_the_next_persons(clock: FakeClock) -> None:
    limits = Limits(clock, person=TWO_IN_TEN, account=None)
    for _ in range(5):
        limits.applied(one())

    assert limits.applied(one(person="ben")) == one(person="ben")


async def test_an_accounts_people_share_its_rate(clock: FakeClock) -> None:
    limits = Limits(clock, person=None, account=TWO_IN_TEN)
    limits.applied(one(person="ann", account="T1"))
    limits.applied(one(person="ben", account="T1"))

    assert limits.applied(one(person="eve", account="T1")).body == TooFast(5)
    assert limits.applied(one(person="eve", account="T2")).body == Said("hello")
    assert limits.applied(one(person="eve")).body == Said("hello")


async def test_what_one_rate_refuses_costs_nothing_of_the_other(clock: FakeClock) -> None:
    limits = Limits(clock, person=TWO_IN_TEN, account=Rate(3, 60 * SECOND))
    for _ in range(10):
        limits.applied(one())

    assert limits.applied(one(person="ben")).body == Said("hello")
    assert limits.applied(one(person="ben")).body == TooFast(20)


@pytest.mark.parametrize(
    ("body", "counted"),
    [
        (Said("x"), True),
        (Clicked(DeliveryId("d"), 0), True),
        (PersonAsked(), True),
        (Edited("a", "x"), True),
        (Deleted("a"), False),
        (EndAsked(), False),
        (StatusAsked(), False),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_only_what_the_agent_has_to_answer_counts(
    clock: FakeClock, body: InboundBody, counted: bool
) -> None:
    limits = Limits(clock, person=Rate(1, SECOND), account=None)

    assert limits.applied(one(body)).body == body
    assert isinstance(limits.applied(one(body)).body, TooFast) is counted


async def test_without_rates_nothing_is_counted_or_remembered(clock: FakeClock) -> None:
    limits = Limits(clock, person=None, account=None)

    assert all(limits.applied(one()) == one() for _ in range(1000))
    assert limits.remembered == 0


async def test_who_has_long_been_quiet_is_forgotten(clock: FakeClock) -> None:
    limits = Limits(clock, person=TWO_IN_TEN, account=None)
    for minute in range(20):
        for number in range(200):
            limits.applied(one(person=f"{minute}/{number}"))
        await clock.advance(timedelta(minutes=1))

    assert limits.remembered <= 1000
