"""An agent that echoes: two HTTP calls to a session, one WebSocket, and an answer to everything."""

import base64
import itertools
import json
import uuid
from collections import deque
from typing import Any
from urllib.parse import parse_qs

from tests.bench.wire import Request, Wire

Json = dict[str, Any]

_PREFIX = "EVENT_TYPE_"
_AT = "2026-11-21T12:00:00Z"
#: What follows the echoed words, so that an answer is as long as an agent's usually is.
_PADDING = " Here is what an agent says, in sentences of about the usual length." * 5
#: Frames that a session remembers: more is never missed by one message in flight.
_KEPT = 8


def _part(value: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


#: A JWT, as PolyAI's are: a bridge that starts again looks whether it is still good.
_TOKEN = f"{_part({'alg': 'HS256'})}.{_part({'exp': 4102444800})}.c2lnbmF0dXJl"


class Session:
    """One session, and its latest socket."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.wire: Wire | None = None
        self.sequence = 0
        self.journal: deque[tuple[int, Json]] = deque(maxlen=_KEPT)
        capabilities = {"streaming": False, "heartbeat_interval_seconds": 30}
        self._journaled("SESSION_START", {"capabilities": capabilities})

    def replay(self, after: int) -> None:
        """The history after a cursor, as one batch."""
        missed = [frame for sequence, frame in self.journal if sequence > after]
        self._send({"type": _PREFIX + "EVENT_BATCH", "payload": {"events": missed}})

    def heard(self, text: bytes) -> None:
        """Echo it, and answer."""
        frame = json.loads(text)
        kind = str(frame["type"]).removeprefix(_PREFIX)
        if kind == "HEARTBEAT":
            self._send({"type": frame["type"], "payload": {}})
            return
        self._send(self._journaled(kind, frame.get("payload") or {}, frame.get("metadata")))
        if kind == "REQUEST_POLY_AGENT_JOIN":
            self._send(self._journaled("POLY_AGENT_JOINED", {"agent_id": "a", "agent_name": "A"}))
        elif kind == "USER_MESSAGE":
            said = {
                "message_id": str(uuid.uuid4()),
                "text": frame["payload"]["text"] + _PADDING,
            }
            self._send(self._journaled("POLY_AGENT_MESSAGE", said))

    def gone(self) -> None:
        """The socket is closed; another may come."""
        self.wire = None

    def _journaled(self, kind: str, payload: Json, metadata: Json | None = None) -> Json:
        self.sequence += 1
        frame: Json = {
            "id": str(uuid.uuid4()),
            "sequence": self.sequence,
            "timestamp": _AT,
            "type": _PREFIX + kind,
            "payload": payload,
        }
        if metadata:
            frame["metadata"] = metadata
        self.journal.append((self.sequence, frame))
        return frame

    def _send(self, frame: Json) -> None:
        if self.wire is not None:
            self.wire.tell(json.dumps(frame).encode())


class FakeAgent:
    """All sessions of the agent."""

    def __init__(self) -> None:
        self._names = itertools.count(1)
        self._sessions: dict[str, Session] = {}
        self.connects = 0  #: sockets opened so far

    @property
    def open(self) -> int:
        """How many sessions have a socket."""
        return sum(session.wire is not None for session in self._sessions.values())

    def answer(self, request: Request, wire: Wire) -> bytes | Session:
        """One call, or a handshake."""
        if request.path.endswith("/access-token"):
            return json.dumps({"access_token": _TOKEN, "expires_in": 86400}).encode()
        if request.path.endswith("/sessions"):
            session = Session(f"s{next(self._names)}")
            self._sessions[session.name] = session
            return json.dumps({"session_id": session.name}).encode()
        query = parse_qs(request.query)
        session = self._sessions[query["session_id"][0]]
        self.connects += 1
        wire.upgrade(request)
        session.wire = wire
        session.replay(int(query.get("cursor", ["0"])[0]))
        return session
