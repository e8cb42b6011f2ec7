"""What did the caller ask for? A Web API call's arguments, and the refusal they may earn.

Slack takes JSON, a form or a query; in the latter two everything is text, structures included.
"""

import json
from typing import Any

Json = dict[str, Any]


class Refusal(Exception):
    """Slack says no: `{"ok": false, "error": …}`, with its reasons where it gives any."""

    def __init__(self, error: str, *messages: str, **more: object) -> None:
        super().__init__(error)
        self.error = error
        self.more = more
        if messages:
            self.more["response_metadata"] = {"messages": list(messages)}


class Arguments:
    """The arguments of one call, read one by one."""

    def __init__(self, values: Json) -> None:
        self._values = values

    def need(self, name: str) -> str:
        """A text that must be there."""
        value = self.text(name)
        if not value:
            raise Refusal("invalid_arguments", f"[ERROR] missing required field: {name}")
        return value

    def text(self, name: str) -> str | None:
        """A text, or None if it was not given."""
        value = self._values.get(name)
        return None if value is None else str(value)

    def given(self, name: str) -> bool:
        """Whether it was given at all."""
        return self._values.get(name) is not None

    def flag(self, name: str) -> bool:
        """A truth value, as Slack's clients write it."""
        return str(self._values.get(name, "")).lower() in {"1", "true"}

    def number(self, name: str, *, default: int, least: int, most: int, error: str) -> int:
        """A whole number within bounds, else `error`."""
        value = self._values.get(name, default)
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise Refusal(error) from None
        if not least <= number <= most:
            raise Refusal(error)
        return number

    def structure(self, name: str, *, error: str) -> Any:  # noqa: ANN401 - JSON may be anything
        """A list or object, perhaps written as JSON text; None if absent, `error` if unreadable."""
        value = self._values.get(name)
        if not isinstance(value, str) or not value:
            return value or None
        try:
            return json.loads(value)
        except ValueError:
            raise Refusal(error) from None
