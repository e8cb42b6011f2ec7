"""What an operator configures of one Slack workspace."""

import ipaddress
import re
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")


class SlackSettings(BaseModel):
    """One workspace: where it is and who we are there."""

    # An invalid token must not be quoted in the message that refuses it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Literal["slack"] = "slack"
    #: How Slack reaches us. Socket Mode needs no public address.
    mode: Literal["socket"] = "socket"
    #: The bot's own token, `xoxb-…`: posts and reads.
    bot_token: SecretStr
    #: The app-level token, `xapp-…`, with the scope `connections:write`: receives.
    app_token: SecretStr
    #: Where the Web API is; another address only for a test or a gateway.
    api_url: str = "https://slack.com/api/"
    #: How long Slack may take to show a post whose response was lost, before it counts as absent.
    in_doubt_wait: Annotated[timedelta, BeforeValidator(lambda value: _duration(value))] = Field(
        default=timedelta(seconds=30), ge=timedelta(0)
    )

    @field_validator("mode", mode="before")
    @classmethod
    def _only_socket(cls, value: object) -> object:
        if value == "http":
            raise ValueError('mode "http" is not available in this version; write mode = "socket"')
        return value

    @field_validator("bot_token")
    @classmethod
    def _bot(cls, value: SecretStr) -> SecretStr:
        return _token(value, "xoxb-", "the Bot User OAuth Token of OAuth & Permissions")

    @field_validator("app_token")
    @classmethod
    def _app(cls, value: SecretStr) -> SecretStr:
        return _token(value, "xapp-", "an App-Level Token of Basic Information")

    @field_validator("api_url")
    @classmethod
    def _address(cls, value: str) -> str:
        return _checked_address(value)

    @property
    def local(self) -> bool:
        """Whether the Web API is on this machine, where no proxy belongs in between."""
        return is_loopback(urlsplit(self.api_url).hostname or "")


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _token(value: SecretStr, prefix: str, origin: str) -> SecretStr:
    """The token, trimmed. No message here may quote it."""
    token = value.get_secret_value().strip()
    if not token:
        raise ValueError(f"is empty: needed is {origin}, which begins with {prefix}")
    if not token.startswith(prefix) or not re.fullmatch(r"[\w.%-]+", token, re.ASCII):
        raise ValueError(f"is not a token of the right kind: needed is {origin}, {prefix}…")
    return SecretStr(token)


def _checked_address(value: str) -> str:
    try:
        parts = urlsplit(value.strip())
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError("is not an address; an example: https://slack.com/api/") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError("is not an http address; an example: https://slack.com/api/")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be a plain address: no user, no query, no fragment")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("must begin with https://; http:// is for loopback addresses only")
    return value.strip().rstrip("/") + "/"


def _duration(value: object) -> object:
    """A `timedelta` from what configuration writes, such as `30s`; anything else as it is."""
    if not isinstance(value, str):
        return value
    found = _DURATION.fullmatch(value.strip())
    if not found:
        raise ValueError('is not a duration; write it like "30s", "10m" or "24h"')
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]])
