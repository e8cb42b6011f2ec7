"""What does an operator put on their machine? The files of `bridge/deploy`, printed.

They name the command where it usually is; printed, they name it where it is installed.
"""

import sys
import sysconfig
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from bridge.cli.printing import print_json, print_table

_FILES = files("bridge") / "deploy"
#: The command as the files name it.
_USUAL = "/usr/local/bin/polyai-bridge"
#: Where a unit with ProtectHome= sees nothing (systemd.exec(5)): homes, root's among them.
_HIDDEN = (("home",), ("root",), ("run", "user"))
#: Each file by the word for it, and what it is for.
KNOWN = {
    "unit": ("polyai-bridge.service", "one bridge under systemd"),
    "template": ("polyai-bridge@.service", "several bridges under systemd, each by its name"),
    "container": ("Containerfile", "an OCI image"),
    "dashboard": ("grafana-dashboard.json", "a dashboard of Grafana"),
    "alerts": ("prometheus-rules.yml", "alert rules of Prometheus"),
}


@click.command()
@click.argument("name", default="")
@click.option("--json", "as_json", is_flag=True, help="The list as one JSON document.")
def deploy(name: str, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Print a file for your machine, such as `unit`; without a name, list them."""
    if name:
        _print(_found(name))
        return
    there = [(word, *what) for word, what in KNOWN.items() if (_FILES / what[0]).is_file()]
    if as_json:
        print_json([{"name": word, "file": file, "for": use} for word, file, use in there])
    else:
        print_table(("NAME", "FILE", "FOR"), there)


def _print(file: Traversable) -> None:
    command = _command()
    if file.name.endswith(".service") and _is_hidden(command):
        click.echo(
            f"note: a unit sees nothing of {command} (ProtectHome=yes):"
            " install the bridge for the whole machine",
            err=True,
        )
    click.echo(file.read_text("utf-8").replace(_USUAL, str(command)), nl=False)


def _is_hidden(command: Path) -> bool:
    below = command.parts[1:]  # of an absolute path, without its beginning
    return any(below[: len(place)] == place for place in _HIDDEN)


def _found(name: str) -> Traversable:
    wanted = KNOWN.get(name, (name, ""))[0]
    for file in _FILES.iterdir():
        if file.name == wanted:
            return file
    raise click.UsageError(f"There is no {name!r}. There are: {', '.join(KNOWN)}.")


def _command() -> Path:
    """Where the command is installed beside the Python that runs us, else as it was called."""
    beside = Path(sysconfig.get_path("scripts")) / "polyai-bridge"
    return beside if beside.exists() else Path(sys.argv[0]).absolute()
