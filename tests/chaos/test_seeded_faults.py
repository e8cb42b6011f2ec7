"""Would the kill matrix notice? Each fault of ours costs something, where a kill shows it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.chain import Chain, Outcome, run
from tests.chaos.flows import Flow, Mention
from tests.chaos.forks import Forks, forking
from tests.chaos.scene import Arm
from tests.chaos.seeded import FAULTS
from tests.chaos.verdict import Verdict

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

#: The flow and the deaths that show a fault.
SHOWN: dict[str, tuple[type[Flow], tuple[Arm, ...]]] = {
    "acknowledged_before_the_commit": (Mention, (Arm("point", "before-accept"),)),
    "acted_before_the_commit": (Mention, (Arm("point", "after-send"),)),
    "settled_before_the_answer": (Mention, (Arm("point", "after-attempt"),)),
    "the_attempt_is_not_written_down": (Mention, (Arm("point", "after-send"),)),
    "what_is_in_doubt_is_sent_again_unseen": (Mention, (Arm("point", "after-send"),)),
    "what_is_in_doubt_is_taken_for_sent": (Mention, (Arm("point", "after-attempt"),)),
    "the_outbox_is_forgotten_at_the_start": (Mention, (Arm("point", "after-attempt"),)),
    "the_inbox_is_forgotten_at_the_start": (Mention, (Arm("point", "after-accept"),)),
    "told_twice_is_two_things": (Mention, (Arm("point", "after-accept"),)),
}


def test_each_fault_has_a_death_that_shows_it() -> None:
    assert set(SHOWN) == set(FAULTS)


async def test_every_fault_of_our_own_is_caught(tmp_path: Path) -> None:
    async with forking(tmp_path) as forks:
        sound = await asyncio.gather(*_chains(forks, tmp_path / "sound", planted=False))
        faulty = await asyncio.gather(*_chains(forks, tmp_path / "faulty", planted=True))

    assert [outcome.problem for outcome in sound if outcome.verdict] == []
    noticed = {fault for fault, outcome in zip(SHOWN, faulty, strict=True) if outcome.verdict}
    assert noticed == set(FAULTS)
    assert all(outcome.verdict == Verdict() for outcome in sound)


def _chains(forks: Forks, place: Path, *, planted: bool) -> Iterator["asyncio.Task[Outcome]"]:
    for number, (fault, (flow, arms)) in enumerate(SHOWN.items()):
        directory = place / fault
        directory.mkdir(parents=True)
        chain = Chain(number, flow, "socket", arms, reach=20.0)
        if planted:
            chain = Chain(number, flow, "socket", arms, fault, patience=6.0, reach=20.0)
        yield asyncio.ensure_future(run(chain, forks, directory))
