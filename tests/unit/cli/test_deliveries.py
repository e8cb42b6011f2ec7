"""The commands for deliveries, on a database that no bridge serves."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bridge.cli import cli
from bridge.model.delivery import Ask, DeliveryState
from bridge.model.ids import DeliveryId
from bridge.store import Attempt, Outcome, open_store
from bridge.testing.builders import ANN
from bridge.testing.clock import NOON
from tests.unit.store.given import made, opened, owing, reply

DEAD = [f"c1.{number}" for number in range(1, 13)]  #: one too many to go unasked


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Eleven answers and somebody's words are dead, one answer is held."""
    path = tmp_path / "bridge.toml"
    path.write_text(
        f"""
[database]
url = "{made(tmp_path)}"
[agents.default]
base_url = "https://messaging.us-1.poly.ai"
connector_token = "a-connector-token"
host = "https://www.example.com"
[adapters.console]
type = "console"
"""
    )
    asyncio.run(_given(tmp_path))
    return path


async def _given(directory: Path) -> None:
    async with open_store(f"sqlite+aiosqlite:///{directory / 'bridge.db'}") as store:
        answers = [(number, reply("secret words")) for number in range(1, 12)]
        last = (12, Ask("secret words", ANN)), (13, reply("secret words"))
        await store.write(owing(await opened(store), *answers, *last))
        held = DeliveryId("c1.13")
        await store.write(Attempt(id=held, at=NOON))
        for name, state in (*((one, DeliveryState.DEAD) for one in DEAD), (held, _HELD)):
            outcome = Outcome(id=DeliveryId(name), state=state, at=NOON, reason="too ugly")
            await store.write(outcome)


_HELD = DeliveryState.SENDING


def run(config: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["deliveries", *words, "--config", str(config)])


def told(config: Path, *words: str) -> Any:  # noqa: ANN401 - whatever JSON it is
    result = run(config, *words, "--json")
    assert result.exit_code == 0, result.output
    assert "secret words" not in result.stdout
    return json.loads(result.stdout)


def states(config: Path) -> dict[str, str]:
    return {one["id"]: one["state"] for one in told(config, "list", "--all")}


def test_a_listing_tells_what_filters_mean_and_never_words(config: Path) -> None:
    assert len(told(config, "list")) == 13
    assert [one["id"] for one in told(config, "list", "--to", "agent")] == ["c1.12"]
    assert [one["id"] for one in told(config, "list", "--state", "held")] == ["c1.13"]
    assert told(config, "list", "--reason", "pretty") == []
    assert told(config, "list", "--until", "1h") == []
    assert len(told(config, "list", "--since", "2029-12-31", "--until", "2031-01-01T00:00")) == 13
    table = run(config, "list").output
    assert "too ugly" in table
    assert "secret words" not in table


def test_one_is_shown_with_what_helps_and_its_words_only_when_asked_for(config: Path) -> None:
    shown = told(config, "show", "c1.13")
    assert "settle" in shown["remedy"]
    assert shown["before"] == "c1.12 (ask, dead)"
    assert shown["after"] is None
    assert "secret words" in run(config, "show", "c1.12", "--words").output
    assert run(config, "show", "c9.1").exit_code == 2


def test_a_dry_run_changes_nothing(config: Path) -> None:
    before = states(config)
    for verb in ("redrive", "drop", "seen"):
        result = run(config, verb, "--state", "dead", "--dry-run")
        assert result.exit_code == 0
        assert "12 would be" in result.stderr
    assert states(config) == before


def test_many_are_asked_about_and_few_are_not(config: Path) -> None:
    refused = run(config, "drop", "--state", "dead")
    assert refused.exit_code == 2
    assert "--yes" in refused.output
    assert run(config, "drop", "c1.1", "c1.2").exit_code == 0
    done = run(config, "drop", "--adapter", "slack", "--yes")
    assert done.exit_code == 0
    assert done.output.splitlines()[-1] == "11 of 11 dropped."
    assert set(states(config).values()) == {"dropped"}


def test_who_names_nothing_or_both_is_told_how(config: Path) -> None:
    for words in ((), ("c1.1", "--to", "thread")):
        assert run(config, "redrive", *words).exit_code == 2
    assert run(config, "settle", "c1.13").exit_code == 2
    assert run(config, "list", "--since", "yesterday").exit_code == 2


def test_without_a_bridge_the_database_is_changed_as_a_bridge_would(config: Path) -> None:
    done = run(config, "redrive", "c1.1", "c1.12", "c1.13")

    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "c1.1: it is owed again",
        "c1.12: sent again as c1.15",
        "c1.13: nothing done: it is held, and may have arrived: look, and settle it first",
        "2 of 3 redriven.",
    ]
    assert told(config, "settle", "c1.13", "--arrived")[0]["done"]
    after = states(config)
    names = ("c1.1", "c1.12", "c1.13", "c1.15")
    assert [after[one] for one in names] == ["pending", "dropped", "sent", "pending"]
