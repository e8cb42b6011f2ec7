"""Two hundred conversations, two hours, all that can go wrong: nothing lost, nothing doubled.

`SOAK_SEED=17` plays another storm; the seed of a failed one is in its report.
"""

import asyncio
import dataclasses
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.core import conversation, deadlines, following, sending
from bridge.core.journal import Journal
from bridge.core.showing import show
from bridge.core.state import Session
from bridge.runtime.connecting.connection import Connection
from bridge.simulators import (
    polyai_call_verbs,
    polyai_exchange_verbs,
    polyai_frame_verbs,
    polyai_verbs,
)
from bridge.simulators.polyai_catalogue import SYSTEM_TEXTS
from bridge.simulators.polyai_verbs import Verbs
from tests.soak.mishaps import MISHAPS
from tests.soak.soaking import Plan, Result, soak
from tests.soak.troubles import COMPLAINTS, TROUBLES

pytestmark = [pytest.mark.soak, pytest.mark.timeout(400)]

SEED = int(os.environ.get("SOAK_SEED", "1"))
GREAT = Plan(
    seed=SEED,
    conversations=200,
    lasting=timedelta(hours=2),
    deaths=8,
    fault_every=5.0,
    act_every=540.0,
)
SMALL = Plan(
    seed=SEED,
    conversations=20,
    lasting=timedelta(minutes=10),
    deaths=2,
    fault_every=2.0,
    act_every=60.0,
)

#: What must have come of the storm at Slack, each at least once.
OUTCOMES = (
    "edited",
    "deleted",
    "pressed together",
    "in archived channels",
    "grown",
    "refused with 429",
    "sockets asked for",
    "told alone",
)

Patch = pytest.MonkeyPatch


#: What is open beside the beginning when all is at rest: readers of the database, as many as were
#: ever needed at once (two descriptors each), and the connections by which is asked whether the
#: others are there, both ends of which are ours here. It grows with no storm, nor with deaths.
AT_REST = 24


def judge(plan: Plan, result: Result) -> None:
    """Raise unless all is well."""
    wrong = list(result.faults)
    if left := result.after.tasks - result.before.tasks:
        # Each death may leave what no process would: the harness kills a task, not a process.
        wrong += [f"tasks are left: {left}"] if left.total() > 2 + 2 * result.deaths else []
    if result.after.descriptors > result.before.descriptors + AT_REST:
        wrong.append(f"descriptors: {result.before.descriptors} to {result.after.descriptors}")
    if result.storm.values > 1.5 * result.halfway.values + 500:
        wrong.append(f"values grew: {result.halfway.values} to {result.storm.values}")
    told = "\n".join(wrong[:40])
    assert not wrong, f"SOAK_SEED={plan.seed}, {len(wrong)} faults:\n{told}"


async def test_nothing_is_lost_or_doubled_in_two_hours_of_storm(directory: Path) -> None:
    result = await soak(directory, GREAT)
    judge(GREAT, result)
    assert set(result.met) == set(TROUBLES), "not everything went wrong"
    missing = {*MISHAPS, *OUTCOMES} - {name for name, count in result.at_slack.items() if count}
    assert not missing, f"not everything happened at Slack: {result.at_slack}"
    assert result.never_brought < result.said / 50, "too much is lost before it comes to us"
    assert result.deaths == GREAT.deaths
    assert result.said > 10 * GREAT.conversations


def test_every_verb_of_the_simulator_has_its_row() -> None:
    """A new verb must be said how to call and what it may cost."""
    rooms = (polyai_verbs, polyai_call_verbs, polyai_exchange_verbs, polyai_frame_verbs)
    known = set[str]().union(*(room.VERBS for room in rooms))
    public = {name for name in dir(Verbs) if not name.startswith("_")}
    assert public == known
    assert set(TROUBLES) == known
    assert set(COMPLAINTS) == set(SYSTEM_TEXTS)


async def test_a_small_storm_passes(directory: Path) -> None:
    judge(SMALL, await soak(directory, SMALL))


# -- would it notice? ------------------------------------------------------------------------------


def resent_without_a_replay(patch: Patch) -> None:
    patch.setattr(deadlines, "verify", lambda step, session: sending.resend(step))


def never_resent(patch: Patch) -> None:
    patch.setattr(conversation, "_take_up", lambda step, session: step.change(in_flight=None))


def known_frames_shown_again(patch: Patch) -> None:
    patch.setattr(Journal, "knows", lambda self, frame: False)
    patch.setattr(
        following, "show", lambda step, reply, _message_id, **how: show(step, reply, "", **how)
    )


def the_cursor_is_the_highest_number(patch: Patch) -> None:
    highest = property(lambda self: max((high for _, high in self.journal.ranges), default=0))
    patch.setattr(Session, "cursor", highest)
    patch.setattr(Journal, "knows", lambda self, frame: (frame.sequence or 0) <= self.cursor())


def a_socket_leaves_a_task_behind(patch: Patch) -> None:
    serve = Connection.serve

    async def untidy(self: Connection, *, after: int) -> object:
        tasks.append(asyncio.create_task(asyncio.sleep(10**9)))
        return await serve(self, after=after)

    tasks: list[object] = []  # else nothing would keep them
    patch.setattr(Connection, "serve", untidy)


@pytest.mark.parametrize(
    "fault",
    [
        resent_without_a_replay,
        never_resent,
        known_frames_shown_again,
        the_cursor_is_the_highest_number,
        a_socket_leaves_a_task_behind,
    ],
    ids=lambda fault: fault.__name__,
)
async def test_a_small_storm_finds_the_fault(
    fault: Callable[[Patch], None], directory: Path, monkeypatch: Patch
) -> None:
    """In one small storm of many: not each brings the weather that a fault shows in."""
    fault(monkeypatch)
    with pytest.raises(AssertionError):
        await small_storms(directory)


async def small_storms(directory: Path) -> None:
    for seed in range(SEED, SEED + 12):
        rougher = 1.0 if seed > SEED + 2 else SMALL.fault_every
        plan = dataclasses.replace(SMALL, seed=seed, fault_every=rougher)
        (directory / str(seed)).mkdir()
        judge(plan, await soak(directory / str(seed), plan))
