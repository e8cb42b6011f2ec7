"""The table `[telemetry]`: where traces of messages are sent, if anywhere (OpenTelemetry)."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from bridge.plugin.settings import read_address

#: A header's name, and what may stand in it (RFC 9110); several are parted by commas.
_HEADER = re.compile(r"\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100})\s*=\s*([\x21-\x7e][\x20-\x7e]*)")


def read_headers(text: str) -> dict[str, str]:
    """The headers that `name=value,name=value` gives.

    Raises:
        ValueError: it is written otherwise. The message never quotes it: it is a secret.
    """
    found = [_HEADER.fullmatch(one) for one in text.split(",")] if text.strip() else []
    if not all(found):
        raise ValueError('is not written like "name=value,name=value"')
    return {one[1].lower(): one[2].strip() for one in found if one}


def _endpoint(value: str) -> str:
    return read_address(value) if value else value


def _headers(value: SecretStr) -> SecretStr:
    read_headers(value.get_secret_value())
    return value


def _ratio(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("is not a number from 0 to 1")  # noqa: TRY004 - pydantic reports only this
    return value


class TelemetrySettings(BaseModel):
    """One trace from what a person said to what the thread shows; off without an endpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    #: Where an OTLP/HTTP receiver takes traces, such as `http://127.0.0.1:4318/v1/traces`.
    otlp_endpoint: Annotated[str, AfterValidator(_endpoint)] = ""
    service_name: Annotated[str, Field(min_length=1, max_length=100)] = "polyai-bridge"
    #: Which part of all messages; always the same ones, also across a restart.
    sample: Annotated[float, BeforeValidator(_ratio), Field(ge=0, le=1)] = 1.0
    #: Sent along with each request, such as `authorization=Bearer …`.
    headers: Annotated[SecretStr, AfterValidator(_headers)] | None = None
