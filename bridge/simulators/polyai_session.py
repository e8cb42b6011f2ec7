"""What is a simulated session? Its journal, and what it makes of what the client says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bridge.simulators import polyai_catalogue as catalogue
from bridge.simulators import polyai_frames as frames
from bridge.simulators import polyai_turns
from bridge.simulators.polyai_agent import Act, Emit
from bridge.simulators.polyai_faults import Fault, FaultKind
from bridge.simulators.polyai_frames import (
    BadFrame,
    ClientFrame,
    JournaledFrame,
    Json,
    Oversized,
)
from bridge.simulators.polyai_journal import Journal
from bridge.simulators.polyai_record import Heard
from bridge.simulators.polyai_socket import Outlet


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    """A user message the server took: what the agent answers."""

    text: str
    custom: dict[str, str] | None
    sequence: int


@dataclass(slots=True, kw_only=True, eq=False)
class SimulatedSession(Journal):
    """One session, its history and the sockets open on it. Public fields are for reading."""

    token: str = field(repr=False)
    streaming: bool
    accepted: list[AcceptedMessage] = field(default_factory=list)
    received: list[str] = field(default_factory=list, repr=False)  #: client frames, raw
    joins: int = 0
    greetings: int = 0
    conversing: bool = False  #: an agent is there to take messages

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
        self.publish(frames.SESSION_START, {"capabilities": stated | options.capabilities})
        self.stage.crew.start(polyai_turns.converse(self, streaming=self.streaming))
        self.stage.crew.start(self.watch())

    def perform(self, acts: Sequence[Act]) -> None:
        """Let the agent do this after what it is doing now."""
        self.turns.put_nowait(acts)

    def hear(self, outlet: Outlet, raw: str | bytes) -> None:
        """Take one client frame; one on a socket already cut never arrived."""
        if outlet not in self.sockets:
            return
        options, now = self.stage.options, self.stage.clock.now()
        text = raw if isinstance(raw, str) else raw.hex()
        self.received.append(text)
        if options.idle_counts == "frames":
            self.last_contact = now
        try:
            frame = frames.read_client_frame(
                raw, limit=options.size_limit, link_allowed=options.link_allowed
            )
        except BadFrame as bad:
            self.record.frames.append(Heard(now, "", text))
            self.stage.violations.append(bad.problem)
            self._refuse(outlet, bad)
            return
        self.record.frames.append(Heard(now, frame.type, text))
        self._take(outlet, frame)

    def take_message(self, text: str, custom: dict[str, str] | None = None) -> None:
        """Accept a message that no fault touches: another client's, say."""
        metadata: Json | None = None if custom is None else {"custom": custom}
        self._accept(ClientFrame(frames.USER_MESSAGE, {"text": text}, custom), metadata)

    # -- what the client says ----------------------------------------------------------------

    def _refuse(self, outlet: Outlet, bad: BadFrame) -> None:
        how = self.stage.options.oversized if isinstance(bad, Oversized) else "error"
        if how == "error":
            self._complain(outlet, bad.answer, bad.metadata)
        elif how == "close":
            self.sockets.remove(outlet)
            outlet.close(1009)

    def _take(self, outlet: Outlet, frame: ClientFrame) -> None:
        match frame.type:
            case frames.USER_MESSAGE:
                self._take_message(outlet, frame)
            case frames.JOIN:
                self._take_join(outlet, frame)
            case frames.USER_TYPING if self.stage.options.typing_echoed:
                self.whisper(frames.USER_TYPING, frame.payload, frame.metadata)
            case frames.USER_END_SESSION:
                self.publish(frames.USER_END_SESSION, {}, frame.metadata)
                self.end("REASON_USER_END")
            case frames.HEARTBEAT:
                if not self.stage.faults.take(FaultKind.LOSE_HEARTBEAT, self.id):
                    outlet.post(frames.encode(self._heartbeat(frame)))

    def _take_join(self, outlet: Outlet, frame: ClientFrame) -> None:
        self.joins += 1
        spoiled = self.stage.faults.take(FaultKind.SPOIL_JOIN, self.id)
        how = spoiled.how if spoiled else ""
        if how == "ignore":
            return
        if spoiled is None or how != "refuse":
            self.publish(frames.JOIN, {}, frame.metadata)
        if spoiled is not None and how == "refuse":
            self._complain(outlet, spoiled.text or "", frame.metadata)
        elif how != "echo_only":
            self._greet(how)

    def _greet(self, how: str) -> None:
        self.conversing = True
        acts = list(self.stage.agent.greet(polyai_turns.party_of(self, streaming=self.streaming)))
        joined = [act for act in acts if isinstance(act, Emit) and act.type == frames.JOINED]
        if how == "no_greeting":
            acts = list(joined)
        else:
            self.greetings += 1
            self.record.greeted_at.append(self.stage.clock.now())
        self.perform([*joined, *acts] if how == "joined_twice" else acts)

    def _take_message(self, outlet: Outlet, frame: ClientFrame) -> None:
        faults = self.stage.faults
        if faults.take(FaultKind.SWALLOW_MESSAGE, self.id):
            return
        cut = faults.take(FaultKind.DROP_AFTER_MESSAGE, self.id)
        if cut and (cut.before_echo or not cut.accepted):
            self.close_sockets(None)
        if cut and not cut.accepted:
            return
        if not self._admitted(outlet, frame):
            return
        self._accept(frame, frame.metadata if self.stage.options.echo_metadata else None)
        if cut:
            self.close_sockets(None)

    def _admitted(self, outlet: Outlet, frame: ClientFrame) -> bool:
        """Whether there is somebody to take the message; if not, the client is told."""
        refused = self.stage.faults.take(FaultKind.REFUSE_MESSAGE, self.id)
        if refused is not None:
            self._complain(outlet, refused.text or "", frame.metadata)
            return refused.accepted
        if not self.conversing:
            if not self.joins:
                self.stage.violations.append("USER_MESSAGE before any join")
            _, text = catalogue.SYSTEM_TEXTS["no_conversation"]
            self._complain(outlet, text, frame.metadata)
        return self.conversing

    def _accept(self, frame: ClientFrame, metadata: Json | None) -> None:
        """Journal the message and its echo are one thing; nothing here looks for a repetition."""
        faults, text = self.stage.faults, frame.payload["text"]
        lost = faults.take(FaultKind.LOSE_ECHO, self.id) is not None
        bare = faults.take(FaultKind.BARE_ECHO, self.id) is not None
        altered = faults.take(FaultKind.ALTER_ECHO, self.id)
        payload = {"message_id": self.stage.uuid(), "text": self._echoed(text, altered)}
        echo = self.write(frames.USER_MESSAGE, payload, None if bare else metadata)
        late = faults.take(FaultKind.DELAY_ECHO, self.id)
        if late is not None:
            self.stage.crew.start(self._show_late(echo, timedelta(seconds=late.seconds or 0.0)))
        elif not lost:
            self.show(echo)
        self.accepted.append(AcceptedMessage(text, frame.custom, echo.sequence))
        self.turns.put_nowait(text)

    def _echoed(self, text: str, altered: Fault | None) -> str:
        if altered is not None:
            return polyai_turns.normalised(text) if altered.text is None else altered.text
        match self.stage.options.echo_text:
            case "normalised":
                return polyai_turns.normalised(text)
            case "empty":
                return ""
            case _:
                return text

    async def _show_late(self, echo: JournaledFrame, delay: timedelta) -> None:
        await self.stage.clock.sleep(delay)
        self.show(echo)

    # -- small parts -------------------------------------------------------------------------

    def _complain(self, outlet: Outlet, text: str, metadata: Json | None) -> None:
        payload = {"level": catalogue.ERROR, "message": text}
        outlet.post(frames.encode(self.transient(frames.SYSTEM_MESSAGE, payload, metadata)))

    def _heartbeat(self, frame: ClientFrame) -> Json:
        if self.stage.options.bare_heartbeats:
            return {"type": frames.HEARTBEAT, "payload": {}}
        return self.transient(frames.HEARTBEAT, {}, frame.metadata)
