"""Is deafness noticed by what does not come back, and never in a channel that is merely quiet?"""

from datetime import UTC, datetime, timedelta

from adapters.slack.doors.canary import ECHO_TIME, Canary, Shares, Suspicion
from tests.unit.adapters.slack.links import PlayedLink

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
LATER = NOON + ECHO_TIME


def echoing() -> Canary:
    canary = Canary()
    canary.came_back("C1", "0.1", NOON)
    return canary


def post(canary: Canary, *numbers: int, channel: str = "C1") -> None:
    for number in numbers:
        canary.posted(channel, f"{number}.1", NOON)


def test_three_posts_in_a_row_that_do_not_come_back_are_suspicious() -> None:
    canary = echoing()
    post(canary, 1, 2, 3)
    assert canary.judge(LATER - timedelta(seconds=1)) is Suspicion.NONE
    assert canary.judge(LATER) is Suspicion.DEAF
    assert canary.judge(LATER) is Suspicion.NONE
    assert canary.suspicious
    assert not canary.deaf


def test_two_are_not() -> None:
    canary = echoing()
    post(canary, 1, 2)
    assert canary.judge(LATER) is Suspicion.NONE


def test_one_that_comes_back_between_makes_it_no_row() -> None:
    canary = echoing()
    post(canary, 1, 2)
    canary.judge(LATER)
    canary.came_back("C1", "9.1", LATER)
    canary.posted("C1", "3.1", NOON)
    assert canary.judge(LATER) is Suspicion.NONE


def test_where_nothing_ever_came_back_nothing_is_awaited() -> None:
    canary = echoing()
    post(canary, 1, 2, 3, 4, channel="C2")
    assert canary.judge(LATER) is Suspicion.NONE


def test_an_echo_may_be_quicker_than_the_answer_to_the_post() -> None:
    canary = echoing()
    for number in range(1, 5):
        canary.came_back("C1", f"{number}.1", NOON)
        post(canary, number)
    assert canary.judge(LATER) is Suspicion.NONE


def test_deafness_that_stays_is_news_once_more_and_its_end_is_known() -> None:
    canary = echoing()
    seen = []
    for first in (10, 20, 30, 40):
        post(canary, first, first + 1, first + 2)
        seen.append(canary.judge(LATER))
    assert seen == [Suspicion.DEAF, Suspicion.STILL_DEAF, Suspicion.NONE, Suspicion.NONE]
    assert canary.deaf
    assert canary.came_back("C1", "50.1", LATER)
    assert not canary.suspicious
    assert not canary.came_back("C1", "51.1", LATER)


def test_what_is_excused_does_not_count() -> None:
    canary = echoing()
    post(canary, 1, 2, 3)
    canary.excuse()
    assert canary.judge(LATER) is Suspicion.NONE


def test_memory_is_bounded() -> None:
    canary = echoing()
    for number in range(1, 10_000):
        canary.came_back(f"C{number}", "0.1", NOON)
        canary.posted("C1", f"{number}.1", NOON)
    assert max(len(canary._echoing), len(canary._early), len(canary._awaited)) <= 2000


def test_a_socket_that_gets_nothing_while_another_gets_plenty_is_suspected() -> None:
    shares, one, two = Shares(), PlayedLink(), PlayedLink()
    now = NOON
    for _ in range(12):
        one.events += 3
        assert not shares.passed_over([one, two], now)
        now += timedelta(minutes=1) if now < NOON + timedelta(minutes=9) else timedelta()
    assert shares.passed_over([one, two], NOON + timedelta(minutes=10)) == [two]


def test_a_socket_that_gets_its_share_now_and_then_is_not() -> None:
    shares, one, two = Shares(), PlayedLink(), PlayedLink()
    for minute in range(100):
        one.events += 3
        two.events += minute % 8 == 0
        assert not shares.passed_over([one, two], NOON + timedelta(minutes=minute))


def test_where_nothing_happens_nobody_is_passed_over() -> None:
    shares, links = Shares(), [PlayedLink(), PlayedLink()]
    for hour in range(100):
        assert not shares.passed_over(list(links), NOON + timedelta(hours=hour))
