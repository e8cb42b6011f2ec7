"""How is one field of PolyAI's JSON read, whatever it turns out to be? Pure; nothing here raises.

The server is taken to speak Go's protobuf JSON: default values are left out, and whole numbers may
come as strings or floats. Each reader takes alternatives, the preferred one first.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

Object = dict[str, Any]

#: What a database column and JSON of any make hold.
_MAX_NUMBER: Final = 2**63 - 1
_WHOLE = re.compile(r"[0-9]{1,19}(\.0+)?", re.ASCII)


def as_object(value: object) -> Object:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def objects_in(value: object) -> Iterator[Object]:
    """The objects in a list; its other elements are passed over."""
    elements = value if isinstance(value, list) else []
    return (element for element in elements if isinstance(element, dict))


def as_text(*values: object) -> str:
    """The first that holds text. A number is read as written; NUL goes, as no database takes it."""
    for value in values:
        if text := _written(value):
            return text
    return ""


def as_name(*values: object) -> str | None:
    """The first text that is not blank, without the blanks around it."""
    for value in values:
        if text := _written(value).strip():
            return text
    return None


def as_number(*values: object) -> int | None:
    """The first whole number from zero up: `12`, `12.0` and `"12"` are twelve."""
    for value in values:
        if (number := _whole(value)) is not None:
            return number
    return None


def _written(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value.replace("\x00", "")
        case bool():
            return ""
        case float():
            return str(value)
        case int():
            # Python refuses to write out an integer of thousands of digits.
            return str(value) if abs(value) <= _MAX_NUMBER else ""
        case _:
            return ""


def _whole(value: object) -> int | None:
    if type(value) is int:  # and not a boolean
        return value if 0 <= value <= _MAX_NUMBER else None
    text = _written(value)
    if not _WHOLE.fullmatch(text):
        return None
    number = int(text.partition(".")[0])
    return number if number <= _MAX_NUMBER else None
