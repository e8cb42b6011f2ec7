"""Are the bench's verdicts computed from the run's own figures, and told as they are?"""

import json
import math
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.bench.explanations import NONE, WHY, why
from tests.bench.page import page
from tests.bench.targets import Verdict, verdicts

Json = dict[str, Any]

ROOT = Path(__file__).parents[3]
PAGE, RESULT = ROOT / "docs" / "performance.md", ROOT / "docs" / "performance.json"


def speeds(**per_s: float) -> Json:
    return {
        subject: {"per_s": value, "rounds": 3, "per_s_low": value, "per_s_high": value}
        for subject, value in per_s.items()
    }


def at_rate(p50: float, p99: float, skipped: int = 0) -> Json:
    return {
        "p50_ms": p50,
        "p99_ms": p99,
        "ack_p99_ms": p50,
        "answered": 1000,
        "skipped": skipped,
        "rate": 300.0,
    }


def held(sessions: int, kb: float) -> Json:
    return {
        "kb_per_session": kb,
        "idle_cpu_percent": 4.0,
        "sockets_lost": 0,
        "full_gc_ms": 30.0,
        "cpu_us_per_message": 100.0,
        "restart_s": 1.0,
        # A start of two seconds, and 200 µs for each session.
        "restart_cpu_us": 2e6 / sessions + 200.0,
        "bare_connect_cpu_us": 190.0,
    }


FOUND: Json = {
    "machine": {"cores": 2},
    "took_s": {"disk": 1.0},
    "broken": {},
    "disk": {
        "T_c_ms": 0.25,
        "accepts_per_s_1": 1.0,
        "accepts_per_s_64": 9.0,
        "group_commit_gain": 9.0,
        "frames_per_s": 1.0,
    },
    "recover": {
        "sessions": 10_000,
        "owed": 1000,
        "sockets_s": 210.0,
        "least_sockets_s": 200.0,
        "sockets_ratio": 1.05,
        "owed_s": 160.0,
        "least_owed_s": 140.0,
        "owed_ratio": 1.14,
        "429s": 0,
    },
    "clear": {
        "throughput": {
            "100": speeds(ours=900, script=1000, careful=100, forgetful=1000, floor=5000)
        },
        "rate": {"ours": at_rate(2.0, 5.0), "script": at_rate(1.0, 2.0)},
        "sessions": {
            str(count): {"ours": held(count, kb), "floor": held(count, 10.0)}
            for count, kb in ((100, 30.0), (1000, 20.0), (5000, 20.0), (10_000, 20.0))
        },
        "profile": {"areas": {"the worker": 75.0, "the loop itself": 25.0}},
    },
}


def verdict(name: str, found: Json = FOUND) -> Verdict:
    return next(one for one in verdicts(found) if one.name == name)


@pytest.mark.parametrize(
    ("name", "measured"),
    [
        ("A5-sockets", 1.05),
        ("A5-owed", 1.14),
        ("1b", 20.0),
        ("1b-floor", 2.0),
        ("2a", 0.9),
        ("2c", 9.0),
        ("2d", 0.9),
        ("3a", 1.0),
        ("3b", 3.0),
        ("3d", 2.0),
        ("4a-clear", 200 / 190),
        ("4b-clear", 1.0),
        ("5b-clear", 1.0),
        ("5c-clear", 30.0),
        ("5d-clear", 1.0),
    ],
)
def test_a_target_is_measured_by_the_figures_of_the_run(name: str, measured: float) -> None:
    assert verdict(name).measured == pytest.approx(measured)


def test_what_depends_on_the_disk_is_told_in_commits() -> None:
    assert (verdict("3a").ambitious, verdict("3a").stretch) == pytest.approx((1.5, 0.75))


def test_what_is_missed_says_by_how_much() -> None:
    assert verdict("5c-clear").missed_by == pytest.approx(0.5)
    assert verdict("2a").missed_by == pytest.approx(0.25)
    assert verdict("1b").missed_by is None


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    assert verdict("2b").measured is None
    assert verdict("2b").missed_by is None


def test_a_rate_that_is_not_held_is_a_miss_whatever_its_latency() -> None:
    found = deepcopy(FOUND)
    found["clear"]["rate"]["ours"]["skipped"] = 100
    assert verdict("3a", found).missed_by == math.inf
    assert "| the rate was not held | **missed** |" in page(found)


def test_a_script_that_does_not_hold_the_rate_is_nothing_to_be_measured_by() -> None:
    found = deepcopy(FOUND)
    found["clear"]["rate"]["script"] = at_rate(500.0, 900.0, skipped=100)
    assert (verdict("3a", found).measured, verdict("3b", found).measured) == (None, None)
    assert verdict("3d", found).measured == 2.0
    assert "Not held by script" in page(found)


def test_the_page_tells_each_verdict_and_why_it_was_missed() -> None:
    written = page(FOUND)
    assert "| 1b | memory of a session in clear, at 10,000 | ≤ 24 KB | ≤ 18 KB | 20 KB | met |" in (
        written
    )
    assert "| 0.9 x | **missed** by 25% |" in written
    assert f"- **2a**, messages/s over the script's, 100 threads, in clear: {why('2a')}" in written
    assert "| 9 x | met |" in written
    assert "every socket is back after 210 s, where the pace allows 200 s" in written


def test_nothing_is_explained_that_is_no_target() -> None:
    names = {one.name for one in verdicts(FOUND)}
    known = names | {name.partition("-")[0] for name in names}
    assert set(WHY) <= known
    assert why("no such target") == NONE


def test_peers_at_their_limit_are_marked() -> None:
    found = deepcopy(FOUND)
    found["clear"]["throughput"]["100"]["floor"]["peers_busy"] = 0.95
    assert "0.95 ⚠" in page(found)


@pytest.mark.skipif(not RESULT.exists(), reason="`make bench` was not run yet")
def test_the_page_in_the_docs_is_what_its_result_says() -> None:
    """If not, its words have changed: `python -m tests.bench page` writes it anew."""
    assert PAGE.read_text() == page(json.loads(RESULT.read_text()))
