"""Does the bridge, owing much, keep to Slack's exact limits and still say the urgent first?"""

from itertools import groupby

import pytest

from tests.bench.drain import Drained, drained, fewest_seconds

pytestmark = pytest.mark.integration

CHANNELS, ANSWERS, NEWS = 3, 15, 5


@pytest.fixture(scope="module")
def sixty() -> Drained:
    """Sixty posts over three channels, each in a thread of its own, the news owed first."""
    return drained(CHANNELS, ANSWERS, NEWS, threads=ANSWERS)


def test_slack_never_has_to_slow_us_down(sixty: Drained) -> None:
    assert sixty.excesses == 0
    assert len(sixty.posts) == CHANNELS * (ANSWERS + NEWS)


def test_it_takes_little_more_than_the_least_time(sixty: Drained) -> None:
    assert sixty.seconds <= 1.25 * fewest_seconds(CHANNELS, ANSWERS + NEWS)


def test_no_channel_is_last(sixty: Drained) -> None:
    assert sixty.unfairness < 1.1


def test_answers_overtake_the_news_that_wait(sixty: Drained) -> None:
    for channel in {post.channel for post in sixty.posts}:
        kinds = [p.text.startswith("Answer") for p in sixty.posts if p.channel == channel]
        runs = [(urgent, len(list(run))) for urgent, run in groupby(kinds)]
        # The burst went to whoever came first; from then on answers go first.
        assert runs == [(False, 3), (True, ANSWERS), (False, NEWS - 3)]
