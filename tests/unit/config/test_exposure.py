"""What of a configuration other users of the machine can read is told, with the remedy."""

import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import config
from bridge.config.exposure import exposures
from bridge.config.sources import gather

TOML = """
[agents.default]
base_url = "https://messaging.us-1.poly.ai"
connector_token = "{token}"
host = "https://www.example.com"
[adapters.console]
type = "console"
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    """One that every user gets to."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        if not all(each.stat().st_mode & stat.S_IXOTH for each in path.parents):
            pytest.skip("where temporary files are made nobody else gets to")
        yield path


def told(path: Path, **environment: str) -> list[str]:
    return config.exposed(config.load(path, environment))


def written(directory: Path, mode: int, given: str = "hunter2hunter2") -> Path:
    path = directory / "bridge.toml"
    path.write_text(TOML.format(token=given))
    path.chmod(mode)
    return path


def test_a_file_with_a_secret_that_everybody_reads_is_told_without_the_secret(
    directory: Path,
) -> None:
    path = written(directory, 0o644)
    (line,) = told(path)

    assert "agents.default.connector_token" in line
    assert f"chmod o-rwx {path}" in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    "table", ['[alerts]\nurl = "https://hooks.example/x"', '[telemetry]\nheaders = "x-key=hunter2"']
)
def test_a_secret_that_is_called_otherwise_is_one_too(directory: Path, table: str) -> None:
    path = directory / "bridge.toml"
    path.write_text(table)
    path.chmod(0o644)

    assert len(list(exposures(gather(path, {}, [])))) == 1


def test_a_file_that_everybody_may_change_is_told_too(directory: Path) -> None:
    (line,) = told(written(directory, 0o602))

    assert "can be changed by every user" in line


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o440])
def test_the_owner_and_the_group_may_read(directory: Path, mode: int) -> None:
    assert told(written(directory, mode)) == []


def test_a_file_without_secrets_is_for_everybody(directory: Path) -> None:
    path = written(directory, 0o644, given="")
    token = {"POLYAI_BRIDGE_AGENTS__DEFAULT__CONNECTOR_TOKEN": "hunter2hunter2"}

    assert told(path, **token) == []


def test_a_secret_file_that_everybody_reads_is_told(directory: Path) -> None:
    path = written(directory, 0o644, given="")
    secret = directory / "secrets" / "agents__default__connector_token"
    secret.parent.mkdir(mode=0o755)
    secret.write_text("hunter2hunter2")
    secret.chmod(0o644)
    (line,) = told(path, CREDENTIALS_DIRECTORY=str(secret.parent))
    secret.parent.chmod(0o700)

    assert f"chmod o-rwx {secret}" in line
    assert told(path, CREDENTIALS_DIRECTORY=str(secret.parent)) == []  # nobody gets there


@pytest.mark.parametrize(("host", "others"), [("127.0.0.1", 0), ("localhost", 0), ("0.0.0.0", 1)])  # noqa: S104
def test_a_listener_that_others_reach_is_told(tmp_path: Path, host: str, others: int) -> None:
    path = written(tmp_path, 0o600)
    told = config.reached_by_others(config.load(path, {"POLYAI_BRIDGE_HTTP__HOST": host}))

    assert len(told) == others
    assert all("http.host" in line and "/metrics" in line for line in told)
