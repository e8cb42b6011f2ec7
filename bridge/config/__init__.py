"""What did the operator ask for? TOML, secret files and the environment become typed settings.

    environment  over  secret file  over  TOML

Every value keeps the place it came from until it is accepted, so that a refusal can name the key,
the place, the cause and the remedy. No refusal quotes a value: it might be a secret.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bridge.config import exposure
from bridge.config.alert_settings import AlertSettings
from bridge.config.drafts import Draft, load_drafts, usual_draft
from bridge.config.sources import Given, Problem, gather, refuse, type_place
from bridge.config.tables import (
    AdapterTable,
    AgentSettings,
    DatabaseSettings,
    Handoff,
    HttpSettings,
    IntakeSettings,
    LogSettings,
    Route,
    Settings,
)
from bridge.config.telemetry_settings import TelemetrySettings, read_headers
from bridge.config.validation import ModelT, accept, offer, own, secrets_in
from bridge.model.ids import AdapterName

__all__ = [
    "AdapterTable",
    "AgentSettings",
    "AlertSettings",
    "DatabaseSettings",
    "Draft",
    "Handoff",
    "HttpSettings",
    "IntakeSettings",
    "LogSettings",
    "Route",
    "Settings",
    "TelemetrySettings",
    "adapter_settings",
    "adapter_type_place",
    "exposed",
    "load",
    "load_database",
    "load_drafts",
    "reached_by_others",
    "read_headers",
    "secrets_in",
    "usual_draft",
]


class _DatabaseAlone(BaseModel):
    """One table of the configuration; whatever stands beside it is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database: DatabaseSettings = DatabaseSettings()


def adapter_type_place(settings: Settings, name: AdapterName) -> str:
    """The key that names an adapter's plug-in and where it was written, as refusals tell them."""
    return type_place(settings.given_to(name))


def load(path: Path, environment: Mapping[str, str]) -> Settings:
    """The settings that the file at `path`, the secret files and `environment` give together.

    Raises:
        ConfigurationError: any of them cannot be read or used; it lists everything wrong.
    """
    given = gather(path, environment, Settings.model_fields)
    settings = accept(Settings, given, extra=None)
    refuse(_astray(settings, given))
    return settings


def load_database(path: Path, environment: Mapping[str, str]) -> DatabaseSettings:
    """Where the database is, from the same sources as `load`; no other table is judged.

    What only looks into the database needs no agent's or adapter's secret.

    Raises:
        ConfigurationError: as `load`.
    """
    given = gather(path, environment, _DatabaseAlone.model_fields)
    return accept(_DatabaseAlone, given, extra=None).database


def exposed(settings: Settings) -> list[str]:
    """What of the configuration other users of the machine can read or change, and the remedy."""
    return [str(each) for each in exposure.exposures(settings.given)]


def reached_by_others(settings: Settings) -> list[str]:
    """What the bridge tells of itself to other machines, and the remedy."""
    return [str(each) for each in exposure.reached_by_others(settings.given, settings.http.host)]


def adapter_settings(settings: Settings, name: AdapterName, model: type[ModelT]) -> ModelT:
    """The settings of adapter `name`, in its plug-in's own model; unknown keys are refused.

    Raises:
        ConfigurationError: as `load`.
    """
    return plugin_settings(settings.given_to(name), model)


def plugin_settings(given: Given, model: type[ModelT]) -> ModelT:
    """What an adapter's table holds, in its plug-in's own model.

    Raises:
        ConfigurationError: as `load`.
    """
    return accept(model, own(given, model))


def _astray(settings: Settings, given: Given) -> list[Problem]:
    """The routes that lead from or to nowhere, and alarms of nobody."""
    alarms = settings.alerts.adapter
    if alarms is not None and alarms not in settings.adapters:
        what = f"alerts.adapter ({given.place(('alerts', 'adapter'))})"
        known = offer(alarms, settings.adapters)
        return [Problem(what, f"there is no adapter called {alarms!r}", known)]
    return [
        Problem(
            f"routes[{index}].{kind} ({given.place(('routes',))})",
            f"there is no {kind} called {name!r}",
            offer(name, known),
        )
        for index, route in enumerate(settings.routes)
        for kind, name, known in (
            ("adapter", route.adapter, settings.adapters),
            ("agent", route.agent, settings.agents),
        )
        if name not in known
    ]
