"""How is a listing printed? As a table for people or as JSON for programs."""

import re
from collections.abc import Sequence
from datetime import datetime

import click
import msgspec

#: What a terminal obeys or turns round instead of showing it; names and reasons come from outside.
_UNSEEN = re.compile(
    r"[^\S \n]|[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def when(instant: datetime | None) -> str:
    """An instant in UTC, to the second; nothing if there is none."""
    return instant.strftime("%Y-%m-%d %H:%M:%SZ") if instant else ""


def visible(text: str) -> str:
    """`text` on one line, without what a terminal would obey."""
    return _UNSEEN.sub(lambda found: " " if found[0].isspace() else "", text.replace("\n", " "))


def print_json(value: object) -> None:
    """One document."""
    text = msgspec.json.format(msgspec.json.encode(value)).decode()
    # Within JSON's strings alone there is anything left that is not shown.
    click.echo(_UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def print_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Columns as wide as their longest cell; what a terminal would obey is left out."""
    rows = [tuple(map(visible, row)) for row in rows]
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, *rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())
