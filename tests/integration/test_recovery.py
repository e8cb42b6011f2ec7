"""After a kill everything comes back: each socket, and what was owed, once."""

from pathlib import Path

import pytest

from tests.bench.recover import measure
from tests.bench.stand import many_files

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


def test_after_a_kill_every_socket_is_back_and_all_that_was_owed_is_out(tmp_path: Path) -> None:
    many_files()
    found = measure(tmp_path / "recovery", sessions=40, owed=15)
    assert (found["sessions"], found["owed"]) == (40, 15)
    assert found["posts"] == 15, "nothing was posted twice"
    assert found["429s"] == 0
    assert found["sockets_s"] >= found["least_sockets_s"], "the pace was kept"
