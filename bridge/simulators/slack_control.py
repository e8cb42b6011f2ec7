"""How is a simulator in another process steered? `POST /_simulator/<verb>`, `GET …/state`.

A body is a JSON object of the verb's keyword arguments; durations are in seconds.
"""

import inspect
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
from aiohttp import web

from bridge.simulators.slack_interactions import InteractionVerbs
from bridge.simulators.slack_people import PeopleVerbs
from bridge.simulators.slack_verbs import FaultVerbs
from bridge.simulators.slack_workspace import SimulatedMessage
from bridge.simulators.slack_writing import WritingVerbs

Json = dict[str, Any]

ROOT = "/_simulator"
#: What may be asked for; everything else of the simulator stays its own.
VERBS = frozenset(
    name
    for kind in (PeopleVerbs, WritingVerbs, InteractionVerbs, FaultVerbs)
    for name in vars(kind)
    if not name.startswith("_")
)
_DURATIONS = ("after", "duration")


def control_routes(
    verbs: object,
    state: Callable[[], Json],
    messages: Callable[[str, str | None], list[SimulatedMessage]],
) -> list[web.RouteDef]:
    """The routes of the control surface: the simulator's verbs, and its two views."""

    async def act(request: web.Request) -> web.Response:
        try:
            arguments = await _arguments(request)
            result = await perform(verbs, request.match_info["verb"], arguments)
        except LookupError as exc:
            return web.json_response({"ok": False, "error": f"not found: {exc}"}, status=404)
        except (TypeError, ValueError) as exc:
            return web.json_response({"ok": False, "error": str(exc)}, status=400)
        return web.json_response({"ok": True, "result": msgspec.to_builtins(result)})

    async def show_state(_request: web.Request) -> web.Response:
        return web.json_response(state())

    async def show_messages(request: web.Request) -> web.Response:
        channel, thread = request.query.get("channel", ""), request.query.get("thread_ts")
        try:
            shown = messages(channel, thread)
        except LookupError:
            return web.json_response({"ok": False, "error": "no such channel"}, status=404)
        return web.json_response({"ok": True, "messages": msgspec.to_builtins(shown)})

    return [
        web.post(ROOT + "/{verb}", act),
        web.get(ROOT + "/state", show_state),
        web.get(ROOT + "/messages", show_messages),
    ]


async def perform(verbs: object, verb: str, arguments: Json) -> object:
    """Do `verb` with keyword arguments and return what it returns.

    Raises:
        LookupError: no such verb, channel, message, person or event.
        TypeError: the arguments do not fit.
        ValueError: an argument's value does not.
    """
    if verb not in VERBS:
        raise LookupError(verb)
    for name in _DURATIONS:
        if name in arguments:
            arguments[name] = timedelta(seconds=float(arguments[name]))
    method = getattr(verbs, verb)
    inspect.signature(method).bind(**arguments)
    result = method(**arguments)
    return await result if inspect.isawaitable(result) else result


async def _arguments(request: web.Request) -> Json:
    # A browser cannot send this content type to us without asking first, and we never consent.
    body = await request.json() if request.content_type == "application/json" else None
    if isinstance(body, dict):
        return body
    raise ValueError("the body must be a JSON object, sent as application/json")
