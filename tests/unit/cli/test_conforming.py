"""What does `polyai-bridge conform` say, and how does it end?"""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from bridge.cli import cli
from bridge.errors import ConfigurationError
from bridge.testing import conformance as kit
from bridge.testing.stand_in import StandInMissing

ROOT = Path(__file__).parents[3]


def conform(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["conform", *arguments])


def test_a_rule_that_does_not_exist_is_a_usage_error_that_names_those_that_do() -> None:
    ended = conform("console", "--rule", "no-such-rule")

    assert ended.exit_code == 2
    assert "accept-before-ack" in ended.output


def test_an_adapter_that_does_not_exist_is_refused() -> None:
    error = conform("slck").exception

    assert isinstance(error, ConfigurationError)
    assert '"slack"' in str(error)


def test_a_platform_that_cannot_be_played_is_as_a_configuration_that_cannot_be_used() -> None:
    assert StandInMissing.exit_code == ConfigurationError.exit_code


def test_one_rule_is_reported_to_people_and_to_programs(tmp_path: Path) -> None:
    ended = conform("slack", "--rule", "credentials", "--report", str(tmp_path / "report.json"))

    assert ended.exit_code == 0
    assert ended.output.startswith("kept")
    document = json.loads((tmp_path / "report.json").read_text())
    assert document["green"]
    assert not document["whole"]
    assert [each["verdict"] for each in document["rules"]] == ["kept"]
    printed = conform("slack", "--rule", "credentials", "--json")
    assert json.loads(printed.output)["rules"][0]["rule"] == "credentials"


def test_a_report_that_could_not_be_written_in_the_end_is_refused_in_the_beginning(
    tmp_path: Path,
) -> None:
    ended = conform("slack", "--report", str(tmp_path / "nowhere" / "report.json"))

    assert ended.exit_code == 2
    assert "nowhere" in ended.output


def test_each_field_of_the_document_is_documented() -> None:
    result = kit.Result(rule="order", level=kit.Level.SILVER, sentence="", verdict=kit.Verdict.KEPT)
    document = kit.Report(adapter="x", results=[result]).document
    page = (ROOT / "docs" / "conformance-kit.md").read_text()

    assert [key for key in document | document["rules"][0] if f"`{key}`" not in page] == []
