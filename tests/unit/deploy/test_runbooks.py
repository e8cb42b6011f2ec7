"""Do the runbooks name what there is: commands, events of the log, figures, keys?"""

import re
from collections.abc import Iterator

import click
import pytest

from bridge.cli import cli
from bridge.runtime.metrics import Metrics
from tests.unit.deploy.watchmen import ROOT

PAGE = (ROOT / "docs" / "runbooks.md").read_text("utf-8")
WHERE = ("logging", "configuration", "metrics")
#: The first words of our events.
SPEAKERS = [
    "adapter",
    "agent",
    "bridge",
    "delivery",
    "dispatcher",
    "sessions",
    "slack",
    "socket",
    "worker",
]
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


@pytest.mark.parametrize("told", sorted({*QUOTED, *EXAMPLES}))
def test_what_it_names_exists(told: str) -> None:
    words = told.removeprefix("polyai-bridge ").split()
    if words[0] in GROUPS:
        assert " ".join(words[:2]) in KNOWN
    elif told.startswith("polyai-bridge "):
        assert words[0] in KNOWN
    elif told.startswith("polyai_bridge_"):
        assert told in Metrics().labels
    elif re.fullmatch(rf"({SPEAKERS})\.[a-z_]+", told) or "_" in told.strip("_"):
        assert f"`{told}`" in PAGES
