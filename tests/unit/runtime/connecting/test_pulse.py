"""Signs of life: how often ours go out, and how long theirs are waited for."""

import asyncio
from datetime import timedelta

import pytest

from bridge.runtime.connecting.pulse import Pulse, Sign, heartbeat_interval
from bridge.testing.clock import NOON, FakeClock


@pytest.mark.parametrize(
    ("named", "seconds"), [(None, 30), (-1, 30), (1, 1), (15, 15), (601, 600), (2**63 - 1, 600)]
)
def test_a_sessions_own_interval_is_kept_within_reason(named: int | None, seconds: int) -> None:
    """A number no clock can hold comes from the wire like any other."""
    assert heartbeat_interval(named) == timedelta(seconds=seconds)


def test_a_session_may_want_no_heartbeats() -> None:
    assert heartbeat_interval(0) is None


class Wrist:
    """A pulse that is felt: what was due when, and when it stopped."""

    def __init__(self, tasks: asyncio.TaskGroup, named: int | None) -> None:
        self.clock = FakeClock()
        self.named = named
        self.beats: list[float] = []
        self.pings: list[float] = []
        self.answers = True
        self.gone_at: float | None = None
        self.pulse = Pulse(self.clock)
        self.pulse.begin(named, part=0.5)
        self._running = tasks.create_task(self._live())

    async def _live(self) -> None:
        while self.gone_at is None:
            due = self.pulse.due(self.named)
            assert due is not None
            await self.clock.sleep(due - self.clock.now())
            match self.pulse.look(self.named):
                case Sign.BEAT:
                    self._sent(self.beats)
                case Sign.PING:
                    self._sent(self.pings)
                case Sign.GONE:
                    self.gone_at = self._now
                case Sign.NOTHING:
                    pass

    def _sent(self, signs: list[float]) -> None:
        signs.append(self._now)
        if self.answers:
            self.pulse.felt()

    @property
    def _now(self) -> float:
        return (self.clock.now() - NOON).total_seconds()

    async def lives(self, seconds: float) -> None:
        await self.clock.advance(timedelta(seconds=seconds))

    def stop(self) -> None:
        self._running.cancel()


def test_nothing_is_due_before_the_session_has_said_what_it_wants() -> None:
    pulse = Pulse(FakeClock())
    assert (pulse.due(10), pulse.look(10)) == (None, Sign.NOTHING)


async def test_heartbeats_begin_out_of_step_and_then_keep_time() -> None:
    async with asyncio.TaskGroup() as tasks:
        wrist = Wrist(tasks, 10)
        await wrist.lives(36)
        assert wrist.beats == [5, 15, 25, 35]
        assert wrist.pings == []
        assert wrist.gone_at is None
        wrist.stop()


async def test_silence_of_two_and_a_half_intervals_is_the_end() -> None:
    async with asyncio.TaskGroup() as tasks:
        wrist = Wrist(tasks, 10)
        wrist.answers = False
        await wrist.lives(60)
        assert wrist.gone_at == 25
        wrist.stop()


async def test_where_no_heartbeats_are_wanted_pings_go_out_at_the_usual_pace() -> None:
    async with asyncio.TaskGroup() as tasks:
        wrist = Wrist(tasks, 0)
        await wrist.lives(600)
        assert wrist.beats == []
        assert wrist.pings[:3] == [15, 45, 75]
        assert wrist.gone_at is None
        wrist.stop()


async def test_unanswered_pings_count_as_silence() -> None:
    async with asyncio.TaskGroup() as tasks:
        wrist = Wrist(tasks, 0)
        wrist.answers = False
        await wrist.lives(200)
        assert wrist.pings == [15, 45]
        assert wrist.gone_at == 75
        wrist.stop()


async def test_the_session_may_change_its_mind_between_two_beats() -> None:
    """No heartbeat is left over from before the session said that it wants none."""
    async with asyncio.TaskGroup() as tasks:
        wrist = Wrist(tasks, None)
        await wrist.lives(14)
        wrist.named = 0
        await wrist.lives(40)
        assert (wrist.beats, wrist.pings) == ([], [15, 45])
        wrist.stop()


async def test_while_we_are_busy_their_silence_is_ours() -> None:
    """Nothing is read while a slow disk has the last frame."""
    async with asyncio.TaskGroup() as tasks:
        wrist = Wrist(tasks, 10)
        wrist.answers = False
        with wrist.pulse:
            await wrist.lives(100)
            assert not wrist.gone_at
        await wrist.lives(30)
        assert wrist.gone_at == 125
        wrist.stop()
