"""The table `[health]`: from when on the bridge says that it is not ready."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bridge.plugin.settings import Duration

_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9}
_SIZE = re.compile(r"([0-9]{1,6})(KB|MB|GB)")


def read_size(value: object) -> int:
    """The number of bytes that configuration writes as `200MB`.

    Raises:
        ValueError: it is written otherwise.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError('is not a size; write a number and KB, MB or GB, such as "200MB"')
    return int(found[1]) * _UNITS[found[2]]


def _count(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("is not a whole number")  # noqa: TRY004 - pydantic reports only this one
    return value


Size = Annotated[int, BeforeValidator(read_size)]
_Count = Annotated[int, BeforeValidator(_count), Field(ge=0, le=10**9)]


class HealthSettings(BaseModel):
    """When `/ready` turns red for what no other side can be asked about."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    #: What must be free on the database's disk: bytes, and inodes where it counts them.
    disk_free: Size = 200 * 10**6
    inodes_free: _Count = 1_000
    #: How long something may be owed, or wait for its step, without a reason.
    backlog_age: Duration = timedelta(minutes=5)
    #: How many deliveries may die within an hour before anybody has looked; 0 for any number.
    dead_letters: _Count = 10
