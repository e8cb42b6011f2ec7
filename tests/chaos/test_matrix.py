"""A small part of the kill matrix, the same each time: every flow, over both doors."""

import asyncio
import itertools
import shutil

import pytest

from tests.chaos.chain import SYSTEM_CALLS, chains
from tests.chaos.flows import FLOWS
from tests.chaos.matrix import fill
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
