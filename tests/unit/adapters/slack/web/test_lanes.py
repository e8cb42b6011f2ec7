"""Who goes next: the urgent first, channels in turns, nobody never?"""

import asyncio
from datetime import timedelta

from adapters.slack.web.lanes import PATIENCE, Lanes, Waiting
from bridge.model.delivery import Urgency
from bridge.testing.clock import NOON


def waiting(channel: str, urgency: Urgency = Urgency.ANSWER) -> Waiting:
    told = asyncio.get_running_loop().create_future()
    return Waiting(urgency=urgency, since=NOON, told=told, channel=channel)


def filled(*those: Waiting) -> Lanes:
    lanes = Lanes()
    for one in those:
        lanes.add(one)
    return lanes


def order(lanes: Lanes, now: timedelta = timedelta()) -> str:
    """The channels in the order in which they go."""
    channels = ""
    while one := lanes.next(NOON + now, lambda _: True):
        channels += one.channel
    return channels


async def test_channels_take_turns() -> None:
    assert order(filled(*map(waiting, "aaaabbc"))) == "abcabaa"


async def test_the_urgent_go_first_in_whatever_order_they_came() -> None:
    those = [waiting(str(int(urgency)), urgency) for urgency in reversed(Urgency)]
    assert order(filled(*those)) == "01234"


async def test_a_channel_that_may_not_go_holds_up_no_other() -> None:
    lanes = filled(*map(waiting, "ab"))
    one = lanes.next(NOON, lambda head: head.channel != "a")
    assert one is not None
    assert one.channel == "b"
    assert lanes.next(NOON, lambda _: False) is None
    assert order(lanes) == "a"


async def test_a_sentence_that_has_waited_long_takes_turns_with_answers() -> None:
    lanes = filled(waiting("n", Urgency.NEWS), *map(waiting, "aaa"))
    assert order(lanes, PATIENCE) == "anaa"


async def test_a_whisper_never_counts_as_urgent() -> None:
    lanes = filled(waiting("s", Urgency.SIGNAL), *map(waiting, "aa"))
    assert order(lanes, 10 * PATIENCE) == "aas"


async def test_who_left_does_not_go() -> None:
    first, second = waiting("a"), waiting("a")
    lanes = filled(first, second)
    assert lanes.remove(first)
    assert not lanes.remove(first)
    assert len(lanes) == 1
    assert lanes.of(Urgency.ANSWER) == [second]
    assert lanes.remove(second)
    assert not list(lanes.heads())
