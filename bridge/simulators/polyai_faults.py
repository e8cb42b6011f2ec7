"""What goes wrong, and how often? Faults planned for the simulated PolyAI, and the refusals."""

import enum
from dataclasses import dataclass, field, replace


class FaultKind(enum.StrEnum):
    """What can go wrong; each verb of the simulator plans one of these."""

    LOSE_ECHO = "lose_echo"
    SWALLOW_MESSAGE = "swallow_message"
    DROP_AFTER_MESSAGE = "drop_after_message"
    DROP_AFTER_CHUNK = "drop_after_chunk"
    REPEAT_FRAME = "repeat_frame"
    REORDER = "reorder"
    OVERLAP_REPLAY = "overlap_replay"
    BARE_ECHO = "bare_echo"
    REFUSE_TOKEN = "refuse_token"  # noqa: S105 - the name of a fault, not a secret
    REFUSE_SESSION = "refuse_session"
    REFUSE_HANDSHAKE = "refuse_handshake"
    SILENT_HANDSHAKE = "silent_handshake"
    LOSE_RESPONSE = "lose_response"


@dataclass(eq=False)
class Refused(Exception):
    """An HTTP answer other than success; `body` replaces the usual error body when given."""

    status: int
    text: str = ""
    retry_after: str | float | None = None
    body: str | None = None


@dataclass(slots=True, kw_only=True)
class Fault:
    """A fault for the next `left` occurrences, in one session or (None) in any."""

    kind: FaultKind
    left: int = 1
    session_id: str | None = None
    refusal: Refused | None = None
    events: int = 0  #: OVERLAP_REPLAY: how many events older than the cursor
    before_echo: bool = True  #: DROP_AFTER_MESSAGE: the cut comes before the echo
    accepted: bool = True  #: DROP_AFTER_MESSAGE: the message arrived, only the socket was lost


@dataclass(slots=True)
class Faults:
    """The faults still to come, oldest first."""

    planned: list[Fault] = field(default_factory=list)

    def plan(self, fault: Fault) -> None:
        """Let `fault` happen at its next occurrences."""
        if fault.left > 0:
            self.planned.append(fault)

    def take(self, kind: FaultKind, session_id: str | None = None) -> Fault | None:
        """The fault due at this occurrence, counted down; None if all goes well."""
        for fault in self.planned:
            if fault.kind is kind and fault.session_id in (None, session_id):
                fault.left -= 1
                if not fault.left:
                    self.planned.remove(fault)
                return fault
        return None

    def refuse(self, kind: FaultKind, session_id: str | None = None) -> None:
        """Raise the refusal due at this occurrence, if any.

        Raises:
            Refused: one is due.
        """
        fault = self.take(kind, session_id)
        if fault is not None and fault.refusal is not None:
            # A copy: one exception must not be raised twice.
            raise replace(fault.refusal)
