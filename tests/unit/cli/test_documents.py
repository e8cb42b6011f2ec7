"""Texts for the set-up of an adapter, printed before it can run."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.cli import cli

MINE = """
[adapters.mine]
type = "slack"
command = "/ask"
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is typed; nothing is configured there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def test_an_installed_plug_in_needs_no_configuration(directory: Path) -> None:
    result = typed("slack", "manifest")

    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["display_information"]
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize("word", ["mine", "slack"])
def test_an_adapter_is_named_by_its_name_or_its_type(directory: Path, word: str) -> None:
    """No agent and no secret is configured yet."""
    (directory / "other.toml").write_text(MINE)

    result = typed(word, "manifest", "--config", "other.toml")

    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["features"]["slash_commands"][0]["command"] == "/ask"


def test_the_usual_configuration_is_found_where_it_is(directory: Path) -> None:
    (directory / "bridge.toml").write_text(MINE)

    assert typed("mine", "manifest").exit_code == 0


def test_of_several_adapters_of_a_type_one_must_be_named(directory: Path) -> None:
    (directory / "bridge.toml").write_text(MINE + MINE.replace("mine", "other"))

    result = typed("slack", "manifest")

    assert result.exit_code == 2
    assert "mine, other" in result.output
    assert typed("other", "manifest").exit_code == 0


@pytest.mark.parametrize(
    ("words", "unknown"),
    [("nope", "nope"), ("nope manifest", "nope"), ("slack", "slack"), ("slack nope", "slack nope")],
)
def test_what_there_is_no_document_of_is_told_with_all_there_are(
    directory: Path, words: str, unknown: str
) -> None:
    (directory / "bridge.toml").write_text(MINE)

    result = typed(*words.split())

    assert result.exit_code == 2
    assert f"No such command '{unknown}'" in result.output
    assert "mine manifest" in result.output
    assert "slack manifest" in result.output


def test_a_mistyped_command_is_told_the_nearest_and_the_usage_of_all(directory: Path) -> None:
    result = typed("chekc")

    assert result.exit_code == 2
    assert "No such command 'chekc'. Did you mean 'check'?" in result.output
    assert "chekc [OPTIONS]" not in result.output


def test_an_option_is_not_taken_for_an_adapter(directory: Path) -> None:
    result = typed("--nope")

    assert result.exit_code == 2
    assert "No such option" in result.output
