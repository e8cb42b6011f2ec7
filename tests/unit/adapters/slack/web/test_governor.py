"""Does every call go at its turn, and no call in a pause?"""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from adapters.slack.web.governor import LAPSE, WHISPER, Governor, Turns, governing
from bridge.errors import RetryLater
from bridge.model.delivery import Urgency
from bridge.testing.clock import NOON, FakeClock
from bridge.testing.host import PlayedHost

SECOND = timedelta(seconds=1)
POST, UPDATE = "chat.postMessage", "chat.update"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def host(clock: FakeClock) -> PlayedHost:
    return PlayedHost(clock)


@pytest.fixture
async def governor(host: PlayedHost) -> AsyncIterator[Governor]:
    async with governing(host) as made:
        yield made


@pytest.fixture
def turns(governor: Governor) -> Turns:
    return governor.of("T1")


class Crowd:
    """Calls that were let go at once; `gone` tells who went, and when."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.gone: list[tuple[str, float]] = []
        self.turned_away: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    def send(self, name: str, turn: Coroutine[Any, Any, object]) -> "asyncio.Task[None]":
        async def go() -> None:
            try:
                await turn
            except RetryLater:
                self.turned_away.append(name)
            else:
                self.gone.append((name, (self.clock.now() - NOON).total_seconds()))

        self.tasks.append(asyncio.create_task(go()))
        return self.tasks[-1]

    @property
    def names(self) -> str:
        return "".join(name for name, _ in self.gone)


@pytest.fixture
async def crowd(clock: FakeClock) -> AsyncIterator[Crowd]:
    made = Crowd(clock)
    yield made
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks, return_exceptions=True)


async def test_a_channel_gets_a_short_burst_and_then_one_a_second(
    turns: Turns, clock: FakeClock, crowd: Crowd
) -> None:
    for _ in range(6):
        crowd.send("a", turns.wait(POST, "C1", Urgency.ANSWER))
    await clock.advance(10 * SECOND)
    assert [at for _, at in crowd.gone] == [0, 0, 0, 1, 2, 3]


async def test_a_full_channel_holds_up_no_other_and_no_other_workspace(
    governor: Governor, clock: FakeClock, crowd: Crowd
) -> None:
    for _ in range(5):
        crowd.send("a", governor.of("T1").wait(POST, "C1", Urgency.ANSWER))
    crowd.send("b", governor.of("T1").wait(POST, "C2", Urgency.ANSWER))
    crowd.send("c", governor.of("T2").wait(POST, "C1", Urgency.ANSWER))
    await clock.settle()
    assert crowd.names == "aaabc"
    assert governor.of("T1") is governor.of("T1")


async def test_the_urgent_overtake_whoever_waits_and_channels_take_turns(
    turns: Turns, clock: FakeClock, crowd: Crowd
) -> None:
    turns.pause(UPDATE, SECOND)
    for name in "xxy":
        crowd.send(name, turns.wait(UPDATE, name, Urgency.SUGGESTIONS))
    for name in "aab":
        crowd.send(name, turns.wait(UPDATE, name, Urgency.ANSWER))
    await clock.advance(10 * SECOND)
    assert crowd.names == "abaxyx"
    assert crowd.gone[0][1] == 1


async def test_one_that_comes_for_a_free_channel_does_not_wait_for_the_alarm_of_another(
    turns: Turns, clock: FakeClock, crowd: Crowd
) -> None:
    for _ in range(4):
        crowd.send("a", turns.wait(POST, "C1", Urgency.ANSWER))
    await clock.advance(0.7 * SECOND)
    for _ in range(4):
        crowd.send("b", turns.wait(POST, "C2", Urgency.ANSWER))
    await clock.advance(5 * SECOND)
    assert crowd.gone[3:] == [("b", 0.7)] * 3 + [("a", 1.0), ("b", 1.7)]


async def test_who_gives_up_waiting_takes_no_turn_and_leaves_no_alarm(
    turns: Turns, clock: FakeClock, crowd: Crowd
) -> None:
    for _ in range(3):
        crowd.send("a", turns.wait(POST, "C1", Urgency.ANSWER))
    impatient = crowd.send("b", turns.wait(POST, "C1", Urgency.ANSWER))
    await clock.settle()
    impatient.cancel()
    await clock.settle()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "slack-gate"]
    crowd.send("c", turns.wait(POST, "C1", Urgency.ANSWER))
    await clock.advance(SECOND)
    assert crowd.gone[-1] == ("c", 1.0)


async def test_leaving_ends_every_alarm(host: PlayedHost, crowd: Crowd, clock: FakeClock) -> None:
    async with governing(host) as governor:
        for _ in range(4):
            crowd.send("a", governor.of("T1").wait(POST, "C1", Urgency.ANSWER))
        await clock.settle()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "slack-gate"]


# Whispers


@pytest.mark.parametrize("urgency", [Urgency.SIGNAL, Urgency.GROWTH])
async def test_a_whisper_that_cannot_go_soon_is_turned_away_at_once(
    turns: Turns, urgency: Urgency
) -> None:
    turns.pause(UPDATE, 5 * SECOND)
    with pytest.raises(RetryLater) as later:
        await turns.wait(UPDATE, "C1", urgency)
    assert later.value.after >= 5 * SECOND


async def test_a_whisper_that_could_go_soon_waits_for_a_moment_only(
    turns: Turns, clock: FakeClock, crowd: Crowd
) -> None:
    for _ in range(8):
        crowd.send("a", turns.wait(POST, "C1", Urgency.ANSWER))
    crowd.send("s", turns.wait(POST, "C1", Urgency.SIGNAL))
    await clock.advance(WHISPER - SECOND / 10)
    assert crowd.turned_away == []
    await clock.advance(SECOND / 10)
    assert crowd.turned_away == ["s"]
    assert crowd.names == "aaaaa"


async def test_whispers_leave_room_for_words(turns: Turns, clock: FakeClock, crowd: Crowd) -> None:
    for number in range(20):
        crowd.send("g", turns.wait(UPDATE, f"C{number}", Urgency.GROWTH))
    await clock.settle()
    whispered = len(crowd.gone)
    crowd.send("a", turns.wait(UPDATE, "C1", Urgency.ANSWER))
    await clock.settle()
    assert 0 < whispered < 10
    assert crowd.gone[-1] == ("a", 0.0)


async def test_a_newer_growth_takes_the_place_of_a_waiting_one(
    turns: Turns, clock: FakeClock, crowd: Crowd
) -> None:
    for _ in range(7):  # as many as leave room for words
        crowd.send("_", turns.wait(UPDATE, "C1", Urgency.GROWTH))
    for name in "ab":
        crowd.send(name, turns.wait(UPDATE, "C1", Urgency.GROWTH, about="C1:1.2"))
    crowd.send("c", turns.wait(UPDATE, "C1", Urgency.GROWTH, about="C1:3.4"))
    await clock.advance(WHISPER - SECOND / 10)
    assert crowd.turned_away == ["a"]
    assert crowd.names == "_______b"


async def test_the_end_of_a_message_outdates_every_growth_of_it(
    turns: Turns, clock: FakeClock, crowd: Crowd
) -> None:
    for number in range(7):  # as many as leave room for words
        crowd.send("g", turns.wait("chat.appendStream", "C1", Urgency.GROWTH))
        crowd.send("u", turns.wait(UPDATE, f"C{number}", Urgency.GROWTH, about=f"C1:{number}"))
    crowd.send("w", turns.wait(UPDATE, "C1", Urgency.GROWTH, about="C1:1.2"))
    await clock.settle()
    assert "w" not in crowd.names
    crowd.send("e", turns.wait("chat.stopStream", "C1", Urgency.ANSWER, about="C1:1.2"))
    await clock.settle()
    assert crowd.turned_away == ["w"]
    assert crowd.names[-1] == "e"


async def test_pieces_of_a_stream_are_not_taken_for_each_other(
    turns: Turns, clock: FakeClock, crowd: Crowd
) -> None:
    for number in range(16):
        crowd.send(
            str(number % 10),
            turns.wait("chat.appendStream", "C1", Urgency.GROWTH, about="C1:1.2"),
        )
    await clock.advance(2 * SECOND)
    assert crowd.turned_away == []


# Turns that are taken before


async def test_a_turn_that_was_taken_is_used_without_waiting_again(
    turns: Turns, clock: FakeClock
) -> None:
    await turns.take("d1", POST, "C1", Urgency.ANSWER)
    await turns.take("d1", POST, "C1", Urgency.ANSWER)
    assert turns.use("d1", POST)
    assert not turns.use("d1", POST)
    assert not turns.use("d2", POST)


async def test_a_turn_is_of_one_method(turns: Turns) -> None:
    await turns.take("d1", POST, "C1", Urgency.ANSWER)
    assert not turns.use("d1", UPDATE)


async def test_an_unused_turn_lapses(turns: Turns, clock: FakeClock) -> None:
    await turns.take("d1", POST, "C1", Urgency.ANSWER)
    await clock.advance(LAPSE)
    assert not turns.use("d1", POST)


async def test_a_turn_that_a_pause_has_overtaken_is_given_back_at_once(turns: Turns) -> None:
    await turns.take("d1", POST, "C1", Urgency.ANSWER)
    turns.pause(POST, 7 * SECOND)
    with pytest.raises(RetryLater) as later:
        turns.use("d1", POST)
    assert later.value.after == 7 * SECOND


async def test_turns_that_nobody_uses_are_bounded(turns: Turns, clock: FakeClock) -> None:
    for number in range(1010):
        turns._taken[str(number), POST] = NOON + LAPSE
    await turns.take("last", POST, "C1", Urgency.ANSWER)
    assert len(turns._taken) == 1000
    assert turns.use("last", POST)


@pytest.mark.thorough
async def test_too_many_that_wait_are_told_to_come_again(
    turns: Turns, clock: FakeClock, crowd: Crowd
) -> None:
    for _ in range(10_003):  # three of them go at once
        crowd.send("a", turns.wait(POST, "C1", Urgency.ANSWER))
    crowd.send("b", turns.wait(POST, "C1", Urgency.ANSWER))
    await clock.settle()
    assert (crowd.names, crowd.turned_away) == ("aaa", ["b"])


@pytest.mark.thorough
async def test_thousands_that_wait_in_channels_of_their_own_hold_up_nothing_else(
    turns: Turns, clock: FakeClock, crowd: Crowd
) -> None:
    began = time.process_time()
    for number in range(3000):
        crowd.send("a", turns.wait(POST, f"C{number}", Urgency.ANSWER))
    await clock.settle()
    assert len(crowd.gone) == 270
    # Each looking through all would take ten seconds, in which Slack's three for an ack run out.
    assert time.process_time() - began < 3


@pytest.mark.thorough
async def test_channels_that_are_quiet_again_are_forgotten(turns: Turns, clock: FakeClock) -> None:
    for number in range(1100):
        await turns.wait(POST, f"C{number}", Urgency.ANSWER)
        await clock.advance(SECOND)
    assert len(turns._gate(POST)._channels) <= 1000


# Pauses


async def test_in_a_pause_nothing_of_its_method_goes(
    turns: Turns, clock: FakeClock, crowd: Crowd, caplog: pytest.LogCaptureFixture
) -> None:
    turns.pause(POST, 30 * SECOND)
    turns.pause(POST, 20 * SECOND)  # a shorter one does not end a longer one
    crowd.send("a", turns.wait(POST, "C1", Urgency.ANSWER))
    crowd.send("b", turns.wait(POST, "C2", Urgency.ANSWER))
    crowd.send("u", turns.wait(UPDATE, "C1", Urgency.ANSWER))
    await clock.advance(29.9 * SECOND)
    assert crowd.names == "u"
    await clock.advance(SECOND)
    # No burst at the end of a pause.
    assert crowd.gone[1:] == [("a", 30.0), ("b", 30.2)]
    assert [record.getMessage() for record in caplog.records] == ["slack.slowed_down"]


async def test_a_pause_survives_a_restart(host: PlayedHost, clock: FakeClock, crowd: Crowd) -> None:
    async with governing(host) as governor:
        governor.of("T1").pause(POST, timedelta(minutes=5))
    until = NOON + timedelta(minutes=5)
    assert host.memory.kept == {f"pause:T1:{POST}": f"{NOON.isoformat()} {until.isoformat()}"}

    await clock.advance(timedelta(minutes=4))
    async with governing(host) as governor:
        crowd.send("a", governor.of("T1").wait(POST, "C1", Urgency.ANSWER))
        crowd.send("b", governor.of("T2").wait(POST, "C1", Urgency.ANSWER))
        await clock.advance(59 * SECOND)
        assert crowd.names == "b"
        await clock.advance(SECOND)
        assert crowd.names == "ba"
    assert host.memory.kept == {}


@pytest.mark.parametrize(
    "text",
    [
        "2030-01-01T11:58:00+00:00 2030-01-01T11:59:00+00:00",
        "soon",
        "2031-01-01T12:00:00 2031-01-01T12:00:30",
        "2031-01-01T12:00:00+00:00",
    ],
)
async def test_a_pause_that_is_over_or_unreadable_is_forgotten(host: PlayedHost, text: str) -> None:
    host.memory.kept[f"pause:T1:{POST}"] = text
    async with governing(host) as governor:
        await governor.of("T1").wait(POST, "C1", Urgency.SIGNAL)
    assert host.memory.kept == {}


async def test_a_pause_noted_by_a_clock_that_is_set_back_is_no_longer_than_slack_asked(
    host: PlayedHost, clock: FakeClock, crowd: Crowd
) -> None:
    noted = "2035-01-01T12:00:00+00:00 2035-01-01T12:00:05+00:00"
    host.memory.kept[f"pause:T1:{POST}"] = noted
    async with governing(host) as governor:
        crowd.send("a", governor.of("T1").wait(POST, "C1", Urgency.ANSWER))
        await clock.advance(4 * SECOND)
        assert crowd.names == ""
        await clock.advance(SECOND)
        assert crowd.names == "a"


async def test_a_turn_taken_anew_after_a_pause_lets_older_ones_lapse(
    turns: Turns, clock: FakeClock
) -> None:
    await turns.take("one", POST, "C1", Urgency.ANSWER)
    await clock.advance(5 * SECOND)
    await turns.take("two", POST, "C2", Urgency.ANSWER)
    turns.pause(POST, 2 * SECOND)
    again = asyncio.create_task(turns.take("one", POST, "C1", Urgency.ANSWER))
    await clock.advance(4 * SECOND)
    await again
    await clock.advance(7 * SECOND)  # that of "two" was taken eleven seconds ago
    assert not turns.use("two", POST)


async def test_whoever_waits_when_the_adapter_leaves_is_turned_away(host: PlayedHost) -> None:
    async with governing(host) as governor:
        turns = governor.of("T1")
        turns.pause(POST, timedelta(hours=1))
        waits = asyncio.create_task(turns.wait(POST, "C1", Urgency.ANSWER))
        await asyncio.sleep(0)

    with pytest.raises(RetryLater):
        await waits
    with pytest.raises(RetryLater):
        await turns.wait(POST, "C1", Urgency.ANSWER)
