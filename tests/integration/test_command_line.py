"""The command line as people meet it: exit codes, one clear message, no traceback."""

import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stage import Stage, staged

pytestmark = pytest.mark.integration


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Both simulators, and a configuration; the bridge is not started."""
    async with staged(tmp_path) as prepared:
        yield prepared


async def refused(stage: Stage, *command: str) -> tuple[int, str]:
    """Run a command that must fail decently: its exit code and its one message."""
    code, _, err = await stage.run_command(*command)
    assert "Traceback" not in err
    assert err.strip()
    return code, err


def edit(stage: Stage, old: str, new: str) -> None:
    text = stage.config.read_text()
    assert old in text
    stage.config.write_text(text.replace(old, new))


async def test_a_valid_configuration_is_proved_as_a_whole(stage: Stage) -> None:
    code, out, _ = await stage.run_command("check", "--connect")

    assert code == 0
    assert "agent default" in out
    assert "adapter slack" in out
    assert not stage.sessions


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("connector_token", "conector_token", "connector_token"),
        ("[adapters.slack]", "[adapters.slack]\nbot_tokn = 'x'", "bot_token"),
        ('base_url = "http', 'base_url = "htp', "agents.default.base_url"),
        ("http://127.0.0.1", "http://example.com", "https"),
        ('level = "info"', "level = 7", "log.level"),
        ("port = 0", 'port = "many"', "http.port"),
        ('host = "https://demo.example"', "", "agents.default.host"),
        ('type = "slack"', 'type = "slak"', "slack"),
        ('bot_token = "xoxb-simulated"', 'bot_token = "simulated"', "bot_token"),
        ("[http]", "[http", "line"),
        ("sqlite+aiosqlite:///", "mysql://", "database.url"),
    ],
)
async def test_a_wrong_configuration_names_the_place_and_the_remedy(
    stage: Stage, old: str, new: str, words: str
) -> None:
    edit(stage, old, new)
    code, err = await refused(stage, "run")

    assert code == 10
    assert words in err
    assert "simulated-connector" not in err


async def test_a_missing_configuration_file_is_named(stage: Stage) -> None:
    stage.config.unlink()

    code, err = await refused(stage, "check")
    assert code == 10
    assert str(stage.config) in err


async def test_refused_polyai_credentials_stop_the_start(stage: Stage) -> None:
    edit(stage, "simulated-connector-token", "another-connector-token")
    code, err = await refused(stage, "run")

    assert code == 11
    assert "connector_token" in err
    assert "another-connector-token" not in err


async def test_refused_slack_credentials_stop_the_start(stage: Stage) -> None:
    edit(stage, "xoxb-simulated", "xoxb-revoked-1")
    code, err = await refused(stage, "run")

    assert code == 11
    assert "Slack" in err
    assert "xoxb-revoked-1" not in err


async def test_a_file_that_is_no_database_is_refused_and_left_alone(stage: Stage) -> None:
    stage.database.write_text("certainly not a database\n" * 100)
    code, _ = await refused(stage, "run")

    assert code == 12
    assert stage.database.read_text().startswith("certainly")


async def test_a_database_of_a_newer_version_is_refused(stage: Stage) -> None:
    assert (await stage.run_command("migrate"))[0] == 0
    with sqlite3.connect(stage.database) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()

    code, err = await refused(stage, "run")
    assert code == 12
    assert "newer" in err


async def test_an_older_schema_is_not_touched_without_leave(stage: Stage) -> None:
    edit(stage, "[http]", "auto_migrate = false\n[http]")
    code, err = await refused(stage, "run")

    assert code == 13
    assert "migrate" in err


async def test_a_second_daemon_is_refused(stage: Stage) -> None:
    await stage.started()
    code, err = await refused(stage, "run")

    assert code == 14
    assert str(stage.database) in err


async def test_usage_errors_are_2(stage: Stage) -> None:
    assert (await refused(stage, "runn"))[0] == 2
    assert (await stage.run_command("migrate"))[0] == 0
    assert (await refused(stage, "conversations", "show", "nobody"))[0] == 2


async def test_conversations_are_listed_shown_and_ended_beside_the_daemon(stage: Stage) -> None:
    await stage.started()
    thread = await stage.mention("say hi")
    await stage.until(lambda: "hi" in stage.told(thread))
    _, out, _ = await stage.run_command("conversations", "list", "--json")
    (row,) = json.loads(out)
    assert row["state"] == "open"
    assert (await stage.run_command("conversations", "list"))[1].count(row["id"]) == 1

    code, shown, _ = await stage.run_command("conversations", "show", row["id"])
    assert code == 0
    assert "sent" in shown
    assert "say hi" not in shown
    code, shown, _ = await stage.run_command("conversations", "show", row["id"], "--json")
    assert {d["state"] for d in json.loads(shown)["deliveries"]} <= {"sent", "dropped"}

    assert (await stage.run_command("conversations", "end", row["id"]))[0] == 0
    await stage.until(lambda: any("ended" in text for text in stage.told(thread)))
    assert stage.sessions[0].ended == "REASON_USER_END"


async def test_listing_without_a_database_says_so(stage: Stage) -> None:
    assert (await refused(stage, "conversations", "list"))[0] == 12
