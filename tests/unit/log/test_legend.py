"""Does the legend name the fields of each event, and the outages, as the code has them?"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.slack import logs as slack  # declares what is its own
from adapters.teams import door as teams
from adapters.webhook import door as webhook
from bridge.log.outages import PAIRS, REPEATS

_DECLARED = (slack, teams, webhook)
ROOT = Path(__file__).parents[3]
LEGEND = (ROOT / "docs" / "logging.md").read_text("utf-8")
_METHODS = {"debug", "info", "warning", "error", "exception"}


class Fields:
    """The fields that an event is logged with."""

    def __init__(self) -> None:
        self.named: set[str] = set()
        self.whole = True  #: nothing stands there that only a run can tell


def rows(heading: str) -> list[list[str]]:
    part = LEGEND.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def told() -> dict[str, set[str]]:
    return {quoted(row[0])[0]: set(quoted(row[-1])) for row in rows("Events")}


def keys(node: ast.expr, tree: ast.AST, into: Fields) -> None:
    """The keys of a dictionary, as far as they are written down in the same file."""
    match node:
        case ast.Dict(keys=named, values=values):
            for key, value in zip(named, values, strict=True):
                if key is None:
                    keys(value, tree, into)
                elif isinstance(key, ast.Constant):
                    into.named.add(str(key.value))
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            keys(left, tree, into)
            keys(right, tree, into)
        case ast.Attribute(attr=name) | ast.Call(func=ast.Attribute(attr=name)):
            written(returned(tree, name), tree, into)
        case ast.Name(id=name):
            written(assigned(tree, name), tree, into)
        case _:
            into.whole = False


def written(found: Iterator[ast.expr], tree: ast.AST, into: Fields) -> None:
    each = list(found)
    into.whole &= bool(each)
    for one in each:
        keys(one, tree, into)


def returned(tree: ast.AST, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            yield from (n.value for n in ast.walk(node) if isinstance(n, ast.Return) and n.value)


def assigned(tree: ast.AST, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=other)], value=value) if other == name:
                yield value
            case ast.AnnAssign(target=ast.Name(id=other), value=ast.expr() as value):
                if other == name:
                    yield value


#: Whoever tells nothing is not read: to walk through all there is takes a second.
_TELLS = re.compile(r"\b_?(log|LOG)\b|\bnote\(")


def logged() -> dict[str, Fields]:
    found: dict[str, Fields] = defaultdict(Fields)
    for folder in ("bridge", "adapters"):
        for file in (ROOT / folder).rglob("*.py"):
            text = file.read_text("utf-8")
            if not _TELLS.search(text):
                continue
            tree = ast.parse(text)
            for node in ast.walk(tree):
                match node:
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name(id="_log" | "LOG"), attr=method),
                        args=[ast.Constant(value=str(event))],
                    ) if method in _METHODS:
                        take(node, tree, found[event])
                    case ast.Call(
                        func=ast.Attribute(attr="note"),
                        args=[ast.Constant(value=str(event)), ast.Constant(value=str())],
                    ):  # what the core leaves to the worker, which names the conversation
                        take(node, tree, found[event])
                        found[event].named.add("conversation")
    return found


def take(call: ast.Call, tree: ast.AST, into: Fields) -> None:
    for keyword in call.keywords:
        if keyword.arg == "extra" or keyword.arg is None:
            keys(keyword.value, tree, into)
        elif keyword.arg != "exc_info":
            into.named.add(keyword.arg)


LOGGED = logged()


@pytest.mark.parametrize("event", sorted(LOGGED))
def test_each_field_of_an_event_is_named_and_no_other(event: str) -> None:
    fields, explained = LOGGED[event], told()[event]
    of_every_adapter = {"adapter"}  # said of each line of one

    assert fields.named - explained - of_every_adapter == set()
    if fields.whole:
        assert explained - fields.named == set()


def test_the_outages_are_those_of_the_code() -> None:
    pairs = {(quoted(row[0])[0], quoted(row[1])[0], *quoted(row[2])) for row in rows("Outages")}

    assert pairs == {(pair.begins, pair.ends, *pair.by) for pair in PAIRS}


def test_what_begins_ends_or_is_repeated_is_logged() -> None:
    names = {name for pair in PAIRS for name in (pair.begins, pair.ends)} | set(REPEATS)

    assert names - set(told()) == set()
