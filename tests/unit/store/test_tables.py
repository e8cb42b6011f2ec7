"""Instants as the database keeps them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import create_engine, insert, select

from bridge.store.tables import conversations, metadata
from bridge.testing.clock import NOON


@pytest.mark.parametrize(
    "instant",
    [NOON, datetime(2030, 1, 1, 3, tzinfo=timezone(timedelta(hours=-9, minutes=-30)))],
    ids=["in UTC", "in another zone"],
)
def test_an_instant_comes_back_the_same_and_in_utc(instant: datetime) -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    row = {"id": "c", "adapter": "a", "thread": "t", "agent": "d", "live": True, "state": ""}
    with engine.begin() as connection:
        times = {"opened_at": instant, "touched_at": instant}
        connection.execute(insert(conversations).values(**row, **times))
        found = connection.execute(select(conversations.c.opened_at)).scalar_one()
    engine.dispose()

    assert found == instant
    assert found.tzinfo is UTC


def test_later_instants_sort_later_even_to_the_microsecond() -> None:
    """They are compared as text in the database: each must be written with all its digits."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    instants = [NOON + timedelta(microseconds=n) for n in (0, 1, 10, 999_999, 1_000_000)]
    with engine.begin() as connection:
        for n, instant in enumerate(instants):
            row = {"id": f"c{n}", "adapter": "a", "thread": f"t{n}", "agent": "d"}
            times = {"opened_at": NOON, "touched_at": instant}
            state = {"live": True, "state": ""}
            connection.execute(insert(conversations).values(**row, **times, **state))
        later = select(conversations.c.id).where(conversations.c.touched_at > instants[1])
        found = connection.execute(later.order_by(conversations.c.touched_at)).scalars().all()
    engine.dispose()

    assert found == ["c2", "c3", "c4"]
