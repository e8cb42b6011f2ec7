"""What did the operator ask for? TOML, secret files and the environment become typed settings.

    environment  over  secret file  over  TOML

Every value keeps the place it came from until it is accepted, so that a refusal can name the key,
the place, the cause and the remedy. No refusal quotes a value: it might be a secret.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bridge.config.sources import (
    Given,
    Key,
    Problem,
    Value,
    dotted,
    read_environment,
    read_secret_files,
    read_toml,
    refuse,
)
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
from bridge.config.validation import ModelT, accept, offer
from bridge.model.ids import AdapterName

__all__ = [
    "AdapterTable",
    "AgentSettings",
    "DatabaseSettings",
    "Handoff",
    "HttpSettings",
    "IntakeSettings",
    "LogSettings",
    "Route",
    "Settings",
    "adapter_settings",
    "adapter_type_place",
    "load",
    "load_database",
]


class _DatabaseAlone(BaseModel):
    """One table of the configuration; whatever stands beside it is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database: DatabaseSettings = DatabaseSettings()


def adapter_type_place(settings: Settings, name: AdapterName) -> str:
    """The key that names an adapter's plug-in and where it was written, as refusals tell them."""
    given = settings.given_to(name)
    return f"{dotted((*given.at, 'type'))} ({given.place(('type',))})"


def load(path: Path, environment: Mapping[str, str]) -> Settings:
    """The settings that the file at `path`, the secret files and `environment` give together.

    Raises:
        ConfigurationError: any of them cannot be read or used; it lists everything wrong.
    """
    given = _given(path, environment, Settings.model_fields)
    settings = accept(Settings, given, extra=None)
    refuse(_astray(settings, given))
    return settings


def load_database(path: Path, environment: Mapping[str, str]) -> DatabaseSettings:
    """Where the database is, from the same sources as `load`; no other table is judged.

    What only looks into the database needs no agent's or adapter's secret.

    Raises:
        ConfigurationError: as `load`.
    """
    given = _given(path, environment, _DatabaseAlone.model_fields)
    return accept(_DatabaseAlone, given, extra=None).database


def adapter_settings(settings: Settings, name: AdapterName, model: type[ModelT]) -> ModelT:
    """The settings of adapter `name`, in its plug-in's own model; unknown keys are refused.

    Raises:
        ConfigurationError: as `load`.
    """
    given = settings.given_to(name)
    if "type" not in model.model_fields:
        given.values.pop(("type",), None)
    return accept(model, given)


def _given(path: Path, environment: Mapping[str, str], sections: Collection[str]) -> Given:
    """What all sources give together; secret files of the `sections` only.

    Raises:
        ConfigurationError: one of the sources cannot be read.
    """
    given = Given(str(path), read_toml(path))
    variables = read_environment(environment)
    directories = _secret_directories(given.values | variables, environment)
    files, unreadable = read_secret_files(directories, sections)
    refuse(unreadable)
    given.values.update(files | variables)
    return given


def _secret_directories(
    given: Mapping[Key, Value], environment: Mapping[str, str]
) -> dict[str, str]:
    """Ours, and over it the one that systemd hands over; each by what names it."""
    directories: dict[str, str] = {}
    own = given.get(("secrets_dir",))
    if own is not None and isinstance(own.value, str) and own.value:
        directories[f"secrets_dir ({own.place})"] = own.value
    if environment.get("CREDENTIALS_DIRECTORY"):
        directories["environment variable CREDENTIALS_DIRECTORY"] = environment[
            "CREDENTIALS_DIRECTORY"
        ]
    return directories


def _astray(settings: Settings, given: Given) -> list[Problem]:
    """The routes that lead from or to nowhere."""
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
