"""Who plays Teams for the conformance kit? One channel; what people say comes signed, and again."""

import asyncio
import contextlib
import html
import itertools
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
from markdown_it import MarkdownIt

from adapters.teams.door import PATH
from adapters.teams.played import APP_ID, PASSWORD, TENANT, Message, PlayedMicrosoft
from bridge.clock import RandomIds, SystemClock
from bridge.testing.stand_in import Fault, Seen, Uttered

_CHANNEL = "19:town@thread.tacv2"
_BOT = {"id": f"28:{APP_ID}", "name": "Agent"}
_CALLED = "<at>Agent</at>"
#: How long until it tells again what was not taken, seconds.
_AGAIN = 0.2


@dataclass(slots=True)
class _Told:
    """An activity, told until it is taken or refused for good."""

    activity: Message
    taken: bool = False
    over: bool = False


class TeamsStandIn:
    """A team with one channel; a thread is named by its conversation."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http, self._clock = http, SystemClock()
        begin = int(self._clock.now().timestamp() * 1000)
        self._numbers = itertools.count(begin)
        self.microsoft = PlayedMicrosoft(self._clock, RandomIds(), self._number)
        self._told: dict[str, _Told] = {}
        self._queue: asyncio.Queue[_Told] = asyncio.Queue()
        self._there = asyncio.Event()
        self._there.set()
        self._address = ""

    @property
    def settings(self) -> Mapping[str, Any]:
        """An app that this Microsoft knows."""
        return {
            "app_id": APP_ID,
            "tenant": TENANT,
            "app_password": PASSWORD,
            "login_url": self.microsoft.address,
            "openid_url": f"{self.microsoft.address}/openid",
        }

    @property
    def wrong_settings(self) -> Mapping[str, Any]:
        """The same with another secret."""
        return {**self.settings, "app_password": "the-secret-of-another-app"}

    async def reach(self, address: str) -> None:
        """The messaging endpoint is below it."""
        self._address = address

    async def say(self, text: str, *, thread: str | None = None, person: str = "ada") -> Uttered:
        """A person mentions the app in the channel; Teams tells apps of nothing else there."""
        name = self._number()
        thread = thread or f"{_CHANNEL};messageid={name}"
        words = f"{_CALLED} {html.escape(text, quote=False)}"
        self._there_is(thread)[name] = {"text": text, "from": person}
        self._tell(self._activity("message", name, thread, person, text=words, entities=_MENTION))
        return Uttered(thread=thread, id=name)

    async def taken(self, uttered: Uttered) -> bool | None:
        """Whether it was answered 200."""
        return self._told[uttered.id].taken

    async def repeat(self, uttered: Uttered) -> None:
        """The same activity, with a token of its own."""
        self._queue.put_nowait(_Told(self._told[uttered.id].activity))

    async def seen(self, thread: str) -> list[Seen]:
        """The thread as people read it."""
        return [_seen(name, message) for name, message in self._there_is(thread).items()]

    @property
    def faults(self) -> frozenset[Fault]:
        """All of them."""
        return frozenset(Fault)

    async def fail(self, fault: Fault) -> None:
        """The next post ends so."""
        self.microsoft.fault = fault.value

    async def leave(self) -> None:
        """Microsoft is away, in both directions."""
        self._there.clear()
        await self.microsoft.close()

    async def return_(self) -> None:
        """And there again."""
        await self.microsoft.open()
        self._there.set()

    async def press(self, message: Seen, index: int, *, person: str = "ada") -> None:
        """Press a button: Teams gives back what it carries, and shows its words as said."""
        thread = next(key for key, it in self.microsoft.conversations.items() if message.id in it)
        data = _buttons(self._there_is(thread)[message.id])[index]["data"]
        name, said = self._number(), data["msteams"]
        self._there_is(thread)[name] = {"text": said["displayText"], "from": person}
        about = {"text": said["text"], "value": said["value"], "replyToId": message.id}
        self._tell(self._activity("message", name, thread, person, **about))

    async def correct(self, uttered: Uttered, text: str) -> None:
        """Its author edits it."""
        self._there_is(uttered.thread)[uttered.id]["text"] = text
        words = f"{_CALLED} {html.escape(text, quote=False)}"
        self._tell_of(uttered, "messageUpdate", "editMessage", text=words, entities=_MENTION)

    async def take_back(self, uttered: Uttered) -> None:
        """Its author deletes it."""
        self._there_is(uttered.thread).pop(uttered.id)
        self._tell_of(uttered, "messageDelete", "softDeleteMessage")

    async def telling(self) -> None:
        """Tell, one after the other and again where it was not taken, until cancelled."""
        while True:
            told = await self._queue.get()
            while not told.over:
                await self._there.wait()
                await self._attempt(told)
                await asyncio.sleep(0 if told.over else _AGAIN)

    async def bring(self, activity: Message, token: str | None = None) -> int:
        """Bring one activity with that token, or a good one: the status of the answer."""
        token = self.microsoft.signed() if token is None else token
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = json.dumps(activity).encode()
        url = self._address + PATH
        async with self._http.post(url, data=data, headers=headers) as answer:
            return answer.status

    async def _attempt(self, told: _Told) -> None:
        with contextlib.suppress(aiohttp.ClientError, OSError):
            status = await self.bring(told.activity)
            told.taken = status == 200
            # 404 is nobody's no: the bridge listens a moment before its adapters are connected.
            told.over = status < 500 and status != 404

    def _tell_of(self, uttered: Uttered, kind: str, event: str, **parts: Any) -> None:  # noqa: ANN401
        person = self._told[uttered.id].activity["from"]["name"]
        activity = self._activity(kind, uttered.id, uttered.thread, person, **parts)
        activity["channelData"]["eventType"] = event
        self._queue.put_nowait(_Told(activity))

    def _tell(self, activity: Message) -> None:
        told = _Told(activity)
        self._told[activity["id"]] = told
        self._queue.put_nowait(told)

    def _activity(self, kind: str, name: str, thread: str, person: str, **parts: Any) -> Message:  # noqa: ANN401
        at = datetime.fromtimestamp(int(name) / 1000, UTC)
        return {
            "type": kind,
            "id": name,
            "timestamp": at.isoformat(),
            "serviceUrl": self.microsoft.service,
            "channelId": "msteams",
            "from": {"id": f"29:{person}", "name": person},
            "conversation": {
                "id": thread,
                "isGroup": True,
                "conversationType": "channel",
                "tenantId": TENANT,
            },
            "recipient": _BOT,
            "textFormat": "plain",
            "channelData": {"tenant": {"id": TENANT}},
            **parts,
        }

    def _there_is(self, thread: str) -> dict[str, Message]:
        return self.microsoft.conversations.setdefault(thread, {})

    def _number(self) -> str:
        return str(next(self._numbers))


_MARKDOWN = MarkdownIt("commonmark", {"html": False})
_TAG = re.compile(r"<[^<>]*>")
_MENTION = [{"type": "mention", "mentioned": _BOT, "text": _CALLED}]


def _seen(name: str, message: Message) -> Seen:
    ours = bool(message.get("ours"))
    return Seen(
        id=name,
        text="\n".join(_words(message)) if ours else message["text"],
        author="" if ours else message["from"],
        suggestions=tuple(button["title"] for button in _buttons(message)),
        pictures=tuple(each["url"] for each in _elements(message) if each["type"] == "Image"),
        ours=ours,
    )


def _words(message: Message) -> list[str]:
    """What is to be read, without Markdown's marks."""
    text = message.get("text") or ""
    words = [_rendered(text) if message.get("textFormat") == "markdown" else text]
    for each in _elements(message):
        if each["type"] == "TextBlock":
            words.append(_rendered(each["text"]))
        elif each["type"] == "RichTextBlock":
            words += [run["text"] for run in each["inlines"]]
        elif each["type"] == "ActionSet":
            links = [one for one in each["actions"] if one["type"] == "Action.OpenUrl"]
            words += [f"{one['title']} {one['url']}" for one in links]
    return [each for each in words if each]


def _rendered(text: str) -> str:
    """What remains of Markdown to be read; no HTML is taken for any."""
    return html.unescape(_TAG.sub("", _MARKDOWN.render(text))).strip()


def _elements(message: Message) -> list[Message]:
    cards = [each["content"] for each in message.get("attachments") or []]
    tops = [element for card in cards for element in card["body"]]
    return [inner for top in tops for inner in (top.get("items") or [top])]


def _buttons(message: Message) -> list[Message]:
    sets = [each["actions"] for each in _elements(message) if each["type"] == "ActionSet"]
    return [one for actions in sets for one in actions if one["type"] == "Action.Submit"]


@asynccontextmanager
async def stand_in() -> AsyncIterator[TeamsStandIn]:
    """A team on loopback."""
    async with aiohttp.ClientSession() as http:
        played = TeamsStandIn(http)
        await played.microsoft.open()
        telling = asyncio.create_task(played.telling())
        try:
            yield played
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            await played.microsoft.close()
