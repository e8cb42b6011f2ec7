"""Do our own allowances stay below Slack's, and does a bucket keep to one?"""

from datetime import timedelta

import pytest

from adapters.slack.web.buckets import (
    TIER_2,
    TIER_3,
    Allowance,
    Bucket,
    allowed,
    allowed_in_channel,
)
from bridge.simulators.slack_limits import METHODS, PER_CHANNEL
from bridge.testing.clock import NOON

SECOND = timedelta(seconds=1)
ALLOWANCE = Allowance(per_minute=60, burst=3)


def through(bucket: Bucket, seconds: float) -> int:
    """How many calls go in so many seconds, looking ten times in each."""
    count = 0
    for tick in range(int(seconds * 10) + 1):
        now = NOON + tick * SECOND / 10
        while bucket.free_at() <= now:
            bucket.take(now)
            count += 1
    return count


@pytest.mark.parametrize("method", sorted(METHODS))
def test_we_ask_for_no_more_than_slack_allows(method: str) -> None:
    slacks, ours = METHODS[method], allowed(method)
    assert ours.per_minute <= slacks.per_minute
    assert ours.burst < slacks.burst


def test_in_a_channel_too() -> None:
    slacks, ours = PER_CHANNEL["chat.postMessage"], allowed_in_channel("chat.postMessage")
    assert ours is not None
    assert ours.per_minute <= slacks.per_minute
    assert ours.burst < slacks.burst
    assert allowed_in_channel("chat.startStream") == ours
    assert allowed_in_channel("chat.update") is None


def test_a_method_that_nobody_told_us_of_is_of_tier_2() -> None:
    assert allowed("canvases.create") == TIER_2
    assert allowed("chat.update") == TIER_3


def test_a_burst_and_then_one_each_gap() -> None:
    assert through(Bucket(ALLOWANCE, NOON), 0) == 3
    assert through(Bucket(ALLOWANCE, NOON), 10) == 13


def test_a_quiet_time_earns_a_burst_and_no_more() -> None:
    bucket = Bucket(ALLOWANCE, NOON - timedelta(days=1))
    assert through(bucket, 0) == 3


def test_what_must_leave_some_goes_later() -> None:
    bucket = Bucket(ALLOWANCE, NOON)
    bucket.take(NOON)
    assert bucket.free_at(leaving=1) <= NOON
    bucket.take(NOON)
    assert bucket.free_at(leaving=1) == NOON + SECOND
    assert bucket.free_at(leaving=99) == bucket.free_at(leaving=2)


def test_after_a_hold_there_is_no_burst() -> None:
    bucket = Bucket(ALLOWANCE, NOON)
    until = NOON + 5 * SECOND
    bucket.hold(until)
    assert bucket.free_at() == until
    bucket.hold(NOON)
    assert bucket.free_at() == until
    bucket.take(until)
    assert bucket.free_at() == until + SECOND


def test_a_full_bucket_says_so() -> None:
    bucket = Bucket(ALLOWANCE, NOON)
    assert bucket.full(NOON)
    bucket.take(NOON)
    assert not bucket.full(NOON)
    assert bucket.full(NOON + SECOND)
