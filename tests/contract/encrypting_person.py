"""Somebody with a client of their own that encrypts: nio's, which knows nothing of our code."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from nio import (  # type: ignore[import-untyped]  # it ships no types
    AsyncClient,
    AsyncClientConfig,
    MegolmEvent,
    RoomMessage,
    RoomSendResponse,
)
from yarl import URL

from adapters.matrix.stand_in.front import Front
from adapters.matrix.stand_in.people import Known, People
from adapters.matrix.stand_in.synapse import the_synapse
from bridge.clock import RandomIds
from tests.contract.matrix_front import PATIENCE, Matrix, until

ENCRYPTION: dict[str, Any] = {
    "type": "m.room.encryption",
    "state_key": "",
    "content": {"algorithm": "m.megolm.v1.aes-sha2"},
}
#: A sync leaves out nothing of what any test does.
_WHOLE = {"room": {"timeline": {"limit": 500}}}


class EncryptingPerson:
    """One device of a person: says sealed things, and reads what is sealed for it."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - it ships no types
        self._client = client
        self.read: list[dict[str, Any]] = []  #: the source of each event it could open
        self.unread: list[str] = []  #: the ids of those it could not

    async def look(self) -> None:
        """Hear what there is, and do what a client does with keys."""
        client = self._client
        answer = await client.sync(timeout=0, sync_filter=_WHOLE)
        if client.should_upload_keys:
            await client.keys_upload()
        if client.should_query_keys:
            await client.keys_query()
        if client.should_claim_keys:
            await client.keys_claim(client.get_users_for_key_claiming())
        await client.send_to_device_messages()
        for room in answer.rooms.join.values():
            for event in room.timeline.events:
                if isinstance(event, MegolmEvent):
                    self.unread.append(event.event_id)
                elif isinstance(event, RoomMessage):
                    self.read.append(event.source)

    async def reads(self, text: str) -> dict[str, Any]:
        """Wait until a message with these words is read; its source."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while asyncio.get_running_loop().time() < deadline:
            for source in self.read:
                if text in source["content"]["body"]:
                    return source
            await self.look()
            await asyncio.sleep(0.02)
        raise AssertionError(f"{text!r} never read: {self.read} {self.unread}")

    async def say(self, room: str, text: str, **further: Any) -> str:  # noqa: ANN401
        """Say it sealed, to all devices of the room; the event's id."""
        content = {"msgtype": "m.text", "body": text, **further}
        await self.look()
        sent = await self._client.room_send(
            room, "m.room.message", content, ignore_unverified_devices=True
        )
        assert isinstance(sent, RoomSendResponse), sent
        return str(sent.event_id)

    def begin_anew(self, room: str) -> None:
        """The next words are sealed by a new session, whose key is sent before them."""
        self._client.invalidate_outbound_session(room)

    async def log_out(self) -> None:
        """The device is no more."""
        await self._client.logout()


class Road(Front):
    """What stands between a person's clients and Synapse: it can hold back what carries keys."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        super().__init__(http)
        self.holding = False
        self._held: list[tuple[web.Request, URL, bytes]] = []

    async def release(self) -> None:
        """What was held back arrives."""
        self.holding = False
        for request, url, body in self._held:
            await super()._passed_on(request, url, body)
        self._held.clear()

    async def _passed_on(self, request: web.Request, url: URL, body: bytes) -> tuple[int, bytes]:
        if self.holding and "/sendToDevice/" in request.path:
            self._held.append((request, url, body))
            return 200, b"{}"
        return await super()._passed_on(request, url, body)


class Crypt:
    """A room of the bot and Eve, who encrypts; and her devices."""

    def __init__(self, people: People, front: Road, account: dict[str, Any], path: Path) -> None:
        self.people = people
        self.front = front
        self.eve = Known(account["user_id"], account["access_token"])
        self._account = account
        self._path = path

    async def room(self, *guests: str, encrypted: bool = True) -> str:
        """A new room of Eve, the bot, which is invited, and people without a key."""
        known = [await self.people.person(name) for name in guests]
        state = [ENCRYPTION] if encrypted else []
        invited = [self.people.bot.user, *(guest.user for guest in known)]
        asked = {"preset": "private_chat", "invite": invited, "initial_state": state}
        room = str((await self._call("POST", "createRoom", asked))["room_id"])
        for guest in known:
            await self.people.call(guest, "POST", f"rooms/{room}/join", {})
        return room

    async def encrypt(self, room: str) -> None:
        """It is encrypted from now on."""
        await self._call("PUT", f"rooms/{room}/state/m.room.encryption", ENCRYPTION["content"])

    async def with_bot(self, room: str) -> None:
        """Wait until the bot is there, and its device has keys."""
        bot = self.people.bot.user

        async def there() -> bool:
            members = await self._call("GET", f"rooms/{room}/joined_members")
            return bot in members["joined"]

        await until(there)

    def first(self) -> AbstractAsyncContextManager[EncryptingPerson]:
        """Her device."""
        return self._device(self._account, "first")

    async def further(self) -> AbstractAsyncContextManager[EncryptingPerson]:
        """Another device of hers."""
        user = {"type": "m.id.user", "user": self.eve.user}
        asked = {"type": "m.login.password", "identifier": user}
        asked |= {"password": self._account["password"]}
        # Synapse fails to log in over a socket in a file, unless a proxy says from where.
        behind = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http"}
        address = f"{self.front.url}/_matrix/client/v3/login"
        async with (
            aiohttp.ClientSession() as http,
            http.post(address, json=asked, headers=behind) as response,
        ):
            return self._device(await response.json(), "further")

    async def events(self, room: str) -> list[dict[str, Any]]:
        """What the homeserver has of a room, the oldest first."""
        told = await self._call("GET", f"rooms/{room}/messages?dir=f&limit=500")
        listed: list[dict[str, Any]] = told["chunk"]
        return listed

    async def keys_of(self, user: str) -> dict[str, Any]:
        """What everybody sees of somebody's keys."""
        return await self._call("POST", "keys/query", {"device_keys": {user: []}})

    async def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:  # noqa: ANN401
        return await self.people.call(self.eve, method, path, body)

    def _device(
        self, account: dict[str, Any], name: str
    ) -> AbstractAsyncContextManager[EncryptingPerson]:
        return _device(self.front, account, self._path / name)


@asynccontextmanager
async def crypting(people: People, directory: Path) -> AsyncIterator[Crypt]:
    """Eve, who is nobody to the stand-in; her devices keep their stores in `directory`."""
    async with the_synapse().session() as http:
        front = Road(http)
        await front.come()
        account = await the_synapse().register(http, f"eve-{RandomIds().new()}", "Eve")
        try:
            yield Crypt(people, front, account, directory)
        finally:
            await front.go()


@pytest.fixture
async def crypt(matrix: Matrix, tmp_path: Path) -> AsyncIterator[Crypt]:
    """Eve, beside the adapter on its played host."""
    async with crypting(matrix.people, tmp_path) as made:
        yield made


@asynccontextmanager
async def _device(
    front: Road, account: dict[str, Any], directory: Path
) -> AsyncIterator[EncryptingPerson]:
    directory.mkdir(parents=True)
    config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=False)
    client = AsyncClient(front.url, account["user_id"], store_path=str(directory), config=config)
    client.restore_login(account["user_id"], account["device_id"], account["access_token"])
    try:
        one = EncryptingPerson(client)
        await one.look()
        yield one
    finally:
        await client.close()
