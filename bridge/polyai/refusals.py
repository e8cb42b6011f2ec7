"""What does a REST call mean that gave us no session? By status first; the text only refines.

    ConnectorRefused      the connector token or host is wrong: a person must act
    SessionRefused        the request itself is refused: repeating it will not help
    TryLater              nothing was decided: network, rate limit, server trouble

Each carries the correlation id that PolyAI's support asks for.
"""

from datetime import datetime, timedelta
from typing import Final

from bridge.errors import BridgeError, CredentialsRefused
from bridge.polyai.answers import Answer

#: How long to wait where a 429 does not say, as PolyAI's own SDKs do.
_RATE_LIMIT_WAIT: Final = timedelta(seconds=5)


class ConnectorRefused(CredentialsRefused):
    """PolyAI refuses the connector, or the access tokens made with it."""

    def __init__(self, message: str, *, remedy: str, correlation_id: str) -> None:
        super().__init__(message, remedy=remedy)
        self.correlation_id = correlation_id


class SessionRefused(BridgeError):
    """PolyAI refuses the request itself: ours is wrong, or the address is. Repeating is no use."""

    def __init__(self, message: str, *, remedy: str, correlation_id: str) -> None:
        super().__init__(message, remedy=remedy)
        self.correlation_id = correlation_id


class TryLater(BridgeError):
    """No session now. `after` is how long PolyAI asks us to wait, None where it does not say.

    `status` is the HTTP status, 0 where there was none.
    """

    def __init__(
        self, message: str, *, after: timedelta | None, status: int, correlation_id: str
    ) -> None:
        super().__init__(message)
        self.after = after
        self.status = status
        self.correlation_id = correlation_id


NoSession = ConnectorRefused | SessionRefused | TryLater


def token_refused(answer: Answer, agent: str, now: datetime) -> NoSession:
    """What a refused call for an access token means."""
    text = answer.text
    if answer.passing:
        return try_later("access token", text, answer, now)
    # "Failed to validate connector" and its like, under whatever status.
    if answer.status in (401, 403) or "connector" in text.lower():
        return connector_refused(text, answer, agent)
    return _request_refused("access-token", text, answer, agent)


def session_refused(answer: Answer, agent: str, now: datetime) -> NoSession:
    """What a refused call for a session means, made with a token newly minted."""
    text = answer.text
    if answer.passing:
        return try_later("session", text, answer, now)
    if answer.status in (401, 403):
        return connector_refused(f"its own new access token: {text}", answer, agent)
    return _request_refused("sessions", text, answer, agent)


def connector_refused(text: str, answer: Answer, agent: str) -> ConnectorRefused:
    """A person must look at the agent's credentials."""
    return ConnectorRefused(
        f"PolyAI refuses agent {agent}: {_described(text, answer)}",
        remedy=f"check agents.{agent}.connector_token and agents.{agent}.host",
        correlation_id=answer.correlation_id,
    )


def try_later(what: str, text: str, answer: Answer, now: datetime) -> TryLater:
    """Nothing was decided: `what` we asked for may be given later."""
    after = answer.retry_after(now)
    if after is None and answer.status == 429:
        after = _RATE_LIMIT_WAIT
    return TryLater(
        f"PolyAI gives no {what} now: {_described(text, answer)}",
        after=after,
        status=answer.status,
        correlation_id=answer.correlation_id,
    )


def _request_refused(call: str, text: str, answer: Answer, agent: str) -> SessionRefused:
    return SessionRefused(
        f"PolyAI refuses the request for {call}: {_described(text, answer)}",
        remedy=f"check agents.{agent}.base_url; otherwise report a bug",
        correlation_id=answer.correlation_id,
    )


def _described(text: str, answer: Answer) -> str:
    said = text or "no reason given"
    return f"{said} [HTTP {answer.status}, correlation id {answer.correlation_id}]"
