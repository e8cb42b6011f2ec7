"""Who builds the wheel of a release anew gets the same bytes, as docs/releasing.md says."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from tests.environment import build

ROOT = Path(__file__).resolve().parents[3]
#: What the wheel is made of.
_SOURCES = ("pyproject.toml", "README.md", "bridge", "adapters", "migrations")

pytestmark = pytest.mark.thorough


def copied(directory: Path, instant: int) -> Path:
    """The sources in another place, all of them touched at another time."""
    for name in (*_SOURCES, "tests/sample_adapter"):
        source, target = ROOT / name, directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    for path in directory.rglob("*"):
        os.utime(path, (instant, instant))
    return directory


def test_two_builds_are_identical(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    before = os.umask(0o022)
    try:
        first = build(copied(tmp_path / "one", 1_600_000_000), tmp_path / "dist" / "one")
        os.umask(0o077)
        second = build(copied(tmp_path / "another", 1_650_000_000), tmp_path / "dist" / "another")
    finally:
        os.umask(before)
    sums = {hashlib.sha256(each.read_bytes()).hexdigest() for each in (first, second)}
    assert first.name == second.name
    assert len(sums) == 1


def test_another_line_of_code_is_another_wheel(tmp_path: Path) -> None:
    sources = copied(tmp_path / "one", 1_600_000_000)
    first = build(sources, tmp_path / "dist" / "one").read_bytes()
    with (sources / "bridge" / "log.py").open("a") as code:
        code.write("\n# another line\n")
    assert build(sources, tmp_path / "dist" / "another").read_bytes() != first
