"""The people of a homeserver, and one bot: what they say, and what they see."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp

from adapters.matrix.stand_in.synapse import URL, Synapse
from bridge.clock import RandomIds


@dataclass(frozen=True, slots=True)
class Known:
    """An account."""

    user: str
    token: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as it is read now."""

    id: str
    sender: str
    content: dict[str, Any]  #: of its latest edit, if it was edited

    @property
    def text(self) -> str:
        """Its plain words."""
        return str(self.content["body"])


class People:
    """Fresh accounts of their own on a Synapse that others use too."""

    def __init__(self, synapse: Synapse, http: aiohttp.ClientSession, bot: Known) -> None:
        self._synapse = synapse
        self._http = http
        self._ids = RandomIds()
        self._known: dict[str, Known] = {}
        self.bot = bot

    @classmethod
    async def with_bot(cls, synapse: Synapse, http: aiohttp.ClientSession) -> "People":
        """Nobody but a new bot, called Poly."""
        account = await synapse.register(http, f"poly-{RandomIds().new()}", "Poly")
        return cls(synapse, http, Known(account["user_id"], account["access_token"]))

    async def person(self, name: str) -> Known:
        """Somebody by their name, registered when they first appear."""
        if name not in self._known:
            local = f"{quote(name.lower(), safe='').replace('%', '=').lower()}-{self._ids.new()}"
            account = await self._synapse.register(self._http, local, name)
            self._known[name] = Known(account["user_id"], account["access_token"])
        return self._known[name]

    async def room(self, *names: str, called: bool = True, **further: Any) -> str:  # noqa: ANN401
        """A room of these people, the first its owner; the bot is in it if it is `called`."""
        owner, *others = [await self.person(name) for name in names]
        made = await self.call(owner, "POST", "createRoom", {"preset": "private_chat"} | further)
        room = str(made["room_id"])
        guests = [*others, self.bot] if called else others
        for guest in guests:
            await self.call(owner, "POST", f"rooms/{room}/invite", {"user_id": guest.user})
            await self.call(guest, "POST", f"rooms/{room}/join", {})
        return room

    async def invite(self, room: str, name: str) -> None:
        """Somebody invites the bot."""
        person = await self.person(name)
        await self.call(person, "POST", f"rooms/{room}/invite", {"user_id": self.bot.user})

    async def say(self, room: str, name: str, text: str, *, thread: str | None = None) -> str:
        """Somebody says something, in a thread or to the bot at the top of the room."""
        if thread is None:
            content: dict[str, Any] = {
                "body": f"Poly: {text}",
                "m.mentions": {"user_ids": [self.bot.user]},
            }
        else:
            relation = {"rel_type": "m.thread", "event_id": thread}
            content = {"body": text, "m.mentions": {}, "m.relates_to": relation}
        return await self.send(room, name, {"msgtype": "m.text"} | content)

    async def send(
        self, room: str, name: str, content: dict[str, Any], kind: str = "m.room.message"
    ) -> str:
        """Somebody sends an event; whoever was not there yet comes in first."""
        person = await self._in(room, name)
        path = f"rooms/{room}/send/{kind}/{self._ids.new()}"
        return str((await self.call(person, "PUT", path, content))["event_id"])

    async def correct(self, room: str, event: str, text: str) -> None:
        """Its author changes a message."""
        new = {"msgtype": "m.text", "body": text, "m.mentions": {}}
        relation = {"rel_type": "m.replace", "event_id": event}
        edit = new | {"body": f"* {text}", "m.new_content": new, "m.relates_to": relation}
        await self.send(room, await self._author(room, event), edit)

    async def take_back(self, room: str, event: str) -> None:
        """Its author redacts a message."""
        author = await self.person(await self._author(room, event))
        await self.call(author, "PUT", f"rooms/{room}/redact/{event}/{self._ids.new()}", {})

    async def react(self, room: str, name: str, event: str, key: str) -> None:
        """Somebody puts an emoji on a message."""
        relation = {"rel_type": "m.annotation", "event_id": event, "key": key}
        await self.send(room, name, {"m.relates_to": relation}, "m.reaction")

    async def read(self, room: str, thread: str = "") -> list[Shown]:
        """What stands in a thread, its root first, or at the top of a room; edits are applied."""
        events = await self.events(room)
        edits: dict[str, dict[str, Any]] = {}
        for event in events:
            relation = event["content"].get("m.relates_to", {})
            if relation.get("rel_type") == "m.replace":
                edits[relation["event_id"]] = event["content"]["m.new_content"]
        return [
            Shown(one["event_id"], one["sender"], edits.get(one["event_id"], one["content"]))
            for one in events
            if one["type"] == "m.room.message" and _stands(one, thread)
        ]

    async def events(self, room: str) -> list[dict[str, Any]]:
        """Everything that happened in a room, the oldest first, as its owner sees it."""
        viewer = next(iter(self._known.values()))
        found: list[dict[str, Any]] = []
        start = ""
        while True:
            path = f"rooms/{room}/messages?dir=f&limit=500{start}"
            page = await self.call(viewer, "GET", path)
            found += page["chunk"]
            if "end" not in page:
                return found
            start = f"&from={page['end']}"

    async def call(
        self, who: Known, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """One call as somebody, straight to the homeserver; it must succeed."""
        place, mark, parameters = path.partition("?")
        escaped = "/".join(quote(part, safe="") for part in place.split("/"))
        address = f"{URL}/_matrix/client/v3/{escaped}{mark}{parameters}"
        headers = {"Authorization": f"Bearer {who.token}"}
        async with self._http.request(method, address, json=body, headers=headers) as response:
            answer: dict[str, Any] = await response.json()
            if response.status != 200:
                raise AssertionError(f"{method} {place}: {response.status} {answer}")
            return answer

    async def _in(self, room: str, name: str) -> Known:
        new = name not in self._known
        person = await self.person(name)
        if new:
            owner = next(iter(self._known.values()))
            await self.call(owner, "POST", f"rooms/{room}/invite", {"user_id": person.user})
            await self.call(person, "POST", f"rooms/{room}/join", {})
        return person

    async def _author(self, room: str, event: str) -> str:
        viewer = next(iter(self._known.values()))
        found = await self.call(viewer, "GET", f"rooms/{room}/event/{event}")
        return next(name for name, one in self._known.items() if one.user == found["sender"])


def _stands(event: dict[str, Any], thread: str) -> bool:
    """Whether a message is shown there; what was redacted has no words."""
    relation = event["content"].get("m.relates_to", {})
    if "body" not in event["content"] or relation.get("rel_type") == "m.replace":
        return False
    root = relation["event_id"] if relation.get("rel_type") == "m.thread" else ""
    return bool(root == thread or event["event_id"] == thread)
