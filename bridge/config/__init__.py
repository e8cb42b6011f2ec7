"""What did the operator ask for? TOML, secret files and the environment become typed settings.

    environment  over  secret file  over  TOML

Every value keeps the place it came from until it is accepted, so that a refusal can name the key,
the place, the cause and the remedy. No refusal quotes a value: it might be a secret.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
)

from bridge.config.sources import (
    Given,
    Key,
    Problem,
    Value,
    dotted,
    leaves,
    read_environment,
    read_secret_files,
    read_toml,
    refuse,
)
from bridge.config.validation import ModelT, accept, offer
from bridge.model.ids import AdapterName, AgentName
from bridge.plugin.settings import Address, Duration


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", value):
        raise ValueError("is not a usable name; use a-z, 0-9 and single underscores inside")
    return value


def _sqlite(value: str) -> str:
    if value.startswith("postgresql"):
        raise ValueError("is PostgreSQL, which this version cannot use; write sqlite+aiosqlite:///")
    path = value.removeprefix("sqlite+aiosqlite:///")
    if not value.startswith("sqlite+aiosqlite:///"):
        raise ValueError('is not a database address; write it like "sqlite+aiosqlite:///bridge.db"')
    if path in {"", ":memory:"} or path.startswith("file:"):
        raise ValueError("names no file; a database in memory would forget what is owed")
    if "?" in path:
        raise ValueError("has options, which are not used; leave out what follows the ?")
    return value


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("is not a whole number")  # noqa: TRY004 - pydantic reports only this one
    return value


def _visible(value: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]+", value):
        raise ValueError("is not usable; write visible ASCII characters without a space")
    return value


def _visible_secret(value: SecretStr) -> SecretStr:
    _visible(value.get_secret_value())
    return value


def _with_default(agents: dict[AgentName, "AgentSettings"]) -> dict[AgentName, "AgentSettings"]:
    if AgentName("default") not in agents:
        raise ValueError("is missing; add the table [agents.default], used where no route matches")
    return agents


def _some(adapters: dict[AdapterName, "AdapterTable"]) -> dict[AdapterName, "AdapterTable"]:
    if not adapters:
        raise ValueError("is missing; add a table such as [adapters.slack]")
    return adapters


def _list(value: object) -> object:
    """The environment gives lists as JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError('is not JSON; write it like [{"adapter":"…","agent":"…"}]') from None


class _Table(BaseModel):
    """A table whose keys are all known."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DatabaseSettings(_Table):
    """Where everything owed is kept."""

    url: Annotated[str, AfterValidator(_sqlite)] = "sqlite+aiosqlite:///bridge.db"
    auto_migrate: bool = True


class HttpSettings(_Table):
    """Where health and metrics are served; port 0 is any free one."""

    host: Annotated[str, AfterValidator(_visible)] = "127.0.0.1"
    port: Annotated[int, BeforeValidator(_number), Field(ge=0, le=65535)] = 8080


class AgentSettings(_Table):
    """One PolyAI agent: its service, who we are there, how patient we are."""

    base_url: Annotated[Address, AfterValidator(lambda value: value.rstrip("/"))]
    connector_token: Annotated[SecretStr, AfterValidator(_visible_secret)]
    #: Sent as `X-Host`, byte for byte.
    host: Annotated[str, AfterValidator(_visible)]
    streaming: bool = True
    #: A conversation quiet for this long is let go of.
    idle_timeout: Duration = timedelta(minutes=30)
    #: How long PolyAI may take to echo a message before its arrival is in doubt.
    echo_timeout: Duration = timedelta(seconds=10)
    #: The longest pause between two attempts to reconnect.
    reconnect_max: Duration = timedelta(seconds=30)


class AdapterTable(BaseModel):
    """One adapter: its plug-in's name, and keys that only the plug-in can judge."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    type: Annotated[str, Field(min_length=1)]

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """The type alone: any other value may be a secret."""
        yield "type", self.type


class Route(_Table):
    """Which agent answers: in this channel of this adapter, or in all its channels."""

    adapter: AdapterName
    channel: str | None = None
    agent: AgentName


class LogSettings(_Table):
    """What is logged, and how a line looks."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class _DatabaseAlone(BaseModel):
    """One table of the configuration; whatever stands beside it is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database: DatabaseSettings = DatabaseSettings()


class Settings(_Table):
    """The whole configuration."""

    database: DatabaseSettings = DatabaseSettings()
    http: HttpSettings = HttpSettings()
    secrets_dir: Path | None = None
    agents: Annotated[
        dict[Annotated[AgentName, AfterValidator(_name)], AgentSettings],
        AfterValidator(_with_default),
    ] = Field(default={}, validate_default=True)
    adapters: Annotated[
        dict[Annotated[AdapterName, AfterValidator(_name)], AdapterTable], AfterValidator(_some)
    ] = Field(default={}, validate_default=True, exclude=True)
    routes: Annotated[tuple[Route, ...], BeforeValidator(_list)] = ()
    log: LogSettings = LogSettings()

    _given: Given | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any) -> None:  # noqa: ANN401 - pydantic's signature
        """Remember the places, for the plug-ins' settings."""
        self._given = context

    def given_to(self, name: AdapterName) -> Given:
        """What one adapter's table holds, each value with its place."""
        if self._given is not None:
            return self._given.below("adapters", name)
        table = self.adapters[name]
        values = {"type": table.type, **(table.model_extra or {})}
        place = "the configuration"
        return Given(place, dict(leaves(values, place)), ("adapters", name))


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
