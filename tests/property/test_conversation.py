"""Whatever breaks, and whenever: nothing is lost, nothing is said or shown twice."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.property.laws import check
from tests.property.rehearsal import Move, Rehearsal

#: How likely each thing is. Mostly the world works, else nothing interesting is ever reached.
LIKELY = {
    "connect": 6,
    "deliver": 9,
    "serve": 8,
    "say": 5,
    "speak": 3,
    "calm": 4,
    "drop": 4,
    "crash": 3,
    "tick": 2,
    "swap": 2,
    "overdue": 2,
    "delay": 4,
    "click": 2,
    "repeat": 1,
    "vanish": 1,
    "start": 1,
    "end": 1,
    "goodbye": 1,
    "forget_agent": 1,
}
VERBS = [verb for verb, weight in LIKELY.items() for _ in range(weight)]
MOVES = st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 63)), min_size=10, max_size=80)

#: A greeting followed and a message under way: where most stories begin.
PROLOGUE: list[Move] = [
    ("say", 1), ("connect", 0), ("connect", 0), ("deliver", 7), ("serve", 19), ("deliver", 7),
]  # fmt: skip


def rehearse(moves: list[Move], *, prologue: bool = True, echo_metadata: bool = True) -> None:
    """Play it all and check the laws."""
    world = Rehearsal(echo_metadata=echo_metadata)
    world.play([*PROLOGUE, *moves] if prologue else moves)
    check(world)


@settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(moves=MOVES, prologue=st.booleans(), echo_metadata=st.booleans())
def test_nothing_is_lost_and_nothing_is_repeated(
    moves: list[Move], prologue: bool, echo_metadata: bool
) -> None:
    rehearse(moves, prologue=prologue, echo_metadata=echo_metadata)


#: Faults that few stories reveal, so these are always told.
STORIES: dict[str, list[Move]] = {
    "the process dies after a resumed socket let a kept message go": [
        ("calm", 63), ("drop", 0), ("say", 4), ("connect", 32), ("serve", 8), ("crash", 0),
    ],
    "the last piece of a stream overtakes the one before it by more than patience": [
        ("calm", 63), ("say", 4), ("serve", 11), ("deliver", 1), ("delay", 0), ("calm", 63),
    ],
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_a_story_ends_well(story: str) -> None:
    rehearse(STORIES[story])


def test_a_world_that_works_shows_everything_once() -> None:
    rehearse([("say", 1), ("serve", 35), ("deliver", 7), ("click", 0)])
