"""Is what is typed about the log understood, or refused with a reason?"""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import cli
from bridge.cli.asking import NotRunning


@pytest.mark.parametrize(
    "typed",
    [
        ["level", "loud"],
        ["level", "debug", "--for", "a while"],
        ["level", "debug", "--for", "0s"],
        ["sampling", "many"],
        ["sampling", "0/10s"],
        ["sampling", "10/10s", "--sample", "0"],
    ],
)
def test_what_makes_no_sense_is_a_usage_error(typed: list[str]) -> None:
    result = CliRunner().invoke(cli, ["log", *typed])

    assert result.exit_code == 2
    assert "Error" in result.output


@pytest.mark.parametrize(
    "typed",
    [["level"], ["level", "debug", "--for", "10m"], ["sampling", "off"], ["show", "--json"]],
)
def test_without_a_bridge_that_runs_it_says_so(tmp_path: Path, typed: list[str]) -> None:
    config = tmp_path / "bridge.toml"
    config.write_text(f'[database]\nurl = "sqlite+aiosqlite:///{tmp_path}/bridge.db"\n')
    result = CliRunner(env=dict(os.environ)).invoke(cli, ["log", *typed, "--config", str(config)])

    assert isinstance(result.exception, NotRunning)
