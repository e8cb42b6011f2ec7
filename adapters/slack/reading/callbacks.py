"""What is an event wrapped in? The outer payload of the Events API, and how we read JSON at all.

Whoever writes to Slack decides what much of a payload holds, so nothing is taken for granted: the
shapes here either fit, or raise msgspec.ValidationError; what is looked at piece by piece goes
through `text_of` and `tables_in`, which take anything.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

#: A JSON object as it came.
Json = Mapping[str, Any]


class _Installation(msgspec.Struct):
    team_id: str | None = None
    enterprise_id: str | None = None


class Callback(msgspec.Struct):
    """The outer payload (docs.slack.dev/apis/events-api)."""

    event: Any = None
    team_id: str | None = None
    api_app_id: Any = None
    authorizations: list[_Installation] | None = None
    is_ext_shared_channel: Any = None

    @property
    def team(self) -> str:
        """The workspace we are installed in, which in a shared channel may not be the sender's."""
        installed = self.authorizations[0].team_id if self.authorizations else None
        return installed or self.team_id or ""

    @property
    def organisation(self) -> str:
        """The organisation of that workspace, if it belongs to one."""
        installed = self.authorizations[0].enterprise_id if self.authorizations else None
        return installed or ""

    @property
    def shared(self) -> bool:
        """Whether the place may be shared with other organisations."""
        return self.is_ext_shared_channel is not False


def decoded(text: str | bytes) -> Any:  # noqa: ANN401 - whatever was sent
    """The JSON in `text`, which may hold half a character: people can send such, msgspec refuses.

    Raises:
        ValueError, RecursionError: it is none that can be read.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return json.loads(text)


def organisation_of(payload: object, team: str) -> str:
    """The organisation to which the workspace `team` belongs; "" where `payload` does not say.

    A press in a shared channel tells the clicker's own workspace and organisation, which may be
    others than those of the button.
    """
    if not isinstance(payload, dict):
        return ""
    enterprise, own = payload.get("enterprise"), payload.get("team")
    if isinstance(own, dict):
        known = isinstance(enterprise, dict) and text_of(own, "id") == team
        return text_of(enterprise or {}, "id") if known else ""
    if "command" in payload:
        return text_of(payload, "enterprise_id")
    try:
        return msgspec.convert(payload, Callback).organisation
    except (msgspec.ValidationError, UnicodeEncodeError):
        return ""


def text_of(table: Json, *keys: str) -> str:
    """The first of these keys that holds a text that is not empty; "" if none does."""
    for key in keys:
        value = table.get(key)
        if isinstance(value, str) and value:
            return value
    return ""


def tables_in(value: object) -> list[dict[str, Any]]:
    """The JSON objects in a list; nothing in anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
