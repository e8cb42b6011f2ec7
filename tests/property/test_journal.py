"""Whatever order frames come in, each is new once, and the cursor skips nothing."""

import itertools
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.journal import Journal
from bridge.model.frames import AgentThinking, Frame
from tests.examples import many

FAST = settings(
    max_examples=many(200),
    derandomize=True,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
)
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
@given(identities=st.lists(st.sampled_from("abcdefgh"), max_size=20))
def test_a_frame_without_a_number_is_known_by_its_id(identities: list[str]) -> None:
    journal = Journal()
    for at, identity in enumerate(identities):
        unnumbered = Frame(id=identity, body=AgentThinking())
        assert journal.knows(unnumbered) == (identity in identities[:at])
        journal = journal.follow(unnumbered, replayed=False)
    assert not journal.knows(Frame(id="", body=AgentThinking()))
    assert journal.cursor() == 0


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
    missing = sent - heard
    journal = followed(sorted(sent & heard)).connected()
    replay = sorted(n for n in sent if n > journal.cursor())
    for number in replay if finished else replay[:cut]:
        if not journal.knows(frame(number)):
            journal = journal.follow(frame(number), replayed=True)
            missing = missing - {number}
    if finished:
        journal = journal.caught_up()
    assert all(n > journal.cursor() for n in missing)
    assert not (finished and missing)


class Server:
    """A journal on the other side, and one of ours that follows it through sockets and deaths.

    What is committed is committed whole: what was followed, the streams that are open, the journal.
    """

    def __init__(self, numbers: list[int], streams: list[tuple[int, int]]) -> None:
        self.written: list[int] = []
        self.streams = streams  #: each from its first to its last number
        self.journal = Journal()
        self.seen = Counter[int]()
        self._unwritten = numbers
        self._saved = (self.journal, Counter[int]())

    @property
    def cursor(self) -> int:
        """Where a replay starts: before any stream that began and has not ended."""
        open_ones = [f for f, last in self.streams if self.seen[f] and not self.seen[last]]
        return self.journal.cursor(min(open_ones, default=None))

    def write(self, count: int) -> None:
        """The history grows."""
        self.written += self._unwritten[:count]
        del self._unwritten[:count]

    def arrive(self, *numbers: int, replayed: bool = False) -> None:
        """These arrive; what is known already means nothing."""
        for number in numbers:
            if not self.journal.knows(frame(number)):
                self.seen[number] += 1
                self.journal = self.journal.follow(frame(number), replayed=replayed)

    def live(self, newest: list[int]) -> None:
        """Some of the newest arrive, counted from the end, in this order and as often as told."""
        self.arrive(*(self.written[-n] for n in newest if n <= len(self.written)))

    def replay(self, back: int, cut: int, grown: int, newest: list[int]) -> None:
        """History from `back` before the cursor, in batches that overlap; then what came meanwhile.

        It is cut off after `cut` frames, or whole and over if that many are not there.
        """
        self.journal = self.journal.connected()
        asked = max(0, self.cursor - back)
        history = [n for n in self.written if n > asked]
        self.arrive(*history[:cut], *history[max(0, cut // 2) : cut], replayed=True)
        self.write(grown)
        if cut >= len(history):
            self.live([n for n in newest if n <= grown])
            self.journal = self.journal.caught_up()

    def commit(self) -> None:
        self._saved = (self.journal, self.seen.copy())

    def crash(self) -> None:
        self.journal, self.seen = self._saved[0], self._saved[1].copy()


NEWEST = st.lists(st.integers(1, 8), max_size=8)
MOVES = st.lists(
    st.tuples(st.just("write"), st.tuples(st.integers(1, 6)))
    | st.tuples(st.just("live"), st.tuples(NEWEST))
    | st.tuples(
        st.just("replay"),
        st.tuples(st.integers(0, 8), st.sampled_from([1, 4, 40, 40]), st.integers(0, 6), NEWEST),
    )
    | st.tuples(st.sampled_from(["commit", "crash"]), st.just(())),
    min_size=4,
    max_size=14,
)
STREAMS = st.lists(
    st.tuples(st.integers(1, 30), st.integers(1, 6)).map(lambda s: (s[0], s[0] + s[1])), max_size=4
)


@FAST
@given(holes=st.sets(st.integers(1, 30), max_size=8), streams=STREAMS, moves=MOVES)
def test_each_frame_is_followed_once_through_sockets_and_deaths(
    holes: set[int], streams: list[tuple[int, int]], moves: list[tuple[str, tuple[object, ...]]]
) -> None:
    numbers = [n for n in range(1, 31) if n not in holes]
    server = Server(list(numbers), [s for s in streams if set(s) <= set(numbers)])
    for verb, how in moves:
        getattr(server, verb)(*how)
        _passes_nothing(server)
    server.write(30)
    server.replay(0, 40, 0, [])
    _passes_nothing(server)
    assert server.seen == Counter(numbers), "each once, and all of them"


def _passes_nothing(server: Server) -> None:
    cursor = server.cursor
    assert all(server.seen[n] == 1 for n in server.written if n <= cursor)
    for first, last in server.streams:
        assert cursor < first or not server.seen[first] or server.seen[last]
