"""Who is tried? A plug-in and the stand-in of its platform, found as the daemon finds plug-ins."""

import difflib
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from bridge.config.sources import Given, leaves
from bridge.config.validation import accept
from bridge.errors import ConfigurationError
from bridge.plugin import registry
from bridge.testing.stand_in import GROUP, Opener, StandIn, StandInMissing

#: Where refusals say the settings come from.
_PLACE = "the stand-in's settings"


@dataclass(frozen=True, slots=True)
class Subject:
    """A plug-in under trial: its type, and where it and its stand-in are to be imported from."""

    type_name: str
    plugin_at: EntryPoint
    stand_in_at: EntryPoint

    @classmethod
    def at(cls, type_name: str, *, plugin: str, stand_in: str) -> "Subject":
        """One that need not be installed: both places as `package.module:name`."""
        return cls(
            type_name,
            EntryPoint(type_name, plugin, registry.GROUP),
            EntryPoint(type_name, stand_in, GROUP),
        )

    @classmethod
    def installed(cls, type_name: str) -> "Subject":
        """An installed one.

        Raises:
            ConfigurationError: there is no such plug-in, it cannot be used, or has no stand-in.
        """
        registry.find(type_name, where="ADAPTER")
        plugins = list(entry_points(group=registry.GROUP, name=type_name))
        stand_ins = list(entry_points(group=GROUP, name=type_name))
        if not stand_ins:
            raise _without_stand_in(type_name)
        return cls(type_name, plugins[0], stand_ins[0])

    @property
    def name(self) -> str:
        """A configured name that its type can have."""
        return self.type_name.replace("-", "_").lower()

    @property
    def plugin(self) -> registry.AnyPlugin:
        """The plug-in; raises ConfigurationError if it cannot be used."""
        return registry.find(self.type_name, [self.plugin_at], where="ADAPTER")

    def stand_in(self) -> AbstractAsyncContextManager[StandIn]:
        """A fresh one of its platform; raises StandInMissing if it cannot be imported."""
        try:
            opener: Opener = self.stand_in_at.load()
        # Whatever foreign code raises while it is imported, no rule is tried without it.
        except Exception as error:
            raise StandInMissing(
                f"importing the stand-in {self.stand_in_at.value} failed: "
                f"{type(error).__name__}: {error}",
                remedy="install what is missing, or repair it",
            ) from error
        return opener()

    def settings(self, table: Mapping[str, Any]) -> registry.AnySettings:
        """The table as the daemon would take it; raises ConfigurationError if it would not."""
        model: type[registry.AnySettings] = self.plugin.settings
        values = {"type": self.type_name, **table}
        if "type" not in model.model_fields:
            del values["type"]
        return accept(model, Given(_PLACE, dict(leaves(values, _PLACE)), ("adapters", self.name)))


def _without_stand_in(type_name: str) -> ConfigurationError:
    known = sorted({entry.name for entry in entry_points(group=GROUP)})
    nearest = difflib.get_close_matches(type_name, known, n=1)
    told = f'; did you mean "{nearest[0]}"?' if nearest else ""
    return ConfigurationError(
        f'ADAPTER: no stand-in for "{type_name}"; there are: {", ".join(known) or "none"}{told}',
        remedy=f'announce one in the entry-point group "{GROUP}" under the name of the plug-in: '
        "docs/conformance-kit.md",
    )
