"""What can become of an exchange with the simulated PolyAI? Echoes, joins, streams and sockets."""

from datetime import timedelta

from bridge.simulators.polyai_catalogue import system_text
from bridge.simulators.polyai_faults import FaultKind
from bridge.simulators.polyai_steering import Steering

_JOINS = ("ignore", "echo_only", "refuse", "joined_twice", "no_greeting")
_STREAMS = ("stall", "break")


class ExchangeVerbs(Steering):
    """Faults to come in open sessions; `n` None is every occurrence until healed."""

    def delay_echo(self, seconds: float, n: int | None = 1, session_id: str | None = None) -> None:
        """The next messages are journaled and answered at once, their echoes are sent later."""
        self._plan(FaultKind.DELAY_ECHO, n, session_id, seconds=seconds)

    def alter_echo(
        self, text: str | None = None, n: int | None = 1, session_id: str | None = None
    ) -> None:
        """The next echoes say `text`, or without one the same with its white space tidied."""
        self._plan(FaultKind.ALTER_ECHO, n, session_id, text=text)

    def refuse_messages(
        self,
        text: str = "turn_failed",
        n: int | None = 1,
        session_id: str | None = None,
        *,
        accepted: bool = False,
    ) -> None:
        """The next messages are answered with a system message, their custom map in it.

        `text` may be a name in `SYSTEM_TEXTS`. If `accepted`, they are journaled and answered too.
        """
        words = system_text(text)
        self._plan(FaultKind.REFUSE_MESSAGE, n, session_id, text=words, accepted=accepted)

    def spoil_join(
        self,
        how: str,
        n: int | None = 1,
        session_id: str | None = None,
        *,
        text: str = "cannot_start",
    ) -> None:
        """The next joins go wrong: `ignore` (silence), `echo_only`, `refuse` (with `text`, which
        may be a name in `SYSTEM_TEXTS`), `joined_twice`, `no_greeting`.

        Raises:
            ValueError: there is no such way.
        """
        if how not in _JOINS:
            raise ValueError(f"how is one of {', '.join(_JOINS)}")
        self._plan(FaultKind.SPOIL_JOIN, n, session_id, how=how, text=system_text(text))

    def spoil_stream(
        self,
        after_chunks: int,
        how: str = "stall",
        seconds: float | None = None,
        n: int | None = 1,
        session_id: str | None = None,
    ) -> None:
        """The agent's next streams stall so long (None: they never end) or `break` with an error.

        Raises:
            ValueError: there is no such way.
        """
        if how not in _STREAMS:
            raise ValueError(f"how is one of {', '.join(_STREAMS)}")
        self._plan(
            FaultKind.SPOIL_STREAM, n, session_id, events=after_chunks, how=how, seconds=seconds
        )

    def lose_heartbeats(self, n: int | None = 1, session_id: str | None = None) -> None:
        """The next heartbeats are heard but not answered."""
        self._plan(FaultKind.LOSE_HEARTBEAT, n, session_id)

    def skip_sequences(self, n: int = 1, session_id: str | None = None) -> None:
        """A hole of `n` before the next sequence, as is legitimate."""
        for session in self._chosen(session_id):
            session.skip_sequences(n)

    def freeze_sockets(self, session_id: str | None = None, seconds: float | None = None) -> None:
        """The open sockets send nothing for so long and then all of it; None: they are dead.

        A dead one is deaf as well, to pings too; nothing closes it but the client.
        """
        for session in self._chosen(session_id):
            for outlet in session.sockets:
                if seconds is None:
                    outlet.frozen = True
                else:
                    outlet.wait(timedelta(seconds=seconds))

    def drop_opened(
        self,
        n: int | None = 1,
        code: int | None = None,
        session_id: str | None = None,
        *,
        after_history: bool = False,
    ) -> None:
        """The next sockets are closed as soon as they are open, or after their batches."""
        self._plan(FaultKind.DROP_OPENED, n, session_id, code=code, events=int(after_history))

    def delay_history(
        self, seconds: float | None, n: int | None = 1, session_id: str | None = None
    ) -> None:
        """The next sockets get live frames at once but their batches late, or (None) never."""
        self._plan(FaultKind.LATE_HISTORY, n, session_id, seconds=seconds)


#: The verbs of this module.
VERBS = frozenset(name for name in vars(ExchangeVerbs) if not name.startswith("_"))
