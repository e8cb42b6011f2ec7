"""The frames we followed, and where a replay must start."""

from bridge.core.journal import Journal
from bridge.model import frames as f
from bridge.testing.builders import frame

BODY = f.AgentThinking()


def followed(*numbers: int, replayed: bool = False) -> Journal:
    journal = Journal()
    for number in numbers:
        journal = journal.follow(frame(BODY, number), replayed=replayed)
    return journal


def test_newness_is_membership_and_not_order() -> None:
    journal = followed(1, 2, 5)
    assert journal.knows(frame(BODY, 5))
    assert not journal.knows(frame(BODY, 3))


def test_the_cursor_stays_before_a_gap_until_it_is_filled() -> None:
    assert followed(1, 2, 5).cursor() == 2
    assert followed(1, 2, 5, 4, 3).cursor() == 5


def test_nothing_followed_starts_at_the_beginning() -> None:
    assert Journal().cursor() == 0
    assert followed(4).cursor() == 0
    assert followed(0).cursor() == 0


def test_a_whole_replay_shows_its_gaps_to_be_empty() -> None:
    assert followed(1, 2, 5, replayed=True).caught_up().cursor() == 5


def test_a_replay_says_nothing_about_what_came_live_beyond_it() -> None:
    journal = followed(1, 2, replayed=True).follow(frame(BODY, 9), replayed=False)
    assert journal.caught_up().cursor() == 2
    journal = journal.follow(frame(BODY, 3), replayed=False)
    assert journal.caught_up().cursor() == 3


def test_a_replay_that_was_cut_short_counts_for_nothing() -> None:
    journal = followed(1, 5, replayed=True).connected()
    assert journal.caught_up().cursor() == 1


def test_a_gap_that_was_thought_empty_may_still_be_filled() -> None:
    journal = followed(1, 5, replayed=True).caught_up()
    assert not journal.knows(frame(BODY, 3))
    assert journal.follow(frame(BODY, 3), replayed=False).knows(frame(BODY, 3))


def test_the_cursor_never_passes_an_unfinished_stream() -> None:
    assert followed(1, 2, 3).cursor(2) == 1
    assert followed(1, 2, 3).cursor(9) == 3
    assert Journal().cursor(0) == 0


def test_a_frame_without_a_number_is_known_by_its_id() -> None:
    unnumbered = f.Frame(id="x", body=BODY)
    journal = Journal().follow(unnumbered, replayed=False)
    assert journal.knows(unnumbered)
    assert not journal.knows(f.Frame(id="y", body=BODY))


def test_a_frame_without_number_and_id_is_always_new() -> None:
    nameless = f.Frame(body=BODY)
    journal = Journal().follow(nameless, replayed=False)
    assert journal == Journal()
    assert not journal.knows(nameless)


def test_only_the_last_ids_are_kept() -> None:
    journal = Journal()
    for number in range(200):
        journal = journal.follow(f.Frame(id=str(number), body=BODY), replayed=False)
    known = [n for n in range(200) if journal.knows(f.Frame(id=str(n), body=BODY))]
    assert known == list(range(72, 200))


def test_after_too_many_holes_the_oldest_are_closed() -> None:
    journal = followed(*range(0, 200, 2))
    assert len(journal.ranges) == 64
    assert journal.knows(frame(BODY, 1))
    assert not journal.knows(frame(BODY, 197))


def test_an_event_is_known_by_its_id_under_another_number_or_none() -> None:
    first = f.Frame(id="a", sequence=3, body=f.Unknown())
    journal = Journal().follow(first, replayed=False)
    assert journal.knows(f.Frame(id="a", sequence=4, body=f.Unknown()))
    assert journal.knows(f.Frame(id="a", body=f.Unknown()))
    assert not journal.knows(f.Frame(id="b", sequence=4, body=f.Unknown()))
    assert not journal.knows(f.Frame(id="", sequence=4, body=f.Unknown()))
