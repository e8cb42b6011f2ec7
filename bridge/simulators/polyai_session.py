"""What is a simulated session? A journal that goes on whether or not anybody listens."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bridge.simulators import polyai_frames as frames
from bridge.simulators.polyai_agent import Act, Emit, End, Party, Pause, Say, chunked
from bridge.simulators.polyai_faults import FaultKind
from bridge.simulators.polyai_frames import BadFrame, ClientFrame, JournaledFrame, Json
from bridge.simulators.polyai_socket import Outlet
from bridge.simulators.polyai_stage import Stage

NO_CONVERSATION = "Error: Conversation not found"


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    """A user message the server took: what the agent answers."""

    text: str
    custom: dict[str, str] | None
    sequence: int


@dataclass(slots=True, kw_only=True, eq=False)
class SimulatedSession:
    """One session, its history and the sockets open on it. Public fields are for reading."""

    id: str
    token: str = field(repr=False)
    streaming: bool
    stage: Stage = field(repr=False)
    journal: list[JournaledFrame] = field(default_factory=list)
    accepted: list[AcceptedMessage] = field(default_factory=list)
    received: list[str] = field(default_factory=list, repr=False)  #: client frames, raw
    handshakes: list[str | None] = field(default_factory=list)  #: the cursor of each one admitted
    sockets: list[Outlet] = field(default_factory=list, repr=False)  #: open now
    joins: int = 0
    greetings: int = 0
    ended: str | None = None  #: the reason in SESSION_END
    gone: bool = False  #: handshakes are answered 404
    live: bool = False  #: a live agent has taken over
    conversing: bool = False  #: an agent is there to take messages
    last_contact: datetime = field(init=False)
    _turns: asyncio.Queue[Sequence[Act] | str | None] = field(default_factory=asyncio.Queue)
    _held: JournaledFrame | None = None  #: the frame a reordering keeps back

    def __post_init__(self) -> None:
        self.last_contact = self.stage.clock.now()

    # -- from the service --------------------------------------------------------------------

    def begin(self) -> None:
        """Write SESSION_START; let the agent's turns and the idle watch run."""
        options = self.stage.options
        capabilities = {
            "streaming": self.streaming,
            "max_message_size_bytes": options.max_message_bytes,
            "max_reconnect_attempts": options.max_reconnect_attempts,
            "heartbeat_interval_seconds": options.heartbeat_seconds,
        }
        stated = {name: value for name, value in capabilities.items() if value is not None}
        self.publish(frames.SESSION_START, {"capabilities": stated})
        self.stage.crew.start(self._converse())
        self.stage.crew.start(self._watch())

    @property
    def known(self) -> bool:
        """Whether a handshake finds this session."""
        if self.ended is None or self.gone:
            return not self.gone
        expired = self.stage.clock.now() - self.last_contact >= self.stage.session_life
        return self.stage.options.replay_ended and not expired

    def attach(self, cursor: str | None, after: int) -> Outlet:
        """A new socket, with the replay of what came `after` already posted on it."""
        faults, options = self.stage.faults, self.stage.options
        overlap = faults.take(FaultKind.OVERLAP_REPLAY, self.id) if after else None
        silent = faults.take(FaultKind.SILENT_HANDSHAKE, self.id) is not None
        outlet = Outlet(mute=silent)
        self.handshakes.append(cursor)
        replay = frames.history(
            self.journal,
            after=max(0, after - overlap.events) if overlap else after,
            batch_size=options.batch_size,
            restate_start=options.restate_start,
            oneof_bodies=options.oneof_bodies,
            with_metadata=options.replay_metadata,
        )
        for batch in replay:
            outlet.post(batch)
        if self.ended is None:
            self.last_contact = self.stage.clock.now()
            self.sockets.append(outlet)
        else:
            outlet.close(1000)
        return outlet

    def detach(self, outlet: Outlet) -> None:
        """The socket is gone; the session is not."""
        if outlet in self.sockets:
            self.sockets.remove(outlet)

    def hear(self, outlet: Outlet, raw: str | bytes) -> None:
        """Take one client frame; one on a socket already cut never arrived."""
        if outlet not in self.sockets:
            return
        self.received.append(raw if isinstance(raw, str) else raw.hex())
        self.last_contact = self.stage.clock.now()
        try:
            self._take(outlet, frames.read_client_frame(raw))
        except BadFrame as bad:
            self.stage.violations.append(bad.problem)
            self._complain(outlet, bad.answer, bad.metadata)

    # -- what the server tells ---------------------------------------------------------------

    def publish(
        self, kind: str, payload: Json, metadata: Json | None = None, *, heard: bool = True
    ) -> JournaledFrame:
        """Journal a frame, and show it on the open sockets if it is to be `heard`."""
        frame = JournaledFrame(
            id=self.stage.uuid(),
            sequence=len(self.journal) + 1,
            timestamp=self.stage.timestamp(),
            type=kind,
            payload=payload,
            metadata=metadata,
        )
        self.journal.append(frame)
        self.live = (self.live or kind == frames.LIVE_JOINED) and kind != frames.LIVE_LEFT
        if heard and self.sockets:
            self._show(frame)
        return frame

    def whisper(self, kind: str, payload: Json, metadata: Json | None = None) -> None:
        """Show a frame without sequence on the open sockets; it is not journaled."""
        self.post(frames.encode(self._transient(kind, payload, metadata)))

    def post(self, frame: str | bytes) -> None:
        """Put a frame, good or bad, on all open sockets."""
        for outlet in self.sockets:
            outlet.post(frame)

    def perform(self, acts: Sequence[Act]) -> None:
        """Let the agent do this after what it is doing now."""
        self._turns.put_nowait(acts)

    def end(self, reason: str) -> None:
        """SESSION_END, then close 1000."""
        if self.ended is not None or self.gone:
            return
        self.ended = reason
        self.publish(frames.SESSION_END, {"reason": reason} if reason else {})
        self.close_sockets(1000)
        self._turns.put_nowait(None)

    def expire(self) -> None:
        """The service forgets the session: no frame tells, later handshakes are answered 404."""
        self.gone = True
        self._turns.put_nowait(None)

    def close_sockets(self, code: int | None) -> None:
        """Close every socket once what was posted is out; None or 1006 cuts them."""
        for outlet in self.sockets:
            if self._held is not None:
                outlet.post(frames.encode(self._held.wire()))
            outlet.close(code)
        self._held = None
        self.sockets.clear()

    # -- what the client says ----------------------------------------------------------------

    def _take(self, outlet: Outlet, frame: ClientFrame) -> None:
        match frame.type:
            case frames.USER_MESSAGE:
                self._take_message(outlet, frame)
            case frames.JOIN:
                self._take_join(frame)
            case frames.USER_END_SESSION:
                self.publish(frames.USER_END_SESSION, {}, frame.metadata)
                self.end("REASON_USER_END")
            case frames.HEARTBEAT:
                outlet.post(frames.encode(self._heartbeat(frame)))

    def _take_join(self, frame: ClientFrame) -> None:
        self.publish(frames.JOIN, {}, frame.metadata)
        self.joins += 1
        self.greetings += 1
        self.conversing = True
        self.perform(self.stage.agent.greet(self._party()))

    def _take_message(self, outlet: Outlet, frame: ClientFrame) -> None:
        faults = self.stage.faults
        if faults.take(FaultKind.SWALLOW_MESSAGE, self.id):
            return
        cut = faults.take(FaultKind.DROP_AFTER_MESSAGE, self.id)
        if cut and (cut.before_echo or not cut.accepted):
            self.close_sockets(None)
        if cut and not cut.accepted:
            return
        if not self.conversing:
            if not self.joins:
                self.stage.violations.append("USER_MESSAGE before any join")
            self._complain(outlet, NO_CONVERSATION, frame.metadata)
            return
        self._accept(frame)
        if cut:
            self.close_sockets(None)

    def _accept(self, frame: ClientFrame) -> None:
        """Journal the message and its echo are one thing; nothing here looks for a repetition."""
        faults, text = self.stage.faults, frame.payload["text"]
        lost = faults.take(FaultKind.LOSE_ECHO, self.id) is not None
        bare = faults.take(FaultKind.BARE_ECHO, self.id) is not None
        echo = self.publish(
            frames.USER_MESSAGE,
            {"message_id": self.stage.uuid(), "text": text},
            None if bare else frame.metadata,
            heard=not lost,
        )
        self.accepted.append(AcceptedMessage(text, frame.custom, echo.sequence))
        self._turns.put_nowait(text)

    def _complain(self, outlet: Outlet, text: str, metadata: Json | None) -> None:
        payload = {"level": "SYSTEM_MESSAGE_LEVEL_ERROR", "message": text}
        outlet.post(frames.encode(self._transient(frames.SYSTEM_MESSAGE, payload, metadata)))

    # -- the agent's turns -------------------------------------------------------------------

    async def _converse(self) -> None:
        while (turn := await self._turns.get()) is not None:
            if isinstance(turn, str):
                turn = self.stage.agent.answer(self._party(), turn)
            for act in turn:
                if self.ended is None and not self.gone:
                    await self._perform(act)

    async def _perform(self, act: Act) -> None:
        match act:
            case Pause(duration):
                await self.stage.clock.sleep(duration or self.stage.streaming_pace)
            case End(reason):
                self.end(reason)
            case Emit(kind, payload, transient):
                quiet = kind == frames.THINKING and not self.stage.options.thinking_journaled
                if transient or quiet:
                    self.whisper(kind, payload)
                else:
                    self.publish(kind, payload)
            case Say():
                await self._say(act)

    async def _say(self, said: Say) -> None:
        extras: Json = {}
        if said.attachments:
            extras["attachments"] = list(said.attachments)
        if said.suggestions:
            extras["response_suggestions"] = [{"message_text": s} for s in said.suggestions]
        body: Json = {"message_id": self.stage.uuid()}
        if said.agent_id is not None:
            body |= {"agent_id": said.agent_id, "text": said.text}
            self.publish(frames.LIVE_MESSAGE, body | extras)
        elif said.streamed and self.streaming:
            await self._stream(said.text, body, extras)
        else:
            self.publish(frames.MESSAGE, body | {"text": said.text} | extras)

    async def _stream(self, text: str, body: Json, extras: Json) -> None:
        """The text in pieces counted from 1; the last chunk is empty and carries the extras."""
        pieces = chunked(text)
        for index, piece in enumerate(pieces, start=1):
            chunk = {"text": piece, "chunk_index": index, "is_complete": False}
            self.publish(frames.CHUNK, body | chunk)
            await self.stage.clock.sleep(self.stage.streaming_pace)
            if self.ended is not None or self.gone:
                return
        last = {"text": "", "chunk_index": len(pieces) + 1, "is_complete": True}
        self.publish(frames.CHUNK, body | last | extras)

    async def _watch(self) -> None:
        """End the session when no client frame came for its whole life (reference §11)."""
        clock = self.stage.clock
        while self.ended is None and not self.gone:
            left = self.last_contact + self.stage.session_life - clock.now()
            if left.total_seconds() > 0:
                await clock.sleep(left)
                continue
            self.end("REASON_USER_ABANDONED")
            self.gone = True

    # -- small parts -------------------------------------------------------------------------

    def _party(self) -> Party:
        return Party(streaming=self.streaming, live=self.live)

    def _transient(self, kind: str, payload: Json, metadata: Json | None) -> Json:
        frame: Json = {
            "id": self.stage.uuid(),
            "sequence": None,
            "timestamp": self.stage.timestamp(),
            "type": kind,
            "payload": payload,
        }
        return frame if metadata is None else {**frame, "metadata": metadata}

    def _heartbeat(self, frame: ClientFrame) -> Json:
        if self.stage.options.bare_heartbeats:
            return {"type": frames.HEARTBEAT, "payload": {}}
        return self._transient(frames.HEARTBEAT, {}, frame.metadata)

    def _show(self, frame: JournaledFrame) -> None:
        """Put a journaled frame on the open sockets, as faithfully as the faults allow."""
        faults, held = self.stage.faults, self._held
        if held is None and faults.take(FaultKind.REORDER, self.id):
            self._held = frame
            return
        self._held = None
        for shown in (frame,) if held is None else (frame, held):
            repeated = faults.take(FaultKind.REPEAT_FRAME, self.id) is not None
            for _ in range(2 if repeated else 1):
                self.post(frames.encode(shown.wire()))
        if frame.type == frames.CHUNK:
            cut = faults.take(FaultKind.DROP_AFTER_CHUNK, self.id)
            if cut is not None and not cut.left:
                self.close_sockets(None)
