"""What `trace` prints, from the database alone; with fixed times, letter for letter."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import cli
from bridge.testing.builders import said
from tests.unit.runtime.journey import journey, shown

SNAPSHOTS = Path(__file__).parents[2] / "snapshots" / "trace"
CONFIG = """
[database]
url = "sqlite+aiosqlite:///{database}"
[adapters.slack]
type = "slack"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A conversation with an answer, a change of it, a kill, and something still owed."""
    asyncio.run(_lived(tmp_path))
    path = tmp_path / "bridge.toml"
    path.write_text(CONFIG.format(database=tmp_path / "bridge.db"))
    return path


async def _lived(directory: Path) -> None:
    async with journey(directory) as way:
        ask = await way.say("secret words", opens=True)
        await way.connect()
        assert ask is not None
        await way.echo(ask, "secret words")
        way.tick(1500)
        (answer,) = shown(await way.hear(said("a secret answer", "m1")))
        await way.attempt(answer)
        way.kill()
        await way.attempt(answer)
        await way.settle(answer)
        second = await way.say("and more secret words")
        way.kill()
        assert second is not None
        await way.echo(second, "and more secret words")
        await way.hear(said("another secret answer", "m2"))


def traced(config: Path, *words: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli, ["trace", *words, "--config", str(config)])
    assert result.exit_code == code, result.output
    assert "secret" not in result.output
    return result.output


@pytest.mark.parametrize("name", ["c1.1", "inbox.2", "c1"])
def test_what_it_prints(config: Path, name: str) -> None:
    path = SNAPSHOTS / f"{name}.txt"

    assert traced(config, name) == path.read_text("utf-8")


def test_a_link_leads_to_the_same_story_in_either_direction(config: Path) -> None:
    ts = json.loads(traced(config, "c1.1", "--json"))["hops"][1]
    assert ts["hop"] == "received"
    of_person = traced(config, "https://any.slack.com/archives/C1/p1893499200001000")

    assert of_person == traced(config, "inbox.1") == traced(config, "c1.1")


def test_a_document_for_programs_holds_each_hop(config: Path) -> None:
    told = json.loads(traced(config, "inbox.1", "--json"))

    assert told["conversation"] == "c1"
    assert told["outcome"] == "answered"
    assert told["whole_seconds"] > 1.5
    assert told["answers"] == [{"delivery": "c1.2", "answers": ["c1.1"], "sure": "one"}]
    assert {"at", "hop", "row", "says", "clock", "open"} == set(told["hops"][0])


def test_of_a_conversation_so_many_are_listed_as_are_asked_for(config: Path) -> None:
    assert "1 before these" in traced(config, "c1", "--last", "1")
    assert len(json.loads(traced(config, "c1", "--json"))["messages"]) == 2


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("nothing", "Nothing is known of 'nothing'"),
        ("https://elsewhere.example/1", "No configured adapter knows such a link"),
        ("https://any.slack.com/archives/C9/p1893499200001000", "Nothing is known of"),
    ],
)
def test_what_is_not_known_is_said(config: Path, name: str, cause: str) -> None:
    assert cause in traced(config, name, code=2)
