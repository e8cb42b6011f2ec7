"""Is of one event only as much left out as is too much?"""

from datetime import timedelta

from bridge.core.rates import Rate
from bridge.log.sampling import Sampler, Sampling


def sampler(burst: Rate | None, sample: int = 10) -> Sampler:
    made = Sampler()
    made.rule = Sampling(burst, sample)
    return made


TEN = Rate(10, timedelta(seconds=5))


def test_a_burst_is_written_and_then_each_so_many_th() -> None:
    one = sampler(TEN)

    written = [one.lets("delivery.retry", 0.0) for _ in range(50)]

    assert written[:10] == [True] * 10
    assert sum(written[10:]) == 4
    assert written[19]  # the first of the tenths


def test_what_was_left_out_is_counted_once_its_period_is_over() -> None:
    one = sampler(TEN)
    for _ in range(50):
        one.lets("delivery.retry", 0.0)

    assert one.left_out(4.9) == {}
    assert one.left_out(5.0) == {"delivery.retry": 36}
    assert one.left_out(9.0) == {}
    assert one.lets("delivery.retry", 9.0)


def test_a_new_period_begins_with_the_first_event_after_the_last() -> None:
    one = sampler(TEN)
    for _ in range(11):
        one.lets("a.b", 0.0)

    assert [one.lets("a.b", 6.0) for _ in range(10)] == [True] * 10
    assert one.left_out(6.0) == {"a.b": 1}


def test_events_are_counted_each_by_itself() -> None:
    one = sampler(TEN)
    for _ in range(20):
        one.lets("a.b", 0.0)

    assert one.lets("c.d", 0.0)


def test_without_a_burst_everything_is_written() -> None:
    one = sampler(None)

    assert all(one.lets("a.b", 0.0) for _ in range(5_000))


def test_however_many_events_there_are_it_takes_little_room() -> None:
    one = sampler(TEN)
    for number in range(5_000):
        one.lets(f"event {number}", 0.0)

    assert len(one._periods) <= 1_001
