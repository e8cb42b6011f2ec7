"""What fails while others go through is given up; what fails in an outage never is."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import CredentialsRefused, MaybeDelivered, RetryLater, Unreachable
from bridge.model.ids import AdapterName
from bridge.runtime.delivering.outcomes import BREAKS
from bridge.runtime.delivering.poison import (
    LAST_PATIENCE,
    LAST_TRIES,
    PATIENCE,
    WITNESSES,
    Passages,
)
from bridge.testing.clock import NOON

SLACK, TEAMS = AdapterName("slack"), AdapterName("teams")
AWAY = Unreachable("500")
LATER = RetryLater("busy", after=timedelta(seconds=1))
FAILURES = st.sampled_from((AWAY, MaybeDelivered("reset"), ValueError("odd"), LATER))


def tried(
    passages: Passages,
    every: timedelta,
    lasting: timedelta,
    outcome: Exception = AWAY,
    *others: str,
) -> bool:
    """Whether it is hopeless to go on; `others` go through meanwhile."""
    trial = passages.trial(SLACK, "post")
    for number in range(round(lasting / every) + 1):
        for call in others:
            passages.passed(SLACK, call)
        trial.failed(outcome, NOON + number * every)
    return trial.hopeless


MINUTE = timedelta(minutes=1)


def test_what_fails_alone_for_long_is_poisoned() -> None:
    assert tried(Passages(), MINUTE, PATIENCE, AWAY, "post")
    assert not tried(Passages(), MINUTE, PATIENCE - MINUTE, AWAY, "post")
    assert not tried(Passages(), PATIENCE / (WITNESSES - 2), PATIENCE, AWAY, "post")


def test_only_the_same_call_of_the_same_adapter_tells() -> None:
    passages = Passages()
    assert not tried(passages, MINUTE, PATIENCE, AWAY, "change", "find")
    trial = passages.trial(TEAMS, "post")
    for number in range(100):
        passages.passed(SLACK, "post")
        trial.failed(AWAY, NOON + number * MINUTE)
    assert not trial.hopeless


@given(
    failures=st.lists(FAILURES, min_size=1, max_size=200),
    lasting=st.timedeltas(timedelta(), timedelta(minutes=60)),
)
def test_no_outage_of_an_hour_gives_anything_up(
    failures: list[Exception], lasting: timedelta
) -> None:
    """Also not where it is one workspace's alone, and all others go through."""
    passages = Passages()
    trial = passages.trial(SLACK, "post")
    for number, failure in enumerate(failures):
        passages.passed(SLACK, "post")
        trial.failed(failure, NOON + number * lasting / len(failures))
    assert not trial.hopeless


def test_a_day_is_the_end_also_where_nobody_can_be_compared_with() -> None:
    hour = timedelta(hours=1)
    assert tried(Passages(), hour, LAST_PATIENCE)
    assert not tried(Passages(), hour, LAST_PATIENCE - hour)
    assert not tried(Passages(), LAST_PATIENCE / (LAST_TRIES / 2), LAST_PATIENCE)


def test_what_no_contract_knows_is_given_up_though_nobody_else_goes_through() -> None:
    every = PATIENCE / (BREAKS + 5)
    assert tried(Passages(), every, PATIENCE, ValueError("odd"))
    assert not tried(Passages(), every, PATIENCE, AWAY)


def test_an_outage_of_hours_that_an_adapter_only_hangs_in_gives_nothing_up() -> None:
    passages = Passages()
    trials = [passages.trial(SLACK, "post") for _ in range(2)]
    for number in range(200):
        for trial in trials:
            trial.failed(ValueError("odd"), NOON + number * MINUTE)
    assert not any(trial.hopeless for trial in trials)

    passages.passed(SLACK, "post")  # it is over, and both go on failing
    for trial in trials:
        trial.failed(ValueError("odd"), NOON + 201 * MINUTE)
    assert all(trial.hopeless for trial in trials)


def test_pauses_and_refused_credentials_are_no_failures_of_a_message() -> None:
    day = LAST_PATIENCE * 2
    for outcome in (LATER, CredentialsRefused("revoked")):
        assert not tried(Passages(), MINUTE, day, outcome, "post")
