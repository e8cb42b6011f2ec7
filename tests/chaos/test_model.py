"""One law on the whole: random people, agents, faults and kills, each drawn from a seed."""

import asyncio
import itertools
import math
from pathlib import Path

import pytest

from bridge.simulators.polyai_agent import GREETING
from tests.chaos.forks import forking
from tests.chaos.model.episode import from_seed
from tests.chaos.model.episodes import Orders, played_until, replayed
from tests.chaos.model.program import drawn
from tests.chaos.model.talk import ENDED, Act, Stand, Talk

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

#: Short ones over both doors, with deaths at different points.
SEEDS = (2, 10, 15)
#: Where a fault of ours shows soon.
FAULT, FIRST, BOUND = "what_is_in_doubt_is_sent_again_unseen", 15, 3


async def test_the_law_holds_and_a_seed_gives_the_same_trace_each_time(tmp_path: Path) -> None:
    async with forking(tmp_path) as forks:
        turns = itertools.product(SEEDS, ("first", "second"))
        played = [from_seed(seed, forks, tmp_path / f"{seed} {turn}") for seed, turn in turns]
        episodes = await asyncio.gather(*played)

    assert ["\n".join(e.trace) for e in episodes if e.failed] == []
    for first, second in zip(episodes[::2], episodes[1::2], strict=True):
        assert first.trace == second.trace
    assert {e.program.door for e in episodes} == {"socket", "http"}
    assert all(e.kills for e in episodes)


async def test_a_fault_of_our_own_is_found_by_a_seed_that_shows_it_again(tmp_path: Path) -> None:
    orders = Orders(tmp_path, beside=1, fault=FAULT, patience=6.0)
    seeds = iter(range(FIRST, FIRST + BOUND))
    found = (await played_until(math.inf, seeds, orders)).failed
    assert found is not None
    seed = found.program.seed
    assert (tmp_path / str(seed) / "trace.lines").read_text().splitlines() == list(found.trace)
    assert (tmp_path / str(seed) / "bridge.log").exists()

    again = tmp_path / "again"
    again.mkdir()
    replay = await replayed(seed, Orders(again, fault=FAULT, patience=6.0))
    assert replay.failed
    assert replay.verdict.doubled
    assert replay.trace == found.trace


def test_a_seed_is_one_program() -> None:
    assert drawn(7) == drawn(7)
    assert len({drawn(seed) for seed in range(50)}) == 50


def test_what_makes_no_sense_without_a_beat_is_left_out_with_it() -> None:
    for seed in range(50):
        program = drawn(seed)
        places = range(1, len(program.beats))
        talks: dict[int, Talk] = {}
        for beat in program.only(places).beats:
            for act in beat.acts:
                talk = talks.setdefault(act.thread, Talk())
                assert talk.can(act.kind)
                talk.take(act)


def test_who_writes_after_an_end_is_greeted_anew() -> None:
    talk = Talk()
    for kind, name in (("open", "t0n0"), ("cut", "t0n1"), ("reply", "t0n2")):
        assert talk.can(kind)
        talk.take(Act(kind, 0, name, 0))

    assert talk.stand is Stand.OPEN
    assert talk.heard == ["say t0n0", "say t0n2"]
    assert talk.said == [GREETING, "t0n0", ENDED, GREETING, "t0n2"]
