"""A Slack as cheap as can be: Socket Mode, chat.postMessage, and no limit on anything."""

import itertools
import json
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from tests.bench.wire import Request, Wire

Json = dict[str, Any]

TEAM, BOT = "T0BENCH0001", "U0BENCHBOT1"
_FIXED: dict[str, Json] = {
    "auth.test": {
        "url": "https://bench.example/",
        "team": "Bench",
        "user": "bridge",
        "team_id": TEAM,
        "user_id": BOT,
        "bot_id": "B0BENCHBOT1",
    },
}
#: Told of each post: the thread, and what was said.
Posted = Callable[[str, str], None]


class Link:
    """One Socket Mode connection."""

    def __init__(self, slack: "FakeSlack", wire: Wire) -> None:
        self.wire = wire
        self._slack = slack

    def heard(self, text: bytes) -> None:
        """An acknowledgement."""
        self._slack.acknowledged(str(json.loads(text)["envelope_id"]))

    def gone(self) -> None:
        """It is closed."""
        self._slack.links.remove(self)


class FakeSlack:
    """One workspace. Every event goes to one socket, in turns."""

    def __init__(self, posted: Posted) -> None:
        self.links: list[Link] = []
        self.acks: deque[tuple[float, float]] = deque(maxlen=1_000_000)  #: sent at, acked at
        self.calls: Counter[str] = Counter()
        self.address = ""
        self._posted = posted
        self._numbers = itertools.count(1)
        self._turn = itertools.count()
        self._sent: dict[str, float] = {}
        self._began = int(time.time())

    def answer(self, request: Request, wire: Wire) -> bytes | Link:
        """One call of the Web API, or the handshake of a socket."""
        method = request.path.rpartition("/")[2]
        if method == "link":
            wire.upgrade(request)
            link = Link(self, wire)
            self.links.append(link)
            wire.tell(b'{"type": "hello", "num_connections": %d}' % len(self.links))
            return link
        self.calls[method] += 1
        return json.dumps({"ok": True, **self._called(method, request)}).encode()

    def _called(self, method: str, request: Request) -> Json:
        if method == "chat.postMessage":
            said = _arguments(request)
            self._posted(said["thread_ts"], said["text"])
            ts = self.new_ts()
            message = {"type": "message", "ts": ts, "thread_ts": said["thread_ts"]}
            return {"channel": said["channel"], "ts": ts, "message": message}
        if method == "apps.connections.open":
            return {"url": self.address}
        if method == "users.info":
            person = _arguments(request)["user"]
            return {"user": {"id": person, "name": person, "profile": {"display_name": person}}}
        return _FIXED.get(method, {})

    def say(self, channel: str, person: str, text: str, thread: str | None = None) -> str:
        """Somebody writes, in a thread or, calling the bot, at the top; the message's ts."""
        ts = self.new_ts()
        words = text if thread else f"<@{BOT}> {text}"
        event: Json = {
            "type": "message" if thread else "app_mention",
            "user": person,
            "ts": ts,
            "text": words,
            "team": TEAM,
            "client_msg_id": f"client-{ts}",
            "channel": channel,
            "event_ts": ts,
            "channel_type": "channel",
            "blocks": [_typed(text, calls=thread is None)],
        }
        if thread:
            event["thread_ts"] = thread
        self._send(event, ts)
        return ts

    def acknowledged(self, envelope: str) -> None:
        """The app acknowledges."""
        if (sent := self._sent.pop(envelope, None)) is not None:
            self.acks.append((sent, time.perf_counter()))

    def new_ts(self) -> str:
        """A timestamp as Slack names messages."""
        number = next(self._numbers)
        return f"{self._began + number // 1_000_000}.{number % 1_000_000:06d}"

    def _send(self, event: Json, ts: str) -> None:
        name = f"envelope-{ts}"
        payload = {
            "token": "t",
            "team_id": TEAM,
            "api_app_id": "A0BENCH0001",
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{ts.replace('.', '')}",
            "event_time": self._began,
            "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
            "is_ext_shared_channel": False,
        }
        frame = {
            "envelope_id": name,
            "type": "events_api",
            "payload": payload,
            "accepts_response_payload": False,
            "retry_attempt": 0,
            "retry_reason": "",
        }
        link = self.links[next(self._turn) % len(self.links)]
        self._sent[name] = time.perf_counter()
        link.wire.tell(json.dumps(frame).encode())


def _typed(text: str, *, calls: bool) -> Json:
    pieces: list[Json] = [{"type": "user", "user_id": BOT}] if calls else []
    pieces.append({"type": "text", "text": f" {text}" if calls else text})
    section = {"type": "rich_text_section", "elements": pieces}
    return {"type": "rich_text", "block_id": "b", "elements": [section]}


def _arguments(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").startswith("application/json"):
        found: dict[str, str] = json.loads(request.body)
        return found
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
