"""What an operator puts on their machine, printed."""

import json
import sysconfig
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.cli import cli, deploying


def typed(*words: str) -> Result:
    return CliRunner().invoke(cli, ["deploy", *words])


def test_without_a_name_what_there_is_is_listed() -> None:
    result = typed()
    assert result.exit_code == 0
    assert "unit" in result.output
    assert "polyai-bridge@.service" in result.output
    listed = {one["file"] for one in json.loads(typed("--json").output)}
    assert listed == {file.name for file in (files("bridge") / "deploy").iterdir()}


@pytest.mark.parametrize("name", ["unit", "polyai-bridge.service"])
def test_a_unit_names_the_command_where_it_is_installed(name: str) -> None:
    command = Path(sysconfig.get_path("scripts")) / "polyai-bridge"
    lines = typed(name).stdout.splitlines()
    assert f"ExecStart={command} run --config /etc/polyai-bridge/bridge.toml" in lines
    assert command.exists()


def test_a_command_where_the_unit_sees_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploying, "_command", lambda: Path("/home/ann/.local/bin/polyai-bridge"))
    result = typed("unit")
    assert "ExecStart=/home/ann/.local/bin/polyai-bridge run" in result.stdout
    assert "ProtectHome" in result.stderr
    assert "note" not in typed("container").stderr


@pytest.mark.parametrize(
    ("place", "hidden"),
    [
        (("home", "ann"), True),
        (("root",), True),
        (("run", "user", "7"), True),
        (("homework",), False),
        (("run", "bridge"), False),
        (("opt",), False),
    ],
)
def test_what_a_unit_does_not_see_goes_by_whole_names(
    place: tuple[str, ...], *, hidden: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploying, "_command", lambda: Path("/", *place, "polyai-bridge"))
    assert ("ProtectHome" in typed("unit").stderr) is hidden


def test_what_there_is_not_is_told_with_what_there_is() -> None:
    result = typed("cat")
    assert result.exit_code == 2
    assert "unit, template, container" in result.output
