"""The bench's short form: that it runs, and never what it says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


def test_the_short_bench_measures_ours_and_all_its_rivals(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    command = [sys.executable, "-m", "tests.bench", "--short", "--result", str(result)]
    told = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))
    assert told.returncode == 0, told.stderr
    found = json.loads(result.read_text())
    speeds = found["tls"]["throughput"]["5"]
    assert set(speeds) == {"ours", "forgetful", "script", "careful", "floor"}
    assert all(speed["messages"] > 0 for speed in speeds.values())
    assert found["tls"]["sessions"]["20"]["ours"]["restart_s"] > 0
    assert found["tls"]["profile"]["areas"]
    assert not found["broken"]
    assert told.stdout.startswith("# Performance")
