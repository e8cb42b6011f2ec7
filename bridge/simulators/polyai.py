"""Who plays PolyAI? A real server on loopback, as strict as the service and kept in memory.

The rules are those of the Messaging API; where its documents disagree, `Options` has a switch.
Whatever a client does that the service would refuse is refused and noted in `violations`.

    async with PolyAISimulator(clock=SystemClock(), ids=RandomIds()) as polyai:
        ...                      # a bridge with base_url = polyai.base_url
        polyai.lose_echo(2)      # faults are verbs: see polyai_verbs.py

Every wait is the clock's, none the machine's, except that leaving gives aiohttp a second.
"""

from datetime import timedelta
from types import TracebackType
from typing import Self

from aiohttp import web

from bridge.clock import Clock, Ids
from bridge.simulators import polyai_control
from bridge.simulators.polyai_agent import Agent, RuleAgent
from bridge.simulators.polyai_calls import Desk
from bridge.simulators.polyai_door import Door
from bridge.simulators.polyai_faults import Faults
from bridge.simulators.polyai_frames import Json
from bridge.simulators.polyai_listener import Listener
from bridge.simulators.polyai_options import Options
from bridge.simulators.polyai_record import Call
from bridge.simulators.polyai_session import AcceptedMessage, SimulatedSession
from bridge.simulators.polyai_stage import Stage
from bridge.simulators.polyai_verbs import Verbs

__all__ = ["AcceptedMessage", "Call", "Options", "PolyAISimulator", "SimulatedSession"]


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
            faults=Faults(clock),
        )
        door = Door(connector_token, host, stage.options)
        super().__init__(stage, door, Listener(port, clock))
        self.base_url = ""
        self._desk = Desk(stage, door, self.sessions)
        self._runner: web.AppRunner | None = None

    @property
    def calls(self) -> list[Call]:
        """Every REST call and handshake, in order of their answers."""
        return self._desk.calls

    @property
    def violations(self) -> list[str]:
        """Everything a client did that the service forbids, in words without its text."""
        return self._stage.violations

    @property
    def warnings(self) -> list[str]:
        """What a client did that the service puts up with, but logs."""
        return self._stage.warnings

    @property
    def options(self) -> Options:
        """The switches; they may be turned at any time."""
        return self._stage.options

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._desk.attend])
        app.add_routes(self._desk.routes())
        app.add_routes(polyai_control.control_routes(self, self.state))
        # No access log: a handshake's address holds its token.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        assert self._runner.server is not None  # noqa: S101 - it is set up
        await self._listener.serve(self._runner.server)
        self.base_url = f"http://127.0.0.1:{self._listener.port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.leave()
        self._desk.leave()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._stage.crew.dismiss()

    def state(self) -> Json:
        """Everything that may be told over HTTP, without a secret."""
        return {
            "sessions": [polyai_control.describe(session) for session in self.sessions.values()],
            "calls": [call.told() for call in self.calls],
            "violations": self.violations,
            "warnings": self.warnings,
        }
