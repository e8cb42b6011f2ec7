"""Which adapter plug-ins are installed? Found by entry point; configuration names them by type."""

import difflib
import importlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

import msgspec
from pydantic import BaseModel

from bridge.errors import ConfigurationError
from bridge.plugin.adapter import API_VERSION, Plugin
from bridge.plugin.capabilities import Capabilities

#: Where an installed package announces its plug-in: `name = "module:PLUGIN"`.
GROUP = "polyai_bridge.adapters"

#: A plug-in and the settings it takes, where nobody knows which.
AnyPlugin = Plugin[Any]
AnySettings = BaseModel


#: What everybody can claim.
_LEAST = Capabilities()

#: The package that the bridge itself is in; its own plug-ins are released together with it.
_OURS = "polyai-bridge"


class Unusable(ConfigurationError):
    """A plug-in is announced, but cannot be used: that is the trouble of its adapters alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """An announced plug-in: either it can be used, or `problem` says why not."""

    plugin: AnyPlugin | None
    problem: str | None
    #: The package that announced it, with its version; empty where nobody says.
    distribution: str = ""
    #: Whether that is the bridge's own.
    ours: bool = False
    api_version: int | None = None  #: which it is written for, as far as it could be asked
    type_name: str = ""
    lacking: bool = False  #: whether something that it imports is missing: an extra, mostly
    where: str = "type"  #: the key that names it, and the place of that, for refusals

    @property
    def isolation(self) -> Literal["process", "none"]:
        """Where its adapters run unless the operator says otherwise."""
        return "none" if self.ours else "process"

    def usable(self) -> AnyPlugin:
        """The plug-in.

        Raises:
            Unusable: it has a problem.
        """
        if self.plugin is None:
            raise self.unusable(self.problem or "")
        return self.plugin

    def unusable(self, problem: str) -> Unusable:
        """The refusal of this plug-in for a problem."""
        origin = self.distribution or "the package that announces it"
        first = "install what is missing, " if self.lacking else ""
        return Unusable(
            f'{self.where}: the plug-in "{self.type_name}" cannot be used: {problem}',
            remedy=f"{first}repair or upgrade {origin}, or remove the adapters of this type",
        )


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
        ConfigurationError: none has this type, or (`Unusable`) it cannot be used.
    """
    return look(type_name, entries, where=where).usable()


def look(
    type_name: str, entries: Iterable[EntryPoint] | None = None, *, where: str = "type"
) -> Found:
    """The same, whether it can be used or not. One that could not is imported once more.

    Raises:
        ConfigurationError: none has this type.
    """
    importlib.invalidate_caches()  # a package may have been repaired since
    announced = _announced(entries)
    chosen = [entry for entry in announced if entry.name == type_name]
    if not chosen:
        raise _unknown(type_name, sorted({entry.name for entry in announced}), where)
    return replace(_examined(chosen), where=where)


def _announced(entries: Iterable[EntryPoint] | None) -> list[EntryPoint]:
    return list(entry_points(group=GROUP) if entries is None else entries)


def _examined(group: list[EntryPoint]) -> Found:
    """What entry points of one name offer; two packages under one name offer nothing."""
    entry, origins = group[0], sorted({_origin(entry) for entry in group})
    found = Found(
        plugin=None,
        problem=None,
        distribution=", ".join(origins),
        ours=all(each.dist is not None and each.dist.name == _OURS for each in group),
        type_name=entry.name,
    )
    if len({entry.value for entry in group}) > 1:
        return replace(found, problem="several packages announce this type")
    try:
        plugin = entry.load()
    # Whatever foreign code raises while it is imported, the other plug-ins must still be served.
    except (Exception, SystemExit) as error:
        problem = f"importing {entry.value} failed: {_told(error)}"
        return replace(found, problem=problem, lacking=isinstance(error, ImportError))
    version = getattr(plugin, "api_version", None)
    found = replace(found, api_version=version if isinstance(version, int) else None)
    misfit = _misfit(plugin)
    if misfit:
        return replace(found, problem=f"{entry.value} {misfit}")
    return replace(found, plugin=plugin)


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
    return unsound(plugin.capabilities)


def unsound(claims: object) -> str | None:
    """Why these are no capabilities that a step could go by."""
    if not isinstance(claims, Capabilities):
        return f"claims a {type(claims).__name__}, not bridge.plugin.Capabilities"
    for name, usual in msgspec.structs.asdict(_LEAST).items():
        kind = type(usual)
        if not isinstance(getattr(claims, name), kind):
            return f"claims {name}, which is no {kind.__name__}"
    if claims.text_limit < 1 or claims.suggestion_limit < 0:
        return "claims a text_limit below 1 or a suggestion_limit below 0"
    return None


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
