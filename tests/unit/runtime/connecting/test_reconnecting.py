"""When a session is connected again, and when that is enough."""

import pytest

from bridge.polyai.socket import Closing
from bridge.runtime.connecting.reconnecting import Reconnects, Verdict

DROPPED, ENDED, GONE, TOO_BIG = Closing.DROPPED, Closing.ENDED, Closing.GONE, Closing.TOO_BIG


@pytest.mark.parametrize(("allowed", "attempts"), [(1, 1), (3, 3), (None, 10)])
def test_so_many_connects_may_fail_in_a_row_and_not_one_more(
    allowed: int | None, attempts: int
) -> None:
    memory = Reconnects(1)
    for _ in range(attempts):
        assert not memory.spent(allowed)
        memory.unopened()
    assert memory.spent(allowed)


def test_none_allowed_means_no_limit() -> None:
    memory = Reconnects(1)
    for _ in range(1000):
        memory.unopened()
    assert not memory.spent(0)


def test_the_drop_of_a_proved_socket_costs_a_pause_and_no_attempt() -> None:
    memory = Reconnects(1, failures=5, attempts=5)
    assert memory.closed(DROPPED, proved=True) is Verdict.AGAIN
    assert (memory.failures, memory.attempts) == (1, 0)


def test_a_socket_that_proved_nothing_restores_nothing() -> None:
    """Accepted and dropped again, for ever: no endless loop of a second each."""
    memory = Reconnects(1)
    for failures in range(1, 6):
        assert memory.closed(DROPPED, proved=False) is Verdict.AGAIN
        assert (memory.failures, memory.attempts) == (failures, failures)


@pytest.mark.parametrize(
    ("closings", "verdicts"),
    [
        ([DROPPED, DROPPED], [Verdict.AGAIN, Verdict.AGAIN]),
        ([TOO_BIG, TOO_BIG], [Verdict.AGAIN, Verdict.AGAIN]),
        ([ENDED, ENDED], [Verdict.VERIFY, Verdict.ENDED]),
        ([GONE, GONE], [Verdict.AGAIN, Verdict.GONE]),
        ([ENDED, GONE], [Verdict.VERIFY, Verdict.ENDED]),
        ([GONE, ENDED], [Verdict.AGAIN, Verdict.ENDED]),
        ([ENDED, DROPPED, ENDED], [Verdict.VERIFY, Verdict.AGAIN, Verdict.ENDED]),
    ],
)
def test_a_close_that_may_be_an_end_is_verified_once(
    closings: list[Closing], verdicts: list[Verdict]
) -> None:
    memory = Reconnects(1)
    assert [memory.closed(closing, proved=False) for closing in closings] == verdicts


@pytest.mark.parametrize(("closing", "verdict"), [(ENDED, Verdict.VERIFY), (GONE, Verdict.AGAIN)])
def test_no_doubt_survives_a_socket_that_proved_itself(closing: Closing, verdict: Verdict) -> None:
    memory = Reconnects(1)
    assert memory.closed(closing, proved=True) is verdict
    assert memory.closed(closing, proved=True) is verdict


def test_only_a_normal_close_makes_the_next_socket_the_last() -> None:
    memory = Reconnects(1)
    memory.closed(GONE, proved=True)
    assert not memory.verifies_end
    memory.restore()
    memory.closed(ENDED, proved=True)
    assert memory.verifies_end


def test_a_rest_restores_the_attempts_and_keeps_the_doubt() -> None:
    memory = Reconnects(1)
    memory.closed(ENDED, proved=False)
    memory.begin_again()
    assert (memory.failures, memory.attempts, memory.doubt) == (0, 0, ENDED)
