"""What an operator configures of one system that speaks HTTP."""

import json
import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticKnownError

from bridge.plugin.settings import Address, Duration

#: What a system can show beside plain words.
Showable = Literal[
    "formatting", "suggestions", "pictures", "attachments", "authorship", "edits", "signals"
]
#: The fewest characters of a secret that nothing but guessing stands in the way of.
SECRET_LENGTH = 32
#: The bridge calls off a call after a minute; ours are to be over by then.
_LONGEST_CALL = timedelta(seconds=50)
#: What belongs to no conversation is remembered for ten minutes: somebody who repeats another's
#: request later would be told of as something new.
_WIDEST = timedelta(minutes=10)


def _listed(value: object) -> object:
    """A list of words; a variable gives it as JSON, or with commas between."""
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        return [each.strip() for each in value.split(",") if each.strip()]
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError('is not a list; write it like ["suggestions", "pictures"]') from None


def _long(value: SecretStr) -> SecretStr:
    """The secret, trimmed; none at all is for others to judge. No message here may quote it."""
    secret = value.get_secret_value().strip()
    if secret and not re.fullmatch(r"[\x21-\x7e]+", secret):
        raise ValueError("is not usable; write visible ASCII characters without a space")
    if secret and len(secret) < SECRET_LENGTH:
        raise ValueError(
            f"has fewer than {SECRET_LENGTH} characters; make one with: openssl rand -hex 32"
        )
    return SecretStr(secret)


def _endurable(value: timedelta) -> timedelta:
    if value > _LONGEST_CALL:
        raise ValueError('is longer than the bridge waits for an adapter; write "50s" at most')
    return value


def _guarding(value: timedelta) -> timedelta:
    if value > _WIDEST:
        raise ValueError('is longer than everything told is remembered; write "10m" at most')
    return value


_Secret = Annotated[SecretStr, AfterValidator(_long)]


class WebhookSettings(BaseModel):
    """One system: how it is known, where it is told, and what it can show."""

    # An invalid secret must not be quoted in the message that refuses it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Literal["webhook"] = "webhook"
    #: What both sides sign their requests with.
    secret: _Secret = Field(default=SecretStr(""), validate_default=True)
    #: The one before, good for what comes in until the system signs with the new one.
    previous_secret: _Secret = SecretStr("")
    #: What we sign callbacks with, where that is not to be the same.
    callback_secret: _Secret = SecretStr("")
    #: How far the instant of a signed request may be from our clock.
    window: Annotated[Duration, AfterValidator(_guarding)] = timedelta(minutes=5)
    #: Where the system is told what to show; its path may be a secret.
    callback_url: Address = Field(repr=False)
    #: The longest that one callback may take, from the connection to the end of the answer.
    callback_timeout: Annotated[Duration, AfterValidator(_endurable)] = timedelta(seconds=15)
    #: Whether the system promises to show what comes twice under one key once.
    callback_idempotent: bool = True
    #: What it can show; everything else is put into words before.
    show: Annotated[tuple[Showable, ...], BeforeValidator(_listed)] = ()
    #: The longest text of one message, in code points.
    text_limit: int = Field(default=4000, ge=64, le=100_000)
    #: The most suggestions it can offer under one message; for `show = ["suggestions"]`.
    suggestion_limit: int = Field(default=20, ge=1, le=100)

    @field_validator("secret")
    @classmethod
    def _given(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value():
            raise PydanticKnownError("missing")
        return value

    @field_validator("previous_secret")
    @classmethod
    def _another(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if value.get_secret_value() and value == info.data.get("secret"):
            raise ValueError("is the same as secret; leave it out once nobody signs with it")
        return value

    @property
    def accepted_secrets(self) -> tuple[str, ...]:
        """Those by which what comes in is believed."""
        both = (self.secret.get_secret_value(), self.previous_secret.get_secret_value())
        return tuple(each for each in both if each)

    @property
    def signing_secret(self) -> str:
        """The one by which the system knows us."""
        return self.callback_secret.get_secret_value() or self.secret.get_secret_value()
