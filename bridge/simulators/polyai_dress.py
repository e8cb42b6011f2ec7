"""How is a frame written? The same event in each form PolyAI's documents and SDKs know."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from bridge.simulators import polyai_frames as frames
from bridge.simulators.polyai_frames import JournaledFrame, Json
from bridge.simulators.polyai_options import Options

_ALIASES = {"agent_avatar_url": "avatar_url", "position_in_queue": "position"}
_LIVE_TYPES = frozenset(
    {frames.LIVE_JOINED, frames.LIVE_MESSAGE, frames.LIVE_TYPING, frames.LIVE_LEFT}
)
#: A live agent's fields: flat, and within `agent{}`.
_AGENT_FIELDS = {"agent_id": "id", "agent_name": "name", "avatar_url": "avatar_url"}
_NUMBERS: dict[str, Callable[[int], int | str | float]] = {
    "int": int,
    "string": str,
    "float": float,
}


def journaled(frame: JournaledFrame, options: Options) -> Json:
    """A journaled frame as it is sent, live and in replays."""
    told = {**dressed(frame.wire(), options), **frame.fields}
    return {name: value for name, value in told.items() if name not in frame.omit}


def dressed(event: Json, options: Options) -> Json:
    """Any server frame in the form the options ask for."""
    told = dict(event)
    payload = told["payload"]
    if told["type"] in _LIVE_TYPES:
        payload = _agent_as(options.agent_form, payload)
    if options.aliases:
        payload = {_ALIASES.get(name, name): value for name, value in payload.items()}
    if options.omit_defaults:
        payload = _without_defaults(payload)
    told["payload"] = _numbered(payload, _NUMBERS[options.numbers])
    if told.get("sequence") is not None:
        told["sequence"] = _NUMBERS[options.numbers](told["sequence"])
    if "timestamp" in told:
        told["timestamp"] = _written(told["timestamp"], options.timestamps)
    return {name: value for name, value in told.items() if name not in options.omit}


def _agent_as(form: str, payload: Json) -> Json:
    if form == "documented":
        return payload
    nested = dict(payload.get("agent", {}))
    rest = {name: value for name, value in payload.items() if name != "agent"}
    for flat, name in _AGENT_FIELDS.items():
        if flat in rest:
            nested[name] = rest.pop(flat)
    flattened = {flat: nested[name] for flat, name in _AGENT_FIELDS.items() if name in nested}
    return (
        rest
        | ({"agent": nested} if form in ("nested", "both") else {})
        | (flattened if form in ("flat", "both") else {})
    )


def _without_defaults(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        kept = {name: _without_defaults(each) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each not in (False, "", [])}
    if isinstance(value, list):
        return [_without_defaults(each) for each in value]
    return value


def _numbered(value: Any, write: Callable[[int], int | str | float]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {name: _numbered(each, write) for name, each in value.items()}
    if isinstance(value, list):
        return [_numbered(each, write) for each in value]
    return write(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _written(timestamp: str, form: str) -> str:
    if form == "bad":
        return "yesterday"
    instant = datetime.fromisoformat(timestamp)
    match form:
        case "offset":
            return instant.astimezone(timezone(timedelta(hours=2))).isoformat()
        case "micro":
            return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        case "tenth":
            return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 100_000}Z"
        case _:
            return timestamp
