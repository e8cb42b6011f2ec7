"""A small part of the kill matrix, the same each time: every flow, over every door."""

import asyncio
import itertools
import shutil

import pytest

from tests.chaos.chain import SYSTEM_CALLS, chains
from tests.chaos.flows import FLOWS, PLAIN_FLOWS
from tests.chaos.matrix import fill
from tests.chaos.striking import VICTIMS
from tests.chaos.verdict import Compared, Verdict

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


@pytest.mark.parametrize("door", ["socket", "http"])
def test_kills_in_every_flow_cost_nothing(door: str) -> None:
    calls = SYSTEM_CALLS if shutil.which("strace") else ()
    many = chains(FLOWS, (door,), length=4, system_calls=calls, seed=7)
    matrix = asyncio.run(fill(itertools.islice(many, 2 * len(FLOWS)), kills=10_000, beside=11))

    assert matrix.problems == []
    assert matrix.total == Verdict()
    assert {kind for kind, _, _ in matrix.kills} == {flow.kind for flow in FLOWS}
    assert matrix.kills.total() == 8 * len(FLOWS)


def test_kills_of_a_strangers_plug_in_cost_nothing_either() -> None:
    calls = SYSTEM_CALLS if shutil.which("strace") else ()
    many = chains(PLAIN_FLOWS, ("pinboard",), length=3, system_calls=calls, seed=7, apart=7)
    few = itertools.islice(many, len(PLAIN_FLOWS))
    matrix = asyncio.run(fill(few, kills=10_000, beside=len(PLAIN_FLOWS), sample=True))

    assert matrix.problems == []
    assert matrix.total == Verdict()
    assert {kind for kind, _, _ in matrix.kills} == {flow.kind for flow in PLAIN_FLOWS}
    assert {point.partition(":")[0] for _, _, point in matrix.kills} >= set(VICTIMS)
    assert matrix.kills.total() >= 3 * len(PLAIN_FLOWS)


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        ("abc", Verdict()),
        ("ab", Verdict(lost=1)),
        ("abbc", Verdict(doubled=1)),
        ("abcd", Verdict(doubled=1)),
        ("acb", Verdict(disordered=1)),
        ("", Verdict(lost=3)),
    ],
)
def test_what_was_accepted_is_compared_with_what_is_on_record(seen: str, verdict: Verdict) -> None:
    assert Compared("letters", "abc", seen).verdict == verdict
