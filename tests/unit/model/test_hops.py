"""Hops as text: what is written comes back, and only what can be read does."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.hops import Hop, HopKind, hop, read, written
from bridge.testing.clock import NOON

INSTANTS = st.datetimes(
    # Bounds are naive here: the zone is drawn beside them.
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - see above
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001 - see above
    timezones=st.just(UTC),
)
HOPS = st.builds(
    Hop,
    st.sampled_from(HopKind),
    st.none() | INSTANTS,
    st.from_regex(r"[0-9a-z.,]*", fullmatch=True),
)


@given(st.lists(HOPS, max_size=5), st.lists(HOPS, max_size=5))
def test_what_was_written_comes_back_also_when_more_was_added(
    one: list[Hop], two: list[Hop]
) -> None:
    assert read(written(one) + written(two)) == (*one, *two)


def test_a_hop_is_short_and_takes_any_zone() -> None:
    paris = NOON.astimezone(timezone(timedelta(hours=1)))

    assert hop(HopKind.TRANSMITTED, NOON, 1) == hop(HopKind.TRANSMITTED, paris, 1)
    assert len(hop(HopKind.JOURNALED, NOON)) <= 15
    assert read(hop(HopKind.SIZE, None, 12)) == (Hop(HopKind.SIZE, None, "12"),)


@pytest.mark.parametrize("text", ["", "   ", " Z@1", " j@not", " j@" + "f" * 40, " ?x"])
def test_what_another_version_wrote_is_left_out(text: str) -> None:
    assert read(text + hop(HopKind.ACKED, NOON)) == (Hop(HopKind.ACKED, NOON),)


def test_each_letter_means_one_thing() -> None:
    letters = [kind.value for kind in HopKind]

    assert len(set(letters)) == len(letters)
    assert all(len(letter) == 1 and letter.isalpha() for letter in letters)
