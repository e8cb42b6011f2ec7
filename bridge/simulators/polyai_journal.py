"""What is a session's history? A journal that goes on whether or not anybody listens."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.simulators import polyai_dress as dress
from bridge.simulators import polyai_frames as frames
from bridge.simulators import polyai_replay
from bridge.simulators.polyai_agent import Act
from bridge.simulators.polyai_faults import FaultKind
from bridge.simulators.polyai_frames import JournaledFrame, Json
from bridge.simulators.polyai_record import SessionRecord, SocketLife
from bridge.simulators.polyai_socket import Outlet
from bridge.simulators.polyai_stage import Stage

#: The documented reasons and what the SDKs' tests say instead (reference §11).
_INFORMAL = {
    "REASON_USER_END": "user_ended",
    "REASON_NATURAL_END": "agent_ended",
    "REASON_USER_ABANDONED": "normal",
}


@dataclass(slots=True, kw_only=True, eq=False)
class Journal:
    """The history of one session, and the sockets it is told on. Public fields are for reading."""

    id: str
    stage: Stage = field(repr=False)
    journal: list[JournaledFrame] = field(default_factory=list)
    handshakes: list[str | None] = field(default_factory=list)  #: the cursor of each one admitted
    sockets: list[Outlet] = field(default_factory=list, repr=False)  #: open now
    record: SessionRecord = field(default_factory=SessionRecord, repr=False)
    ended: str | None = None  #: the reason in SESSION_END
    gone: bool = False  #: handshakes are answered 404
    live: bool = False  #: a live agent has taken over
    last_contact: datetime = field(init=False)
    turns: asyncio.Queue[Sequence[Act] | str | None] = field(
        default_factory=asyncio.Queue, repr=False
    )  #: what the agent is to do or to answer; None: no more
    _sequence: int = 0  #: of the newest frame
    _held: JournaledFrame | None = None  #: the frame a reordering keeps back
    _shared_id: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.last_contact = self.stage.clock.now()
        self._shared_id = ""

    @property
    def known(self) -> bool:
        """Whether a handshake finds this session."""
        if self.ended is None or self.gone:
            return not self.gone
        expired = self.stage.clock.now() - self.last_contact >= self.stage.session_life
        return self.stage.options.replay_ended and not expired

    @property
    def over(self) -> bool:
        """Whether nothing more will be said."""
        return self.ended is not None or self.gone

    # -- what is told ------------------------------------------------------------------------

    def publish(
        self, kind: str, payload: Json, metadata: Json | None = None, *, heard: bool = True
    ) -> JournaledFrame:
        """Journal a frame, and show it on the open sockets if it is to be `heard`."""
        frame = self.write(kind, payload, metadata)
        if heard:
            self.show(frame)
        return frame

    def write(
        self,
        kind: str,
        payload: Json,
        metadata: Json | None = None,
        *,
        fields: Json | None = None,
        omit: Sequence[str] = (),
    ) -> JournaledFrame:
        """Journal a frame without a word; `fields` and `omit` as in `JournaledFrame`."""
        self._sequence += self.stage.options.sequence_step
        frame = JournaledFrame(
            id=self.stage.uuid(),
            sequence=self._sequence,
            timestamp=self.stage.timestamp(),
            type=kind,
            payload=payload,
            metadata=metadata,
            fields=fields or {},
            omit=tuple(omit),
        )
        self.journal.append(frame)
        if self.stage.options.idle_counts == "messages" and kind in frames.SAID:
            self.last_contact = self.stage.clock.now()
        self.live = (self.live or kind == frames.LIVE_JOINED) and kind != frames.LIVE_LEFT
        return frame

    def show(self, frame: JournaledFrame) -> None:
        """Put a journaled frame on the open sockets, as faithfully as the faults allow."""
        if not self.sockets:
            return
        faults, held = self.stage.faults, self._held
        if held is None and faults.take(FaultKind.REORDER, self.id):
            self._held = frame
            return
        self._held = None
        for shown in (frame,) if held is None else (frame, held):
            repeated = faults.take(FaultKind.REPEAT_FRAME, self.id) is not None
            for _ in range(2 if repeated else 1):
                self.post(self.encoded(shown))
        if frame.type == frames.CHUNK:
            cut = faults.take(FaultKind.DROP_AFTER_CHUNK, self.id)
            if cut is not None and not cut.left:
                self.close_sockets(None)

    def encoded(self, frame: JournaledFrame) -> str:
        """A journaled frame as text of the wire."""
        return frames.encode(dress.journaled(frame, self.stage.options))

    def transient(self, kind: str, payload: Json, metadata: Json | None = None) -> Json:
        """A frame without a sequence, as it is sent; nobody has it but its receiver."""
        frame: Json = {
            "id": self._transient_id(),
            "sequence": None,
            "timestamp": self.stage.timestamp(),
            "type": kind,
            "payload": payload,
        }
        told = frame if metadata is None else {**frame, "metadata": metadata}
        return dress.dressed(told, self.stage.options)

    def whisper(self, kind: str, payload: Json, metadata: Json | None = None) -> None:
        """Show a frame without sequence on the open sockets; it is not journaled."""
        self.post(frames.encode(self.transient(kind, payload, metadata)))

    def post(self, frame: str | bytes) -> None:
        """Put a frame, good or bad, on all open sockets."""
        for outlet in self.sockets:
            outlet.post(frame)

    def skip_sequences(self, n: int) -> None:
        """Leave a hole of `n` before the next sequence."""
        self._sequence += n

    # -- sockets -----------------------------------------------------------------------------

    def attach(self, cursor: str | None, after: int) -> Outlet:
        """A new socket, with the replay of what came `after` already on its way."""
        faults, clock = self.stage.faults, self.stage.clock
        life = SocketLife(opened_at=clock.now(), cursor=cursor)
        silent = faults.take(FaultKind.SILENT_HANDSHAKE, self.id) is not None
        outlet = Outlet(clock=clock, life=life, mute=silent)
        self.handshakes.append(cursor)
        self.record.sockets.append(life)
        dropped = faults.take(FaultKind.DROP_OPENED, self.id)
        if dropped is None or dropped.events:
            self._recite(outlet, after)
        if dropped is not None:
            outlet.close(dropped.code)
        elif self.ended is None:
            self.sockets.append(outlet)
            self.record.most_sockets = max(self.record.most_sockets, len(self.sockets))
            self._limit_age(outlet)
            if self.stage.options.idle_counts == "frames":
                self.last_contact = clock.now()
        else:
            outlet.close(1000)
        return outlet

    def detach(self, outlet: Outlet) -> None:
        """The socket is gone; the session is not."""
        if outlet in self.sockets:
            self.sockets.remove(outlet)

    def close_sockets(self, code: int | None, reason: str = "") -> None:
        """Close every socket once what was posted is out; None or 1006 cuts them."""
        for outlet in self.sockets:
            if self._held is not None:
                outlet.post(self.encoded(self._held))
            outlet.close(code, reason)
        self._held = None
        self.sockets.clear()

    def _recite(self, outlet: Outlet, after: int) -> None:
        faults, options = self.stage.faults, self.stage.options
        overlap = faults.take(FaultKind.OVERLAP_REPLAY, self.id) if after else None
        start = max(0, after - overlap.events) if overlap else after
        late = faults.take(FaultKind.LATE_HISTORY, self.id)
        if late is not None and late.seconds is None:
            return
        pace = timedelta(seconds=options.batch_seconds)
        delay = timedelta(seconds=(late.seconds or 0.0) if late else 0.0)
        batches = polyai_replay.history(
            self.journal, after=start, options=options, new_id=self.stage.uuid()
        )
        if (options.live_overtakes or late) and (pace or delay):
            self.stage.crew.start(self._recite_later(outlet, batches, delay, pace))
            return
        for batch in batches:
            if pace:
                outlet.wait(pace)
            outlet.post(batch)

    async def _recite_later(
        self, outlet: Outlet, batches: Sequence[str], delay: timedelta, pace: timedelta
    ) -> None:
        await self.stage.clock.sleep(delay)
        for batch in batches:
            await self.stage.clock.sleep(pace)
            if outlet in self.sockets:
                outlet.post(batch)

    def _limit_age(self, outlet: Outlet) -> None:
        if (seconds := self.stage.options.socket_seconds) is not None:
            self.stage.crew.start(self._retire(outlet, timedelta(seconds=seconds)))

    async def _retire(self, outlet: Outlet, age: timedelta) -> None:
        await self.stage.clock.sleep(age)
        if outlet in self.sockets:
            self.sockets.remove(outlet)
            outlet.close(1001)

    # -- the end -----------------------------------------------------------------------------

    def end(self, reason: str | None) -> None:
        """SESSION_END, then close 1000; an empty reason is left out, None is null."""
        if self.over:
            return
        self.ended = reason or ""
        self.publish(frames.SESSION_END, self._reasoned(reason))
        self.close_sockets(1000)
        self.turns.put_nowait(None)

    def expire(self) -> None:
        """The service forgets the session: no frame tells, later handshakes are answered 404."""
        self.gone = True
        self.turns.put_nowait(None)

    async def watch(self) -> None:
        """End the session when the client was silent for its whole life (reference §11)."""
        clock = self.stage.clock
        while not self.over:
            left = self.last_contact + self.stage.session_life - clock.now()
            if left > timedelta():
                await clock.sleep(left)
                continue
            if self.stage.options.idle_ends == "close":
                self.close_sockets(1001)
            else:
                self.end("REASON_USER_ABANDONED")
            self.expire()

    def _reasoned(self, reason: str | None) -> Json:
        match self.stage.options.reasons:
            case "informal":
                return {"reason": _INFORMAL.get(reason or "", reason)}
            case "null":
                return {"reason": None}
            case "absent":
                return {}
            case _:
                return {} if reason == "" else {"reason": reason}

    def _transient_id(self) -> str:
        if not self.stage.options.shared_transient_id:
            return self.stage.uuid()
        self._shared_id = self._shared_id or self.stage.uuid()
        return self._shared_id
