"""What can be printed for the set-up of an adapter? Whatever documents its plug-in has.

`polyai-bridge slack manifest` is no command of ours: the first word names a configured adapter or
an installed plug-in, the second one of its documents.
"""

import difflib
import os
from pathlib import Path

import click

from bridge import config
from bridge.model.ids import AdapterName
from bridge.plugin import registry

#: Read where no other is named, if it is there.
_USUAL = Path("bridge.toml")


class Commands(click.Group):
    """The commands; any other word is taken for an adapter whose document is wanted."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or one that prints documents."""
        known = super().get_command(ctx, cmd_name)
        if known is not None or cmd_name.startswith("-"):
            return known
        return _printing(cmd_name)


def _printing(adapter: str) -> click.Command:
    @click.command(adapter)
    @click.argument("document", default="")
    @click.option(
        "--config",
        "config_path",
        type=click.Path(path_type=Path, readable=False),
        help="The configuration file; bridge.toml, if there is one. Without any: the defaults.",
    )
    def print_document(document: str, config_path: Path | None) -> None:
        """Print a document for the set-up of an adapter. No secret is needed yet."""
        if config_path is None and _USUAL.exists():
            config_path = _USUAL
        drafts = config.load_drafts(config_path, os.environ) if config_path else {}
        draft = _chosen(adapter, drafts)
        plugin = registry.find(draft.type_name, where=draft.type_place)
        if document not in plugin.documents:
            raise _unknown(f"{adapter} {document}".strip(), drafts)
        settings: registry.AnySettings = draft.settings(plugin.settings)
        click.echo(plugin.documents[document](settings, draft.name).rstrip("\n"))

    return print_document


def _chosen(adapter: str, drafts: dict[AdapterName, config.Draft]) -> config.Draft:
    """The adapter of that name, else the only one of that type, else one with the defaults."""
    if adapter in drafts:
        return drafts[AdapterName(adapter)]
    same = [draft for draft in drafts.values() if draft.type_name == adapter]
    if len(same) > 1:
        names = ", ".join(draft.name for draft in same)
        raise click.UsageError(f"There are several adapters of type {adapter}; name one: {names}.")
    if same:
        return same[0]
    if adapter not in registry.discover():
        raise _unknown(adapter, drafts)
    return config.usual_draft(adapter)


def _unknown(words: str, drafts: dict[AdapterName, config.Draft]) -> click.UsageError:
    found = {name: one.plugin.documents for name, one in registry.discover().items() if one.plugin}
    configured = {str(draft.name): found.get(draft.type_name, {}) for draft in drafts.values()}
    everything = sorted((found | configured).items())
    known = [f"{name} {document}" for name, documents in everything for document in documents]
    above = click.get_current_context().parent
    return click.UsageError(
        f"No such command {words!r}.{_meant(words, above)} "
        f"Documents that can be printed: {', '.join(known) or 'none'}.",
        ctx=above,  # whose usage helps; that of a word which is no command does not
    )


def _meant(word: str, above: click.Context | None) -> str:
    """A question after the nearest command, if one is near."""
    group = above.command if above else None
    commands = group.list_commands(above) if above and isinstance(group, click.Group) else []
    nearest = difflib.get_close_matches(word, commands, n=1)
    return f" Did you mean {nearest[0]!r}?" if nearest else ""
