"""Do the pages for operators say what the program does?"""

import ast
import inspect
import json
import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from bridge import config, errors
from bridge.cli import cli
from bridge.core.rates import Rate
from bridge.plugin import registry
from bridge.simulators import polyai_agent, polyai_verbs, slack_control
from bridge.simulators.polyai_agent import Party, RuleAgent, Say
from bridge.simulators.polyai_verbs import Verbs
from bridge.simulators.slack_interactions import InteractionVerbs
from bridge.simulators.slack_people import PeopleVerbs
from bridge.simulators.slack_verbs import FaultVerbs
from bridge.simulators.slack_writing import WritingVerbs

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "config.example.toml").read_text("utf-8")
REFERENCE = (ROOT / "docs" / "configuration.md").read_text("utf-8")
OPERATING = (ROOT / "docs" / "operating.md").read_text("utf-8")
SIMULATORS = (ROOT / "docs" / "simulators.md").read_text("utf-8")
LOGGING = (ROOT / "docs" / "logging.md").read_text("utf-8")

SECRETS = {
    "POLYAI_BRIDGE_AGENTS__DEFAULT__CONNECTOR_TOKEN": "dummy-connector-token",
    "POLYAI_BRIDGE_ADAPTERS__SLACK__BOT_TOKEN": "xoxb-dummy",
    "POLYAI_BRIDGE_ADAPTERS__SLACK__APP_TOKEN": "xapp-dummy",
}
#: Those of the tables that are commented out.
FURTHER = {
    "POLYAI_BRIDGE_ADAPTERS__MATRIX__ACCESS_TOKEN": "dummy",
    "POLYAI_BRIDGE_ADAPTERS__WEBHOOK__SECRET": "dummy-secret-of-many-characters-indeed",
}
FURTHER |= {
    "POLYAI_BRIDGE_ALERTS__URL": "https://alarms.example/dummy",
    "POLYAI_BRIDGE_ALERTS__SECRET": "dummy-secret-of-many-characters-indeed",
}
#: Our own plug-ins: other people's document themselves.
PLUGINS = sorted(entry.name for entry in entry_points(group=registry.GROUP))
#: Each heading of the reference, with the model whose keys it explains.
SECTIONS: dict[str, type[BaseModel]] = {
    "### `[database]`": config.DatabaseSettings,
    "### `[http]`": config.HttpSettings,
    "### `[intake]`": config.IntakeSettings,
    "### `[alerts]`": config.AlertSettings,
    "### `[log]`": config.LogSettings,
    "### `[telemetry]`": config.TelemetrySettings,
    "### `[agents.NAME]`": config.AgentSettings,
    "### `[[agents.NAME.handoffs]]`": config.Handoff,
    "### `[[routes]]`": config.Route,
    **{f'#### `type = "{name}"`': registry.find(name).settings for name in PLUGINS},
}
KEYS = [
    pytest.param(heading, key, known, id=f"{heading.strip('# `')} {key}")
    for heading, model in SECTIONS.items()
    for key, known in model.model_fields.items()
    if key not in {"type", "handoffs"}  # explained once, for every adapter; a table of its own
]


def whole_example() -> str:
    """The example with its commented-out keys and tables taken as written."""
    return re.sub(r"^# (?:# )?(?=[a-z_]+ = |\[)", "", EXAMPLE, flags=re.MULTILINE)


def section(heading: str) -> str:
    assert heading in REFERENCE
    return re.split(r"^##", REFERENCE.partition(heading)[2], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> dict[str, list[str]]:
    """The rows of a table by the word in backquotes that begins them."""
    found = re.findall(r"^\| `([^`]+)` \|(.*)\|$", text, flags=re.MULTILINE)
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in found}


def written(default: object) -> str:
    """A default as the file writes it."""
    if isinstance(default, timedelta):
        seconds = int(default.total_seconds())
        return f'"{seconds // 60}m"' if seconds % 60 == 0 else f'"{seconds}s"'
    if isinstance(default, Rate):
        return f'"{default.count}/{written(default.per)[1:]}'
    return json.dumps(default)


def is_secret(known: FieldInfo) -> bool:
    return SecretStr in (known.annotation, *get_args(known.annotation))


def test_the_example_loads_once_its_secrets_are_given() -> None:
    settings = config.load(ROOT / "config.example.toml", SECRETS)

    for name, table in settings.adapters.items():
        config.adapter_settings(settings, name, registry.find(table.type).settings)


def test_the_whole_example_loads_too(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    file = tmp_path / "bridge.toml"
    file.write_text(whole_example().replace("/run/secrets/polyai-bridge", f"{tmp_path}/secrets"))

    settings = config.load(file, SECRETS | FURTHER)

    assert {table.type for table in settings.adapters.values()} == set(PLUGINS)
    assert settings.secrets_dir
    assert settings.routes
    assert all(agent.handoffs for agent in settings.agents.values())
    for name, table in settings.adapters.items():
        config.adapter_settings(settings, name, registry.find(table.type).settings)


def in_example(heading: str) -> dict[str, Any]:
    tree: Any = tomllib.loads(whole_example())
    for part in re.sub(r"[#`\[\] ]", "", heading).split("."):
        if part.startswith("type="):
            tree = next(t for t in tree["adapters"].values() if t["type"] == part[6:-1])
        else:
            tree = tree["default" if part == "NAME" else part]
    found: dict[str, Any] = tree[0] if isinstance(tree, list) else tree
    return found


@pytest.mark.parametrize(("heading", "key", "known"), KEYS)
def test_every_key_is_in_the_example_with_its_default(
    heading: str, key: str, known: FieldInfo
) -> None:
    shown = in_example(heading)[key]

    if is_secret(known):
        assert shown == ""
    elif not known.is_required() and known.default is not None:
        assert json.dumps(shown) == written(known.default)


@pytest.mark.parametrize(("heading", "key", "known"), KEYS)
def test_every_key_is_explained_with_its_default(heading: str, key: str, known: FieldInfo) -> None:
    default, meaning = rows(section(heading))[key]

    assert meaning
    if known.is_required() or is_secret(known):
        assert default == ""
    elif known.default is not None:
        assert default == f"`{written(known.default)}`"
    if is_secret(known):
        assert "secret" in meaning
    if isinstance(known.default, timedelta):
        assert "duration" in meaning


@pytest.mark.parametrize("heading", SECTIONS)
def test_no_key_is_explained_that_does_not_exist(heading: str) -> None:
    assert set(rows(section(heading))) <= set(SECTIONS[heading].model_fields)


def test_every_table_is_explained() -> None:
    explained = re.findall(r"^### `\[+(\w+)", REFERENCE, flags=re.MULTILINE)

    assert {*explained, "secrets_dir"} == set(config.Settings.model_fields)
    assert "secrets_dir" in rows(section("## Keys"))
    assert set(config.AdapterTable.model_fields) == set(rows(section("### `[adapters.NAME]`")))


def commands(group: click.Command, path: str = "polyai-bridge") -> Iterator[str]:
    if not isinstance(group, click.Group):
        yield path
        return
    if group.invoke_without_command:
        yield path
    for name, command in group.commands.items():
        yield from commands(command, f"{path} {name}")


def test_every_command_is_explained_and_no_other() -> None:
    told = re.findall(r"^\| `(polyai-bridge [^`]*)`", OPERATING, flags=re.MULTILINE)

    documents = {
        f"polyai-bridge {name} {document}"
        for name in PLUGINS
        for document in registry.find(name).documents
    }
    assert {re.sub(r" [A-Z]+", "", each) for each in told} == set(commands(cli)) | documents


def test_every_exit_code_is_explained_and_no_other() -> None:
    table = OPERATING.partition("## Exit codes")[2].partition("\n## ")[0]
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE)}
    raised = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.BridgeError)
    }

    assert told == {0, 1, 2} | raised == {0, 1, 2, 10, 11, 12, 13, 14}


VERBS = {
    "## Slack: what people do": PeopleVerbs,
    "## Slack: what else is written": WritingVerbs,
    "## Slack: what people press and type": InteractionVerbs,
    "## Slack: what goes wrong": FaultVerbs,
    "## PolyAI: what goes wrong, and what it says of its own accord": Verbs,
}


def simulators_part(heading: str) -> str:
    assert f"\n{heading}\n" in SIMULATORS
    return SIMULATORS.partition(f"\n{heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(("heading", "kind"), VERBS.items())
def test_every_verb_of_the_simulators_is_explained_with_its_arguments(
    heading: str, kind: type
) -> None:
    told = rows(simulators_part(heading))
    offered = {name for name in vars(kind) if not name.startswith("_")}

    assert set(told) == offered
    assert offered <= slack_control.VERBS | polyai_verbs.VERBS
    for name, (arguments, meaning) in told.items():
        _, *parameters = inspect.signature(getattr(kind, name)).parameters.values()
        assert re.findall(r"`(\w+)`", arguments) == [each.name for each in parameters]
        required = [
            each.name
            for each in parameters
            if each.default is each.empty and each.kind is not each.VAR_KEYWORD
        ]
        assert re.findall(r"\*\*`(\w+)`\*\*", arguments) == required
        assert meaning


def test_no_verb_of_the_simulators_is_left_out() -> None:
    told = {name for heading in VERBS for name in rows(simulators_part(heading))}

    assert told == slack_control.VERBS | polyai_verbs.VERBS


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        ("say TEXT", "TEXT"),
        ("count 2", "Message 2"),
        ("where is 1234", "Order 1234"),
        ("your opening hours?", "Saturday"),
        ("my order", "order number"),
        ("talk to a person", "Sam"),
        ("a human please", "Sam"),
        ("bye now", "Goodbye"),
        ("goodbye", "Goodbye"),
        ("ping me", "<!channel>"),
        ("long", "Paragraph 1"),
        ("slow", "Thank you for waiting"),
        ("anything else", "You said: anything else"),
    ],
)
def test_the_simulated_agent_knows_the_words_it_is_said_to_know(said: str, answered: str) -> None:
    acts = RuleAgent().answer(Party(streaming=True, live=False), said)

    assert any(answered in act.text for act in acts if isinstance(act, Say))


def test_each_rule_of_the_simulated_agent_has_its_line() -> None:
    table = simulators_part("## What the simulated agent knows")

    assert len(re.findall(r"^\| .*[`a-z0-9].* \|$", table, re.MULTILINE)) - 1 == len(
        polyai_agent._RULES
    )


def code() -> Iterator[Path]:
    for folder in ("bridge", "adapters"):
        yield from (ROOT / folder).rglob("*.py")


def tellers() -> Iterator[ast.AST]:
    """What there is in whatever may tell something: to walk through all the rest takes a second."""
    for text in (file.read_text("utf-8") for file in code()):
        if re.search(r"\b_?(log|LOG)\b|\bnote\(", text):
            yield from ast.walk(ast.parse(text))


def logged_events() -> Iterator[tuple[str, str]]:
    """What our loggers are told first, and at which level."""
    for node in tellers():
        match node:
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Name(id="_log" | "LOG"),
                    attr="debug" | "info" | "warning" | "error" | "exception" as level,
                ),
                args=[ast.Constant(value=str(event)), *_],
            ):
                yield event, level.replace("exception", "error")
            case ast.Call(
                func=ast.Attribute(attr="note"),
                args=[ast.Constant(value=str(event)), ast.Constant(value=str(level))],
            ):  # what the core leaves to the worker to tell
                yield event, level


def test_the_log_legend_explains_every_event_with_its_level() -> None:
    explained = {(event, cells[0]) for event, cells in rows(LOGGING).items()}

    assert set(logged_events()) - explained == set()


def test_the_log_legend_explains_no_event_that_is_never_logged() -> None:
    texts = "".join(file.read_text("utf-8") for file in code())

    assert {event for event in rows(LOGGING) if f'"{event}"' not in texts} == set()


def wordings() -> Iterator[str]:
    """What the bridge and its Slack adapter can say, whole or in the pieces around a detail."""
    for file in (ROOT / "bridge" / "plugin" / "text.py", *(ROOT / "adapters/slack").rglob("*.py")):
        nodes = list(ast.walk(ast.parse(file.read_text("utf-8"))))
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value if id(node) not in docstrings else ""


def test_people_in_slack_read_the_sentences_that_their_page_quotes() -> None:
    page = " ".join((ROOT / "docs" / "slack-use.md").read_text("utf-8").split())
    quoted = re.findall("“([^”]+)”", page)
    pieces = {piece for sentence in quoted for piece in re.split(" ?… ?", sentence) if piece}
    said = list(wordings())

    assert len(pieces) > 20
    assert {piece for piece in pieces if not any(piece in each for each in said)} == set()


def test_every_link_between_the_pages_leads_to_a_file() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} → {target}"


def anchors(page: Path) -> set[str]:
    """The names under which a page's headings can be linked to."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_into_a_page_leads_to_a_heading() -> None:
    for page in (
        ROOT / "README.md",
        ROOT / "adapters/slack/README.md",
        *(ROOT / "docs").glob("*.md"),
    ):
        links = re.findall(r"\]\((?!https?://)([^)#]*)#([^)]+)\)", page.read_text("utf-8"))
        for target, anchor in links:
            leads_to = page.parent / target if target else page
            assert anchor in anchors(leads_to), f"{page.name} → {target}#{anchor}"
