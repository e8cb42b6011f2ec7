"""Which plug-ins are installed? They are found by entry point and named only in configuration."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel

from bridge.errors import ConfigurationError
from bridge.plugin.adapter import API_VERSION, Plugin

GROUP = "polyai_bridge.adapters"


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """An installed plug-in, or why it cannot be used: exactly one of the two is given."""

    plugin: Plugin[Any] | None
    problem: str | None
    #: The package it came with and that package's version; empty where nobody says.
    distribution: str = ""
    version: str = ""


def discover(entries: Iterable[EntryPoint] | None = None) -> dict[str, Found]:
    """Every installed adapter plug-in by its type name; a broken one is told, never raised.

    `entries` are the entry points of all installed packages unless given.
    """
    installed = entry_points(group=GROUP) if entries is None else entries
    found: dict[str, Found] = {}
    for entry in sorted(installed, key=lambda entry: entry.name):
        if entry.name in found:
            found[entry.name] = _refused(entry, "two installed packages offer this type")
        else:
            found[entry.name] = _examined(entry)
    return found


def find(type_name: str, entries: Iterable[EntryPoint] | None = None) -> Plugin[Any]:
    """The plug-in that a `type` in the configuration names.

    Raises:
        ConfigurationError: none is called that, or it cannot be used.
    """
    # Only the plug-in asked for is imported: a broken neighbour must not be able to disturb it.
    installed = tuple(entry_points(group=GROUP) if entries is None else entries)
    found = discover(entry for entry in installed if entry.name == type_name).get(type_name)
    if found is None:
        raise _unknown(type_name, sorted({entry.name for entry in installed}))
    if found.plugin is None:
        raise ConfigurationError(
            f"the adapter plug-in {type_name!r} cannot be used: {found.problem}",
            remedy=f"repair or upgrade {found.distribution or 'the package it came with'}",
        )
    return found.plugin


def _examined(entry: EntryPoint) -> Found:
    try:
        plugin = entry.load()
    # Whatever a stranger's module does while it is imported, the bridge must be able to say so.
    except (Exception, SystemExit) as error:
        return _refused(entry, f"importing {entry.value} failed: {type(error).__name__}: {error}")
    problem = _problem(entry, plugin)
    if problem:
        return _refused(entry, problem)
    return Found(plugin=plugin, problem=None, **_origin(entry))


def _problem(entry: EntryPoint, plugin: object) -> str | None:
    if not isinstance(plugin, Plugin):
        return f"{entry.value} is a {type(plugin).__name__}, not a bridge.plugin.Plugin"
    if plugin.api_version != API_VERSION:
        return f"it is written for plug-in API {plugin.api_version}, and this is {API_VERSION}"
    if not (isinstance(plugin.settings, type) and issubclass(plugin.settings, BaseModel)):
        return "its settings are not a pydantic model"
    return None


def _refused(entry: EntryPoint, problem: str) -> Found:
    return Found(plugin=None, problem=problem, **_origin(entry))


def _origin(entry: EntryPoint) -> dict[str, str]:
    if entry.dist is None:
        return {}
    return {"distribution": entry.dist.name, "version": entry.dist.version}


def _unknown(type_name: str, known: list[str]) -> ConfigurationError:
    nearest = difflib.get_close_matches(type_name, known, n=1)
    if nearest:
        remedy = f"did you mean {nearest[0]!r}?"
    else:
        remedy = f"installed are {', '.join(known) or 'none'}"
    return ConfigurationError(f"no adapter plug-in has the type {type_name!r}", remedy=remedy)
