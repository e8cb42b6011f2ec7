"""Is everybody heard as loud as was asked for, and again as configured afterwards?"""

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest

from adapters.slack import logs as slack
from bridge import log
from bridge.core.rates import Rate
from bridge.log.loudness import Loudness
from bridge.log.sampling import Sampling

_DECLARED = slack.LOG  # imported, the adapter has declared its own outages


class Time:
    """Seconds that pass as told."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Lines(logging.Handler):
    """What is written."""

    def __init__(self, loudness: Loudness) -> None:
        super().__init__()
        self.addFilter(loudness)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def told(self) -> list[str]:
        return [
            str(r.msg["event"]) if isinstance(r.msg, dict) else r.getMessage() for r in self.records
        ]


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def loudness(time: Time) -> Iterator[Loudness]:
    made = Loudness(time)
    made.configure(logging.INFO, Sampling())
    yield made
    made.configure(logging.NOTSET, Sampling())


@pytest.fixture
def lines(loudness: Loudness) -> Lines:
    made = Lines(loudness)
    logging.getLogger().handlers[:] = [made]
    return made


def test_one_logger_is_louder_than_the_rest(loudness: Loudness, lines: Lines) -> None:
    loudness.ask("polyai_bridge.sessions", logging.DEBUG)

    log.get("sessions").debug("one")
    log.get("sessions.below").debug("two")
    log.get("status").debug("three")

    assert lines.told == ["one", "two"]


def test_all_of_ours_are_quieter_and_others_with_them(loudness: Loudness, lines: Lines) -> None:
    loudness.ask("polyai_bridge", logging.ERROR)

    log.get("sessions").warning("one")
    logging.getLogger("aiohttp.server").warning("two")

    assert lines.told == []


def test_nobody_else_is_heard_below_warning_whatever_is_asked_for(
    loudness: Loudness, lines: Lines
) -> None:
    loudness.ask("polyai_bridge", logging.DEBUG)
    with pytest.raises(ValueError, match="none of our loggers"):
        loudness.ask("aiohttp", logging.DEBUG)
    other = logging.getLogger("test.other.library")
    other.setLevel(logging.DEBUG)  # as some do by themselves

    other.info("a body")
    other.warning("trouble")

    assert lines.told == ["trouble"]


def test_what_was_asked_for_ends_by_itself(loudness: Loudness, lines: Lines, time: Time) -> None:
    loudness.ask("polyai_bridge.sessions", logging.DEBUG, seconds=600)
    loudness.ask("polyai_bridge", logging.ERROR, seconds=60)
    assert loudness.left() == {"polyai_bridge.sessions": 600, "polyai_bridge": 60}

    time.now += 60
    loudness.tend()
    log.get("status").info("one")
    log.get("sessions").debug("two")
    time.now += 540
    loudness.tend()
    log.get("sessions").debug("three")

    assert lines.told == ["one", "two"]
    assert loudness.levels == {"polyai_bridge": logging.INFO}


def test_what_was_asked_for_can_be_taken_back(loudness: Loudness, lines: Lines) -> None:
    loudness.ask("polyai_bridge.sessions", logging.DEBUG)
    loudness.ask("polyai_bridge.sessions", None)

    log.get("sessions").debug("one")

    assert lines.told == []


def test_only_so_many_loggers_have_levels_of_their_own(loudness: Loudness) -> None:
    for number in range(50):
        loudness.ask(f"polyai_bridge.n{number}", logging.DEBUG)

    with pytest.raises(ValueError, match="50 loggers"):
        loudness.ask("polyai_bridge.more", logging.DEBUG)


def test_whoever_follows_is_told_each_change(loudness: Loudness, time: Time) -> None:
    told: list[dict[str, int]] = []
    with loudness.followed(told.append):
        loudness.ask("polyai_bridge", logging.DEBUG, seconds=5)
        time.now += 5
        loudness.tend()
    loudness.ask("polyai_bridge", logging.DEBUG)

    levels = [logging.INFO, logging.DEBUG, logging.INFO]
    assert told == [{"polyai_bridge": level} for level in levels]


def test_a_follower_is_as_loud(lines: Lines, loudness: Loudness) -> None:
    loudness.follow({"polyai_bridge": logging.WARNING, "polyai_bridge.sessions": logging.DEBUG})
    log.get("sessions").debug("one")
    log.get("status").info("two")
    loudness.follow({"polyai_bridge": logging.INFO})
    log.get("sessions").debug("three")
    log.get("status").info("four")

    assert lines.told == ["one", "four"]


def test_a_flood_is_sampled_and_the_rest_counted(
    loudness: Loudness, lines: Lines, time: Time
) -> None:
    loudness.sample(Sampling(Rate(5, timedelta(seconds=10)), 10), seconds=30)
    for _ in range(25):
        log.get("sessions").info("session.opened", conversation="c1")
    time.now += 10
    loudness.tend()

    assert lines.told == ["session.opened"] * 7 + ["log.left_out"]
    assert (lines.records[-1].of, lines.records[-1].lines) == ("session.opened", 18)  # type: ignore[attr-defined]
    time.now += 20
    loudness.tend()
    assert loudness.sampling == Sampling()


def test_the_end_of_an_outage_says_how_long_it_lasted_whoever_logs_it(
    loudness: Loudness, lines: Lines, time: Time
) -> None:
    plain = logging.getLogger("polyai_bridge.adapters.slack")
    log.get("status").warning("adapter.disconnected", adapter="slack")
    plain.warning("slack.sockets_missing", extra={"wanted": 2})
    time.now += 9
    log.get("status").info("adapter.connected", adapter="slack")
    plain.info("slack.sockets_complete")

    ends = lines.records[-2:]
    assert isinstance(ends[0].msg, dict)
    assert ends[0].msg["lasted"] == 9.0
    assert vars(ends[1])["lasted"] == 9.0


def test_outages_are_never_sampled_but_one_that_flaps_is_told_once_it_stands_still(
    loudness: Loudness, lines: Lines, time: Time
) -> None:
    loudness.sample(Sampling(Rate(1, timedelta(seconds=10)), 1_000))
    for number in range(20):
        time.now += 1
        log.get("status").info(
            ("adapter.disconnected", "adapter.connected")[number % 2], adapter="a"
        )
        loudness.tend()
    assert len(lines.told) == 6
    time.now += 60
    loudness.tend()
    loudness.tend()

    assert len(lines.told) == 7
    last = lines.records[-1].msg
    assert isinstance(last, dict)
    assert (last["event"], last["left_out"]) == ("adapter.connected", 13)
