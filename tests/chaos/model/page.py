"""What a run came to, as a page of the docs."""

from collections import Counter
from collections.abc import Iterator

from tests.chaos.model.episodes import Tally

_TELL = """# The model run

What came of playing random episodes against one plain law. `make chaos` wrote this page after the
kill matrix, and stops with an error at the first episode that breaks the law; `make chaos
MINUTES=5` is a shorter run; `python -m tests.chaos.model --first N` draws the same episodes again.

The law: each thing of which Slack was told that we have it reaches the agent exactly once, in its
thread's order; each thing the agent says stands in its thread exactly once, in order; nothing else
stands there but notices that we know; nothing is owed in the end, and the process ends cleanly.
What one person alone is shown (how things stand) is outside of it: where a kill leaves that in
doubt nobody can ask, so it is held and reported.

An episode is drawn from its seed: a door (Socket Mode or HTTP), five threads in channels and direct
messages, three people, and six to ten *beats*. In a beat up to three threads do something at once,
while faults befall Slack and the agent; before it the real process may be killed, stopped or left
dead, and be started with deaths built in, each at the n-th passing of a named point. A beat is over
when the bridge is at rest: all is as the law wants it and acknowledged, its own store owes nobody
anything, and nothing has happened for a while.

**A seed replays.** `python -m tests.chaos.model --seed N` plays one episode alone. Its *trace*
comes out the same each time: the program, in each beat the death at the first passing of its point,
and what both sides recorded in the end; each beat begins at rest, and no death goes by the clock.
What real processes do not repeat exactly is not in it: how events of different threads interleave,
which of them share a step, which thread of a beat meets a fault that befalls the next call of all,
and so the fate of the deaths that are built in for a later passing, or for the recovery from
another (of 50 seeds played twice, 48 agreed in these too). Where the law holds none of it shows; in
a failure it may, as which of two threads has the double. A failure leaves its trace, all its
deaths, the log and the store in a directory that it names, and says which of its beats it takes.
"""


def page(tally: Tally, *, first: int, seconds: float) -> str:
    """The whole page."""
    failed = "none broke the law" if tally.failed is None else "ONE BROKE THE LAW"
    sums = (
        f"{tally.episodes:,} episodes from seed {first} on, {tally.beats:,} beats, "
        f"{tally.acts.total():,} acts, {tally.faults.total():,} faults, "
        f"{tally.kills.total():,} kills ({tally.kills['at rest']:,} of them at rest), "
        f"{seconds / 60:.0f} minutes: {failed}."
    )
    return "\n".join([_TELL, f"**{sums}**", "", *_tables(tally)]).rstrip() + "\n"


def _tables(tally: Tally) -> Iterator[str]:
    yield from _table("over", "episodes", tally.doors)
    yield from _table("act", "times", tally.acts)
    yield from _table("killed", "kills", tally.kills)
    yield from _table("fault", "times", tally.faults)


def _table(what: str, number: str, counts: Counter[str]) -> Iterator[str]:
    yield f"| {what} | {number} |"
    yield "|---|---:|"
    yield from (f"| {name} | {count} |" for name, count in sorted(counts.items()))
    yield ""
