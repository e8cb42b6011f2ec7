"""Does ARCHITECTURE.md speak of the code as it is?"""

import importlib
import re
from pathlib import Path

import pytest

from bridge.model.delivery import DeliveryState
from bridge.runtime.world import POINTS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "ARCHITECTURE.md").read_text()
ROOMS = (
    "model",
    "core",
    "plugin",
    "polyai",
    "store",
    "runtime",
    "testing",
    "simulators",
    "config",
    "cli",
    "log",
)


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_is_told_with_its_own_question(room: str) -> None:
    docstring = importlib.import_module(f"bridge.{room}").__doc__ or ""
    question = docstring.partition("?")[0] + "?"
    (row,) = [line for line in TEXT.splitlines() if line.startswith(f"| `bridge/{room}` |")]

    assert question in row


def test_every_folder_of_the_bridge_is_a_room_of_the_table() -> None:
    folders = {p.parent.name for p in (ROOT / "bridge").glob("*/__init__.py")}

    assert folders == set(ROOMS)


def test_the_crash_table_has_every_named_point_and_no_other() -> None:
    table = TEXT.partition("## After a crash")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}

    assert named == set(POINTS)


def test_the_crash_table_speaks_of_states_that_exist() -> None:
    table = TEXT.partition("## After a crash")[2].partition("\n## ")[0]

    for state in re.findall(r"outbox row `(\w+)`", table):
        assert DeliveryState(state)


def test_each_module_of_the_slack_adapter_stands_below_a_question() -> None:
    table = TEXT.partition("## Inside the Slack adapter")[2].partition("\n## ")[0]
    modules = {path.stem for path in (ROOT / "adapters" / "slack").rglob("*.py")} - {"__init__"}

    assert modules - set(re.findall(r"`(\w+)`", table)) == set()


def test_the_glossary_explains_the_words_of_the_code() -> None:
    glossary = TEXT.partition("## Glossary")[2]

    for word in (
        "adapter", "agent", "conversation", "session", "socket", "frame", "event", "effect", "step",
        "essence", "journal", "cursor", "echo", "in flight", "delivery", "receipt", "settle",
        "in doubt", "carried", "parked", "released", "unclaimed", "simulator",
    ):  # fmt: skip
        assert re.search(rf"^\|[^|]*\b{word}\b[^|]*\|", glossary, re.MULTILINE), word


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "adr").glob("*.md"))

    assert numbers == list(range(1, len(numbers) + 1))
