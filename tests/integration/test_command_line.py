"""The command line as people meet it: exit codes, one clear message, no traceback."""

import asyncio
import json
import re
import signal
import sqlite3
import sys
import tomllib
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import click
import pytest
from yarl import URL

from bridge import config
from bridge.cli import cli
from bridge.plugin import Capabilities
from bridge.runtime.adapters.configured import configured_adapters
from tests.stage import PATIENCE, Stage, staged

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


def inbox(stage: Stage) -> int:
    """How many entries were ever written to the inbox."""
    with closing(sqlite3.connect(stage.database)) as database:
        count: int = database.execute("SELECT count(*) FROM inbox").fetchone()[0]
    return count


def edit(stage: Stage, old: str, new: str) -> None:
    text = stage.config.read_text()
    assert old in text
    stage.config.write_text(text.replace(old, new))


async def test_a_valid_configuration_is_proved_as_a_whole(stage: Stage) -> None:
    code, out, _ = await stage.run_command("check", "--connect")

    assert code == 0
    proved = [line for line in out.splitlines()[1:] if not line.startswith("warning: ")]
    agent, adapter, *further = proved
    assert agent.startswith(f"agent default: {stage.polyai.base_url} accepts")
    assert adapter.startswith("adapter slack: team Simulated as @")
    assert all(line.startswith("  ") for line in further)
    assert not stage.sessions


async def test_a_refused_credential_is_told_once_with_its_remedy(stage: Stage) -> None:
    edit(stage, "xoxb-simulated", "xoxb-revoked-1")
    code, out, err = await stage.run_command("check", "--connect")

    assert code == 11
    assert err == "polyai-bridge: could not be proved: adapter slack\n"
    (failed,) = (line for line in out.splitlines() if "FAILED" in line)
    assert failed == (
        "adapter slack: FAILED: Slack refuses the bot_token: invalid_auth; "
        "what to do: put a valid token into bot_token"
    )


async def test_a_side_that_is_away_is_told_in_plain_words(stage: Stage) -> None:
    for address in (stage.polyai.base_url, stage.slack.api_url.removesuffix("/api/")):
        edit(stage, address, "http://127.0.0.1:1")
    code, out, err = await stage.run_command("check", "--connect")

    assert code == 1
    assert err == "polyai-bridge: could not be proved: agent default, adapter slack\n"
    assert out.count("127.0.0.1:1 refuses the connection") == 2
    assert out.count("what to do: try again") == 2
    assert "Error" not in out
    assert "Cannot connect" not in out


async def test_a_refusal_counts_more_than_a_side_that_is_away(stage: Stage) -> None:
    edit(stage, stage.polyai.base_url, "http://127.0.0.1:1")
    edit(stage, "xoxb-simulated", "xoxb-revoked-1")

    assert (await refused(stage, "check", "--connect"))[0] == 11


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


async def test_a_wrong_type_is_told_like_every_other_refusal(stage: Stage) -> None:
    edit(stage, 'type = "slack"', 'type = "slak"')
    _, err = await refused(stage, "check")

    assert f'adapters.slack.type ({stage.config}): no plug-in "slak"; installed: ' in err
    assert 'what to do: did you mean "slack"?' in err


async def test_a_file_that_cannot_be_read_is_no_usage_error(stage: Stage) -> None:
    stage.config.unlink()
    stage.config.mkdir()
    code, err = await refused(stage, "check")

    assert code == 10
    assert f"the configuration file {stage.config} cannot be read" in err


def test_whether_a_file_can_be_read_is_not_judged_by_the_option() -> None:
    """Where the tests run as root, every file can be read."""
    (option,) = (p for p in cli.commands["check"].params if p.name == "config_path")

    assert isinstance(option.type, click.Path)
    assert not option.type.readable


async def test_the_database_is_looked_into_without_any_secret(stage: Stage) -> None:
    edit(stage, 'connector_token = "simulated-connector-token"', "")
    edit(stage, 'bot_token = "xoxb-simulated"', "")

    assert (await refused(stage, "check"))[0] == 10
    assert (await stage.run_command("migrate"))[0] == 0
    assert (await stage.run_command("conversations", "list", "--json"))[:2] == (0, "[]\n")
    assert (await refused(stage, "conversations", "show", "nobody"))[0] == 2


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
    assert re.findall(
        r"^(?:opened|touched)_at +\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$", shown, re.MULTILINE
    )
    assert "+00:00" not in shown
    code, shown, _ = await stage.run_command("conversations", "show", row["id"], "--json")
    assert {d["state"] for d in json.loads(shown)["deliveries"]} <= {"sent", "dropped"}

    code, told, _ = await stage.run_command("conversations", "end", row["id"])
    assert code == 0
    assert told.startswith(f"Asked for the end of {row['id']}: the bridge sees to it at once")
    await stage.until(lambda: any("ended" in text for text in stage.told(thread)))
    assert stage.sessions[0].ended == "REASON_USER_END"

    await stage.stop()
    before = inbox(stage)
    code, told, _ = await stage.run_command("conversations", "end", row["id"])
    assert (code, told) == (0, f"{row['id']} is already closed; nothing to do.\n")
    assert inbox(stage) == before


async def test_adapters_are_told_with_every_grade_by_its_name() -> None:
    _, told, _ = await command("adapters")
    code, listed, _ = await command("adapters", "--json")

    assert code == 0
    for one in json.loads(listed):
        claims = ", ".join(f"{name} {claim}" for name, claim in one["capabilities"].items())
        assert re.search(rf"^{one['name']} .* {re.escape(claims)}$", told, re.MULTILINE)
        assert set(one["capabilities"]) == set(Capabilities.__struct_fields__)


async def test_listing_without_a_database_says_so(stage: Stage) -> None:
    assert (await refused(stage, "conversations", "list"))[0] == 12


@pytest.mark.parametrize("side", ["polyai", "slack"])
async def test_a_simulator_whose_port_is_taken_says_so(stage: Stage, side: str) -> None:
    address = {"polyai": stage.polyai.base_url, "slack": stage.slack.api_url}[side]
    port = str(URL(address).port)
    code, _, err = await command("simulate", side, "--port", port)

    assert code == 10
    assert err.splitlines() == [
        f"polyai-bridge: the simulator cannot listen on 127.0.0.1:{port}: address already in use",
        "  what to do: choose another with --port; 0 is any free port",
    ]


async def command(*arguments: str) -> tuple[int, str, str]:
    """Run a command that takes no configuration."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", *arguments), stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@asynccontextmanager
async def simulated(side: str, *more: str) -> AsyncIterator[str]:
    """A simulator as its own process; what it says at its start."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "simulate", side, "--port", "0", *more), stdout=PIPE
    )
    assert process.stdout
    try:
        async with asyncio.timeout(PATIENCE):
            last = b"api_url" if side == "slack" else b"host ="
            lines = [await process.stdout.readline()]
            while lines[-1] and not lines[-1].startswith(last):
                lines.append(await process.stdout.readline())
        yield b"".join(lines).decode()
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_what_the_simulators_print_is_all_that_a_conversation_needs(tmp_path: Path) -> None:
    async with simulated("polyai") as polyai, simulated("slack") as slack:
        for told in (polyai, slack):
            tables = told.partition("# for bridge.toml\n")[2]
            tomllib.loads(tables)
            with (tmp_path / "bridge.toml").open("a") as file:
                file.write(tables)
        settings = config.load(tmp_path / "bridge.toml", {})
        assert [one.name for one in configured_adapters(settings)] == ["slack"]
        channel, ann, bot = (
            re.findall(rf"^{words}: (\w+)$", slack, re.MULTILINE)[0]
            for words in ("channel #help", "person Ann", "bot user")
        )
        control = re.findall(r"POST (\S+)/VERB", slack)[0]
        said = {"channel": channel, "user": ann, "text": f"<@{bot}> hello"}
        async with aiohttp.ClientSession() as http:
            ts = (await (await http.post(f"{control}/say", json=said)).json())["result"]
            query = {"channel": channel, "thread_ts": ts}
            thread = await (await http.get(f"{control}/messages", params=query)).json()
        assert [message["text"] for message in thread["messages"]] == [said["text"]]


async def test_a_simulated_app_can_be_installed_by_hand(tmp_path: Path) -> None:
    async with simulated("polyai") as polyai, simulated("slack", "--to-install") as slack:
        tables = [told.partition("# for bridge.toml\n")[2] for told in (polyai, slack)]
        file = tmp_path / "bridge.toml"
        file.write_text("\n".join(tables))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge", "check", "--connect", "--config", file), stdout=PIPE
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        assert "app 1.2, for workspaces that install it" in out.decode()
        front = tomllib.loads(tables[1])["adapters"]["slack"]["api_url"].removesuffix("api/")
        asked = {"redirect_uri": "http://127.0.0.1/back", "state": "s"}
        page = f"{front}oauth/v2/authorize"
        async with (
            aiohttp.ClientSession() as http,
            http.get(page, params=asked, allow_redirects=False) as answer,
        ):
            assert "code=" in answer.headers["Location"]
