"""Which adapters can there be? The installed plug-ins, with what each can show."""

from collections.abc import Iterator

import click
import msgspec

from bridge.cli.options import JSON
from bridge.cli.printing import print_json, print_table
from bridge.plugin import Grade, registry


@click.command()
@JSON
def adapters(as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """The installed adapter plug-ins and their capabilities."""
    found = registry.discover()
    if as_json:
        print_json(
            [
                {
                    "name": name,
                    "problem": one.problem,
                    "distribution": one.distribution,
                    "capabilities": dict(_claims(one.plugin)) if one.plugin else None,
                }
                for name, one in sorted(found.items())
            ]
        )
        return
    rows = []
    for name, one in sorted(found.items()):
        if one.plugin is None:
            rows.append((name, one.distribution, f"cannot be used: {one.problem}"))
            continue
        told = ", ".join(f"{name} {claim}" for name, claim in _claims(one.plugin))
        rows.append((name, one.distribution, told))
    print_table(("NAME", "FROM", "CAPABILITIES"), rows)


def _claims(plugin: registry.AnyPlugin) -> Iterator[tuple[str, str | int]]:
    """Every capability of a plug-in, its grades by their names."""
    for name, claim in msgspec.structs.asdict(plugin.capabilities).items():
        yield name, claim.name.lower() if isinstance(claim, Grade) else claim
