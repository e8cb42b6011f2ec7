"""Does the core name no adapter, and no adapter more than it may?

`.importlinter` says who may import whom; here is what imports cannot show: names in texts, and in
the installed package.
"""

import ast
import importlib.metadata
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: The program itself. `simulators` plays platforms, and its commands say which.
CORE = [
    path
    for path in (ROOT / "bridge").rglob("*.py")
    if not {"simulators", "testing"} & set(path.relative_to(ROOT / "bridge").parts)
    and path != ROOT / "bridge" / "cli" / "simulators.py"
]
ADAPTERS = sorted(path.parent.name for path in (ROOT / "adapters").glob("*/__init__.py"))


def _words(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name and every text of a module that the program can act on: docstrings only tell."""
    told = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.lineno, node.value
        elif isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.alias):
            yield 0, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def _named(source: str) -> list[tuple[int, str]]:
    return [
        (line, word)
        for line, word in _words(ast.parse(source))
        if any(name in word.lower() for name in ADAPTERS)
    ]


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_names_no_adapter(path: Path) -> None:
    assert _named(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        'if name == "slack": pass',
        "import adapters.slack",
        "from adapters import console",
        "slack_token = 1; print(slack_token)",
        "self.slack.call()",
        "def f(slack): ...",
    ],
)
def test_a_core_that_named_one_would_be_seen(source: str) -> None:
    assert _named(source)


def test_there_are_adapters_to_be_named() -> None:
    assert {"slack", "console"} <= set(ADAPTERS)


def test_every_adapter_is_found_by_entry_point_alone_and_has_somebody_to_play_its_platform() -> (
    None
):
    announced = {
        group: {
            entry.name
            for entry in importlib.metadata.entry_points(group=f"polyai_bridge.{group}")
            if entry.dist is not None and entry.dist.name == "polyai-bridge"
        }
        for group in ("adapters", "stand_ins")
    }

    assert announced == {"adapters": set(ADAPTERS), "stand_ins": set(ADAPTERS)}


def test_the_core_installs_nothing_that_only_an_extra_needs() -> None:
    needed = importlib.metadata.requires("polyai-bridge") or []
    always = {one for one in needed if "extra ==" not in one}

    extras = ("matrix-", "microsoft-", "opentelemetry", "vodozemac")
    assert not [one for one in always if one.startswith(extras)]
    assert {one.rpartition("extra == ")[2].strip("'\"") for one in needed if "extra ==" in one} == {
        "matrix",
        "matrix-encrypted",
        "otel",
        "teams",
    }


def _imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    return plain | {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}


def test_no_adapter_imports_its_own_stand_in() -> None:
    for path in (ROOT / "adapters").rglob("*.py"):
        if "stand_in" not in (path.stem, path.parent.name):
            assert not [name for name in _imported(path) if "stand_in" in name], path
