"""What goes wrong, and how often? Faults planned for the simulated PolyAI, and the refusals."""

import enum
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from bridge.clock import Clock

#: What a client asks of the service.
CallName = Literal["token", "session", "handshake"]


class FaultKind(enum.StrEnum):
    """What can go wrong; verbs plan these."""

    # calls
    REFUSE = "refuse"
    SLOW = "slow"
    HANG_UP = "hang_up"
    LOSE_RESPONSE = "lose_response"
    # sockets
    OVERLAP_REPLAY = "overlap_replay"
    SILENT_HANDSHAKE = "silent_handshake"
    LATE_HISTORY = "late_history"
    DROP_OPENED = "drop_opened"
    LOSE_HEARTBEAT = "lose_heartbeat"
    # messages and joins
    LOSE_ECHO = "lose_echo"
    DELAY_ECHO = "delay_echo"
    ALTER_ECHO = "alter_echo"
    BARE_ECHO = "bare_echo"
    SWALLOW_MESSAGE = "swallow_message"
    REFUSE_MESSAGE = "refuse_message"
    DROP_AFTER_MESSAGE = "drop_after_message"
    SPOIL_JOIN = "spoil_join"
    # frames
    DROP_AFTER_CHUNK = "drop_after_chunk"
    SPOIL_STREAM = "spoil_stream"
    REPEAT_FRAME = "repeat_frame"
    REORDER = "reorder"


@dataclass(eq=False)
class Refused(Exception):
    """An HTTP answer other than success; `body` replaces the usual error body when given."""

    status: int
    text: str | None = ""  #: None: what the service usually says
    retry_after: str | float | None = None
    body: str | None = None
    code: str | None = None  #: one of the platform's codes (reference §3) instead of the usual one
    location: str | None = None  #: where a redirect points
    retry_date: float | None = None  #: Retry-After as an HTTP date, so many seconds from the answer


@dataclass(slots=True, kw_only=True)
class Fault:
    """A fault for the next `left` occurrences (None: all), in one session or (None) in any."""

    kind: FaultKind
    left: int | None = 1
    session_id: str | None = None
    until: datetime | None = None  #: not from this instant on
    share: float = 1.0  #: of the occurrences, evenly spread: chance would not be repeatable
    call: CallName | None = None  #: of a call: this one alone
    refusal: Refused | None = None
    events: int = 0  #: OVERLAP_REPLAY: how many events older than the cursor
    before_echo: bool = True  #: DROP_AFTER_MESSAGE: the cut comes before the echo
    accepted: bool = True  #: DROP_AFTER_MESSAGE, REFUSE_MESSAGE: the message arrived all the same
    seconds: float | None = None  #: how long; None for ever
    text: str | None = None  #: ALTER_ECHO, REFUSE_MESSAGE, SPOIL_JOIN: the words
    how: str = ""  #: SPOIL_JOIN, SPOIL_STREAM: in which way
    code: int | None = None  #: DROP_OPENED: the close code
    met: int = 0  #: occurrences so far, those spared included

    def strikes(self) -> bool:
        """Whether this occurrence is among the share that is hit."""
        self.met += 1
        # Exact for every share of at most six digits.
        share = round(self.share * 1_000_000)
        return self.met * share // 1_000_000 > (self.met - 1) * share // 1_000_000


@dataclass(slots=True)
class Faults:
    """The faults still to come, oldest first."""

    clock: Clock
    planned: list[Fault] = field(default_factory=list)

    def plan(self, fault: Fault) -> None:
        """Let `fault` happen at its next occurrences."""
        if fault.left is None or fault.left > 0:
            self.planned.append(fault)

    def take(
        self, kind: FaultKind, session_id: str | None = None, call: CallName | None = None
    ) -> Fault | None:
        """The fault due at this occurrence, counted down; None if all goes well."""
        if not self.planned:
            return None
        now = self.clock.now()
        self.planned = [f for f in self.planned if f.until is None or now < f.until]
        for fault in self.planned:
            fits = fault.session_id in (None, session_id) and fault.call in (None, call)
            if fault.kind is kind and fits and fault.strikes():
                if fault.left is not None:
                    fault.left -= 1
                if fault.left == 0:
                    self.planned.remove(fault)
                return fault
        return None

    def refuse(self, call: CallName, session_id: str | None = None) -> None:
        """Raise the refusal due at this call, if any.

        Raises:
            Refused: one is due.
        """
        fault = self.take(FaultKind.REFUSE, session_id, call)
        if fault is not None and fault.refusal is not None:
            # A copy: one exception must not be raised twice.
            raise replace(fault.refusal)
