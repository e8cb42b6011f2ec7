"""What do all verbs need? The sessions and the plan of faults."""

from datetime import datetime, timedelta
from typing import Any

from bridge.simulators.polyai_door import Door
from bridge.simulators.polyai_faults import Fault, FaultKind
from bridge.simulators.polyai_listener import Listener
from bridge.simulators.polyai_session import SimulatedSession
from bridge.simulators.polyai_stage import Stage


class Steering:
    """The base of the verbs; each module of verbs is a part of the whole."""

    def __init__(self, stage: Stage, door: Door, listener: Listener) -> None:
        self.sessions: dict[str, SimulatedSession] = {}
        self._stage = stage
        self._door = door
        self._listener = listener

    def _plan(
        self,
        kind: FaultKind,
        n: int | None,
        session_id: str | None = None,
        **details: Any,  # noqa: ANN401 - the fields of a fault
    ) -> None:
        fault = Fault(kind=kind, left=n, session_id=session_id, **details)
        self._stage.faults.plan(fault)

    def _until(self, seconds: float | None) -> datetime | None:
        """The instant so many seconds from now; None: no end."""
        return None if seconds is None else self._stage.clock.now() + timedelta(seconds=seconds)

    def _chosen(self, session_id: str | None) -> list[SimulatedSession]:
        """The session named, or all.

        Raises:
            KeyError: there is no such session.
        """
        if session_id is not None:
            return [self.sessions[session_id]]
        return list(self.sessions.values())
