"""How is the operator's page on PolyAI read by the tests that play its rows?"""

import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "polyai.md").read_text("utf-8")

Row = list[str]


def table(heading: str) -> list[Row]:
    """The data rows of the first table below a heading."""
    below = PAGE.partition(f"\n{heading}\n")[2]
    found = re.search(r"(^\|.*\n)+", below, re.MULTILINE)
    assert found, f"no table below {heading}"
    _, _, *rows = found.group().splitlines()
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def cases(heading: str) -> list[Any]:
    """The same, each a case of its own for a test."""
    return [pytest.param(row, id=" ".join(row[:2]).replace("`", "")) for row in table(heading)]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def quoted(text: str) -> list[str]:
    """The exact words of a thread, in double quotes, outside of code."""
    return re.findall(r'"([^"]+)"', re.sub(r"`[^`]*`", "", text))
