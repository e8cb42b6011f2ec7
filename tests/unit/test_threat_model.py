"""Does each line of the threat model have a test that tries it, and each such test its line?"""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
#: Each line by its name, with the tests that it names.
LINES = {
    name: set(re.findall(r"`(test_\w+)`", rest))
    for name, rest in re.findall(r"^\| (T-\d\d) \|(.*)\|$", PAGE, flags=re.MULTILINE)
}


def marked_tests() -> dict[str, set[str]]:
    """Each test there is, with the lines whose marks it bears."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / "tests").rglob("test_*.py"):
        text = path.read_text("utf-8")
        names = re.findall(r"^(?:async )?def (test_\w+)", text, flags=re.MULTILINE)
        found.update({name: set(found[name]) for name in names})
        if "threat" in text:
            for node in ast.parse(text).body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    found[node.name] |= marked(node)
    return found


def marked(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """The lines that a test says it tries."""
    marks = (ast.unparse(each) for each in function.decorator_list)
    return {
        line
        for mark in marks
        for line in re.findall(r"^(?:pytest\.mark\.)?threat\('(T-\d\d)'\)$", mark)
    }


TESTS = marked_tests()


@pytest.mark.parametrize("line", LINES)
def test_each_line_names_tests_that_there_are(line: str) -> None:
    assert LINES[line]
    assert LINES[line] - TESTS.keys() == set()


@pytest.mark.parametrize(
    ("name", "line"), sorted((name, line) for name, lines in TESTS.items() for line in lines)
)
def test_each_test_that_tries_a_line_is_named_there(name: str, line: str) -> None:
    assert name in LINES.get(line, set())


def test_each_line_has_a_name_of_its_own() -> None:
    rows = re.findall(r"^\| (T-\d\d) \|", PAGE, flags=re.MULTILINE)

    assert len(rows) == len(set(rows)) > 50
    assert len(re.findall(r"^\| T-", PAGE, flags=re.MULTILINE)) == len(rows)


def test_what_carries_the_mark_is_read_here() -> None:
    """A mark in any other way of writing would escape the reading above."""
    marks = sum(
        len(re.findall(r"^@(?:pytest\.mark\.)?threat\(", path.read_text("utf-8"), re.MULTILINE))
        for path in (ROOT / "tests").rglob("test_*.py")
    )

    assert marks == sum(map(len, TESTS.values()))
