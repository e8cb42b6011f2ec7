"""Are sockets renewed one before the other, and troubles tried again at the right pace?"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from adapters.slack.doors.sockets import Sockets, SwitchedOff, pause_after
from bridge.errors import CredentialsRefused, RetryLater, Unreachable
from bridge.testing.clock import FakeClock
from tests.unit.adapters.slack.links import PlayedDoor

AWAY = Unreachable("away")


@asynccontextmanager
async def kept(
    door: PlayedDoor, clock: FakeClock, *, wanted: int = 2, linger: timedelta = timedelta()
) -> AsyncIterator[Sockets]:
    sockets = Sockets(door, clock, wanted=wanted, linger=linger)
    await sockets.begin()
    await clock.settle()
    try:
        yield sockets
    finally:
        await sockets.leave()
        assert all(link.left for link in door.given)


async def test_as_many_are_opened_as_are_wanted() -> None:
    door, clock = PlayedDoor(), FakeClock()
    async with kept(door, clock, wanted=3) as sockets:
        assert sockets.listening == len(door.given) == 3


async def test_the_first_trouble_is_for_whoever_begins() -> None:
    sockets = Sockets(PlayedDoor(AWAY), FakeClock(), wanted=2, linger=timedelta())
    with pytest.raises(Unreachable):
        await sockets.begin()


async def test_the_new_one_is_there_before_the_old_one_leaves() -> None:
    door, clock = PlayedDoor(), FakeClock()
    async with kept(door, clock, wanted=1) as sockets:
        await clock.advance(timedelta(hours=1))
        door.troubles = [AWAY] * 3
        old = door.given[0]
        old.replace("refresh_requested")
        for _ in range(10):
            assert sockets.listening
            assert len(door.given) == 2 or not old.left
            await clock.advance(timedelta(seconds=1))
        assert old.left
        assert sockets.links == [door.given[1]]


async def test_one_that_slack_sends_away_may_still_be_used_until_slack_ends_it() -> None:
    door, clock = PlayedDoor(), FakeClock()
    async with kept(door, clock, wanted=1, linger=timedelta(seconds=9)) as sockets:
        old = door.given[0]
        old.replace("warning")
        await clock.settle()
        assert len(door.given) == 2
        assert sockets.listening == 2
        assert not old.left
        old.gone.set()
        await clock.settle()
        assert old.left


@pytest.mark.parametrize("reason", ["lost", "silent", "deaf"])
async def test_one_that_is_of_no_use_leaves_at_once(reason: str) -> None:
    door, clock = PlayedDoor(), FakeClock()
    async with kept(door, clock, wanted=1, linger=timedelta(seconds=9)):
        door.given[0].replace(reason)
        await clock.settle()
        assert door.given[0].left


async def test_one_that_is_sent_away_again_and_again_is_not_reopened_in_a_rush() -> None:
    door, clock = PlayedDoor(), FakeClock()
    async with kept(door, clock, wanted=1):
        for _ in range(60):
            door.given[-1].lose()
            await clock.advance(timedelta(seconds=1))
        assert len(door.given) < 12


async def test_all_places_share_one_trouble_and_one_pace() -> None:
    door, clock = PlayedDoor(), FakeClock()
    async with kept(door, clock, wanted=4) as sockets:
        await clock.advance(timedelta(hours=1))
        door.troubles = [CredentialsRefused("revoked")] * 3
        for link in tuple(door.given):
            link.lose()
        await clock.advance(timedelta(minutes=2, seconds=59))
        before = sockets.listening, type(sockets.trouble)
        await clock.advance(timedelta(seconds=2))
        after = sockets.listening, sockets.trouble
    assert (before, after) == ((0, CredentialsRefused), (4, None))


@pytest.mark.parametrize(
    ("error", "failures", "seconds"),
    [
        (AWAY, 1, 1),
        (AWAY, 3, 4),
        (AWAY, 5000, 30),
        (RetryLater("busy", after=timedelta(seconds=99)), 1, 99),
        (CredentialsRefused("revoked"), 1, 60),
        (SwitchedOff("off"), 9, 60),
        (ZeroDivisionError(), 2, 2),
    ],
)
def test_each_trouble_has_its_pause(error: Exception, failures: int, seconds: int) -> None:
    assert pause_after(error, failures) == timedelta(seconds=seconds)


async def test_a_fault_of_ours_is_told_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    door, clock = PlayedDoor(), FakeClock()
    async with kept(door, clock, wanted=1) as sockets:
        door.troubles = [ZeroDivisionError()]
        door.given[0].lose()
        await clock.advance(timedelta(seconds=5))
        assert sockets.listening == 1
    assert "slack.surprise" in {record.getMessage() for record in caplog.records}


async def test_connections_that_are_not_ours_are_told_once_and_their_end_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    door, clock = PlayedDoor(), FakeClock()
    async with kept(door, clock) as sockets:
        for told in (3, 5, 5, 2):
            door.told = told
            await clock.advance(timedelta(hours=1))
            sockets.links[0].replace("refresh_requested")
            await clock.settle()
    assert [record.getMessage() for record in caplog.records] == [
        "slack.sockets_shared",
        "slack.sockets_our_own",
    ]
