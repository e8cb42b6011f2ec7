"""Is each outage said once when it begins, once when it ends, and one that flaps not too often?"""

from bridge.log.outages import CALM, MOST, OVER, PAIRS, REPEATS, WITHIN, Outages, Verdict

DOWN, UP = "adapter.disconnected", "adapter.connected"


def judged(outages: Outages, event: str, now: float, adapter: str = "slack") -> Verdict:
    verdict = outages.judge(event, {"adapter": adapter}, f"{event} {now:.0f}", now)
    assert verdict is not None
    return verdict


def test_its_end_says_how_long_it_lasted() -> None:
    outages = Outages()

    assert judged(outages, DOWN, 100.0) == Verdict(written=True, added={})
    assert judged(outages, UP, 112.34) == Verdict(written=True, added={"lasted": 12.3})


def test_another_cause_meanwhile_does_not_begin_it_anew() -> None:
    outages = Outages()
    judged(outages, DOWN, 0.0)
    judged(outages, DOWN, 50.0)

    assert judged(outages, UP, 60.0).added == {"lasted": 60.0}


def test_the_first_connection_ends_nothing() -> None:
    assert judged(Outages(), UP, 5.0).added == {}


def test_each_dependency_is_by_itself() -> None:
    outages = Outages()
    judged(outages, DOWN, 0.0, "slack")
    judged(outages, DOWN, 7.0, "teams")

    assert judged(outages, UP, 10.0, "teams").added == {"lasted": 3.0}


def test_one_that_comes_and_goes_is_said_a_few_times_and_then_as_it_stands() -> None:
    outages = Outages()
    seconds = [float(n) for n in range(100)]
    written = [judged(outages, (DOWN, UP)[int(n) % 2], n).written for n in seconds]

    assert sum(written) == MOST
    assert outages.due(99.0 + CALM - 1) == []
    assert outages.due(99.0 + CALM) == [("adapter.connected 99", 100 - MOST - 1)]
    assert outages.due(99.0 + 2 * CALM) == []


def test_one_that_never_stands_still_is_said_so_often_in_ten_minutes() -> None:
    outages = Outages()
    told = 0
    for second in range(7_200):
        told += judged(outages, (DOWN, UP)[second % 2], float(second)).written
        told += len(outages.due(float(second)))

    assert told == MOST * 7_200 / WITHIN


def test_after_a_quiet_time_it_is_said_at_once_again_with_what_was_left_out() -> None:
    outages = Outages()
    for second in range(MOST + 3):
        judged(outages, (DOWN, UP)[second % 2], float(second))

    verdict = judged(outages, DOWN, WITHIN + 10)

    assert verdict == Verdict(written=True, added={"left_out": 3})


def test_other_events_are_not_its_business() -> None:
    assert Outages().judge("session.opened", {}, "", 0.0) is None


def test_no_event_begins_or_ends_two_kinds_of_outage() -> None:
    names = [name for pair in PAIRS for name in (pair.begins, pair.ends)]

    assert len(names) == len(set(names))


def test_what_an_outage_brings_about_is_said_once_and_its_last_when_it_is_over() -> None:
    outages = Outages()
    told = []
    for second in range(0, 1_800, 30):
        verdict = outages.judge("socket.refused", {"agent": "default"}, second, float(second))
        assert verdict is not None
        told += [second] * verdict.written
        assert outages.due(float(second)) == []

    assert told == [0]
    assert outages.due(1_770.0 + OVER) == [(1_770, 58)]
    again = outages.judge("socket.refused", {"agent": "default"}, "", 1_770.0 + OVER + 1)
    assert again == Verdict(written=True, added={})


def test_it_is_said_every_hour_while_it_goes_on() -> None:
    outages = Outages()
    seen = [outages.judge("delivery.retry", {}, "", float(s)) for s in range(0, 10_800, 20)]

    assert [one.added for one in seen if one and one.written] == [{}] + [{"left_out": 179}] * 2


def test_one_that_happens_now_and_then_is_said_each_time() -> None:
    outages = Outages()
    seen = [outages.judge("delivery.retry", {}, "", float(s)) for s in range(0, 3_600, 200)]

    assert all(one and one.written for one in seen)


def test_nothing_that_is_repeated_begins_or_ends_an_outage() -> None:
    assert not {name for pair in PAIRS for name in (pair.begins, pair.ends)} & set(REPEATS)


def test_thousands_that_are_over_take_no_room_from_the_next() -> None:
    outages = Outages()
    for number in range(1_000):
        outages.judge("frame.malformed", {"conversation": number}, "line", 0.0)
    assert outages.judge(DOWN, {"adapter": "slack"}, "line", 1.0) is None  # all go on, it is said

    assert judged(outages, DOWN, OVER).written
    assert judged(outages, UP, OVER + 5).added == {"lasted": 5.0}
