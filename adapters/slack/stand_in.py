"""Who plays Slack for the conformance kit? The simulator, with the verbs that the kit knows."""

import html
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import cycle
from typing import Any

from bridge.clock import RandomIds, SystemClock
from bridge.simulators.slack import SimulatedMessage, SlackSimulator
from bridge.simulators.slack_limits import RateLimits
from bridge.testing.stand_in import Fault, Seen, Uttered

_POST = "chat.postMessage"
_CHANNELS = 40
#: When Slack tries again, shortened: nobody waits five minutes for a verdict.
_LADDER = (timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8))
#: The same table without a mistake in it; nothing of it opens anything.
_BOT, _APP = "xoxb-simulated", "xapp-simulated"


class SlackStandIn:
    """A workspace whose channels take turns, as one takes a post a second.

    A thread is named by its channel and the ts of its root.
    """

    def __init__(self, slack: SlackSimulator) -> None:
        self._slack = slack
        self._channels = cycle([slack.add_channel(f"help-{number}") for number in range(_CHANNELS)])
        self._people: dict[str, str] = {}

    @property
    def settings(self) -> Mapping[str, Any]:
        """Socket Mode, and doubts that are resolved soon."""
        return {
            "bot_token": _BOT,
            "app_token": _APP,
            "api_url": self._slack.api_url,
            "in_doubt_wait": "1s",
        }

    @property
    def wrong_settings(self) -> Mapping[str, Any]:
        """The same with a bot token that was revoked."""
        return {**self.settings, "bot_token": "xoxb-revoked"}

    async def reach(self, address: str) -> None:
        """Socket Mode: Slack never calls us."""

    async def say(self, text: str, *, thread: str | None = None, person: str = "ada") -> Uttered:
        """A person writes in a channel; whoever begins a thread mentions the app."""
        words, user = html.escape(text, quote=False), self._person(person)
        if thread is None:
            channel, root = next(self._channels), None
            words = f"<@{self._slack.bot_user_id}> {words}"
        else:
            channel, _, root = thread.partition("/")
        ts = await self._slack.say(channel, user, words, thread_ts=root)
        return Uttered(thread=f"{channel}/{root or ts}", id=f"{channel}/{ts}")

    async def taken(self, uttered: Uttered) -> bool | None:
        """Whether an event about it was acked."""
        return any(one.acked is not None for one in self._events(uttered))

    async def repeat(self, uttered: Uttered) -> None:
        """Every event about it once more: a message and a mention are two."""
        for event in self._events(uttered):
            self._slack.redeliver(event.event_id)

    async def seen(self, thread: str) -> list[Seen]:
        """The thread as people read it."""
        channel, _, root = thread.partition("/")
        messages = self._slack.messages(channel, root)
        return [self._seen(message) for message in messages if not message.deleted]

    @property
    def faults(self) -> frozenset[Fault]:
        """All of them."""
        return frozenset(Fault)

    async def fail(self, fault: Fault) -> None:
        """The next post ends so."""
        match fault:
            case Fault.RATE_LIMITED:
                self._slack.rate_limit(_POST, after=timedelta(seconds=1))
            case Fault.REFUSED:
                self._slack.fail(_POST, "restricted_action")
            case Fault.LOST_ANSWER:
                self._slack.lose_response(_POST)
            case Fault.LOST_REQUEST:
                self._slack.lose_request(_POST)
            case Fault.SILENT:
                self._slack.silence(_POST)

    async def leave(self) -> None:
        """Slack is away."""
        await self._slack.leave()

    async def return_(self) -> None:
        """Slack is there again."""
        await self._slack.come_back()

    async def press(self, message: Seen, index: int, *, person: str = "ada") -> None:
        """Press the button with the words of the `index`-th suggestion."""
        channel, _, ts = message.id.partition("/")
        text = message.suggestions[index]
        await self._slack.click(channel, ts, self._person(person), text=text)

    async def correct(self, uttered: Uttered, text: str) -> None:
        """Its author changes it."""
        channel, _, ts = uttered.id.partition("/")
        await self._slack.edit(channel, ts, html.escape(text, quote=False))

    async def take_back(self, uttered: Uttered) -> None:
        """Its author deletes it."""
        channel, _, ts = uttered.id.partition("/")
        await self._slack.delete(channel, ts)

    def _person(self, name: str) -> str:
        if name not in self._people:
            self._people[name] = self._slack.add_user(name)
        return self._people[name]

    def _events(self, uttered: Uttered) -> list[Any]:
        told = [one for one in self._slack.envelopes if one.event_id]
        events = {one.event_id: one.payload["event"] for one in told}
        names = {key: f"{e.get('channel')}/{e.get('ts')}" for key, e in events.items()}
        return [one for one in told if names[one.event_id] == uttered.id]

    def _seen(self, message: SimulatedMessage) -> Seen:
        return Seen(
            id=f"{message.channel}/{message.ts}",
            text=html.unescape(_words(message)),
            author=message.username or "",
            suggestions=tuple(_offered(message)),
            pictures=tuple(b["image_url"] for b in message.blocks if b["type"] == "image"),
            ours=message.bot_id is not None or message.user == self._slack.bot_user_id,
        )


def _words(message: SimulatedMessage) -> str:
    """The text of its blocks, which people read; where there are none, the text itself."""
    sections = [b["text"]["text"] for b in message.blocks if b["type"] == "section"]
    notes = [
        element["text"]
        for block in message.blocks
        if block["type"] == "context"
        for element in block["elements"]
        if element["type"] != "image"
    ]
    return "\n".join([*sections, *notes]) or message.text


def _offered(message: SimulatedMessage) -> list[str]:
    """What its buttons say, or the lines of the menu where there are too many for buttons."""
    elements = [e for b in message.blocks if b["type"] == "actions" for e in b["elements"]]
    buttons = [e["text"]["text"] for e in elements if e["type"] == "button"]
    menus = [option for e in elements for option in e.get("options", ())]
    return [*buttons, *(option["text"]["text"] for option in menus)]


@asynccontextmanager
async def stand_in() -> AsyncIterator[SlackStandIn]:
    """A simulated workspace on loopback."""
    clock, limits = SystemClock(), RateLimits.off()
    async with SlackSimulator(
        clock=clock, ids=RandomIds(), ladder=_LADDER, limits=limits, bot_token=_BOT, app_token=_APP
    ) as slack:
        yield SlackStandIn(slack)
