"""How is a listing printed? As a table for people or as JSON for programs."""

from collections.abc import Sequence
from datetime import datetime

import click
import msgspec


def when(instant: datetime | None) -> str:
    """An instant in UTC, to the second; nothing if there is none."""
    return instant.strftime("%Y-%m-%d %H:%M:%SZ") if instant else ""


def print_json(value: object) -> None:
    """One document."""
    click.echo(msgspec.json.format(msgspec.json.encode(value)).decode())


def print_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Columns as wide as their longest cell."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, *rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())
