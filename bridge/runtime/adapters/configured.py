"""Which adapters are configured, and where does each run?

The plug-ins of the bridge's own package run inside the daemon, a stranger's in a process of its
own, unless the operator says otherwise. The rule goes by the distribution that announces the
plug-in. One that cannot be used is the trouble of its own adapters alone.
"""

from dataclasses import dataclass

from bridge import log
from bridge.config import (
    Settings,
    adapter_settings,
    adapter_type_place,
    secrets_in,
)
from bridge.errors import ConfigurationError
from bridge.model.ids import AdapterName
from bridge.plugin import Capabilities, registry
from bridge.runtime.adapters.remembering import no_key


@dataclass(frozen=True, slots=True)
class Configured:
    """One configured adapter, its settings already checked, or why that could not be done."""

    name: AdapterName
    plugin: registry.AnyPlugin | None
    settings: registry.AnySettings | None
    trouble: ConfigurationError | None = None  #: why its plug-in cannot be used
    isolated: bool = False  #: whether it runs in a process of its own
    ours: bool = True  #: whether its plug-in comes with the bridge

    @property
    def capabilities(self) -> Capabilities | None:
        """What the plug-in can show with these settings; None if it cannot be asked."""
        if self.plugin is None or self.settings is None:
            return None
        return self.plugin.tuned(self.settings, self.plugin.capabilities)


def configured_adapters(settings: Settings) -> list[Configured]:
    """Every adapter of the configuration, with its plug-in's own settings.

    Raises:
        ConfigurationError: a plug-in is unknown, or does not take its settings, or would keep
            secrets without a key to seal them with.
    """
    log.know(secrets_in(settings))
    return [configured(settings, name) for name in settings.adapters]


def configured(settings: Settings, name: AdapterName) -> Configured:
    """One adapter of the configuration, its plug-in imported if it was not; raises as above."""
    table = settings.adapters[name]
    found = registry.look(table.type, where=adapter_type_place(settings, name))
    isolated = (table.isolation or found.isolation) == "process"
    try:
        plugin, own = _plugged(settings, name, found)
    except registry.Unusable as error:
        return Configured(name, None, None, error, isolated, found.ours)
    return Configured(name, plugin, own, None, isolated, found.ours)


def _plugged(
    settings: Settings, name: AdapterName, found: registry.Found
) -> tuple[registry.AnyPlugin, registry.AnySettings]:
    plugin = found.usable()
    try:
        own = adapter_settings(settings, name, plugin.settings)
        log.know(secrets_in(own))
        keyless = plugin.keeps_secrets(own) and settings.database.encryption_key is None
        problem = registry.unsound(plugin.tuned(own, plugin.capabilities))
    except ConfigurationError:
        raise
    # What a plug-in says of its settings is foreign code: what it raises may quote a secret.
    except (Exception, SystemExit) as error:
        raise found.unusable(f"reading its settings failed: {type(error).__name__}") from None
    if problem:
        raise found.unusable(f"with these settings it {problem}")
    if keyless:
        raise no_key(name)
    return plugin, own


def refuse_unusable(adapters: list[Configured]) -> None:
    """Raise one ConfigurationError that tells of all whose plug-in cannot be used, if any."""
    troubles = [one.trouble for one in adapters if one.trouble]
    if len(troubles) == 1:
        raise troubles[0]
    if troubles:
        told = "".join(f"\n  {trouble}" for trouble in troubles)
        raise ConfigurationError(
            f"{len(troubles)} adapters have plug-ins that cannot be used:{told}"
        )
