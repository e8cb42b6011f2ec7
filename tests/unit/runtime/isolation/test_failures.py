"""Our errors cross whole, foreign ones by their names alone."""

from datetime import timedelta

import pytest

from bridge import log
from bridge.errors import (
    BridgeError,
    ConfigurationError,
    CredentialsRefused,
    DatabaseFailed,
    MaybeDelivered,
    Rejected,
    RetryLater,
    ThreadClosed,
    Unreachable,
)
from bridge.plugin.registry import Unusable
from bridge.runtime.delivering.outcomes import unannounced
from bridge.runtime.isolation.failures import Failure, error_of, failure_of


@pytest.mark.parametrize(
    "kind",
    [
        BridgeError,
        ConfigurationError,
        CredentialsRefused,
        DatabaseFailed,
        MaybeDelivered,
        Rejected,
        ThreadClosed,
        Unreachable,
    ],
)
def test_an_error_of_ours_arrives_as_it_left(kind: type[BridgeError]) -> None:
    arrived = error_of(failure_of(kind("full", remedy="make room")))

    assert type(arrived) is kind
    assert isinstance(arrived, BridgeError)
    assert (arrived.message, arrived.remedy) == ("full", "make room")


def test_how_long_to_wait_crosses_too() -> None:
    after = timedelta(seconds=1.5)
    arrived = error_of(failure_of(RetryLater("slow", after=after)))

    assert isinstance(arrived, RetryLater)
    assert arrived.after == after


def test_a_kind_that_others_made_of_ours_arrives_as_ours() -> None:
    assert type(error_of(failure_of(Unusable("no")))) is ConfigurationError


@pytest.mark.parametrize("error", [ValueError("a secret"), SystemExit("a secret"), KeyError("s")])
def test_a_foreign_error_arrives_by_its_name_alone(error: BaseException) -> None:
    failure = failure_of(error)
    arrived = error_of(failure)

    assert "secret" not in repr(failure)
    assert type(arrived).__name__ == type(error).__name__
    assert unannounced(arrived)
    assert failure_of(arrived) == failure


def test_a_group_arrives_as_what_is_ours_in_it() -> None:
    group = ExceptionGroup("x", [KeyError("a"), ExceptionGroup("y", [Unreachable("away")])])

    assert isinstance(error_of(failure_of(group)), Unreachable)


def test_a_name_that_is_none_is_not_taken() -> None:
    failure = failure_of(type("not a name", (Exception,), {})())

    assert type(error_of(failure)).__name__ == "Surprise"


def test_what_another_process_says_of_its_error_is_cut_short() -> None:
    after = error_of(Failure("RetryLater", "x" * 5_000, after=1e9))
    assert isinstance(after, RetryLater)
    assert (len(after.message), after.after) == (1_000, timedelta(hours=1))
    assert type(error_of(Failure("", "x" * 5_000))).__name__ == "Surprise"


def test_a_secret_in_a_sentence_is_masked_where_it_is_known() -> None:
    log.know(["sesame-93kd"])
    try:
        failure = failure_of(Unreachable("no way to sesame-93kd", remedy="ask sesame-93kd"))
    finally:
        log.forget()

    assert (failure.message, failure.remedy) == ("no way to [secret]", "ask [secret]")
