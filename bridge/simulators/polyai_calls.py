"""Who answers a call? The two REST calls and the handshake, and what may befall any of them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.utils import format_datetime

from aiohttp import web

from bridge.simulators import polyai_control, polyai_door
from bridge.simulators.polyai_door import Door
from bridge.simulators.polyai_faults import CallName, FaultKind, Refused
from bridge.simulators.polyai_frames import Json
from bridge.simulators.polyai_record import Call
from bridge.simulators.polyai_replay import read_cursor
from bridge.simulators.polyai_session import SimulatedSession
from bridge.simulators.polyai_socket import Outlet
from bridge.simulators.polyai_stage import Stage

CORRELATION = "X-Polyai-Correlation-Id"
_OF_INTEREST = (
    "Authorization",
    "X-Token",
    "X-Host",
    "Content-Type",
    "Accept",
    "User-Agent",
    CORRELATION,
)
_CALLS: dict[str, CallName] = {
    "/api/v1/access-token": "token",
    "/api/v1/sessions": "session",
    "/ws": "handshake",
}
_TOKEN_PARAMETERS = ("access_token", "auth_token")
#: The names an answer's fields may have instead (reference §2.1, §2.2).
_OTHER_NAMES = {
    "snake": {},
    "camel": {
        "access_token": "accessToken",
        "expires_in": "expiresIn",
        "session_id": "sessionId",
    },
    "id": {"session_id": "id"},
}
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Desk:
    """Answers calls as the service would, and notes every one of them."""

    def __init__(self, stage: Stage, door: Door, sessions: dict[str, SimulatedSession]) -> None:
        self.calls: list[Call] = []
        self._stage = stage
        self._door = door
        self._sessions = sessions
        self._outlets: set[Outlet] = set()
        self._waiting: set[asyncio.Task[object]] = set()

    def routes(self) -> list[web.RouteDef]:
        """What the service offers."""
        return [
            web.post("/api/v1/access-token", self._give_token),
            web.post("/api/v1/sessions", self._open_session),
            web.get("/ws", self._open_socket),
        ]

    def leave(self) -> None:
        """Cut every socket and let nobody wait any longer."""
        for outlet in self._outlets:
            outlet.cut()
        for task in self._waiting:
            task.cancel()

    # -- the two calls and the handshake -----------------------------------------------------

    async def _give_token(self, request: web.Request) -> web.Response:
        self._stage.faults.refuse("token")
        self._door.check_connector(request.headers)
        polyai_door.read_object(await request.text(), content_type=request.content_type)
        token = self._door.mint(name=self._stage.uuid(), now=self._stage.clock.now())
        expires_in = self._stage.options.token_seconds
        return self._answer(
            {"access_token": token, "expires_in": expires_in, "token_type": "Bearer"}
        )

    async def _open_session(self, request: web.Request) -> web.Response:
        stage = self._stage
        stage.faults.refuse("session")
        if "X-Token" in request.headers:
            stage.violations.append("the connector token sent where only an access token belongs")
        token = self._door.check_bearer(request.headers, stage.clock.now())
        text = await request.text()
        body = polyai_door.read_object(text, content_type=request.content_type) if text else {}
        streaming = polyai_door.read_wishes(body)
        session = SimulatedSession(id=stage.uuid(), token=token, streaming=streaming, stage=stage)
        self._sessions[session.id] = session
        session.begin()
        return self._answer({"session_id": session.id})

    async def _open_socket(self, request: web.Request) -> web.StreamResponse:
        session, after = self._admit(request)
        outlet = session.attach(request.query.get("cursor"), after)
        self._outlets.add(outlet)
        try:
            response = await outlet.open(request)
            self._note(request, 101)
            await outlet.serve(session.hear)
        finally:
            self._outlets.discard(outlet)
            session.detach(outlet)
        return response

    def _admit(self, request: web.Request) -> tuple[SimulatedSession, int]:
        """The session a handshake may enter and where its replay starts.

        Raises:
            Refused: it may not.
        """
        stage, options = self._stage, self._stage.options
        session_id = request.query.get("session_id")
        stage.faults.refuse("handshake", session_id)
        token = request.query.get(options.token_parameter)
        if options.longest_url is not None and len(request.raw_path) > options.longest_url:
            raise Refused(414, "URI too long")
        if not session_id or not token or not web.WebSocketResponse().can_prepare(request):
            raise Refused(400, "invalid connection parameters")
        if not self._door.valid(token, stage.clock.now()):
            raise Refused(401, "authentication failed")
        session = self._sessions.get(session_id)
        if session is None or not session.known:
            raise Refused(404, "session not found")
        if options.tokens_bound and token != session.token:
            raise Refused(401, "authentication failed")
        after = self._read_cursor(request.query.get("cursor"))
        if len(session.sockets) >= options.socket_limit:
            raise Refused(429, "connection limit exceeded for session")
        return session, after

    def _read_cursor(self, raw: str | None) -> int:
        options = self._stage.options
        cursor = read_cursor(raw, options.cursor_mode)
        if cursor.bad:
            if options.bad_cursor == "refuse" and options.cursor_mode != "lenient":
                raise Refused(400, options.cursor_refusal)
            self._stage.warnings.append("a bad cursor: everything is replayed")
        return cursor.after

    # -- every request -----------------------------------------------------------------------

    @web.middleware
    async def attend(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Let befall the call what is planned, turn refusals into answers, note the call."""
        if request.path.startswith(polyai_control.ROOT):
            return await handler(request)
        call, faults = _CALLS.get(request.path), self._stage.faults
        if call is None:
            return await self._handled(request, handler)
        if slow := faults.take(FaultKind.SLOW, request.query.get("session_id"), call):
            await self._wait(slow.seconds)
        if faults.take(FaultKind.HANG_UP, request.query.get("session_id"), call):
            self._note(request, 0)
            return _cut(request, web.Response())
        response = await self._handled(request, handler)
        if call == "handshake" or not faults.take(FaultKind.LOSE_RESPONSE, call=call):
            return response
        return _cut(request, response)

    async def _handled(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        correlation = request.headers.get(CORRELATION) or self._stage.uuid()
        try:
            response = await handler(request)
        except Refused as refused:
            response = self._refusal(refused, _CALLS[request.path], correlation)
        except web.HTTPException as exc:
            self._note(request, exc.status)
            raise
        except (ConnectionError, web.RequestPayloadError):
            # The client was killed in the middle of its request: its affair, not a fault of ours.
            raise
        except Exception as exc:
            self._stage.crew.failed(exc)
            raise
        if isinstance(response, web.WebSocketResponse):
            return response
        self._note(request, response.status, await request.text())
        if self._stage.options.correlation_header:
            response.headers[CORRELATION] = correlation
        return response

    async def _wait(self, seconds: float | None) -> None:
        """Let this request wait; None: until the simulator leaves."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a request is handled in a task
        self._waiting.add(task)
        try:
            if seconds is None:
                await asyncio.Event().wait()
            await self._stage.clock.sleep(timedelta(seconds=seconds or 0.0))
        finally:
            self._waiting.discard(task)

    def _answer(self, body: Json) -> web.Response:
        names = _OTHER_NAMES[self._stage.options.rest_names]
        told = {k: v for k, v in body.items() if k not in self._stage.options.rest_omit}
        return web.json_response({names.get(name, name): value for name, value in told.items()})

    def _refusal(self, refused: Refused, call: CallName, correlation: str) -> web.Response:
        shape, text = self._stage.options.error_shape, refused.text
        if text is None:
            words = self._stage.options.error_words
            text = polyai_door.usual_words(call, refused.status, words=words)
        body, kind = polyai_door.error_body(
            refused, text=text, shape=shape, correlation=correlation
        )
        answer = web.Response(status=refused.status, text=body, content_type=kind)
        if refused.retry_after is not None:
            answer.headers["Retry-After"] = str(refused.retry_after)
        if refused.retry_date is not None:
            due = self._stage.clock.now() + timedelta(seconds=refused.retry_date)
            answer.headers["Retry-After"] = format_datetime(due, usegmt=True)
        if refused.location is not None:
            answer.headers["Location"] = refused.location
        return answer

    def _note(self, request: web.Request, status: int, body: str = "") -> None:
        query = request.query
        carried = (query[name] for name in _TOKEN_PARAMETERS if name in query)
        call = Call(
            at=self._stage.clock.now(),
            method=request.method,
            path=request.path,
            status=status,
            headers={k: request.headers[k] for k in _OF_INTEREST if k in request.headers},
            query={k: v for k, v in query.items() if k not in _TOKEN_PARAMETERS},
            body=body,
            access_token=next(carried, None),
        )
        self.calls.append(call)


def _cut(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Cut the connection; aiohttp wants a response all the same."""
    if request.transport is not None:
        request.transport.abort()
    return response
