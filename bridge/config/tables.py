"""What can be configured? Every table with its keys, and what each may be.

No refusal quotes a value: it might be a secret.
"""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    PrivateAttr,
    SecretStr,
    model_validator,
)

from bridge.config.alert_settings import AlertSettings
from bridge.config.health_settings import HealthSettings
from bridge.config.privacy_settings import Deletions, Kept, PrivacySettings, Redactors
from bridge.config.sources import Given, leaves
from bridge.config.telemetry_settings import TelemetrySettings
from bridge.core.handoff_rules import HandoffRule
from bridge.core.rates import Rate
from bridge.log import Sampling
from bridge.model.ids import AdapterName, AgentName
from bridge.plugin.settings import Address, Duration, read_address, read_duration

#: The fewest characters of a secret that nothing but guessing stands in the way of.
_KEY_LENGTH = 32


def usable_name(value: str) -> str:
    """The name of an agent or an adapter, as a variable can hold it; raises ValueError."""
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


def _long_secret(value: SecretStr) -> SecretStr:
    if len(_visible_secret(value).get_secret_value()) < _KEY_LENGTH:
        raise ValueError(
            f"has fewer than {_KEY_LENGTH} characters; make one with: openssl rand -hex 32"
        )
    return value


def _with_default(agents: dict[AgentName, "AgentSettings"]) -> dict[AgentName, "AgentSettings"]:
    if AgentName("default") not in agents:
        raise ValueError("is missing; add the table [agents.default], used where no route matches")
    return agents


def _some(adapters: dict[AdapterName, "AdapterTable"]) -> dict[AdapterName, "AdapterTable"]:
    if not adapters:
        raise ValueError("is missing; add a table such as [adapters.chat]")
    return adapters


def read_rate(value: object) -> Rate | None:
    """The rate that configuration writes as `60/1m`; None for `off`."""
    if value is None or isinstance(value, Rate):
        return value
    if value == "off":
        return None
    number, slash, duration = value.partition("/") if isinstance(value, str) else ("", "", "")
    no_rate = ValueError('is not a rate; write a number and a duration, like "60/1m", or "off"')
    if not (slash and re.fullmatch(r"[1-9][0-9]{0,5}", number)):
        raise no_rate
    try:
        return Rate(int(number), read_duration(duration))
    except ValueError:
        raise no_rate from None


_Rate = Annotated[Rate | None, PlainValidator(read_rate)]


def _list(example: str) -> BeforeValidator:
    """A list of tables, which the environment gives as JSON such as `example`."""

    def read(value: object) -> object:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            raise ValueError(f"is not JSON; write it like {example}") from None

    return BeforeValidator(read)


def _id(of: str, *examples: str) -> AfterValidator:
    """The platform's own id of something: never its name, which begins with # or @."""

    def read(value: str) -> str:
        if not value:
            raise ValueError(f"is empty; leave it out or name {of}")
        if value[0] in "#@" and ":" not in value:
            such = " or ".join(examples)
            raise ValueError(f"is a name; write the platform's own id of {of}, such as {such}")
        return _visible(value)

    return AfterValidator(read)


_ChannelId = Annotated[str, _id("a channel", "C0123456789", "!abc:example.org")]
_MentionId = Annotated[str, _id("a group or a person", "S0123456789", "@ann:example.org")]


def _link(value: str) -> str:
    """An address for people, who may be led to a page with questions and chapters."""
    read_address(re.split("[?#]", _visible(value), maxsplit=1)[0])
    return value


def _dialled(value: str) -> str:
    if not any(letter.isdigit() for letter in value) or not value.isprintable():
        raise ValueError('is not a telephone number; write it like "+44 20 7946 0000"')
    return value


class _Table(BaseModel):
    """A table whose keys are all known."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DatabaseSettings(_Table):
    """Where everything owed is kept."""

    url: Annotated[str, AfterValidator(_sqlite)] = "sqlite+aiosqlite:///bridge.db"
    auto_migrate: bool = True
    #: Seals the secrets that adapters remember.
    encryption_key: Annotated[SecretStr, AfterValidator(_long_secret)] | None = None

    @property
    def digest_key(self) -> str:
        """The secret by which digests are made of what is not kept; empty if there is none."""
        return self.encryption_key.get_secret_value() if self.encryption_key else ""


class HttpSettings(_Table):
    """Where health and metrics are served; port 0 is any free one."""

    host: Annotated[str, AfterValidator(_visible)] = "127.0.0.1"
    port: Annotated[int, BeforeValidator(_number), Field(ge=0, le=65535)] = 8080


class IntakeSettings(_Table):
    """How fast people may write before they are asked to wait; None is without a limit."""

    person_rate: _Rate = Rate(60, timedelta(minutes=1))
    #: Of a whole account, such as a workspace.
    account_rate: _Rate = None


_Word = Annotated[str, Field(min_length=1)]


class Handoff(_Table):
    """Where a conversation goes on that the agent leaves to us: a way out, and when it is one."""

    queue_name: _Word | None = None
    reason: _Word | None = None
    #: Where helpers are called, in the platform's own name for it.
    channel: _ChannelId | None = None
    #: Whom to mention there.
    mention: _MentionId | None = None
    link: Annotated[str, AfterValidator(_link)] | None = None
    number: Annotated[str, AfterValidator(_dialled)] | None = None

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if not (self.channel or self.link or self.number):
            raise ValueError("leads nowhere; add channel, link or number")
        if self.mention and not self.channel:
            raise ValueError("mentions somebody nowhere; add the channel where to mention them")
        return self

    @property
    def rule(self) -> HandoffRule:
        """The same, as a conversation reads it."""
        return HandoffRule(
            queue_name=self.queue_name or "",
            reason=self.reason or "",
            place=self.channel or "",
            mention=self.mention or "",
            link=self.link or "",
            number=self.number or "",
        )


def _format(value: str) -> str:
    """How a message begins that says who speaks; nothing but the name can stand in it."""
    if value.count("{name}") != 1 or set("{}") & set(value.replace("{name}", "")):
        raise ValueError('does not have {name} once and no other braces; write it like "{name}: "')
    if not value.isprintable():
        raise ValueError("has a line break or a character that cannot be seen")
    return value


def _words(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty; write what the agent is told")
    return value


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
    #: What the agent is told when somebody asks for a person by a button or a command.
    person_words: Annotated[str, AfterValidator(_words)] = "I would like to talk to a person."
    #: Whether the agent hears that a message was changed or taken back after it was sent.
    edits: Literal["ignore", "correct"] = "ignore"
    #: Whether a message begins with who said it: never, always, or once a second person speaks.
    speakers: Literal["never", "several", "always"] = "several"
    speaker_format: Annotated[str, AfterValidator(_format)] = "{name}: "
    #: What `[privacy]` says otherwise for all.
    keep: Kept | None = None
    redact: Redactors | None = None
    #: What becomes of handoffs that PolyAI leaves to us; the first that matches wins.
    handoffs: Annotated[tuple[Handoff, ...], _list('[{"channel":"…"}]')] = ()


class AdapterTable(BaseModel):
    """One adapter: its plug-in's name, and keys that only the plug-in can judge."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    type: Annotated[str, Field(min_length=1)]
    #: Whether it runs in a process of its own; None: unless its plug-in comes with the bridge.
    isolation: Literal["process", "none"] | None = None
    #: What `[privacy]` says otherwise for all.
    keep: Kept | None = None
    deletions: Deletions | None = None

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
    #: So many lines of one event are written; beyond, each `sample`-th.
    burst: _Rate = Rate(1_000, timedelta(seconds=10))
    sample: Annotated[int, BeforeValidator(_number), Field(ge=1, le=1_000_000)] = 100

    @property
    def sampling(self) -> Sampling:
        """What is left out."""
        return Sampling(self.burst, self.sample)


class Settings(_Table):
    """The whole configuration."""

    database: DatabaseSettings = DatabaseSettings()
    http: HttpSettings = HttpSettings()
    intake: IntakeSettings = IntakeSettings()
    privacy: PrivacySettings = PrivacySettings()
    health: HealthSettings = HealthSettings()
    alerts: AlertSettings = AlertSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    secrets_dir: Path | None = None
    agents: Annotated[
        dict[Annotated[AgentName, AfterValidator(usable_name)], AgentSettings],
        AfterValidator(_with_default),
    ] = Field(default={}, validate_default=True)
    adapters: Annotated[
        dict[Annotated[AdapterName, AfterValidator(usable_name)], AdapterTable],
        AfterValidator(_some),
    ] = Field(default={}, validate_default=True, exclude=True)
    routes: Annotated[tuple[Route, ...], _list('[{"adapter":"…","agent":"…"}]')] = ()
    log: LogSettings = LogSettings()

    _given: Given | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any) -> None:  # noqa: ANN401 - pydantic's signature
        """Remember the places, for the plug-ins' settings."""
        self._given = context

    @property
    def given(self) -> Given:
        """Every value with its place; nothing, if the settings were not read from anywhere."""
        return self._given or Given("the configuration", {})

    def given_to(self, name: AdapterName) -> Given:
        """What one adapter's table holds, each value with its place."""
        if self._given is not None:
            return self._given.below("adapters", name)
        table = self.adapters[name]
        values = {"type": table.type, **(table.model_extra or {})}
        place = "the configuration"
        return Given(place, dict(leaves(values, place)), ("adapters", name))
