"""What an operator configures of one Slack workspace."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError

from adapters.slack.settings.admission_settings import AdmissionSettings
from adapters.slack.settings.control_settings import ControlSettings
from adapters.slack.settings.stream_settings import StreamSettings
from bridge.plugin.settings import Address, Duration, is_loopback

#: The end of an address that is a whole Request or Redirect URL: `/NAME/events` and its like.
_OF_OURS = re.compile(r"/[a-z0-9_]+/(events|install|oauth_redirect)$")


class SlackSettings(AdmissionSettings, ControlSettings, StreamSettings):
    """One workspace: where it is and who we are there."""

    # An invalid token must not be quoted in the message that refuses it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Literal["slack"] = "slack"
    #: How Slack reaches us. Socket Mode needs no public address.
    mode: Literal["socket", "http"] = "socket"
    #: The id of an app that is installed into workspaces from our own page; each has its token.
    client_id: str = ""
    #: And its secret, by which it gets and renews those tokens.
    client_secret: SecretStr = Field(default=SecretStr(""), validate_default=True)
    #: Whether the app's tokens are renewed every twelve hours (a setting of the app in Slack).
    token_rotation: bool = False
    #: Where Slack and browsers reach our HTTP listener from outside.
    public_url: Address = Field(default="", validate_default=True)
    #: The bot's own token, `xoxb-…`: posts and reads.
    bot_token: SecretStr = Field(default=SecretStr(""), validate_default=True)
    #: The app-level token, `xapp-…`, with the scope `connections:write`: receives.
    app_token: SecretStr = Field(default=SecretStr(""), validate_default=True)
    #: What Slack signs its requests with, where it makes any.
    signing_secret: SecretStr = Field(default=SecretStr(""), validate_default=True)
    #: How many WebSockets Slack is to have to us: each is renewed while the others listen.
    sockets: int = Field(default=2, ge=1, le=4)
    #: Whether what was said in open threads during a longer outage is fetched afterwards.
    backfill: bool = True
    #: An app configuration token: lets a check of the connection see the app's events.
    config_token: SecretStr = SecretStr("")
    #: Where the Web API is; another address only for a test or a gateway.
    api_url: Address = "https://slack.com/api/"
    #: How long Slack may take to show a post whose response was lost, before it counts as absent.
    in_doubt_wait: Duration = timedelta(seconds=30)

    @field_validator("client_secret")
    @classmethod
    def _client(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        return _secret(value, needed=_installs(info), origin="the Client Secret")

    @field_validator("token_rotation")
    @classmethod
    def _rotation(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's form
        if value and not _installs(info):
            raise ValueError(
                "needs a client_id: a bot_token that expires cannot be renewed, "
                "so leave token rotation off in the app, or let the workspace install it"
            )
        return value

    @field_validator("public_url", mode="wrap")
    @classmethod
    def _public(cls, value: object, read: Callable[[object], str], info: ValidationInfo) -> str:
        if value:
            address = read(value).rstrip("/")
            if _OF_OURS.search(address):
                raise ValueError("ends with a path that the bridge adds itself; leave it out")
            return address
        if _installs(info) or _over_http(info):
            raise PydanticKnownError("missing")
        return ""

    @field_validator("bot_token")
    @classmethod
    def _bot(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        origin = "the Bot User OAuth Token of OAuth & Permissions"
        if _installs(info):
            if value.get_secret_value():
                raise ValueError("is of no use beside client_id: each workspace has its own token")
            return value
        return _token(value, "xoxb-", origin)

    @field_validator("app_token")
    @classmethod
    def _app(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if _over_http(info) and not value.get_secret_value():
            return value
        return _token(value, "xapp-", "an App-Level Token of Basic Information")

    @field_validator("signing_secret")
    @classmethod
    def _signing(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        return _secret(value, needed=_over_http(info), origin="the Signing Secret")

    @field_validator("api_url")
    @classmethod
    def _closed(cls, value: str) -> str:
        return value.rstrip("/") + "/"  # the SDK joins method names to it

    @property
    def installs(self) -> bool:
        """Whether workspaces install the app from our own page, each with a token of its own."""
        return bool(self.client_id)

    @property
    def local(self) -> bool:
        """Whether the Web API is on this machine, where no proxy belongs in between."""
        return is_loopback(urlsplit(self.api_url).hostname or "")


def _installs(info: ValidationInfo) -> bool:
    return bool(info.data.get("client_id"))


def _over_http(info: ValidationInfo) -> bool:
    return info.data.get("mode") == "http"


def _token(value: SecretStr, prefix: str, origin: str) -> SecretStr:
    """The token, trimmed. No message here may quote it."""
    token = _secret(value, needed=True, origin=f"{origin}, which begins with {prefix}")
    shape = re.fullmatch(r"[\w.%-]+", token.get_secret_value(), re.ASCII)
    if not token.get_secret_value().startswith(prefix) or not shape:
        raise ValueError(f"is not a token of the right kind: needed is {origin}, {prefix}…")
    return token


def _secret(value: SecretStr, *, needed: bool, origin: str) -> SecretStr:
    """The secret, trimmed; what was not given at all is called missing, if it is needed."""
    secret = value.get_secret_value().strip()
    if needed and not value.get_secret_value():
        raise PydanticKnownError("missing")
    if needed and not secret:
        raise ValueError(f"is empty: needed is {origin}")
    return SecretStr(secret)
