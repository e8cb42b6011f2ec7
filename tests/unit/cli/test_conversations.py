"""What the listings tell of a conversation, from the database alone."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import cli
from bridge.model.delivery import Receipt
from bridge.model.ids import DeliveryId
from bridge.store import Doubled, open_store
from bridge.testing.clock import NOON
from tests.unit.store.given import SLACK, made, opened, owing, reply

SEEN = Doubled(
    adapter=SLACK, delivery=DeliveryId("c1.1"), copy=Receipt("C1:2.0"), at=NOON, removed=False
)
GONE = replace(SEEN, at=NOON + timedelta(seconds=5), removed=True)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose database is empty."""
    path = tmp_path / "bridge.toml"
    path.write_text(f'[database]\nurl = "{made(tmp_path)}"\n')
    return path


def given(config: Path, *doubled: Doubled) -> None:
    """A conversation that owes a reply, of which a copy was noted."""

    async def write() -> None:
        async with open_store(f"sqlite+aiosqlite:///{config.parent / 'bridge.db'}") as store:
            await store.write(owing(await opened(store), (1, reply("secret words"))))
            for one in doubled:
                await store.write(one)

    asyncio.run(write())


def shown(config: Path, *options: str) -> str:
    words = ["conversations", "show", "c1", "--config", str(config), *options]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    assert "secret words" not in result.output
    return result.output


def test_what_stood_twice_is_shown_with_its_place_and_its_end(config: Path) -> None:
    given(config, SEEN, GONE)

    told = shown(config).partition("\ntwins\n")[2].splitlines()

    assert [line.split() for line in told] == [
        ["DELIVERY", "COPY", "SEEN", "REMOVED"],
        ["c1.1", "C1:2.0", "2030-01-01", "12:00:00Z", "2030-01-01", "12:00:05Z"],
    ]
    (twin,) = json.loads(shown(config, "--json"))["twins"]
    assert (twin["delivery"], twin["copy"]) == ("c1.1", "C1:2.0")
    assert twin["removed_at"] == "2030-01-01T12:00:05Z"


def test_a_copy_that_still_stands_is_shown_as_such(config: Path) -> None:
    given(config, SEEN)

    assert shown(config).splitlines()[-1].split()[-1] == "no"
    assert json.loads(shown(config, "--json"))["twins"][0]["removed_at"] is None


def test_what_never_stood_twice_has_no_such_section(config: Path) -> None:
    given(config)

    assert "twins" not in shown(config)
    assert json.loads(shown(config, "--json"))["twins"] == []
