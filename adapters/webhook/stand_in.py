"""Who plays the system? A real receiver of callbacks on loopback, which tells what people do.

Like any decent system it tells again until it is answered 200, knows a key that comes twice, and
believes nobody whose signature is not good.
"""

import asyncio
import contextlib
import html
import itertools
import json
import re
from collections.abc import AsyncIterator, Mapping, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import aiohttp
from aiohttp import web
from markdown_it import MarkdownIt

from adapters.webhook.callback import IDEMPOTENCY_KEY
from adapters.webhook.door import MESSAGES_PATH
from adapters.webhook.signing import distrust
from bridge.clock import SystemClock
from bridge.plugin.settings import read_duration
from bridge.plugin.signing import signed
from bridge.testing.stand_in import Fault, Seen, Uttered

_SECRET: Final = "the-secret-of-both-sides-0123456789"  # noqa: S105 - opens nothing
_OTHER_SECRET: Final = "a-secret-that-nobody-knows-012345678"  # noqa: S105 - opens nothing
#: How long it waits before it tells again what was not taken, seconds.
_AGAIN: Final = 0.2
#: All other tags are words: they are shown as they are written.
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False})
_TAGS: Final = re.compile(r"</?(?:a|br|b|i|em|strong|p|ul|ol|li|code)(?:\s[^<>]*)?/?>")


@dataclass(slots=True)
class _Utterance:
    """What a person did, as it is told until it is taken."""

    body: bytes
    taken: bool = False


@dataclass(slots=True)
class _Shown:
    """One message of the bridge as people see it, and what pressing its suggestions means."""

    delivery: str
    seen: Seen
    marks: tuple[str, ...]


@dataclass(slots=True)
class _Thread:
    messages: dict[str, Seen] = field(default_factory=dict)  #: by our own names, in order
    signals: list[str] = field(default_factory=list)


class WebhookStandIn:
    """A system with threads, people and keys; `show` is what it can."""

    def __init__(self, http: aiohttp.ClientSession, **settings: Any) -> None:  # noqa: ANN401 - TOML
        self._http = http
        self._clock = SystemClock()
        self._numbers = itertools.count(1)
        self._threads: dict[str, _Thread] = {}
        self._uttered: dict[str, _Utterance] = {}
        self._shown: dict[str, _Shown] = {}  #: by the bridge's names
        self._by_key: dict[str, str] = {}  #: which of our names was answered under a key
        self._next_fault: Fault | None = None
        self._address = ""
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self._given = settings
        self.requests: list[tuple[str, Mapping[str, str], dict[str, Any]]] = []

    @property
    def settings(self) -> Mapping[str, Any]:
        """The table by which the adapter finds it."""
        return {
            "type": "webhook",
            "secret": _SECRET,
            "callback_url": f"http://127.0.0.1:{self._port}/callback",
            "callback_timeout": "4s",
            "show": [
                "formatting",
                "suggestions",
                "pictures",
                "attachments",
                "authorship",
                "edits",
                "signals",
            ],
            **self._given,
        }

    @property
    def wrong_settings(self) -> Mapping[str, Any]:
        """The same with a secret that the system does not have."""
        return {**self.settings, "secret": _OTHER_SECRET}

    # -- what the adapter is told -----------------------------------------------------------------

    async def reach(self, address: str) -> None:
        """From now on what people do is told there."""
        self._address = address

    async def say(self, text: str, *, thread: str | None = None, person: str = "ada") -> Uttered:
        """Let a person write."""
        identity = self._new("said")
        thread = thread or self._new("thread")
        self._thread(thread).messages[identity] = Seen(
            id=identity, text=text, author=person, ours=False
        )
        await self._tell("said", identity, thread, person, text=text)
        return Uttered(thread=thread, id=identity)

    async def taken(self, uttered: Uttered) -> bool | None:
        """Whether the bridge answered that it has it."""
        return self._uttered[uttered.id].taken

    async def repeat(self, uttered: Uttered) -> None:
        """Tell it once more, byte for byte, signed anew."""
        await self._attempt(self._uttered[uttered.id])

    async def press(self, message: Seen, index: int, *, person: str = "ada") -> None:
        """Press what is offered."""
        shown = next(each for each in self._shown.values() if each.seen.id == message.id)
        thread = next(name for name, it in self._threads.items() if message.id in it.messages)
        new, mark = self._new("choice"), shown.marks[index]
        which = shown.delivery
        await self._tell("choice", new, thread, person, delivery=which, index=index, mark=mark)

    async def correct(self, uttered: Uttered, text: str) -> None:
        """Let them change it."""
        self._change(uttered.thread, uttered.id, text)
        await self._tell_of(uttered, "edited", text=text)

    async def take_back(self, uttered: Uttered) -> None:
        """Let them delete it."""
        self._thread(uttered.thread).messages.pop(uttered.id)
        await self._tell_of(uttered, "deleted")

    async def _tell_of(self, uttered: Uttered, kind: str, **parts: str) -> None:
        said = self._uttered[uttered.id]
        person = json.loads(said.body)["person"]["id"]
        new = self._new(kind)
        await self._tell(kind, new, uttered.thread, person, original=uttered.id, **parts)

    async def _tell(
        self, kind: str, identity: str, thread: str, person: str, **parts: str | int
    ) -> None:
        told = {
            "kind": kind,
            "id": identity,
            "thread": thread,
            "person": {"id": person, "name": person.title()},
            "at": self._clock.now().isoformat(),
            **parts,
        }
        utterance = self._uttered[identity] = _Utterance(json.dumps(told).encode())
        await self._attempt(utterance)
        if not utterance.taken:
            task = asyncio.create_task(self._insist(utterance))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _insist(self, utterance: _Utterance) -> None:
        while not utterance.taken:
            await asyncio.sleep(_AGAIN)
            if self._runner is not None:
                await self._attempt(utterance)

    async def _attempt(self, utterance: _Utterance) -> None:
        headers = {
            "Content-Type": "application/json",
            **signed(self.settings["secret"], utterance.body, self._clock.now()),
        }
        address = self._address + MESSAGES_PATH
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async with self._http.post(address, data=utterance.body, headers=headers) as answer:
                utterance.taken = utterance.taken or answer.status == 200

    # -- what people see --------------------------------------------------------------------------

    async def seen(self, thread: str) -> list[Seen]:
        """What stands in the thread."""
        return self.standing(thread)

    def standing(self, thread: str) -> list[Seen]:
        """The same, at once."""
        return list(self._thread(thread).messages.values())

    @property
    def announced(self) -> list[dict[str, Any]]:
        """The calls for help, each once."""
        calls = [body for _, _, body in self.requests if body["kind"] == "announcement"]
        return list({body["id"]: body for body in calls}.values())

    def signals(self, thread: str) -> list[str]:
        """The signs of life that were shown there."""
        return list(self._thread(thread).signals)

    # -- what goes wrong --------------------------------------------------------------------------

    @property
    def faults(self) -> Set[Fault]:
        """All of them."""
        return frozenset(Fault)

    async def fail(self, fault: Fault) -> None:
        """Let the next message end so."""
        self._next_fault = fault

    async def leave(self) -> None:
        """Be away."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def return_(self) -> None:
        """Be there, at the same address as before."""
        application = web.Application()
        application.router.add_post("/callback", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Stop everything."""
        self._closing.set()
        for task in (tasks := list(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.leave()

    # -- what is received -------------------------------------------------------------------------

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        window = read_duration("5m")
        secrets, clocks = (self.settings["secret"],), (self._clock.now(),)
        if distrust(request.headers, body, secrets=secrets, window=window, clocks=clocks):
            return web.Response(status=401)
        told = json.loads(body)
        self.requests.append((request.headers[IDEMPOTENCY_KEY], request.headers, told))
        if told["kind"] == "ping":
            return web.Response()
        if told["kind"] == "signal":
            self._thread(told["thread"]).signals.append(told["signal"])
            return web.Response()
        fault, self._next_fault = self._next_fault, None
        return await self._taken(request, told, fault)

    async def _taken(
        self, request: web.Request, told: dict[str, Any], fault: Fault | None
    ) -> web.Response:
        if fault is Fault.RATE_LIMITED:
            return web.Response(status=429, headers={"Retry-After": "1"})
        if fault is Fault.REFUSED:
            return web.Response(status=422)
        if fault is Fault.SILENT:
            await self._closing.wait()
        if fault in (Fault.SILENT, Fault.LOST_REQUEST):
            return _broken(request)
        reference = self._keep(request.headers[IDEMPOTENCY_KEY], told)
        if fault is Fault.LOST_ANSWER:
            return _broken(request)
        return web.json_response({"reference": reference})

    def _keep(self, key: str, told: dict[str, Any]) -> str:
        """Show it, unless it is shown under this key already; our name of it."""
        if key in self._by_key:
            return self._by_key[key]
        identity = told.get("reference") or self._new("shown")
        self._by_key[key] = identity
        if told["kind"] != "announcement":
            # The bridge's own sentences are plain in any case.
            formatted = "formatting" in self.settings["show"] and told["notice"] is None
            seen = _seen(identity, told, formatted=formatted)
            marks = tuple(each["mark"] for each in told["suggestions"])
            self._shown[told["id"]] = _Shown(told["id"], seen, marks)
            self._thread(told["thread"]).messages[identity] = seen
        return identity

    def _change(self, thread: str, identity: str, text: str) -> None:
        messages = self._thread(thread).messages
        messages[identity] = replace(messages[identity], text=text)

    def _thread(self, name: str) -> _Thread:
        return self._threads.setdefault(name, _Thread())

    def _new(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers)}"


def _rendered(text: str) -> str:
    """What people read of Markdown and PolyAI's HTML: the words without the marks."""
    page = re.sub(r"<[^<>]*>", "", _MARKDOWN.render(text))
    return _TAGS.sub("", html.unescape(page)).strip("\n")


def _seen(identity: str, told: dict[str, Any], *, formatted: bool) -> Seen:
    author, beside = told["author"], told["attachments"]
    lines = [_rendered(told["text"]) if formatted else told["text"]]
    lines += [f"{each['title']} {each['url']}" for each in beside if each["kind"] != "image"]
    lines += [f"{each['title']} {each['number']}" for each in told["calls"]]
    return Seen(
        id=identity,
        text="\n".join(lines),
        author=(author["name"] or "") if author["kind"] == "live_agent" else "",
        suggestions=tuple(each["text"] for each in told["suggestions"]),
        pictures=tuple(each["url"] for each in beside if each["kind"] == "image" and each["url"]),
    )


def _broken(request: web.Request) -> web.Response:
    """Nothing reaches whoever asked: the connection is gone."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


@asynccontextmanager
async def stand_in(**settings: Any) -> AsyncIterator[WebhookStandIn]:  # noqa: ANN401 - TOML
    """A system that is there; `settings` are keys to be other than usual."""
    async with aiohttp.ClientSession() as http:
        system = WebhookStandIn(http, **settings)
        await system.return_()
        try:
            yield system
        finally:
            await system.close()
