"""Whatever order frames come in, each is new once, and the cursor skips nothing."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.journal import Journal
from bridge.model.frames import AgentThinking, Frame

FAST = settings(max_examples=300, derandomize=True, deadline=None, database=None)
NUMBERS = st.lists(st.integers(0, 40), max_size=80)


def frame(number: int) -> Frame:
    return Frame(sequence=number, body=AgentThinking())


def followed(numbers: list[int]) -> Journal:
    journal = Journal()
    for number in numbers:
        journal = journal.follow(frame(number), replayed=False)
    return journal


@FAST
@given(numbers=NUMBERS)
def test_exactly_what_was_followed_is_known(numbers: list[int]) -> None:
    journal = followed(numbers)
    assert {n for n in range(45) if journal.knows(frame(n))} == set(numbers)


@FAST
@given(numbers=NUMBERS)
def test_the_order_of_arrival_does_not_matter(numbers: list[int]) -> None:
    assert followed(numbers) == followed(sorted(set(numbers)))


@FAST
@given(numbers=NUMBERS)
def test_the_ranges_are_sorted_and_apart(numbers: list[int]) -> None:
    ranges = followed(numbers).ranges
    assert all(low <= high for low, high in ranges)
    assert all(high + 1 < low for (_, high), (low, _) in itertools.pairwise(ranges))


@FAST
@given(numbers=NUMBERS, unfinished=st.integers(0, 45))
def test_everything_up_to_the_cursor_was_followed(numbers: list[int], unfinished: int) -> None:
    journal = followed(numbers)
    assert set(range(1, journal.cursor() + 1)) <= set(numbers)
    assert journal.cursor(unfinished) <= journal.cursor()
    assert journal.cursor(unfinished) < max(unfinished, 1)


@FAST
@given(
    sent=st.sets(st.integers(1, 40)),
    heard=st.sets(st.integers(1, 40)),
    cut=st.integers(0, 41),
    finished=st.booleans(),
)
def test_after_any_replay_the_next_one_brings_all_that_is_missing(
    sent: set[int], heard: set[int], cut: int, finished: bool
) -> None:
    """Some frames came live; a replay begins and is cut, or ends: what was sent and not followed
    is above the cursor."""
    journal = followed(sorted(sent & heard)).connected()
    replay = sorted(n for n in sent if n > journal.cursor())
    for number in replay if finished else replay[:cut]:
        journal = journal.follow(frame(number), replayed=True)
    if finished:
        journal = journal.caught_up()
    missing = {n for n in sent if not journal.knows(frame(n))}
    assert all(n > journal.cursor() for n in missing)
    assert not (finished and missing)
