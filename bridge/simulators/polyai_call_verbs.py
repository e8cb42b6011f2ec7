"""What can befall a call to the simulated PolyAI? Refusals, slowness, silence, no one at home.

`call` is `token`, `session`, `handshake`, or None for any. `n` None is every one until `seconds`
are over or the simulator is healed.
"""

from datetime import timedelta

from bridge.simulators.polyai_faults import CallName, FaultKind, Refused
from bridge.simulators.polyai_steering import Steering

_CALLS: tuple[CallName, ...] = ("token", "session", "handshake")


class CallVerbs(Steering):
    """Faults of calls, handshakes and connections to come."""

    def refuse(
        self,
        call: CallName | None,
        status: int,
        n: int | None = 1,
        text: str | None = None,
        *,
        code: str | None = None,
        body: str | None = None,
        retry_after: str | float | None = None,
        retry_date: float | None = None,
        location: str | None = None,
        share: float = 1.0,
        seconds: float | None = None,
        session_id: str | None = None,
    ) -> None:
        """The next calls are answered so, a `share` of them, for `seconds`.

        Without a text, in the service's own words. `retry_after` is written as given, `retry_date`
        as the HTTP date so many seconds ahead; `body` replaces the error body.

        Raises:
            ValueError: there is no such call.
        """
        _check(call)
        refusal = Refused(
            status,
            text,
            retry_after,
            body,
            code=code,
            location=location,
            retry_date=retry_date,
        )
        self._plan(
            FaultKind.REFUSE,
            n,
            session_id,
            call=call,
            refusal=refusal,
            share=share,
            until=self._until(seconds),
        )

    def answer_slowly(
        self,
        call: CallName | None,
        seconds: float | None,
        n: int | None = 1,
        *,
        session_id: str | None = None,
    ) -> None:
        """The next calls wait before they are dealt with; for ever, if `seconds` is None."""
        _check(call)
        self._plan(FaultKind.SLOW, n, session_id, call=call, seconds=seconds)

    def hang_up(
        self, call: CallName | None, n: int | None = 1, *, session_id: str | None = None
    ) -> None:
        """The next calls have no effect, and the connection is cut instead of an answer."""
        _check(call)
        self._plan(FaultKind.HANG_UP, n, session_id, call=call)

    def refuse_connections(self, seconds: float | None = None, how: str = "refused") -> None:
        """Nobody is at the port (`refused`), or whoever calls is cut off (`reset`), for so long.

        Open sockets go on. Without `seconds`, until healed; where nobody is at the port, no verb
        arrives there by HTTP either, `heal` neither.

        Raises:
            ValueError: `how` is neither.
        """
        if how == "reset":
            self._plan(FaultKind.HANG_UP, None, until=self._until(seconds))
        elif how == "refused":
            self._listener.shut()
            if seconds is not None:
                self._stage.crew.start(self._listener.open(timedelta(seconds=seconds)))
        else:
            raise ValueError("how is refused or reset")

    def expire_tokens(self, session_id: str | None = None) -> None:
        """The access token of a session, or every one given out so far, expires now."""
        self._door.expire(None if session_id is None else self.sessions[session_id].token)


#: The verbs of this module.
VERBS = frozenset(name for name in vars(CallVerbs) if not name.startswith("_"))


def _check(call: str | None) -> None:
    if call is not None and call not in _CALLS:
        raise ValueError(f"call is one of {', '.join(_CALLS)}")
