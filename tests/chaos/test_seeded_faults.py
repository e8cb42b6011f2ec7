"""Would the kill matrix notice? Each fault of ours costs something, where a kill shows it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.chaos.chain import Chain, Outcome, run
from tests.chaos.flows import AgentMessage, Flow, Handoff, Mention, Reply, Streamed
from tests.chaos.forks import Forks, forking
from tests.chaos.scene import PATIENCE, Arm
from tests.chaos.seeded import FAULTS, SPARED
from tests.chaos.verdict import Verdict

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

#: How many chains play beside each other.
_AT_ONCE = 12
#: How long anybody waits for what a fault has lost, in seconds.
_IMPATIENCE = 9.0
#: A flow, and the death that shows a fault.
Shown = tuple[type[Flow], Arm]

_BEFORE_ACCEPT = (Mention, Arm("point", "before-accept"))
_AFTER_ACCEPT = (Mention, Arm("point", "after-accept"))
_AFTER_STEP = (Mention, Arm("point", "after-step"))
_AFTER_ATTEMPT = (Mention, Arm("point", "after-attempt"))
_AFTER_SEND = (Mention, Arm("point", "after-send"))
#: The first frame asks the agent to join, the second is the message.
_BEFORE_FRAME = (Mention, Arm("point", "before-transmit", 2))
_AFTER_FRAME = (Mention, Arm("point", "after-transmit", 2))
_IN_A_STREAM = (Streamed, Arm("moment", "between chunks"))
_IN_A_HANDOFF = (Handoff, Arm("moment", "while a person is there"))
#: Of the greeting, of its buttons' end, of "ready": the fourth is that of "news 1".
_FOURTH_ATTEMPT = (AgentMessage, Arm("point", "after-attempt", 4))

#: By fault: where it shows, and the field of the verdict that says so.
SHOWN: dict[str, tuple[Shown, str]] = {
    "acknowledged_before_the_commit": (_BEFORE_ACCEPT, "lost"),
    "acted_before_the_commit": (_AFTER_SEND, "lost"),
    "settled_before_the_answer": (_AFTER_ATTEMPT, "lost"),
    "the_attempt_is_not_written_down": (_AFTER_SEND, "doubled"),
    "what_is_in_doubt_is_sent_again_unseen": (_AFTER_SEND, "doubled"),
    "what_is_in_doubt_is_taken_for_sent": (_AFTER_ATTEMPT, "lost"),
    "what_is_in_doubt_is_never_looked_for": (_AFTER_SEND, "held"),
    "what_is_in_doubt_holds_up_nothing": (_FOURTH_ATTEMPT, "disordered"),
    "the_outbox_is_forgotten_at_the_start": (_AFTER_ATTEMPT, "lost"),
    "the_inbox_is_forgotten_at_the_start": (_AFTER_ACCEPT, "lost"),
    "told_twice_is_two_things": (_AFTER_ACCEPT, "doubled"),
    "the_state_is_committed_before_what_it_owes": (_AFTER_STEP, "lost"),
    "the_cursor_passes_an_unfinished_stream": (_IN_A_STREAM, "lost"),
    "what_the_thread_shows_is_not_stored": (_IN_A_STREAM, "doubled"),
    "the_journal_is_not_stored": (_IN_A_HANDOFF, "doubled"),
    "the_agent_is_asked_to_join_on_every_socket": ((Reply, _AFTER_SEND[1]), "doubled"),
    "what_is_in_flight_is_taken_for_heard": (_BEFORE_FRAME, "lost"),
    "what_is_in_flight_is_sent_again_without_a_replay": (_AFTER_FRAME, "doubled"),
}
#: Where that would show which costs nothing.
HARMLESS: dict[str, Shown] = {"a_replay_begins_after_what_was_read": _IN_A_STREAM}


def test_each_fault_has_a_death_that_shows_it() -> None:
    assert set(SHOWN) == set(FAULTS)
    assert set(HARMLESS) == set(SPARED)


async def test_every_fault_of_our_own_is_caught(tmp_path: Path) -> None:
    sound = [("", shown) for shown in dict.fromkeys(shown for shown, _ in SHOWN.values())]
    faulty = [(fault, shown) for fault, (shown, _) in SHOWN.items()]
    spared = list(HARMLESS.items())
    outcomes = await _played([*sound, *spared, *faulty], tmp_path)
    clean, costly = outcomes[: -len(faulty)], outcomes[-len(faulty) :]

    assert [outcome.problem for outcome in clean if outcome.problem] == []
    assert all(outcome.verdict == Verdict() for outcome in clean)
    named = zip(SHOWN.items(), costly, strict=True)
    missed = {fault: o for (fault, (_, cost)), o in named if not getattr(o.verdict, cost)}
    assert missed == {}


async def _played(many: Sequence[tuple[str, Shown]], place: Path) -> list[Outcome]:
    """What came of each flow and death with each fault, in this order; all beside each other."""
    turns = asyncio.Semaphore(_AT_ONCE)
    async with forking(place) as forks:

        async def one(number: int, fault: str, shown: Shown) -> Outcome:
            async with turns:
                return await _one(forks, place / str(number), fault, shown)

        return await asyncio.gather(*(one(n, *each) for n, each in enumerate(many)))


async def _one(forks: Forks, directory: Path, fault: str, shown: Shown) -> Outcome:
    directory.mkdir()
    flow, arm = shown
    patience = _IMPATIENCE if fault in FAULTS else PATIENCE
    chain = Chain(0, flow, "socket", (arm,), fault, patience=patience, reach=20.0)
    return await run(chain, forks, directory)
