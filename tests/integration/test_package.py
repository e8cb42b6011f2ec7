"""The package as it would be installed: it must bring its migrations along."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
CONFIG = """
[database]
url = "sqlite+aiosqlite:///bridge.db"
[agents.default]
base_url = "https://messaging.us-1.poly.ai"
host = "https://www.example.com"
connector_token = "a-token"
[adapters.console]
type = "console"
"""


def test_a_database_is_made_from_the_wheel_alone(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    wheel = [sys.executable, "-m", "pip", "wheel", *options, "-w", str(wheels), str(ROOT)]
    subprocess.run(wheel, check=True, capture_output=True)
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as archive:
        archive.extractall(tmp_path / "installed")
    (tmp_path / "bridge.toml").write_text(CONFIG)
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    where = run("-c", "from bridge.store.schema import *; print(migrations_directory())")
    assert Path(where.strip()) == tmp_path / "installed" / "bridge" / "migrations"
    assert "up to date" in run("-m", "bridge", "migrate")
    assert (tmp_path / "bridge.db").stat().st_size > 0
