"""The script that somebody would write instead: Bolt, websockets, a dict; nothing is durable.

Written as the libraries' own first pages show them, with their defaults. `python -m
tests.bench.script SLACK_API AGENT`.
"""

import asyncio
import contextlib
import json
import sys
from typing import Any

import aiohttp
import websockets
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.bench.standing import standing

SLACK_API, AGENT = sys.argv[1:3]
WS = AGENT.replace("http", "ws", 1)
JOIN = json.dumps({"type": "EVENT_TYPE_REQUEST_POLY_AGENT_JOIN", "payload": {}})
HEARTBEAT = json.dumps({"type": "EVENT_TYPE_HEARTBEAT", "payload": {}})

app = AsyncApp(client=AsyncWebClient(token="xoxb-simulated", base_url=SLACK_API))
sockets: dict[str, websockets.ClientConnection] = {}


async def open_session(channel: str, thread: str) -> websockets.ClientConnection:
    async with aiohttp.ClientSession() as http:
        async with http.post(
            f"{AGENT}/api/v1/access-token", json={}, headers={"X-Token": "t", "X-Host": "h"}
        ) as response:
            token = (await response.json())["access_token"]
        async with http.post(
            f"{AGENT}/api/v1/sessions",
            json={"streaming_enabled": False, "platform": "custom"},
            headers={"Authorization": f"Bearer {token}"},
        ) as response:
            session = (await response.json())["session_id"]
    socket = await websockets.connect(f"{WS}/ws?session_id={session}&access_token={token}")
    tasks.update(
        (
            asyncio.create_task(read(socket, channel, thread)),
            asyncio.create_task(beat(socket)),
        )
    )
    await socket.send(JOIN)
    return socket


tasks: set[asyncio.Task[None]] = set()


async def read(socket: websockets.ClientConnection, channel: str, thread: str) -> None:
    async for raw in socket:
        frame = json.loads(raw)
        if frame["type"] == "EVENT_TYPE_POLY_AGENT_MESSAGE":
            await post(channel, thread, frame["payload"]["text"])


async def post(channel: str, thread: str, text: str) -> None:
    await app.client.chat_postMessage(channel=channel, thread_ts=thread, text=text)


async def beat(socket: websockets.ClientConnection) -> None:
    with contextlib.suppress(websockets.ConnectionClosed):
        while True:
            await asyncio.sleep(30)
            await socket.send(HEARTBEAT)


async def forward(event: dict[str, Any]) -> None:
    thread = event.get("thread_ts") or event["ts"]
    if thread not in sockets:
        sockets[thread] = await open_session(event["channel"], thread)
    message = {"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": event["text"]}}
    await sockets[thread].send(json.dumps(message))


@app.event("app_mention")
async def mentioned(event: dict[str, Any]) -> None:
    await forward(event)


@app.event("message")
async def written(event: dict[str, Any]) -> None:
    if event.get("thread_ts") in sockets:
        await forward(event)


async def main() -> None:
    standing()
    await AsyncSocketModeHandler(app, "xapp-simulated").start_async()  # type: ignore[no-untyped-call]  # Bolt's


if __name__ == "__main__":
    asyncio.run(main())
