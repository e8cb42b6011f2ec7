"""Is every configuration taken as written, or refused with its key, its place and the remedy?"""

import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr, field_validator

from bridge.config import (
    Settings,
    adapter_settings,
    adapter_type_place,
    load,
    load_database,
)
from bridge.core.handoff_rules import HandoffRule
from bridge.core.rates import Rate
from bridge.errors import ConfigurationError
from bridge.model.ids import AdapterName, AgentName

AGENT = """
[agents.default]
base_url = "https://polyai.example"
connector_token = "connector-sesame"
host = "https://www.example.com"
"""
ADAPTER = """
[adapters.desk]
type = "desk"
token = "desk-sesame"
"""
WHOLE = AGENT + ADAPTER
DEFAULT = AgentName("default")
DESK = AdapterName("desk")


class Desk(BaseModel):
    """A plug-in's settings; it forgot to forbid unknown keys, and it quotes what it refuses."""

    token: SecretStr
    seats: int = 1
    open: bool = False

    @field_validator("token")
    @classmethod
    def _checked(cls, value: SecretStr) -> SecretStr:
        if "sesame" not in value.get_secret_value():
            raise ValueError(f"is no token: {value.get_secret_value()}")
        return value


class Files:
    """A configuration file and a directory of secret files."""

    def __init__(self, directory: Path) -> None:
        self.toml = directory / "bridge.toml"
        self.secrets = directory / "secrets"
        self.secrets.mkdir()

    def load(self, text: str, **variables: str) -> Settings:
        self.toml.write_text(text)
        return load(self.toml, variables)

    def refused(self, text: str, **variables: str) -> str:
        """What is said, message and remedy, of a configuration that must be refused."""
        with pytest.raises(ConfigurationError) as caught:
            adapter_settings(self.load(text, **variables), DESK, Desk)
        assert caught.value.exit_code == 10
        return str(caught.value)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_what_is_not_given_has_its_default(files: Files) -> None:
    settings = files.load(WHOLE)

    assert settings.database.url == "sqlite+aiosqlite:///bridge.db"
    assert settings.database.auto_migrate
    assert (settings.http.host, settings.http.port) == ("127.0.0.1", 8080)
    assert (settings.log.level, settings.log.format) == ("info", "text")
    assert settings.secrets_dir is None
    assert not settings.routes
    agent = settings.agents[DEFAULT]
    assert not agent.handoffs
    assert agent.streaming
    assert agent.idle_timeout == timedelta(minutes=30)
    assert agent.echo_timeout == timedelta(seconds=10)
    assert agent.reconnect_max == timedelta(seconds=30)


def test_what_is_given_is_taken(files: Files) -> None:
    settings = files.load(
        '[database]\nurl = "sqlite+aiosqlite:////var/b.db"\nauto_migrate = false\n'
        '[http]\nhost = "::1"\nport = 0\n[log]\nlevel = "debug"\nformat = "json"\n'
        + AGENT
        + 'streaming = false\nidle_timeout = "24h"\necho_timeout = "500ms"\n'
        + ADAPTER
        + '[[routes]]\nadapter = "desk"\nchannel = "C1"\nagent = "default"\n'
        + '[[routes]]\nadapter = "desk"\nagent = "default"\n'
    )

    assert settings.database.url.endswith("////var/b.db")
    assert not settings.database.auto_migrate
    assert (settings.http.host, settings.http.port) == ("::1", 0)
    assert (settings.log.level, settings.log.format) == ("debug", "json")
    agent = settings.agents[DEFAULT]
    assert agent.connector_token.get_secret_value() == "connector-sesame"
    assert not agent.streaming
    assert agent.idle_timeout == timedelta(hours=24)
    assert agent.echo_timeout == timedelta(milliseconds=500)
    assert [route.channel for route in settings.routes] == ["C1", None]


def test_the_environment_wins_over_secret_files_and_those_over_the_file(files: Files) -> None:
    text = f'secrets_dir = "{files.secrets}"\n' + WHOLE
    variable = {"POLYAI_BRIDGE_AGENTS__DEFAULT__CONNECTOR_TOKEN": "from-the-environment"}

    def token(settings: Settings) -> str:
        return settings.agents[DEFAULT].connector_token.get_secret_value()

    assert token(files.load(text)) == "connector-sesame"
    (files.secrets / "agents__default__connector_token").write_text("from-a-file\r\n\n")
    assert token(files.load(text)) == "from-a-file"
    assert token(files.load(text, **variable)) == "from-the-environment"


def test_the_credentials_of_systemd_win_over_secrets_dir(files: Files, tmp_path: Path) -> None:
    handed_over = tmp_path / "credentials"
    handed_over.mkdir()
    name = "agents__default__connector_token"
    (handed_over / name).write_text("from-systemd")
    (files.secrets / name).write_text("from-secrets-dir")

    settings = files.load(
        WHOLE,
        POLYAI_BRIDGE_SECRETS_DIR=str(files.secrets),
        CREDENTIALS_DIRECTORY=str(handed_over),
    )

    assert settings.agents[DEFAULT].connector_token.get_secret_value() == "from-systemd"


def test_files_that_are_not_named_like_a_key_are_left_alone(files: Files) -> None:
    (files.secrets / "..data").mkdir()
    (files.secrets / "tls__key").mkdir()
    (files.secrets / "agents").write_bytes(b"\xff")

    files.load(f'secrets_dir = "{files.secrets}"\n' + WHOLE)


def test_every_kind_of_value_can_come_from_the_environment(files: Files) -> None:
    settings = files.load(
        WHOLE,
        POLYAI_BRIDGE_DATABASE__AUTO_MIGRATE="false",
        POLYAI_BRIDGE_HTTP__PORT="0",
        POLYAI_BRIDGE_LOG__LEVEL="error",
        POLYAI_BRIDGE_AGENTS__DEFAULT__IDLE_TIMEOUT="90s",
        POLYAI_BRIDGE_ROUTES='[{"adapter": "desk", "agent": "default"}]',
        POLYAI_BRIDGE_ADAPTERS__DESK__SEATS="7",
        POLYAI_BRIDGE_ADAPTERS__DESK__OPEN="true",
        POLYAI_BRIDGE_ADAPTERS__DESK__TOKEN="another-sesame",
    )

    assert not settings.database.auto_migrate
    assert settings.http.port == 0
    assert settings.log.level == "error"
    assert settings.agents[DEFAULT].idle_timeout == timedelta(seconds=90)
    assert settings.routes[0].adapter == "desk"
    desk = adapter_settings(settings, DESK, Desk)
    assert (desk.seats, desk.open) == (7, True)
    assert desk.token.get_secret_value() == "another-sesame"


def test_a_text_of_digits_stays_a_text(files: Files) -> None:
    settings = files.load(WHOLE, POLYAI_BRIDGE_AGENTS__DEFAULT__CONNECTOR_TOKEN="0012")

    assert settings.agents[DEFAULT].connector_token.get_secret_value() == "0012"


def test_an_empty_variable_and_an_empty_secret_file_count_as_not_given(files: Files) -> None:
    (files.secrets / "adapters__desk__token").write_text("\n")

    settings = files.load(
        f'secrets_dir = "{files.secrets}"\n' + WHOLE,
        POLYAI_BRIDGE_AGENTS__DEFAULT__CONNECTOR_TOKEN="",
        CREDENTIALS_DIRECTORY="",
    )

    assert settings.agents[DEFAULT].connector_token.get_secret_value() == "connector-sesame"
    assert adapter_settings(settings, DESK, Desk).token.get_secret_value() == "desk-sesame"


def test_an_agent_and_an_adapter_can_come_from_the_environment_alone(files: Files) -> None:
    settings = files.load(
        "",
        POLYAI_BRIDGE_AGENTS__DEFAULT__BASE_URL="https://polyai.example",
        POLYAI_BRIDGE_AGENTS__DEFAULT__HOST="www.example.com",
        POLYAI_BRIDGE_AGENTS__DEFAULT__CONNECTOR_TOKEN="sesame",
        POLYAI_BRIDGE_ADAPTERS__DESK__TYPE="desk",
        POLYAI_BRIDGE_ADAPTERS__DESK__TOKEN="sesame",
    )

    assert settings.adapters[DESK].type == "desk"
    assert adapter_settings(settings, DESK, Desk).seats == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["agents ", "missing", "[agents.default]"]),
        (AGENT, ["adapters ", "missing", "[adapters."]),
        (WHOLE + "[htpp]\nport = 1", ["htpp", "not a known key", "did you mean http?"]),
        (WHOLE + "[log]\nlevle = 1", ["log.levle", "did you mean level?"]),
        (WHOLE + "seets = 1", ["adapters.desk.seets", "did you mean seats?"]),
        (WHOLE + "zzz = 1", ["adapters.desk.zzz", "known are: token, seats, open"]),
        (WHOLE + 'seats = "many"', ["adapters.desk.seats", "is not a whole number"]),
        (WHOLE + "[log]\nlevel = 7", ["log.level", "'debug', 'info', 'warning' or 'error'"]),
        (WHOLE + '[log]\nformat = "xml"', ["log.format", "'text' or 'json'"]),
        (WHOLE + "[http]\nport = 65536", ["http.port", "65535"]),
        (WHOLE + "[http]\nport = -1", ["http.port", "less than 0"]),
        (WHOLE + "[http]\nport = true", ["http.port", "whole number"]),
        (WHOLE + '[http]\nhost = ""', ["http.host", "not usable"]),
        (
            WHOLE + '[database]\nauto_migrate = "perhaps"',
            ["database.auto_migrate", "true or false"],
        ),
        (WHOLE + '[database]\nurl = "postgresql+asyncpg://h/d"', ["database.url", "this version"]),
        (
            WHOLE + '[database]\nurl = "bridge.db"',
            ["database.url", "sqlite+aiosqlite:///bridge.db"],
        ),
        (
            WHOLE + '[database]\nurl = "sqlite+aiosqlite://"',
            ["database.url", "sqlite+aiosqlite:///"],
        ),
        (WHOLE + '[database]\nurl = "sqlite+aiosqlite:///:memory:"', ["database.url", "no file"]),
        (WHOLE + '[database]\nurl = "sqlite+aiosqlite:///b?mode=ro"', ["database.url", "options"]),
        ("agents = 3\n" + ADAPTER, ["agents ", "is not a table"]),
        (WHOLE + "[routes]\nadapter = 3", ["routes", "is not a list", "write [[routes]]"]),
        ("secrets_dir = 3\n" + WHOLE, ["secrets_dir", "path"]),
        (WHOLE.replace("[adapters.desk]", "[adapters.Desk-1]"), ["Desk-1", "usable name", "a-z"]),
        (WHOLE.replace('type = "desk"', ""), ["adapters.desk.type", "is missing", "__DESK__TYPE"]),
        (WHOLE.replace('type = "desk"', 'type = ""'), ["adapters.desk.type", "is empty"]),
        (WHOLE.replace('base_url = "https://polyai.example"', ""), ["agents.default.base_url"]),
        (WHOLE.replace("https://www.example.com", "two words"), ["agents.default.host", "space"]),
        (WHOLE.replace("[agents.default]", "[agents.other]"), ["[agents.default]"]),
        (WHOLE + "[[routes]]\nadapter = 'desk'", ["routes[0].agent", "is missing", "entry"]),
    ],
)
def test_bad_input_is_told_with_its_key_its_place_and_its_cause(
    files: Files, text: str, said: list[str]
) -> None:
    message = files.refused(text)

    for words in (*said, str(files.toml)):
        assert words in message


@pytest.mark.parametrize(
    "address",
    [
        "http://polyai.example",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "ws://127.0.0.1",
        "https://",
        "polyai.example",
        "https://user:words@polyai.example",
        "https://polyai.example?token=1",
        "https://polyai.example:port",
        "https://[::1",
    ],
)
def test_an_address_that_is_malformed_or_not_encrypted_is_refused(
    files: Files, address: str
) -> None:
    message = files.refused(WHOLE.replace("https://polyai.example", address))

    assert "agents.default.base_url" in message
    assert "https://" in message or "leave out" in message or "malformed" in message
    assert "words" not in message


@pytest.mark.parametrize(
    "address", ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "http://127.9.9.9"]
)
def test_loopback_needs_no_encryption(files: Files, address: str) -> None:
    settings = files.load(WHOLE.replace("https://polyai.example", address))

    assert settings.agents[DEFAULT].base_url == address


@pytest.mark.parametrize("written", ['"30"', '"30 s"', '"-1s"', '"0s"', '"1w"', '"9999h"', "30"])
def test_a_duration_is_a_number_above_0_and_a_unit(files: Files, written: str) -> None:
    message = files.refused(AGENT + f"idle_timeout = {written}\n" + ADAPTER)

    assert "agents.default.idle_timeout" in message
    assert "duration" in message


def test_routes_lead_between_names_that_exist(files: Files) -> None:
    message = files.refused(WHOLE + '[[routes]]\nadapter = "dsk"\nagent = "defalt"')

    assert "routes[0].adapter" in message
    assert "did you mean desk?" in message
    assert "routes[0].agent" in message
    assert "did you mean default?" in message


HANDOFFS = """
[[agents.default.handoffs]]
queue_name = "billing"
reason = "POLICY"
channel = "C1"
mention = "S1"
link = "https://help.example/form?topic=1#top"
number = "+44 20 7946 0000"
[[agents.default.handoffs]]
number = "112"
"""


def test_ways_out_of_a_conversation_are_read_in_order(files: Files) -> None:
    first, second = files.load(AGENT + HANDOFFS + ADAPTER).agents[DEFAULT].handoffs

    assert first.rule == HandoffRule(
        queue_name="billing",
        reason="POLICY",
        place="C1",
        mention="S1",
        link="https://help.example/form?topic=1#top",
        number="+44 20 7946 0000",
    )
    assert second.rule == HandoffRule(number="112")


def test_ways_out_come_from_the_environment_as_json(files: Files) -> None:
    variable = "POLYAI_BRIDGE_AGENTS__DEFAULT__HANDOFFS"
    settings = files.load(WHOLE, **{variable: '[{"channel": "C1"}, {"link": "http://[::1]:1"}]'})

    assert [each.channel for each in settings.agents[DEFAULT].handoffs] == ["C1", None]
    for wrong, told in (("[", 'like [{"channel":"…"}]'), ('[{"chanel": "C1"}]', "channel?")):
        message = files.refused(WHOLE, **{variable: wrong})
        assert f"environment variable {variable}" in message
        assert told in message


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("", ["handoffs[1]", "leads nowhere", "channel, link or number"]),
        ('queue_name = "x"', ["handoffs[1]", "leads nowhere"]),
        ('mention = "S1"\nnumber = "1"', ["handoffs[1]", "mentions somebody nowhere"]),
        ('queue_name = ""\nnumber = "1"', ["handoffs[1].queue_name", "is empty"]),
        ('chanel = "C1"\nnumber = "1"', ["handoffs[1].chanel", "did you mean channel?"]),
        ('channel = "two words"', ["handoffs[1].channel", "without a space"]),
        ('channel = ""', ["handoffs[1].channel", "is empty; leave it out or name a channel"]),
        ('channel = "#help"', ["handoffs[1].channel", "C0123456789", "own id of a channel"]),
        ('channel = "C1"\nmention = ""', ["handoffs[1].mention", "is empty; leave it out"]),
        ('channel = "C1"\nmention = "@ann"', ["handoffs[1].mention", "own id", "@ann:example.org"]),
        ("channel = 7", ["handoffs[1].channel", "not a text"]),
        ('link = "http://help.example"', ["handoffs[1].link", "https://"]),
        ('link = "help.example"', ["handoffs[1].link", "is not an address"]),
        ('link = "https://a:b@help.example/?x"', ["handoffs[1].link", "password"]),
        ('link = "https://help.example/a b"', ["handoffs[1].link", "without a space"]),
        ('link = "tel:112"', ["handoffs[1].link", "is not an address"]),
        ('number = "the desk"', ["handoffs[1].number", "not a telephone number"]),
        ('number = ""', ["handoffs[1].number", "not a telephone number"]),
        ('number = "1\\n2"', ["handoffs[1].number", "not a telephone number"]),
    ],
)
def test_a_way_out_that_leads_nowhere_is_refused(files: Files, entry: str, said: list[str]) -> None:
    good = '[[agents.default.handoffs]]\nnumber = "1"\n'
    bad = f"[[agents.default.handoffs]]\n{entry}\n"
    message = files.refused(AGENT + good + bad + ADAPTER)

    for words in ("agents.default.handoffs[1]", *said):
        assert words in message


def test_what_the_agent_is_told_of_people_can_be_chosen(files: Files) -> None:
    told = (
        'person_words = "Ein Mensch, bitte."\nedits = "correct"\n'
        'speakers = "always"\nspeaker_format = "[{name}] "\n'
    )
    agent = files.load(AGENT + told + ADAPTER).agents[DEFAULT]

    assert agent.person_words == "Ein Mensch, bitte."
    assert (agent.edits, agent.speakers, agent.speaker_format) == ("correct", "always", "[{name}] ")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('speaker_format = "by: "', ["speaker_format", "{name} once"]),
        ('speaker_format = ""', ["speaker_format", "{name} once"]),
        ('speaker_format = "{name} {name}"', ["speaker_format", "{name} once"]),
        ('speaker_format = "{name!r}: "', ["speaker_format", "{name} once"]),
        ('speaker_format = "{id} {name}: "', ["speaker_format", "no other braces"]),
        ('speaker_format = "{{name}}: "', ["speaker_format", "no other braces"]),
        ('speaker_format = "{name}\\n"', ["speaker_format", "line break"]),
        ('speakers = "sometimes"', ["speakers", "'never', 'several' or 'always'"]),
        ('edits = "forget"', ["edits", "'ignore' or 'correct'"]),
        ('person_words = " "', ["person_words", "is empty"]),
    ],
)
def test_what_cannot_be_told_of_people_is_refused(files: Files, line: str, said: list[str]) -> None:
    message = files.refused(AGENT + line + "\n" + ADAPTER)

    for words in said:
        assert words in message


def test_ways_out_that_are_no_list_are_refused(files: Files) -> None:
    message = files.refused(AGENT + "handoffs = 3\n" + ADAPTER)

    assert "agents.default.handoffs" in message
    assert "is not a list" in message
    assert "[[" not in message


def test_ways_out_in_a_table_lack_a_pair_of_brackets(files: Files) -> None:
    message = files.refused(AGENT + '[agents.default.handoffs]\nchannel = "C1"\n' + ADAPTER)

    assert f"agents.default.handoffs ({files.toml}): is not a list" in message
    assert "(write [[agents.default.handoffs]])" in message


def test_several_problems_are_told_at_once_one_a_line(files: Files) -> None:
    message = files.refused(AGENT + "idle_timout = 1\n" + ADAPTER + "[http]\nport = 99999\n")

    first, *problems = message.splitlines()
    assert "2 problems" in first
    assert len(problems) == 2
    assert "http.port" in problems[0]
    assert "agents.default.idle_timout" in problems[1]


def test_broken_toml_is_told_with_line_and_column(files: Files) -> None:
    message = files.refused(AGENT + "\n[http\n")

    assert str(files.toml) in message
    assert "line 7, column 6" in message


def test_a_file_that_is_missing_or_no_text_is_named(files: Files) -> None:
    with pytest.raises(ConfigurationError, match="No such file") as caught:
        load(files.toml, {})
    assert str(files.toml) in str(caught.value)
    assert "--config" in caught.value.remedy

    files.toml.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="UTF-8") as caught:
        load(files.toml, {})
    assert str(files.toml) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("HTTP__PROT", "HTTP__PORT"),
        ("DATABASE_URL", "DATABASE__URL"),
        ("AGENT__DEFAULT__HOST", "AGENTS__DEFAULT__HOST"),
        ("AGENTS__DEFAULT__CONECTOR_TOKEN", "AGENTS__DEFAULT__CONNECTOR_TOKEN"),
        ("ADAPTERS__DESK__TOKN", "ADAPTERS__DESK__TOKEN"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest(
    files: Files, name: str, nearest: str
) -> None:
    message = files.refused(WHOLE, **{f"POLYAI_BRIDGE_{name}": "sesame"})

    assert f"environment variable POLYAI_BRIDGE_{name}" in message
    assert f"did you mean POLYAI_BRIDGE_{nearest}?" in message
    assert "sesame" not in message


def test_a_variable_for_an_adapter_that_is_misspelt_offers_the_nearest(files: Files) -> None:
    message = files.refused(WHOLE, POLYAI_BRIDGE_ADAPTERS__DEKS__TOKEN="sesame")

    assert "POLYAI_BRIDGE_ADAPTERS__DEKS__TOKEN" in message
    assert "did you mean adapters.desk?" in message


def test_a_wrong_value_names_the_variable_it_came_from(files: Files) -> None:
    message = files.refused(WHOLE, POLYAI_BRIDGE_HTTP__PORT="many")

    assert "http.port (environment variable POLYAI_BRIDGE_HTTP__PORT)" in message
    assert "many" not in message


def test_a_variable_that_is_no_table_and_one_that_is_no_text_are_refused(files: Files) -> None:
    assert "is not a table" in files.refused(WHOLE, POLYAI_BRIDGE_HTTP="1")
    assert "ASCII" in files.refused(WHOLE, POLYAI_BRIDGE_AGENTS__DEFAULT__HOST="a\udcff")
    assert "is not JSON" in files.refused(WHOLE, POLYAI_BRIDGE_ROUTES="[")


def test_an_unknown_secret_file_is_refused_with_the_nearest(files: Files) -> None:
    file = files.secrets / "agents__default__conector_token"
    file.write_text("sesame")

    message = files.refused(f'secrets_dir = "{files.secrets}"\n' + WHOLE)

    assert f"secret file {file}" in message
    assert "did you mean connector_token?" in message


@pytest.mark.parametrize("variable", ["POLYAI_BRIDGE_SECRETS_DIR", "CREDENTIALS_DIRECTORY"])
def test_a_directory_of_secrets_that_cannot_be_read_is_named(files: Files, variable: str) -> None:
    missing = files.secrets / "missing"

    message = files.refused(WHOLE, **{variable: str(missing)})

    assert variable in message
    assert str(missing) in message
    assert "No such file" in message


def _a_directory(file: Path) -> None:
    file.mkdir()


def _no_text(file: Path) -> None:
    file.write_bytes(b"\xffsesame")


def _a_loop(file: Path) -> None:
    file.symlink_to(file)


@pytest.mark.parametrize("spoil", [_a_directory, _no_text, _a_loop])
def test_a_secret_file_that_cannot_be_read_is_named(
    files: Files, spoil: Callable[[Path], None]
) -> None:
    file = files.secrets / "agents__default__connector_token"
    spoil(file)

    message = files.refused(f'secrets_dir = "{files.secrets}"\n' + WHOLE)

    assert f"agents.default.connector_token (secret file {file})" in message
    assert "cannot be read" in message
    assert "sesame" not in message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("agents.default.connector_token", "connector-sesame"),
        ("adapters.desk.token", "desk-sesame"),
    ],
)
@pytest.mark.parametrize("missing", [True, False])
def test_a_secret_that_is_missing_or_empty_is_told_with_the_three_ways_to_give_it(
    files: Files, key: str, value: str, *, missing: bool
) -> None:
    line = f'{key.rpartition(".")[2]} = "{value}"'
    message = files.refused(WHOLE.replace(line, "" if missing else line.replace(value, "")))

    assert f"{key} ({files.toml}): is missing" in message
    assert "POLYAI_BRIDGE_" + key.replace(".", "__").upper() in message
    assert f"file called {key.replace('.', '__')}" in message
    assert f"write it in {files.toml}" in message


def test_a_key_that_both_the_file_and_the_plug_in_know_as_type_is_not_unknown(files: Files) -> None:
    class Typed(BaseModel):
        type: str
        token: str

    assert adapter_settings(files.load(WHOLE), DESK, Typed).type == "desk"
    assert adapter_settings(files.load(WHOLE), DESK, Desk).seats == 1


@pytest.mark.parametrize(
    "text",
    [
        WHOLE.replace('"connector-sesame"', '"se same\\n"'),
        WHOLE.replace('"desk-sesame"', '"desk-word"'),
        WHOLE.replace('connector_token = "', 'conector_token = "xse'),
        WHOLE.replace('base_url = "https://polyai.example"', 'base_url = "connector-sesame"'),
        WHOLE + 'seats = "desk-sesame"',
        WHOLE + '[http]\nport = "desk-sesame"',
    ],
)
def test_no_value_is_ever_quoted_not_even_in_a_traceback(files: Files, text: str) -> None:
    try:
        adapter_settings(files.load(text), DESK, Desk)
    except ConfigurationError as error:
        told = "".join(traceback.format_exception(error))
    else:
        pytest.fail("it was accepted")

    assert "ConfigurationError" in told
    for secret in ("sesame", "se same", "desk-word"):
        assert secret not in told


def test_no_secret_is_in_a_repr(files: Files) -> None:
    settings = files.load(WHOLE, POLYAI_BRIDGE_ADAPTERS__DESK__TOKEN="another-sesame")
    shown = f"{settings!r} {settings!s} {adapter_settings(settings, DESK, Desk)!r}"

    assert "desk" in shown
    assert "sesame" not in shown


def test_settings_made_without_a_file_serve_adapters_too() -> None:
    settings = Settings.model_validate(
        {
            "agents": {"default": {"base_url": "https://a.b", "connector_token": "t", "host": "h"}},
            "adapters": {"desk": {"type": "desk", "token": "sesame", "seats": 2}},
        }
    )

    assert adapter_settings(settings, DESK, Desk).seats == 2


def test_an_adapters_type_is_told_with_where_it_was_written(files: Files) -> None:
    settings = files.load(WHOLE)
    assert adapter_type_place(settings, DESK) == f"adapters.desk.type ({files.toml})"

    settings = files.load(WHOLE, POLYAI_BRIDGE_ADAPTERS__DESK__TYPE="chair")
    variable = "environment variable POLYAI_BRIDGE_ADAPTERS__DESK__TYPE"
    assert adapter_type_place(settings, DESK) == f"adapters.desk.type ({variable})"


DATABASE = '[database]\nurl = "sqlite+aiosqlite:///toml.db"\n'


@pytest.mark.parametrize(
    "others",
    [
        "",
        AGENT.replace("connector_token", "conector_token"),
        "[adapters.slack]\n",
        "[http]\nport = 'many'\n[nothing]\nknown = 1\n",
    ],
)
def test_the_database_alone_is_found_whatever_the_other_tables_hold(
    files: Files, others: str
) -> None:
    files.toml.write_text(DATABASE + others)

    found = load_database(files.toml, {"POLYAI_BRIDGE_AGENTS__X__Y": "1"})

    assert found.url == "sqlite+aiosqlite:///toml.db"
    files.toml.write_text(others)
    assert load_database(files.toml, {}).url == "sqlite+aiosqlite:///bridge.db"


def test_the_database_alone_comes_from_every_source(files: Files) -> None:
    files.toml.write_text(f'secrets_dir = "{files.secrets}"\n{DATABASE}')
    (files.secrets / "database__url").write_text("sqlite+aiosqlite:///secret.db\n")
    (files.secrets / "agents__default__connector_token").mkdir()  # unreadable, and not asked for
    variable = {"POLYAI_BRIDGE_DATABASE__URL": "sqlite+aiosqlite:///variable.db"}

    assert load_database(files.toml, {}).url == "sqlite+aiosqlite:///secret.db"
    assert load_database(files.toml, variable).url == "sqlite+aiosqlite:///variable.db"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[database]\nurll = 'x'\n", "did you mean url"),
        ("[database]\nurl = 'mysql://x'\n", "is not a database address"),
        ("database = 5\n", "is not a table"),
        ("[database\n", "is not TOML"),
        ("secrets_dir = '/nowhere/at/all'\n", "cannot be read"),
    ],
)
def test_what_is_wrong_with_the_database_alone_is_refused(
    files: Files, text: str, told: str
) -> None:
    files.toml.write_text(text)

    with pytest.raises(ConfigurationError, match=told):
        load_database(files.toml, {})


KEY = "0123456789abcdef-sesame-89abcdef"


def test_a_key_for_what_adapters_remember_is_a_secret_of_32_characters(files: Files) -> None:
    settings = files.load(f'[database]\nencryption_key = "{KEY}"\n{WHOLE}')

    assert settings.database.encryption_key == SecretStr(KEY)
    assert "sesame" not in repr(settings)
    assert files.load(WHOLE).database.encryption_key is None
    assert files.load(f'[database]\nencryption_key = ""\n{WHOLE}').database.encryption_key is None


@pytest.mark.parametrize("key", [KEY[1:], f"{KEY} ", "ü" * 32])
def test_a_key_that_is_too_short_or_not_visible_is_refused_unquoted(files: Files, key: str) -> None:
    message = files.refused(f'[database]\nencryption_key = "{key}"\n{WHOLE}')

    assert "database.encryption_key" in message
    assert "sesame" not in message
    if len(key) < len(KEY):
        assert "openssl rand -hex 32" in message


def test_a_rate_is_a_number_in_a_duration_or_off(files: Files) -> None:
    settings = files.load(f'[intake]\nperson_rate = "5/10s"\naccount_rate = "1000/1h"\n{WHOLE}')
    off = files.load(f'[intake]\nperson_rate = "off"\n{WHOLE}').intake

    assert settings.intake.person_rate == Rate(5, timedelta(seconds=10))
    assert settings.intake.account_rate == Rate(1000, timedelta(hours=1))
    assert files.load(WHOLE).intake.person_rate == Rate(60, timedelta(minutes=1))
    assert (off.person_rate, off.account_rate) == (None, None)


@pytest.mark.parametrize(
    "rate", ["", "60", "/1m", "0/1m", "-1/1m", "1.5/1m", "60/", "60/1", "60/0s", "1000000/1s", "no"]
)
def test_a_rate_that_is_none_is_refused(files: Files, rate: str) -> None:
    message = files.refused(f'[intake]\nperson_rate = "{rate}"\n{WHOLE}')

    assert "intake.person_rate" in message
    assert 'is not a rate; write a number and a duration, like "60/1m", or "off"' in message
