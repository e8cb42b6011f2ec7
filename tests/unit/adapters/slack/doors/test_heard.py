"""Until when has everything come? Gaps, short ones in a row, and what is remembered of them."""

from datetime import timedelta

import pytest

from adapters.slack.doors.heard import LONGEST_GAP, Heard
from bridge.testing.clock import NOON, FakeClock
from bridge.testing.host import PlayedMemory

KEY = "heard_until"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def memory() -> PlayedMemory:
    return PlayedMemory()


async def listen(heard: Heard, clock: FakeClock, duration: timedelta) -> None:
    for _ in range(int(duration / (2 * SECOND))):
        await clock.advance(2 * SECOND)
        assert heard.listening() is None


async def test_the_first_start_misses_nothing(clock: FakeClock, memory: PlayedMemory) -> None:
    heard = Heard(memory, clock)
    await heard.recall()
    assert heard.listening() is None
    await listen(heard, clock, 20 * MINUTE)


@pytest.mark.parametrize(("gap", "missing"), [(LONGEST_GAP, False), (LONGEST_GAP + SECOND, True)])
async def test_only_a_long_gap_is_to_be_filled(
    clock: FakeClock, memory: PlayedMemory, gap: timedelta, *, missing: bool
) -> None:
    heard = Heard(memory, clock)
    heard.listening()
    await clock.advance(gap)
    assert heard.listening() == (NOON if missing else None)
    await listen(heard, clock, MINUTE)


async def test_the_next_process_knows_of_the_gap(clock: FakeClock, memory: PlayedMemory) -> None:
    heard = Heard(memory, clock)
    heard.listening()
    await heard.remember()
    await clock.advance(timedelta(hours=1))
    later = Heard(memory, clock)
    await later.recall()
    assert later.listening() == NOON


async def test_it_is_remembered_twice_a_minute_and_at_the_end(
    clock: FakeClock, memory: PlayedMemory
) -> None:
    heard, kept = Heard(memory, clock), set()
    heard.listening()
    await listen(heard, clock, 8 * MINUTE)
    for _ in range(60):
        await clock.advance(2 * SECOND)
        heard.listening()
        await heard.remember()
        kept.add(memory.kept[KEY])
    assert 3 <= len(kept) <= 5
    await heard.remember(at_once=True)
    assert memory.kept[KEY] == clock.now().isoformat()


async def test_until_a_gap_is_filled_nothing_moves_forward(
    clock: FakeClock, memory: PlayedMemory
) -> None:
    heard = Heard(memory, clock)
    heard.listening()
    await clock.advance(10 * MINUTE)
    assert heard.listening() == NOON
    await listen(heard, clock, 30 * MINUTE)
    await heard.remember(at_once=True)
    assert memory.kept[KEY] == NOON.isoformat()
    heard.filled()
    await heard.remember(at_once=True)
    assert memory.kept[KEY] == clock.now().isoformat()


async def test_short_gaps_between_which_slack_could_not_repeat_add_up(
    clock: FakeClock, memory: PlayedMemory
) -> None:
    heard = Heard(memory, clock)
    heard.listening()
    await clock.advance(4 * MINUTE)
    assert heard.listening() is None
    await listen(heard, clock, MINUTE)
    await clock.advance(4 * MINUTE)
    assert heard.listening() == NOON


@pytest.mark.thorough
async def test_short_gaps_far_apart_do_not(clock: FakeClock, memory: PlayedMemory) -> None:
    heard = Heard(memory, clock)
    heard.listening()
    for _ in range(5):
        await clock.advance(4 * MINUTE)
        assert heard.listening() is None
        await listen(heard, clock, 8 * MINUTE)


async def test_a_doubt_goes_back(clock: FakeClock, memory: PlayedMemory) -> None:
    heard = Heard(memory, clock)
    heard.listening()
    await listen(heard, clock, 20 * MINUTE)
    assert heard.doubt(NOON + 12 * MINUTE) == NOON + 12 * MINUTE


@pytest.mark.parametrize("text", ["", "yesterday", "2030-01-01T12:00:00"])
async def test_what_cannot_be_read_is_no_gap(
    clock: FakeClock, memory: PlayedMemory, text: str
) -> None:
    memory.kept[KEY] = text
    heard = Heard(memory, clock)
    await heard.recall()
    assert heard.listening() is None


async def test_an_instant_in_the_future_hides_nothing_that_comes(
    clock: FakeClock, memory: PlayedMemory
) -> None:
    memory.kept[KEY] = (NOON + timedelta(days=1)).isoformat()
    heard = Heard(memory, clock)
    await heard.recall()
    heard.listening()
    await clock.advance(10 * MINUTE)
    assert heard.listening() == NOON
