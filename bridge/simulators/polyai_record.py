"""What did the simulated PolyAI see? Calls, sockets and frames, each with its instant."""

from dataclasses import dataclass, field
from datetime import datetime

from bridge.simulators.polyai_frames import HEARTBEAT, JOIN, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One REST call or handshake; `query` leaves the access token out."""

    at: datetime
    method: str
    path: str
    status: int  #: 0: the connection was cut instead of an answer
    headers: dict[str, str] = field(repr=False)
    query: dict[str, str]
    body: str = ""
    access_token: str | None = field(default=None, repr=False)  #: the one a handshake carried

    @property
    def session_id(self) -> str | None:
        """The session a handshake asked for."""
        return self.query.get("session_id")

    @property
    def cursor(self) -> str | None:
        """The cursor a handshake sent, as it was written."""
        return self.query.get("cursor")

    def told(self) -> Json:
        """The call as JSON, without a secret."""
        return {
            "at": self.at.isoformat(),
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "query": self.query,
        }


@dataclass(frozen=True, slots=True)
class Heard:
    """A frame of the client's; `type` is empty if the service refused it. Binary is in hex."""

    at: datetime
    type: str
    raw: str = field(repr=False)


@dataclass(slots=True, kw_only=True)
class SocketLife:
    """One socket of a session, from the handshake to its end; None: not yet, or not so."""

    opened_at: datetime
    cursor: str | None  #: as the client wrote it
    closed_at: datetime | None = None
    server_code: int | None = None  #: the code we closed with; None if we did not, or cut
    client_code: int | None = None  #: the code the client closed with, or answered with

    def told(self) -> Json:
        """The socket as JSON."""
        return {
            "opened_at": self.opened_at.isoformat(),
            "closed_at": None if self.closed_at is None else self.closed_at.isoformat(),
            "cursor": self.cursor,
            "server_code": self.server_code,
            "client_code": self.client_code,
        }


@dataclass(slots=True)
class SessionRecord:
    """What one session saw of its client."""

    frames: list[Heard] = field(default_factory=list)
    sockets: list[SocketLife] = field(default_factory=list)
    greeted_at: list[datetime] = field(default_factory=list)
    most_sockets: int = 0  #: open at once

    def heard_at(self, kind: str) -> list[datetime]:
        """When each frame of this type came."""
        return [heard.at for heard in self.frames if heard.type == kind]

    @property
    def heartbeats(self) -> list[datetime]:
        """When each heartbeat came."""
        return self.heard_at(HEARTBEAT)

    @property
    def joined_at(self) -> list[datetime]:
        """When each join came."""
        return self.heard_at(JOIN)

    def told(self) -> Json:
        """The record as JSON, without what was said."""
        return {
            "frames": [{"at": h.at.isoformat(), "type": h.type} for h in self.frames],
            "sockets": [life.told() for life in self.sockets],
            "greeted_at": [at.isoformat() for at in self.greeted_at],
            "most_sockets": self.most_sockets,
        }
