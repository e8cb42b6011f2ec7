"""A raw client of the simulated PolyAI: it sends anything and reads whatever comes."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Literal

import aiohttp
import pytest

from bridge.clock import RandomIds, SystemClock
from bridge.simulators.polyai import PolyAISimulator, SimulatedSession
from bridge.simulators.polyai_agent import RuleAgent

ErrorShape = Literal["flat", "nested", "message", "plain", "html"]
TOKEN = "simulated-connector-token"
HOST = "https://demo.example"
TICK = timedelta(milliseconds=1)
QUICK = RuleAgent(slow_pace=TICK, handoff_pace=TICK)
JOIN = {"type": "EVENT_TYPE_REQUEST_POLY_AGENT_JOIN", "payload": {}}
HEARTBEAT = {"type": "EVENT_TYPE_HEARTBEAT", "payload": {}}
INVALID = "Unknown event type or invalid message format"


def simulator(**changes: object) -> PolyAISimulator:
    usual = {"clock": SystemClock(), "ids": RandomIds(), "agent": QUICK, "streaming_pace": TICK}
    settings: dict[str, Any] = usual | changes
    return PolyAISimulator(**settings)


@pytest.fixture
async def polyai() -> AsyncIterator[PolyAISimulator]:
    async with simulator() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
        while OPENED:
            await OPENED.pop().socket.close()


class Line:
    """A raw client's socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self) -> dict[str, Any]:
        frame: dict[str, Any] = await self.socket.receive_json(timeout=2)
        return frame

    async def until(self, kind: str) -> list[dict[str, Any]]:
        """All frames up to the first of this type."""
        seen = [await self.next()]
        while short(seen[-1]) != kind:
            seen.append(await self.next())
        return seen

    async def quiet(self) -> bool:
        """Whether nothing but the answer to a heartbeat comes."""
        await self.send(HEARTBEAT)
        return short(await self.next()) == "HEARTBEAT"

    async def closed(self) -> int | None:
        """The code the socket was closed with, after whatever else it still brought."""
        while True:
            message = await self.socket.receive(timeout=2)
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                return self.socket.close_code

    async def send(self, frame: object) -> None:
        await self.socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def say(self, text: str, **custom: str) -> None:
        frame: dict[str, Any] = {"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": text}}
        await self.send(frame | ({"metadata": {"custom": custom}} if custom else {}))

    async def join(self) -> None:
        """Join and read all of the greeting."""
        await self.send(JOIN)
        await self.until("POLY_AGENT_MESSAGE")


#: What a test opened, closed by the fixture `http` in the end.
OPENED: list[Line] = []


class Client:
    """A raw client of one simulator."""

    def __init__(self, polyai: PolyAISimulator, http: aiohttp.ClientSession) -> None:
        self.polyai = polyai
        self.http = http

    async def post(self, path: str, data: str | None, **headers: str) -> tuple[int, dict[str, Any]]:
        sent = {"Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        async with self.http.post(self.polyai.base_url + path, data=data, headers=sent) as answer:
            return answer.status, await answer.json(content_type=None)

    async def token(self) -> str:
        status, body = await self.post("/api/v1/access-token", "{}", X_Token=TOKEN, X_Host=HOST)
        assert status == 200
        return str(body["access_token"])

    async def session(self, *, streaming: bool = False) -> SimulatedSession:
        wishes = json.dumps({"streaming_enabled": streaming, "platform": "custom"})
        bearer = f"Bearer {await self.token()}"
        status, body = await self.post("/api/v1/sessions", wishes, Authorization=bearer)
        assert status == 200
        return self.polyai.sessions[body["session_id"]]

    async def open(self, session: SimulatedSession, cursor: str | None = None) -> Line:
        """A socket; its first batches are not read yet."""
        query = {"session_id": session.id, "access_token": session.token}
        return await self.handshake(query | ({} if cursor is None else {"cursor": cursor}))

    async def handshake(self, query: dict[str, str]) -> Line:
        url = self.polyai.base_url + "/ws"
        line = Line(await self.http.ws_connect(url, params=query, max_msg_size=0))
        OPENED.append(line)
        return line

    async def refused(self, query: dict[str, str]) -> tuple[int, str]:
        """The status and words of a refused handshake."""
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        url = self.polyai.base_url + "/ws"
        async with self.http.get(url, params=query, headers=upgrade) as answer:
            return answer.status, (await answer.json())["error"]

    async def talk(self, *, streaming: bool = False) -> tuple[SimulatedSession, Line]:
        """A session with the agent in it, the greeting read."""
        session = await self.session(streaming=streaming)
        line = await self.open(session)
        await line.next()
        await line.join()
        return session, line


@pytest.fixture
def client(polyai: PolyAISimulator, http: aiohttp.ClientSession) -> Client:
    return Client(polyai, http)


def short(frame: dict[str, Any]) -> str:
    return str(frame["type"]).removeprefix("EVENT_TYPE_")


def shorts(frames: list[dict[str, Any]]) -> list[str]:
    return [short(frame) for frame in frames]


async def replay(client: Client, session: SimulatedSession, cursor: str | None = None) -> list[Any]:
    """The events of the first batch of a fresh socket."""
    line = await client.open(session, cursor)
    batch = await line.next()
    await line.socket.close()
    assert short(batch) == "EVENT_BATCH"
    return list(batch["payload"]["events"])


async def settled(session: SimulatedSession, kind: str, count: int = 1) -> None:
    """Wait until the journal holds this many frames of a type."""
    async with asyncio.timeout(2):
        while sum(f.type == f"EVENT_TYPE_{kind}" for f in session.journal) < count:
            await asyncio.sleep(0.001)
