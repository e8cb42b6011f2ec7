"""Does the bench measure what was asked for, and go on where a part breaks?"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.bench.running import run
from tests.bench.sizes import FULL, SHORT

Json = dict[str, Any]


def told(directory: Path, *wanted: str) -> tuple[list[str], Json]:
    """The parts of a run that has the disk alone, and what was found."""
    parts: list[str] = []
    sizes = replace(SHORT, modes=())
    found = run(directory, sizes, wanted, lambda name, _found: parts.append(name))
    return parts, found


def test_a_part_that_breaks_is_named_with_its_reason(tmp_path: Path) -> None:
    parts, found = told(tmp_path / "not there")
    assert parts == ["disk"]
    assert list(found["broken"]) == ["disk"]
    assert "disk" not in found


def test_a_part_that_was_not_asked_for_is_left_out(tmp_path: Path) -> None:
    parts, found = told(tmp_path, "tls.speed")
    assert parts == []
    assert found["took_s"] == {}


def test_the_whole_run_has_what_the_targets_need() -> None:
    assert set(FULL.modes) == set(FULL.rates) == {"tls", "clear"}
    assert FULL.latency_threads in {speed.threads for speed in FULL.speeds}
    assert {held.sessions for held in FULL.sessions} == {100, 1000, 5000, 10_000}
    assert all(held.subjects[0] == "ours" for held in FULL.sessions)
