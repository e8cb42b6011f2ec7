"""The database is its owner's alone, whatever was there before; what is not is told."""

import logging
from pathlib import Path

import pytest

from bridge.store.secluding import create_private


def modes(directory: Path) -> dict[str, str]:
    return {path.name: oct(path.stat().st_mode & 0o777) for path in directory.iterdir()}


def test_a_new_one_is_nobody_elses(tmp_path: Path) -> None:
    create_private(tmp_path / "bridge.db")

    assert modes(tmp_path) == {"bridge.db": "0o600"}


def test_one_that_others_could_read_is_closed_with_what_a_crash_left_beside_it(
    tmp_path: Path,
) -> None:
    for name in ("bridge.db", "bridge.db-wal", "bridge.db-shm"):
        (tmp_path / name).write_bytes(b"words")
        (tmp_path / name).chmod(0o666)
    create_private(tmp_path / "bridge.db")

    assert set(modes(tmp_path).values()) == {"0o600"}
    assert (tmp_path / "bridge.db-wal").read_bytes() == b"words"


def test_a_link_beside_it_leads_us_to_change_nothing(tmp_path: Path) -> None:
    other = tmp_path / "others"
    other.write_bytes(b"")
    other.chmod(0o644)
    (tmp_path / "bridge.db-wal").symlink_to(other)
    create_private(tmp_path / "bridge.db")

    assert modes(tmp_path)["others"] == "0o644"


@pytest.mark.parametrize(("mode", "said"), [(0o777, 1), (0o700, 0), (0o750, 0)])
def test_a_directory_in_which_everybody_writes_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, said: int
) -> None:
    tmp_path.chmod(mode)
    with caplog.at_level(logging.WARNING):
        create_private(tmp_path / "bridge.db")

    assert caplog.text.count("database.exposed") == said
