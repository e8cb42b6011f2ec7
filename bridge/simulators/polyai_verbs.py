"""What can be done to the simulated PolyAI? Each method is a verb, in Python and over HTTP.

A verb with a number applies to that many next occurrences; in all sessions, unless given one.
A level, a reason or a type may be written short: `error`, `EVENT_TYPE_` left out.
"""

from collections.abc import Iterable
from typing import Any

from bridge.simulators import polyai_frames as frames
from bridge.simulators.polyai_agent import Say
from bridge.simulators.polyai_call_verbs import CallVerbs
from bridge.simulators.polyai_exchange_verbs import ExchangeVerbs
from bridge.simulators.polyai_faults import FaultKind
from bridge.simulators.polyai_frame_verbs import FrameVerbs
from bridge.simulators.polyai_frames import PREFIX, Json


class Verbs(CallVerbs, FrameVerbs, ExchangeVerbs):
    """The everyday faults, and things the service does of its own accord."""

    # -- messages ----------------------------------------------------------------------------

    def lose_echo(self, n: int = 1, session_id: str | None = None) -> None:
        """The next messages are journaled and answered, but their echoes are not sent live."""
        self._plan(FaultKind.LOSE_ECHO, n, session_id)

    def swallow_messages(self, n: int = 1, session_id: str | None = None) -> None:
        """The next messages are received and forgotten, as a rate limit does (reference §19)."""
        self._plan(FaultKind.SWALLOW_MESSAGE, n, session_id)

    def echo_without_metadata(self, n: int = 1, session_id: str | None = None) -> None:
        """The next messages are journaled and echoed without their custom map."""
        self._plan(FaultKind.BARE_ECHO, n, session_id)

    def lose_metadata_in_replay(self, on: bool = True) -> None:  # noqa: FBT001, FBT002 - a switch
        """Replays carry no metadata from now on (or do again)."""
        self._stage.options.replay_metadata = not on

    def forget_conversation(self, session_id: str | None = None) -> None:
        """Messages are refused with `Error: Conversation not found` until the next join."""
        for session in self._chosen(session_id):
            session.conversing = False

    # -- sockets -----------------------------------------------------------------------------

    def drop_sockets(
        self, session_id: str | None = None, code: int | None = None, *, reason: str = ""
    ) -> None:
        """Close the open sockets with `code`; with none, or 1006, cut them without a word.

        Any code goes out as it is, 408 too; 1005 is a close frame without one (reference §23).
        """
        for session in self._chosen(session_id):
            session.close_sockets(code, reason)

    def drop_after_next_message(
        self,
        *,
        before_echo: bool = True,
        accepted: bool = True,
        session_id: str | None = None,
    ) -> None:
        """Cut the sockets at the next message, before or after its echo is sent.

        With `accepted` false the message itself is lost with the socket.
        """
        self._plan(
            FaultKind.DROP_AFTER_MESSAGE,
            1,
            session_id,
            before_echo=before_echo,
            accepted=accepted,
        )

    def drop_after_chunks(self, n: int, session_id: str | None = None) -> None:
        """Cut the sockets once `n` more chunks went out live."""
        self._plan(FaultKind.DROP_AFTER_CHUNK, n, session_id)

    def close_cleanly(self, session_id: str | None = None, *, gone: bool = True) -> None:
        """Close 1000 without SESSION_END; the session is `gone` unless said otherwise (§4.5)."""
        for session in self._chosen(session_id):
            session.close_sockets(1000)
            if gone:
                session.expire()

    # -- frames ------------------------------------------------------------------------------

    def repeat_frames(self, n: int = 1, session_id: str | None = None) -> None:
        """Each of the next `n` journaled frames is sent twice on the open sockets."""
        self._plan(FaultKind.REPEAT_FRAME, n, session_id)

    def reorder_next(self, session_id: str | None = None) -> None:
        """The next two journaled frames of a session reach its open sockets swapped."""
        self._plan(FaultKind.REORDER, 1, session_id)

    def overlap_replay(self, n: int, session_id: str | None = None) -> None:
        """The next replay with a cursor begins `n` events before it."""
        self._plan(FaultKind.OVERLAP_REPLAY, 1, session_id, events=n)

    def send_raw(self, session_id: str | None, text: str, *, binary: bool = False) -> None:
        """Put anything at all on the open sockets."""
        for session in self._chosen(session_id):
            session.post(text.encode() if binary else text)

    def emit(
        self,
        session_id: str | None,
        type: str,  # noqa: A002 - the name it has on the wire
        payload: Json | None = None,
        *,
        transient: bool = False,
        custom: dict[str, str] | None = None,
    ) -> None:
        """Let the service say any frame now: journaled, or `transient` on the open sockets only."""
        kind = type if type.startswith(PREFIX) else PREFIX + type
        metadata: Json | None = None if custom is None else {"custom": custom}
        for session in self._chosen(session_id):
            (session.whisper if transient else session.publish)(kind, payload or {}, metadata)

    def agent_says(
        self,
        session_id: str | None,
        text: str,
        *,
        suggestions: Iterable[str] = (),
        attachments: Iterable[Json] = (),
        streamed: bool = False,
    ) -> None:
        """The agent speaks unasked, after whatever it is saying now."""
        said = Say(text, tuple(suggestions), tuple(attachments), streamed=streamed)
        for session in self._chosen(session_id):
            session.perform([said])

    def system_message(
        self,
        session_id: str | None,
        level: str,
        text: str,
        *,
        custom: dict[str, str] | None = None,
        journaled: bool = False,
    ) -> None:
        """A SYSTEM_MESSAGE at `info`, `warning` or `error`."""
        full = level if level.startswith("SYSTEM_") else f"SYSTEM_MESSAGE_LEVEL_{level.upper()}"
        payload = {"level": full, "message": text}
        kind = frames.SYSTEM_MESSAGE
        self.emit(session_id, kind, payload, transient=not journaled, custom=custom)

    # -- sessions ----------------------------------------------------------------------------

    def end_session(
        self, session_id: str | None = None, reason: str | None = "REASON_NATURAL_END"
    ) -> None:
        """SESSION_END with `reason` (left out if empty, None is null), then close 1000."""
        for session in self._chosen(session_id):
            session.end(reason)

    def expire_session(self, session_id: str | None = None) -> None:
        """The session is gone without a word: sockets cut, handshakes answered 404."""
        for session in self._chosen(session_id):
            session.expire()
            session.close_sockets(None)

    # -- calls -------------------------------------------------------------------------------

    def refuse_tokens(
        self,
        status: int,
        n: int = 1,
        text: str = "",
        *,
        retry_after: str | float | None = None,
        body: str | None = None,
    ) -> None:
        """The next access-token calls are answered so; `body` replaces the usual error body."""
        self.refuse("token", status, n, text, retry_after=retry_after, body=body)

    def refuse_sessions(
        self,
        status: int,
        n: int = 1,
        text: str = "",
        *,
        retry_after: str | float | None = None,
        body: str | None = None,
    ) -> None:
        """The next session calls are answered so; `body` replaces the usual error body."""
        self.refuse("session", status, n, text, retry_after=retry_after, body=body)

    def refuse_handshakes(
        self,
        status: int,
        n: int = 1,
        text: str = "",
        *,
        session_id: str | None = None,
        retry_after: str | float | None = None,
    ) -> None:
        """The next handshakes are answered so instead of 101."""
        self.refuse("handshake", status, n, text, retry_after=retry_after, session_id=session_id)

    def silent_handshakes(self, n: int = 1, session_id: str | None = None) -> None:
        """The next sockets open and stay mute: no batch, no echo, nothing."""
        self._plan(FaultKind.SILENT_HANDSHAKE, n, session_id)

    def lose_responses(self, n: int = 1) -> None:
        """The next REST calls take effect, but the connection is cut instead of an answer."""
        self._plan(FaultKind.LOSE_RESPONSE, n, None)

    # -- the simulator itself ----------------------------------------------------------------

    def configure(self, **options: Any) -> None:  # noqa: ANN401 - each option has its own type
        """Turn options (see `Options`) by name.

        Raises:
            ValueError: there is no such option, or no such choice.
        """
        for name, value in options.items():
            self._stage.options.turn(name, value)

    def heal(self) -> None:
        """Nothing planned goes wrong any more, and somebody is at the port again."""
        self._stage.faults.planned.clear()
        if not self._listener.listening:
            self._stage.crew.start(self._listener.open())


#: The verbs of this module.
VERBS = frozenset(name for name in vars(Verbs) if not name.startswith("_"))
