"""Who plays PolyAI? A real server on loopback, as strict as the service and kept in memory.

The rules are those of the Messaging API; where its documents disagree, `Options` has a switch.
Whatever a client does that the service would refuse is refused and noted in `violations`.

    async with PolyAISimulator(clock=SystemClock(), ids=RandomIds()) as polyai:
        ...                      # a bridge with base_url = polyai.base_url
        polyai.lose_echo(2)      # faults are verbs: see polyai_verbs.py
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from aiohttp import web

from bridge.clock import Clock, Ids
from bridge.simulators import polyai_control, polyai_door
from bridge.simulators.polyai_agent import Agent, RuleAgent
from bridge.simulators.polyai_door import Door
from bridge.simulators.polyai_faults import FaultKind, Refused
from bridge.simulators.polyai_frames import BadCursor, Json, read_cursor
from bridge.simulators.polyai_session import AcceptedMessage, SimulatedSession
from bridge.simulators.polyai_socket import Outlet
from bridge.simulators.polyai_stage import Options, Stage
from bridge.simulators.polyai_verbs import Verbs

__all__ = ["AcceptedMessage", "Call", "Options", "PolyAISimulator", "SimulatedSession"]

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
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One REST call or handshake; `query` leaves the access token out."""

    at: datetime
    method: str
    path: str
    status: int
    headers: dict[str, str] = field(repr=False)
    query: dict[str, str]
    body: str = ""

    @property
    def session_id(self) -> str | None:
        """The session a handshake asked for."""
        return self.query.get("session_id")

    @property
    def cursor(self) -> str | None:
        """The cursor a handshake sent, as it was written."""
        return self.query.get("cursor")


class PolyAISimulator(Verbs):
    """The simulated service; entering listens on 127.0.0.1, leaving leaves no task behind."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Ids,
        agent: Agent | None = None,
        connector_token: str = "simulated-connector-token",  # noqa: S107 - it opens nothing
        host: str = "https://demo.example",
        session_life: timedelta = timedelta(minutes=10),
        streaming_pace: timedelta = timedelta(milliseconds=40),
        port: int = 0,
        options: Options | None = None,
    ) -> None:
        stage = Stage(
            clock=clock,
            ids=ids,
            agent=agent or RuleAgent(),
            session_life=session_life,
            streaming_pace=streaming_pace,
            options=options or Options(),
        )
        super().__init__(stage)
        self.base_url = ""
        self.calls: list[Call] = []
        self._door = Door(connector_token, host)
        self._port = port
        self._outlets: set[Outlet] = set()
        self._runner: web.AppRunner | None = None

    @property
    def violations(self) -> list[str]:
        """Everything a client did that the service forbids, in words without its text."""
        return self._stage.violations

    @property
    def options(self) -> Options:
        """The switches; they may be turned at any time."""
        return self._stage.options

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._attend])
        app.add_routes(
            [
                web.post("/api/v1/access-token", self._give_token),
                web.post("/api/v1/sessions", self._open_session),
                web.get("/ws", self._open_socket),
                *polyai_control.control_routes(self, self.state),
            ]
        )
        # No access log: a handshake's address holds its token.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        self.base_url = f"http://127.0.0.1:{self._port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for outlet in self._outlets:
            outlet.cut()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._stage.crew.dismiss()

    def state(self) -> Json:
        """Everything that may be told over HTTP, without a secret."""
        return {
            "sessions": [polyai_control.describe(session) for session in self.sessions.values()],
            "calls": [
                {"method": c.method, "path": c.path, "status": c.status, "query": c.query}
                for c in self.calls
            ],
            "violations": self.violations,
        }

    # -- the two calls and the handshake -----------------------------------------------------

    async def _give_token(self, request: web.Request) -> web.Response:
        self._stage.faults.refuse(FaultKind.REFUSE_TOKEN)
        self._door.check_connector(request.headers)
        polyai_door.read_object(await request.text(), content_type=request.content_type)
        life = timedelta(seconds=self.options.token_seconds)
        now = self._stage.clock.now()
        token = self._door.mint(name=self._stage.uuid(), now=now, life=life)
        expires_in = self.options.token_seconds
        return web.json_response(
            {"access_token": token, "expires_in": expires_in, "token_type": "Bearer"}
        )

    async def _open_session(self, request: web.Request) -> web.Response:
        self._stage.faults.refuse(FaultKind.REFUSE_SESSION)
        if "X-Token" in request.headers:
            self.violations.append("the connector token sent where only an access token belongs")
        token = self._door.check_bearer(request.headers, self._stage.clock.now())
        text = await request.text()
        body = polyai_door.read_object(text, content_type=request.content_type) if text else {}
        streaming = polyai_door.read_wishes(body)
        session = SimulatedSession(
            id=self._stage.uuid(), token=token, streaming=streaming, stage=self._stage
        )
        self.sessions[session.id] = session
        session.begin()
        return web.json_response({"session_id": session.id})

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
        session_id = request.query.get("session_id")
        self._stage.faults.refuse(FaultKind.REFUSE_HANDSHAKE, session_id)
        token = request.query.get("access_token")
        if not session_id or not token or not web.WebSocketResponse().can_prepare(request):
            raise Refused(400, "invalid connection parameters")
        if not self._door.valid(token, self._stage.clock.now()):
            raise Refused(401, "authentication failed")
        session = self.sessions.get(session_id)
        if session is None or not session.known:
            raise Refused(404, "session not found")
        if token != session.token:
            raise Refused(401, "authentication failed")
        try:
            after = read_cursor(request.query.get("cursor"), self.options.cursor_mode)
        except BadCursor as exc:
            raise Refused(400, str(exc)) from exc
        if len(session.sockets) >= self.options.socket_limit:
            raise Refused(429, "connection limit exceeded for session")
        return session, after

    # -- every request -----------------------------------------------------------------------

    @web.middleware
    async def _attend(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Turn refusals into answers, note the call, add the correlation id."""
        if request.path.startswith(polyai_control.ROOT):
            return await handler(request)
        correlation = request.headers.get(CORRELATION) or self._stage.uuid()
        try:
            response = await handler(request)
        except Refused as refused:
            response = self._refusal(refused, correlation)
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
        response.headers[CORRELATION] = correlation
        lost = self._stage.faults.take(FaultKind.LOSE_RESPONSE) if request.path != "/ws" else None
        if lost and request.transport is not None:
            request.transport.abort()
        return response

    def _refusal(self, refused: Refused, correlation: str) -> web.Response:
        shape = self.options.error_shape
        body, kind = polyai_door.error_body(refused, shape=shape, correlation=correlation)
        answer = web.Response(status=refused.status, text=body, content_type=kind)
        if refused.retry_after is not None:
            answer.headers["Retry-After"] = str(refused.retry_after)
        return answer

    def _note(self, request: web.Request, status: int, body: str = "") -> None:
        call = Call(
            at=self._stage.clock.now(),
            method=request.method,
            path=request.path,
            status=status,
            headers={k: request.headers[k] for k in _OF_INTEREST if k in request.headers},
            query={k: v for k, v in request.query.items() if k != "access_token"},
            body=body,
        )
        self.calls.append(call)
