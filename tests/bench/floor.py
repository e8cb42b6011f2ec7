"""The floor: the same traffic through bare libraries, as cheaply as they can; nothing is kept.

One shared HTTP session, one TLS context, websockets without compression and pings, no Bolt, no SDK.
`python -m tests.bench.floor SLACK_API AGENT`.
"""

import asyncio
import heapq
import json
import random
import ssl
import sys
from typing import Any

import aiohttp
from websockets.asyncio.client import ClientConnection, connect

from tests.bench.standing import run_fast, standing

SLACK_API, AGENT = sys.argv[1:3]
WS = AGENT.replace("http", "ws", 1)
TLS = ssl.create_default_context() if AGENT.startswith("https") else None
JOIN = json.dumps({"type": "EVENT_TYPE_REQUEST_POLY_AGENT_JOIN", "payload": {}})
HEARTBEAT = json.dumps({"type": "EVENT_TYPE_HEARTBEAT", "payload": {}})
#: Seconds between the heartbeats of a socket, and how often it is looked who owes one.
_INTERVAL, _LOOK = 30.0, 0.05
HEADERS = {"Authorization": "Bearer xoxb-simulated"}


class Floor:
    """Everything that is known: which thread has which socket."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._sockets: dict[str, ClientConnection] = {}
        self._beats: list[tuple[float, str]] = []  #: when each is due: out of step, as ours are
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Listen to Slack, for ever."""
        self._start(self._beat())
        ticket = await self._post(f"{SLACK_API}apps.connections.open", {})
        async with self._open(ticket["url"]) as slack:
            async for raw in slack:
                envelope = json.loads(raw)
                if envelope["type"] == "events_api":
                    await slack.send(json.dumps({"envelope_id": envelope["envelope_id"]}))
                    self._start(self._forward(envelope["payload"]["event"]))

    async def _forward(self, event: dict[str, Any]) -> None:
        thread = event.get("thread_ts") or event["ts"]
        socket = self._sockets.get(thread)
        if socket is None:
            socket = self._sockets[thread] = await self._session(event["channel"], thread)
            first = asyncio.get_running_loop().time() + _INTERVAL * random.random()  # noqa: S311
            heapq.heappush(self._beats, (first, thread))
        message = {"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": event["text"]}}
        await socket.send(json.dumps(message))

    async def _session(self, channel: str, thread: str) -> ClientConnection:
        token = (await self._post(f"{AGENT}/api/v1/access-token", {}))["access_token"]
        session = (await self._post(f"{AGENT}/api/v1/sessions", {}))["session_id"]
        socket = await self._open(f"{WS}/ws?session_id={session}&access_token={token}")
        self._start(self._read(socket, channel, thread))
        await socket.send(JOIN)
        return socket

    async def _read(self, socket: ClientConnection, channel: str, thread: str) -> None:
        while True:
            frame = json.loads(await socket.recv(decode=False))
            if frame["type"] == "EVENT_TYPE_POLY_AGENT_MESSAGE":
                said = {"channel": channel, "thread_ts": thread, "text": frame["payload"]["text"]}
                await self._post(f"{SLACK_API}chat.postMessage", said)

    async def _beat(self) -> None:
        """One heartbeat by each socket in thirty seconds, as every client owes it; by one task."""
        while True:
            now = asyncio.get_running_loop().time()
            while self._beats and self._beats[0][0] <= now:
                due, thread = self._beats[0]
                heapq.heapreplace(self._beats, (due + _INTERVAL, thread))
                await self._sockets[thread].send(HEARTBEAT)
            await asyncio.sleep(_LOOK)

    async def _post(self, address: str, body: dict[str, str]) -> dict[str, Any]:
        async with self._http.post(address, json=body, headers=HEADERS) as response:
            answer: dict[str, Any] = json.loads(await response.read())
            return answer

    def _open(self, address: str) -> connect:
        return connect(address, ssl=TLS, compression=None, ping_interval=None, proxy=None)

    def _start(self, work: Any) -> None:  # noqa: ANN401 - a coroutine of any kind
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def main() -> None:
    """Run until ended."""
    standing()
    async with aiohttp.ClientSession() as http:
        await Floor(http).run()


if __name__ == "__main__":
    run_fast(main())
