"""Which adapters can there be? The installed plug-ins, with what each can show, and a new one."""

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from bridge.cli import new_adapter
from bridge.cli.options import JSON
from bridge.cli.printing import print_json, print_table
from bridge.plugin import Grade, registry


@click.group(invoke_without_command=True)
@JSON
@click.pass_context
def adapters(context: click.Context, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """The installed adapter plug-ins and their capabilities; `new` begins another."""
    if context.invoked_subcommand is None:
        _list(as_json=as_json)


@adapters.command("new")
@click.argument("name")
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    help="Where to write it; must not exist yet.  [default: ./polyai-bridge-NAME]",
)
def new(name: str, directory: Path | None) -> None:
    """Write a package with an adapter of type NAME, which works and whose tests pass.

    Its comments that say YOURS are where your platform takes the place of the sample's.
    """
    place = directory or new_adapter.usual_directory(name)
    new_adapter.write(name, place)
    click.echo(_WRITTEN.format(place=place, name=name))


_WRITTEN = """\
{place} is written: an adapter of type "{name}" for a small board of its own, with tests that pass.
  try it:            pip install -e "{place}[test]" && pytest {place}
  see it listed:     polyai-bridge adapters
  make it yours:     grep -rn YOURS {place}
  prove it again:    polyai-bridge conform {name}
The guide is docs/adapters.md of the bridge."""


def _list(*, as_json: bool) -> None:
    found = registry.discover()
    if as_json:
        print_json(
            [
                {
                    "name": name,
                    "problem": one.problem,
                    "distribution": one.distribution,
                    "api_version": one.api_version,
                    "isolation": one.isolation,
                    "capabilities": dict(_claims(one.plugin)) if one.plugin else None,
                }
                for name, one in sorted(found.items())
            ]
        )
        return
    rows = []
    for name, one in sorted(found.items()):
        if one.plugin is None:
            told = f"cannot be used: {one.problem}"
        else:
            told = ", ".join(f"{name} {claim}" for name, claim in _claims(one.plugin))
        version = "" if one.api_version is None else str(one.api_version)
        rows.append((name, one.distribution, version, one.isolation, told))
    print_table(("NAME", "FROM", "API", "ISOLATION", "CAPABILITIES"), rows)


def _claims(plugin: registry.AnyPlugin) -> Iterator[tuple[str, str | int]]:
    """Every capability of a plug-in, its grades by their names."""
    for name, claim in msgspec.structs.asdict(plugin.capabilities).items():
        yield name, claim.name.lower() if isinstance(claim, Grade) else claim
