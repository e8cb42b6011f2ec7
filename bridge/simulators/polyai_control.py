"""How is a simulator in another process steered? `POST /_simulator/<verb>`, `GET …/state`."""

import inspect
from collections.abc import Callable
from dataclasses import asdict

from aiohttp import web

from bridge.simulators import (
    polyai_call_verbs,
    polyai_exchange_verbs,
    polyai_frame_verbs,
    polyai_verbs,
)
from bridge.simulators.polyai_door import read_object
from bridge.simulators.polyai_faults import Refused
from bridge.simulators.polyai_frames import Json
from bridge.simulators.polyai_session import SimulatedSession
from bridge.simulators.polyai_verbs import Verbs

ROOT = "/_simulator"
#: The verbs by name: what this surface offers.
VERBS = (
    polyai_verbs.VERBS
    | polyai_call_verbs.VERBS
    | polyai_frame_verbs.VERBS
    | polyai_exchange_verbs.VERBS
)
#: What comes to nothing in a session that is over; the second unless it is journaled.
_LIVELY = frozenset(
    (
        *("agent_says", "drop_sockets", "end_session", "forget_conversation", "freeze_sockets"),
        *("hand_off", "raise_batch", "repeat_history", "say_goodbye", "send_malformed"),
        "send_raw",
    )
)
_LIVELY_UNLESS_JOURNALED = frozenset(("complain", "system_message"))


class Over(Exception):
    """The verb would do nothing, as its session is over, or every session."""


def control_routes(verbs: Verbs, state: Callable[[], Json]) -> list[web.RouteDef]:
    """The routes of the control surface."""

    async def act(request: web.Request) -> web.Response:
        try:
            perform(verbs, request.match_info["verb"], await _arguments(request))
        except LookupError as exc:
            return web.json_response({"error": f"not found: {exc}"}, status=404)
        except Over as exc:
            return web.json_response({"error": str(exc)}, status=409)
        except (TypeError, ValueError) as exc:
            return web.json_response({"error": str(exc)}, status=400)
        return web.json_response({"ok": True})

    async def show(request: web.Request) -> web.Response:
        del request
        return web.json_response(state())

    return [web.post(ROOT + "/{verb}", act), web.get(ROOT + "/state", show)]


def perform(verbs: Verbs, verb: str, arguments: Json) -> None:
    """Do `verb` with keyword arguments.

    Raises:
        LookupError: no such verb, or no such session.
        Over: it would do nothing, as the session is over.
        TypeError: the arguments do not fit.
        ValueError: an argument's value does not.
    """
    if verb not in VERBS:
        raise LookupError(f"the verb {verb}")
    method = getattr(verbs, verb)
    inspect.signature(method).bind(**arguments)
    _check_session(verbs, verb, arguments)
    method(**arguments)


def _check_session(verbs: Verbs, verb: str, arguments: Json) -> None:
    name = arguments.get("session_id")
    if name is not None and name not in verbs.sessions:
        raise LookupError(f"the session {name}; `state` has their ids")
    lively = verb in _LIVELY_UNLESS_JOURNALED and not arguments.get("journaled")
    meant = verbs.sessions.values() if name is None else [verbs.sessions[name]]
    if (lively or verb in _LIVELY) and all(session.over for session in meant):
        raise Over("no session is open" if name is None else f"the session {name} is over")


def describe(session: SimulatedSession) -> Json:
    """A session as JSON, without its token."""
    return {
        "id": session.id,
        "token": "[redacted]",
        "streaming": session.streaming,
        "joins": session.joins,
        "greetings": session.greetings,
        "ended": session.ended,
        "gone": session.gone,
        "live": session.live,
        "sockets": len(session.sockets),
        "handshakes": session.handshakes,
        "accepted": [asdict(message) for message in session.accepted],
        "received": len(session.received),
        "record": session.record.told(),
        "journal": [frame.wire() for frame in session.journal],
    }


async def _arguments(request: web.Request) -> Json:
    # A browser cannot send this content type to us without asking first, and we never consent.
    try:
        return read_object(await request.text(), content_type=request.content_type)
    except Refused as exc:
        raise ValueError("the body must be a JSON object, sent as application/json") from exc
