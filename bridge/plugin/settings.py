"""How is a setting written? The spellings that every plug-in's settings and our own share."""

import ipaddress
import json
import re
from collections.abc import Collection
from datetime import timedelta
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator

_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")
_LONGEST = timedelta(days=366)
_ID = re.compile(r"[A-Z][A-Z0-9]{1,31}")
#: RFC 3986's characters; anything else is read differently by different parsers.
_ADDRESS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")


def read_duration(value: object) -> timedelta:
    """The duration that configuration writes as `500ms`, `30s`, `10m`, `24h` or `30d`.

    Raises:
        ValueError: it is written otherwise, is nothing, or is longer than a year.
    """
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError('is not a duration; write a number and ms, s, m, h or d, such as "30s"')
    duration = timedelta(milliseconds=int(found[1]) * _MILLISECONDS[found[2]])
    if not timedelta() < duration <= _LONGEST:
        raise ValueError("is not a useful duration; write one above 0 and up to a year")
    return duration


def read_address(value: str) -> str:
    """A plain `https://` address; `http://` for this machine itself only.

    Raises:
        ValueError: it is anything else. The message never quotes it: it may hold a secret.
    """
    if not _ADDRESS.fullmatch(value):
        raise ValueError('is not an address; write it like "https://host.example"')
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is not an address: its host or its port is malformed") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError('is not an address; write it like "https://host.example"')
    if not _is_plain(parts):
        raise ValueError("is not a plain address; leave out user, password, query and fragment")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("is not encrypted; write https:// (http:// is for loopback only)")
    return value


def read_ids(
    value: object, *, example: str, begins: str = "", words: Collection[str] = ()
) -> tuple[str, ...]:
    """A list of a platform's own ids; a variable gives it as JSON, or with commas between.

    An id is of capitals and digits, such as `example`, and its first is one of `begins`, unless
    that is empty; `words` are what may stand in place of one.

    Raises:
        ValueError: it is no list, or one of it is no id.
    """
    listed = _listed(value) if isinstance(value, str) else value
    if not isinstance(listed, list | tuple):
        # pydantic tells people of a ValueError, and lets a TypeError pass.
        raise ValueError(f'is not a list; write it like ["{example}"]')  # noqa: TRY004 - see above
    for place, each in enumerate(listed, start=1):
        if not (isinstance(each, str) and (_is_id(each, begins) or each in words)):
            usual = " or ".join(f'"{one}"' for one in (example, *sorted(words)))
            raise ValueError(f"entry {place} is not such an id; write ids, not names, like {usual}")
    return tuple(dict.fromkeys(listed))


def _is_id(text: str, begins: str) -> bool:
    return bool(_ID.fullmatch(text)) and (not begins or text[0] in begins)


def _listed(text: str) -> object:
    if not text.lstrip().startswith("["):
        return [each.strip() for each in text.split(",") if each.strip()]
    try:
        return json.loads(text)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine itself, whatever a name server may say."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_plain(parts: SplitResult) -> bool:
    return "@" not in parts.netloc and not parts.query and not parts.fragment


#: A `timedelta` written as `"30s"`.
Duration = Annotated[timedelta, BeforeValidator(read_duration)]
#: The address of a service: `https://`, or `http://` on loopback.
Address = Annotated[str, AfterValidator(read_address)]
