"""The unit under a real systemd: one machine is booted, and each part of its story judged."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration import nspawn
from tests.integration.stuck_bridge import WORD
from tests.integration.systemd_probe import SECRETS

_WHY_NOT = nspawn.unavailable()
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(_WHY_NOT), reason=f"no systemd-nspawn: {_WHY_NOT}"),
    pytest.mark.timeout(260),
]
#: How long the machine may run, in seconds; it takes about 50.
_LIMIT = 200

Part = dict[str, Any]


def it_starts_and_says_how_it_is(part: Part) -> None:
    assert (part["code"], part["state"], part["live"]) == (0, "active", 200)
    assert part["status"].startswith("Ready: 1 conversations, 1 sockets, ")
    assert "it works" in part["told"]


def its_secrets_reach_it_as_credentials_alone(part: Part) -> None:
    """Both simulators took them: it answered."""
    assert "CREDENTIALS_DIRECTORY" in part["environment"]
    for secret in SECRETS.values():
        assert secret not in part["environment"]
        assert secret not in part["commands"]


def what_it_keeps_is_its_own(part: Part) -> None:
    assert part["uid"] != 0
    assert part["state_directory"]["polyai-bridge"] == "700"
    assert {mode for name, mode in part["state_directory"].items() if "." in name} == {"600"}


def it_works_with_every_right_taken_away(part: Part) -> None:
    """With its loop and its cryptography, and an adapter in a process of its own."""
    assert part["capabilities"] == ["0000000000000000"]
    assert part["seccomp"]
    assert part["no_new_privileges"]
    assert part["libraries"] == ["uvloop", "cryptography", "msgspec"]
    assert part["writable_code"] == []
    assert "bridge.runtime.isolation" in part["children"]
    assert json.loads(part["readiness"][1])["adapters"]["apart"] == "connected"


def its_process_is_measured_though_little_is_seen_of_the_machine(part: Part) -> None:
    """`ProcSubset=pid` hides /proc/stat, by which others tell since when a process runs."""
    assert len(part["figures"]) == 6


def what_the_extras_bring_works_with_these_rights(part: Part) -> None:
    assert (part["code"], part["told"]) == (0, "all work")


def the_journal_knows_what_is_an_error(part: Part) -> None:
    assert any("progress.stuck" in line for line in part["errors"])
    assert not [line for line in part["errors"] if "bridge.started" in line or "adapter." in line]


def after_a_crash_it_is_started_again(part: Part) -> None:
    assert part["another"]
    assert part["restarts"] == "1"
    assert "again" in part["told"]


def a_stop_while_people_write_loses_and_doubles_nothing(part: Part) -> None:
    assert (part["code"], part["result"]) == (0, "success")
    assert part["took"] < 30
    assert part["heard"] == part["said"]
    assert part["told"] == part["said"]


def another_instance_runs_beside_it(part: Part) -> None:
    assert (part["code"], part["live"], part["stopped"]) == (0, 200, 0)
    assert part["state_directory"]["polyai-bridge-second"] == "700"


def a_lane_that_stands_still_is_told_and_ended_by_the_watchdog(part: Part) -> None:
    assert part["another"]
    assert 503 in part["live"]
    assert "progress dispatcher" in part["causes"][0]
    assert len(part["stuck"]) == 1
    assert "loop=dispatcher" in part["stuck"][0]
    assert "where=stuck_bridge.py" in part["stuck"][0]
    assert part["watchdog"]
    assert part["trace"]


def what_stood_still_is_sent_once_by_the_next_life(part: Part) -> None:
    assert part["told"] == [WORD]


def what_a_restart_does_not_mend_is_not_restarted(part: Part) -> None:
    assert part["code"] != 0
    assert (part["state"], part["status"], part["restarts"]) == ("failed", "10", "0")


#: Each judgement, and the part of the story that it is about.
JUDGED: dict[Callable[[Part], None], str] = {
    it_starts_and_says_how_it_is: "started",
    its_secrets_reach_it_as_credentials_alone: "started",
    what_it_keeps_is_its_own: "started",
    it_works_with_every_right_taken_away: "started",
    its_process_is_measured_though_little_is_seen_of_the_machine: "started",
    what_the_extras_bring_works_with_these_rights: "extras",
    the_journal_knows_what_is_an_error: "stuck",
    after_a_crash_it_is_started_again: "crashed",
    a_stop_while_people_write_loses_and_doubles_nothing: "stopped",
    another_instance_runs_beside_it: "second",
    a_lane_that_stands_still_is_told_and_ended_by_the_watchdog: "stuck",
    what_stood_still_is_sent_once_by_the_next_life: "stuck",
    what_a_restart_does_not_mend_is_not_restarted: "misconfigured",
}


def test_the_unit_keeps_its_promises_under_a_real_systemd(tmp_path: Path) -> None:
    """One test, as to boot again for each would take too long."""
    console = nspawn.boot(tmp_path, "tests.integration.systemd_probe", limit=_LIMIT)
    result = tmp_path / "result"
    assert (result / "seen").exists(), console + _text(result / "output")
    seen: dict[str, Part] = json.loads((result / "seen").read_text())
    broken = [part["failed"] for part in seen.values() if "failed" in part]
    assert not broken, "\n".join([*broken, _text(result / "journal")[-4000:]])
    failures = []
    for judge, part in JUDGED.items():
        try:
            judge(seen[part])
        except AssertionError as error:
            failures.append(f"{judge.__name__}: {error}")
    assert not failures, "\n".join([*failures, _text(result / "journal")[-4000:]])


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
