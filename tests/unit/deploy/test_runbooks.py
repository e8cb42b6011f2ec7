"""Do the runbooks name what there is: commands, events of the log, figures, keys?"""

import re
from collections.abc import Iterator

import click

from bridge.cli import cli
from bridge.runtime.reporting.metrics import Metrics
from tests.unit.deploy.watchmen import ROOT

PAGE = (ROOT / "docs" / "runbooks.md").read_text("utf-8")
WHERE = ("logging", "configuration", "metrics")
#: The first words of our events.
SPEAKERS = "adapter|agent|bridge|delivery|dispatcher|sessions|slack|socket|worker"
QUOTED = re.findall(r"`([^`\n]+)`", PAGE)
EXAMPLES = re.findall(r"^polyai-bridge (\S+(?: \S+)?)  ", PAGE, re.MULTILINE)


def commands(group: click.Group, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        yield before + name
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")


KNOWN = set(commands(cli))
GROUPS = {name.split()[0] for name in KNOWN if " " in name}
#: Keys of tables and words of metrics look alike.
PAGES = "".join((ROOT / "docs" / f"{name}.md").read_text("utf-8") for name in WHERE)


def exists(told: str) -> bool:
    """Whether there is such a command, figure, event or key; what is none of these, may be."""
    words = told.removeprefix("polyai-bridge ").split()
    if words[0] in GROUPS:
        return " ".join(words[:2]) in KNOWN
    if told.startswith("polyai-bridge "):
        return words[0] in KNOWN
    if told.startswith("polyai_bridge_"):
        return told in Metrics().labels
    if re.fullmatch(rf"({SPEAKERS})\.[a-z_]+", told) or "_" in told.strip("_"):
        return f"`{told}`" in PAGES
    return True


def test_what_they_name_exists() -> None:
    assert [told for told in sorted({*QUOTED, *EXAMPLES}) if not exists(told)] == []


def test_what_does_not_exist_is_found() -> None:
    for told in ("deliveries forget", "polyai_bridge_gone", "slack.nowhere", "no_such_key"):
        assert not exists(told)
