"""How is it? What `/ready` tells and more, in a terminal; once, or live.

It is asked over the control socket: with no port to listen on, and with no network, it answers.
"""

import asyncio
import contextlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click

from bridge.cli import options
from bridge.cli.asking import Answered, NotRunning, ask
from bridge.cli.options import CONFIG, JSON
from bridge.cli.printing import print_json, visible
from bridge.cli.telling import line_of, page_of
from bridge.clock import Clock, SystemClock

#: How often it is asked again, and how long an answer may take: it costs the bridge nothing.
_AGAIN: Final = timedelta(seconds=2)
_PATIENCE: Final = 5.0
#: Of a terminal (ECMA-48, and xterm's own screen for those who only visit).
_ENTER: Final = "\x1b[?1049h\x1b[?25l"
_LEAVE: Final = "\x1b[?25h\x1b[?1049l"
_HOME: Final = "\x1b[H"
_REST_OF_LINE: Final = "\x1b[K"
_REST_OF_PAGE: Final = "\x1b[J"

Told = dict[str, Any]


@click.command()
@CONFIG
@JSON
@click.option("--watch", is_flag=True, help="Go on until interrupted; also across a restart.")
def status(*, config_path: Path, as_json: bool, watch: bool) -> None:
    """Tell how the running bridge is.

    The exit code is 0 if it is ready, else 1. With --watch in a terminal the page is renewed every
    two seconds; elsewhere each change is a line.
    """
    url = options.database(config_path).url
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may know fewer characters than we
    if not watch:
        told = asyncio.run(_told(url))
        if as_json:
            print_json(told)
        else:
            click.echo("\n".join(map(visible, page_of(told, width=None))))
        sys.exit(0 if told["ready"] else 1)
    show: Callable[[Told], None] = _Changes(as_json=as_json).show
    page: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    if sys.stdout.isatty() and not as_json:
        show, page = _draw, _visiting()
    last: list[bool] = []

    def shown(told: Told) -> None:
        last[:] = [told["ready"]]
        show(told)

    with page, contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        asyncio.run(_watched(url, shown, SystemClock()))
    sys.exit(0 if last == [True] else 1)


async def _watched(url: str, show: Callable[[Told], None], clock: Clock) -> None:
    while True:
        show(await _told(url))
        await clock.sleep(_AGAIN)


async def _told(url: str) -> Told:
    """What the bridge says of itself; or that there is none."""
    try:
        told: Told = await ask(url, "status", within=_PATIENCE)
    except (NotRunning, Answered) as error:
        # A bridge that is only starting does not know the question yet.
        running = isinstance(error, Answered)
        return {"ready": False, "running": running, "error": error.message, "remedy": error.remedy}
    return {"running": True, **told}


class _Changes:
    """One line for each change, where nobody looks at a page."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._last: str | None = None

    def show(self, told: Told) -> None:
        """Say it, if it is news."""
        line = visible(line_of(told))
        if line != self._last:
            click.echo(json.dumps(told) if self._as_json else line)
            sys.stdout.flush()
        self._last = line


@contextlib.contextmanager
def _visiting() -> Iterator[None]:
    """A page of its own, and then what was there before."""
    sys.stdout.write(_ENTER)
    try:
        yield
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()


def _draw(told: Told) -> None:
    """Over what is there, in one write: so nothing flickers."""
    width, height = shutil.get_terminal_size()
    lines = [visible(line) for line in page_of(told, width=width, height=height - 1)]
    drawn = "".join(f"{line}{_REST_OF_LINE}\r\n" for line in lines)
    sys.stdout.write(f"{_HOME}{drawn}{_REST_OF_PAGE}")
    sys.stdout.flush()
