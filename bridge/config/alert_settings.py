"""The table `[alerts]`: who is told when something needs an operator, and how."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from bridge.model.ids import AdapterName
from bridge.plugin.settings import Duration, read_address

#: The fewest characters of a secret that nothing but guessing stands in the way of.
_KEY_LENGTH = 32


def _address(value: SecretStr) -> SecretStr:
    """Its query may be a secret, as all of it: no refusal quotes it."""
    text = value.get_secret_value()
    read_address(text.partition("?")[0])
    if "#" in text or not text.isascii() or not text.isprintable():
        raise ValueError("is not a plain address; leave out the fragment")
    return value


def _long(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < _KEY_LENGTH:
        raise ValueError(f"is too short; use at least {_KEY_LENGTH} random characters")
    return value


class AlertSettings(BaseModel):
    """Alarms: by a call, in a place of an adapter, or both; with neither there are none."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    #: Gets a POST with JSON; whoever knows the address may often write there, so it is a secret.
    url: Annotated[SecretStr, AfterValidator(_address)] | None = None
    #: Signs it.
    secret: Annotated[SecretStr, AfterValidator(_long)] | None = None
    adapter: AdapterName | None = None
    #: Where it posts, in the platform's own name for it.
    channel: Annotated[str, Field(min_length=1)] | None = None
    #: How long a trouble must last before it is told.
    after: Duration = timedelta(minutes=2)
    #: The least time between two alarms: what happens meanwhile is one.
    every: Duration = timedelta(minutes=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.adapter is None) != (self.channel is None):
            raise ValueError("names an adapter or a channel without the other")
        if self.secret is not None and self.url is None:
            raise ValueError("has a secret and no url")
        return self
