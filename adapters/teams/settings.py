"""What an operator configures of one Teams app."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationInfo
from pydantic import field_validator as checked
from pydantic_core import PydanticKnownError

from bridge.plugin.settings import Address, is_loopback


def _read_host(value: str) -> str:
    """The plain name of a host.

    Raises:
        ValueError: it is more than a name, or none.
    """
    host = value.strip().lower()
    if not host or urlsplit(f"https://{host}").hostname != host:
        raise ValueError('is not the name of a host; write it like "smba.trafficmanager.net"')
    return host


_Host = Annotated[str, AfterValidator(_read_host)]


class TeamsSettings(BaseModel):
    """One app (bot) of Teams: who we are, and whose words we believe."""

    # An invalid secret must not be quoted in the message that refuses it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Literal["teams"] = "teams"
    #: Microsoft's emulator on this machine, in place of Teams: nobody is authenticated.
    emulator: Address | None = None
    #: The id of the app's registration (Application ID).
    app_id: str = Field(default="", validate_default=True)
    #: The registration's tenant: its id or its domain.
    tenant: str = Field(default="", validate_default=True)
    #: The registration's client secret.
    app_password: SecretStr = Field(default=SecretStr(""), validate_default=True)
    #: Where we get our own tokens.
    login_url: Address = "https://login.microsoftonline.com"
    #: Where the keys of those who may call us are announced.
    openid_url: Address = "https://login.botframework.com/v1/.well-known/openidconfiguration"
    #: Who signs the tokens of those who may call us; our own are asked for its scope.
    issuer: str = "https://api.botframework.com"
    #: The hosts of connector services that we send our token to.
    service_hosts: tuple[_Host, ...] = ("smba.trafficmanager.net",)

    @checked("emulator")
    @classmethod
    def _on_this_machine(cls, value: str | None) -> str | None:
        if value and not is_loopback(urlsplit(value).hostname or ""):
            raise ValueError("is not on this machine; the emulator is for trying things out here")
        return value

    @checked("app_id", "tenant")
    @classmethod
    def _named(cls, value: str, info: ValidationInfo) -> str:
        if not value.strip() and not info.data.get("emulator"):
            raise PydanticKnownError("missing")
        return value.strip()

    @checked("app_password")
    @classmethod
    def _secret(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        given = value.get_secret_value().strip()
        if info.data.get("emulator"):
            if given:
                raise ValueError(
                    "is of no use beside emulator, which lets anybody in: leave one of them out"
                )
        elif not given:
            raise PydanticKnownError("missing")
        return SecretStr(given)
