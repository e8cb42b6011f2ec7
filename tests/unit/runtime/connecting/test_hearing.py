"""What an agent's sockets tell together: deaf is told from quiet, an outage from chance."""

from datetime import timedelta

from bridge.runtime.connecting.hearing import Hearing
from bridge.testing.clock import NOON

LATER = NOON + timedelta(seconds=10)


def test_a_pong_that_does_not_come_means_something_where_pongs_have_come() -> None:
    hearing = Hearing()
    assert not hearing.silence(NOON, all_silent=True)
    assert hearing.trouble(NOON) is None

    hearing.pong()

    assert hearing.silence(NOON, all_silent=True)
    assert hearing.trouble(LATER) == "none of its open sockets answers"


def test_one_deaf_socket_among_others_is_renewed_and_no_trouble() -> None:
    hearing = Hearing()
    hearing.pong()
    assert hearing.silence(NOON, all_silent=False)
    assert hearing.trouble(LATER) is None


def test_a_service_that_never_answers_pings_is_not_pinged_for_ever() -> None:
    hearing = Hearing()
    asked = 0
    while hearing.worth_a_ping:
        hearing.silence(NOON, all_silent=True)
        asked += 1
    assert asked == 20


def test_a_pong_or_a_new_socket_ends_it() -> None:
    for ends in (Hearing.pong, Hearing.opened):
        hearing = Hearing()
        hearing.pong()
        hearing.silence(NOON, all_silent=True)
        ends(hearing)
        assert hearing.trouble(LATER) is None


def test_sockets_that_cannot_be_opened_are_a_trouble_from_the_second_on() -> None:
    hearing = Hearing()
    hearing.missed(NOON, "refused")
    assert hearing.trouble(NOON) is None
    hearing.missed(LATER, "refused")
    assert hearing.trouble(LATER) == "its sockets cannot be opened: refused"
    hearing.opened()
    assert hearing.trouble(LATER) is None


def test_whoever_does_not_try_any_more_is_not_failing_for_ever() -> None:
    hearing = Hearing()
    hearing.pong()
    hearing.silence(NOON, all_silent=True)
    for _ in range(3):
        hearing.missed(NOON, "refused")
    assert hearing.trouble(NOON + timedelta(seconds=61)) is None
