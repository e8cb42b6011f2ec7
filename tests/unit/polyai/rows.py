"""PolyAI's errors over HTTP, row by row as its documentation lists them, and what each means to us.

The texts and statuses are those of the pages on errors (S-err; `DOCUMENTED`), or of other places
that the same endpoints may answer from (`ELSEWHERE`). A row's meaning is the error that is raised
for it, or how a refused handshake is taken.
"""

from typing import Final, NamedTuple

from bridge.errors import BridgeError
from bridge.polyai.handshake import Refusal
from bridge.polyai.refusals import ConnectorRefused, SessionRefused, TryLater


class Row(NamedTuple):
    """One error of one endpoint.

    `call` is `access-token`, `sessions` or `ws`; `calls` is how many HTTP calls it takes until the
    meaning stands, where every further answer is the same.
    """

    call: str
    status: int
    text: str
    means: type[BridgeError] | Refusal
    calls: int = 1


#: Every row of the page, in its order.
DOCUMENTED: Final = (
    Row("access-token", 401, "Missing authentication headers", ConnectorRefused),
    Row("access-token", 401, "Connector token does not exist", ConnectorRefused),
    Row("access-token", 401, "Failed to validate connector", ConnectorRefused),
    Row("access-token", 401, "Connector missing host domain", ConnectorRefused),
    Row("access-token", 500, "Failed to create access token", TryLater),
    Row("sessions", 400, "Missing access token", SessionRefused, calls=2),
    # A 401 for a session is tried once more with a token newly minted.
    Row("sessions", 401, "Missing authentication headers", ConnectorRefused, calls=4),
    Row("sessions", 401, "Invalid access token", ConnectorRefused, calls=4),
    Row("sessions", 400, "Error parsing request", SessionRefused, calls=2),
    Row("sessions", 500, "Failed to create session", TryLater, calls=2),
    Row("ws", 404, "session not found", Refusal.SESSION_GONE),
    Row("ws", 401, "authentication failed", Refusal.SESSION_GONE),
    Row("ws", 429, "connection limit exceeded for session", Refusal.BUSY),
    Row("ws", 400, "invalid connection parameters", Refusal.BROKEN),
    Row("ws", 400, "invalid cursor: must be a non-negative integer", Refusal.BAD_CURSOR),
)

#: The same page's table of statuses, the platform's codes, and texts only PolyAI's SDKs know.
ELSEWHERE: Final = (
    Row("access-token", 400, "Bad request", SessionRefused),
    Row("access-token", 400, "Error parsing request", SessionRefused),
    Row("access-token", 400, "Failed to validate connector", ConnectorRefused),
    Row(
        "access-token",
        400,
        "Unable to get agent details from connector service",
        ConnectorRefused,
    ),
    Row("access-token", 403, "USER_ACCESS_FORBIDDEN", ConnectorRefused),
    Row("access-token", 404, "CONNECTORS_NOT_FOUND", ConnectorRefused),
    Row("access-token", 404, "AUTH_USER_NOT_FOUND", SessionRefused),
    Row("access-token", 405, "Method not allowed", SessionRefused),
    Row("access-token", 408, "Request timeout", TryLater),
    Row("access-token", 429, "Rate limit exceeded", TryLater),
    Row("access-token", 502, "Bad gateway", TryLater),
    Row("access-token", 503, "Service unavailable", TryLater),
    Row("sessions", 404, "Session not found", SessionRefused, calls=2),
    Row("sessions", 409, "Conflict", SessionRefused, calls=2),
    Row("sessions", 429, "Rate limit exceeded", TryLater, calls=2),
    Row("sessions", 500, "Error creating session", TryLater, calls=2),
    Row("ws", 403, "forbidden", Refusal.SESSION_GONE),
    Row("ws", 410, "gone", Refusal.SESSION_GONE),
    Row("ws", 408, "Request timeout", Refusal.AWAY),
    Row("ws", 500, "Internal server error", Refusal.AWAY),
    Row("ws", 503, "Service unavailable", Refusal.AWAY),
)

ROWS: Final = DOCUMENTED + ELSEWHERE
