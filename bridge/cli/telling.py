"""What does a status look like? A page for a terminal, or a line for a change; pure."""

import textwrap
from collections.abc import Iterator
from typing import Any

_WIDTH = 11  #: of the names in front
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def page_of(told: dict[str, Any], *, width: int | None, height: int | None = None) -> list[str]:
    """What the bridge told of itself, in lines of at most `width`; None for any length.

    Where more than `height` lines would be needed, the last says how many are left out.
    """
    page = _told(told) if "figures" in told else _nobody(told)
    lines = [part for line in page for part in _folded(line, width)]
    if height is not None and len(lines) > height:
        left = len(lines) - height + 1
        lines[height - 1 :] = [_cut(f"({left} more lines: make this window higher)", width)]
    return lines


def line_of(told: dict[str, Any]) -> str:
    """Whether it is ready, and if not why; figures that always change are left out."""
    if "figures" not in told:
        state = "starting" if told["running"] else "not running"
        return f"{state}: {told['error']}"
    if told["ready"]:
        return "ready"
    causes = [
        f"{one['dependency']} {one['name']}".strip() + f": {one['sentence']}"
        for one in told["troubles"]
    ]
    return f"not ready: {'; '.join(causes)}"


def _nobody(told: dict[str, Any]) -> Iterator[str]:
    yield "polyai-bridge  " + ("STARTING" if told["running"] else "NOT RUNNING")
    yield ""
    yield told["error"]
    if told["remedy"]:
        yield f"  what to do: {told['remedy']}"


def _told(told: dict[str, Any]) -> list[str]:
    try:
        return [*_page(told), *_wrong(told), *_rest(told)]
    except (KeyError, TypeError):  # it is of another version than this command
        said = "It is of another version than this command, which does not understand all it tells."
        return [*_page(told), *_wrong(told), said]


def _page(told: dict[str, Any]) -> Iterator[str]:
    state = "READY" if told["ready"] else "NOT READY"
    up = f"  up {_span(told['uptime_seconds'])}" if "uptime_seconds" in told else ""
    yield f"polyai-bridge {told.get('version', '')}  {state}{up}"
    yield ""


def _wrong(told: dict[str, Any]) -> Iterator[str]:
    """First, as a terminal has few lines: the last of a page may not be seen."""
    if told["troubles"]:
        yield "What is wrong:"
        for one in told["troubles"]:
            yield f"  {one['dependency'].replace('_', ' ')} {one['name']}".rstrip()
            yield f"    {one['sentence']}"
        yield ""


def _rest(told: dict[str, Any]) -> Iterator[str]:
    figures = told["figures"]
    for name, how in told["adapters"].items():
        yield _row("adapter", f"{name}: {how['state']}")
    for name, trouble in told["agents"].items():
        yield _row("agent", f"{name}: {'in trouble' if trouble else 'answers'}")
    yield _row("database", "in trouble" if told["database"] else "works")
    yield _row("disk", _disk(figures))
    yield _row("waits", _waits(figures))
    yield _row("dead", f"{figures['unseen_dead_letters']} unseen of the last hour")
    yield _row("in doubt", f"{figures['in_doubt']}")
    yield _row("open", f"{figures['conversations']} conversations, {figures['sockets']} sockets")
    yield _row("a minute", f"{figures['in_a_minute']} in, {figures['out_a_minute']} out")


def _disk(figures: dict[str, Any]) -> str:
    free, inodes = figures["disk_free_bytes"], figures["disk_free_inodes"]
    if free is None:
        return "not looked at yet"
    counted = f", {inodes:,} inodes" if inodes is not None else ""
    return f"{free / 10**9:,.1f} GB free{counted}"


def _waits(figures: dict[str, Any]) -> str:
    told = f"{figures['owed_to_threads']} owed to threads, {figures['overdue']} for too long"
    if figures["overdue"]:
        told += f" (the oldest {_span(figures['oldest_overdue_seconds'])})"
    held, excused = figures["old_and_held"], figures["old_and_excused"]
    return f"{told}; {held} held and {excused} for a reason" if held or excused else told


def _row(name: str, value: str) -> str:
    return f"  {name:<{_WIDTH}}{value}"


def _span(seconds: float) -> str:
    """In the two largest units that matter."""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def _folded(line: str, width: int | None) -> list[str]:
    """A long one goes on below, as far to the right as it began."""
    if width is None or len(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    parts = textwrap.wrap(line, width, subsequent_indent=indent) if width > len(indent) else []
    return [_cut(part, width) for part in parts or [line]]


def _cut(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else f"{line[: width - 1]}…"
