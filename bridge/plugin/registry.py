"""Which adapter plug-ins are installed? Found by entry point; configuration names them by type."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel

from bridge.errors import ConfigurationError
from bridge.plugin.adapter import API_VERSION, Plugin

#: Where an installed package announces its plug-in: `name = "module:PLUGIN"`.
GROUP = "polyai_bridge.adapters"

#: A plug-in and the settings it takes, where nobody knows which.
AnyPlugin = Plugin[Any]
AnySettings = BaseModel


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """An announced plug-in: either it can be used, or `problem` says why not."""

    plugin: AnyPlugin | None
    problem: str | None
    #: The package that announced it, with its version; empty where nobody says.
    distribution: str = ""


def discover(entries: Iterable[EntryPoint] | None = None) -> dict[str, Found]:
    """Every announced plug-in by its type name. A broken one is recorded, never raised.

    `entries` are those of the installed packages unless given.
    """
    grouped: dict[str, list[EntryPoint]] = {}
    for entry in _announced(entries):
        grouped.setdefault(entry.name, []).append(entry)
    return {name: _examined(group) for name, group in sorted(grouped.items())}


def find(
    type_name: str, entries: Iterable[EntryPoint] | None = None, *, where: str = "type"
) -> AnyPlugin:
    """The plug-in that a `type` in the configuration names; no other is imported for it.

    `where` is the key and the place of that `type`, for what is said when it is refused.

    Raises:
        ConfigurationError: none has this type, or it cannot be used.
    """
    announced = _announced(entries)
    chosen = [entry for entry in announced if entry.name == type_name]
    if not chosen:
        raise _unknown(type_name, sorted({entry.name for entry in announced}), where)
    found = _examined(chosen)
    if found.plugin is None:
        origin = found.distribution or "the package that announces it"
        raise ConfigurationError(
            f'{where}: the plug-in "{type_name}" cannot be used: {found.problem}',
            remedy=f"repair or upgrade {origin}, or remove the adapters of this type",
        )
    return found.plugin


def _announced(entries: Iterable[EntryPoint] | None) -> list[EntryPoint]:
    return list(entry_points(group=GROUP) if entries is None else entries)


def _examined(group: list[EntryPoint]) -> Found:
    """What entry points of one name offer; two packages under one name offer nothing."""
    origins = sorted({_origin(entry) for entry in group})
    if len({entry.value for entry in group}) > 1:
        return _refused("several packages announce this type", ", ".join(origins))
    entry, origin = group[0], origins[0]
    try:
        plugin = entry.load()
    # Whatever foreign code raises while it is imported, the other plug-ins must still be served.
    except (Exception, SystemExit) as error:
        return _refused(f"importing {entry.value} failed: {_told(error)}", origin)
    problem = _misfit(plugin)
    if problem:
        return _refused(f"{entry.value} {problem}", origin)
    return Found(plugin=plugin, problem=None, distribution=origin)


def _misfit(plugin: object) -> str | None:
    """Why this object is no plug-in that the bridge can serve."""
    if not isinstance(plugin, Plugin):
        return f"is a {type(plugin).__name__}, not a bridge.plugin.Plugin"
    if plugin.api_version != API_VERSION:
        return (
            f"is written for plug-in API {plugin.api_version}; "
            f"this bridge has plug-in API {API_VERSION}"
        )
    settings: object = plugin.settings
    if not (isinstance(settings, type) and issubclass(settings, BaseModel)):
        return "has settings that are not a pydantic model"
    return None


def _refused(problem: str, distribution: str) -> Found:
    return Found(plugin=None, problem=problem, distribution=distribution)


def _told(error: BaseException) -> str:
    """The error's name and its first line: what is printed stays one line."""
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _origin(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else ""


def _unknown(type_name: str, known: list[str], where: str) -> ConfigurationError:
    nearest = difflib.get_close_matches(type_name, known, n=1)
    return ConfigurationError(
        f'{where}: no plug-in "{type_name}"; installed: {", ".join(known) or "none"}',
        remedy=f'did you mean "{nearest[0]}"?' if nearest else "write one of these, or install it",
    )
