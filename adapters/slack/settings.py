"""What an operator configures of one Slack workspace."""

import re
from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator

from bridge.plugin.settings import Address, Duration, is_loopback


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
    api_url: Address = "https://slack.com/api/"
    #: How long Slack may take to show a post whose response was lost, before it counts as absent.
    in_doubt_wait: Duration = timedelta(seconds=30)

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
    def _closed(cls, value: str) -> str:
        return value.rstrip("/") + "/"  # the SDK joins method names to it

    @property
    def local(self) -> bool:
        """Whether the Web API is on this machine, where no proxy belongs in between."""
        return is_loopback(urlsplit(self.api_url).hostname or "")


def _token(value: SecretStr, prefix: str, origin: str) -> SecretStr:
    """The token, trimmed. No message here may quote it."""
    token = value.get_secret_value().strip()
    if not token:
        raise ValueError(f"is empty: needed is {origin}, which begins with {prefix}")
    if not token.startswith(prefix) or not re.fullmatch(r"[\w.%-]+", token, re.ASCII):
        raise ValueError(f"is not a token of the right kind: needed is {origin}, {prefix}…")
    return SecretStr(token)
