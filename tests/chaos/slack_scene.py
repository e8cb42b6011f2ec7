"""The scene on Slack: Ann in a channel or with the app itself, over Socket Mode or HTTP."""

import asyncio
import contextlib
import itertools
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from bridge.clock import RandomIds, SystemClock
from bridge.simulators.slack import SimulatedMessage, SlackSimulator
from bridge.simulators.slack_limits import RateLimits
from bridge.simulators.slack_workspace import StreamState
from tests import leaks
from tests.chaos.forks import Forks
from tests.chaos.scene import Scene, agent
from tests.stage import Stage

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
#: Another process that does the same begins elsewhere.
_PORTS = itertools.cycle(
    range(10_000 + os.getpid() % 200 * 100, 10_000 + os.getpid() % 200 * 100 + 100)
)


class SlackScene(Scene):
    """Slack counts whatever was acknowledged as ours, so people go on once Slack knows."""

    def __init__(self, stage: Stage, forks: Forks, fault: str = "") -> None:
        super().__init__(stage, forks, fault)
        self.stage = stage
        self.slack = stage.slack
        self.ann = stage.ann
        self._channels: dict[str, str] = {}  #: of threads that are not in the usual channel

    # -- what people do ----------------------------------------------------------------------

    async def mention(self, text: str) -> str:
        """Ann calls the bot, and Slack knows that we heard; the thread."""
        thread = await self.stage.mention(text)
        await self.acked(thread)
        return thread

    async def reply(self, thread: str, text: str) -> str:
        """Ann writes in a thread, and Slack knows that we heard."""
        ts = await self.stage.reply(thread, text, channel=self.channel(thread))
        await self.acked(ts)
        return ts

    async def direct(self, text: str) -> str:
        """Ann writes to the app itself, and Slack knows that we heard; the thread."""
        thread = await self.slack.direct_message(self.ann, text)
        self._channels[thread] = self.slack.direct_channel(self.ann)
        await self.acked(thread)
        return thread

    async def choose(self, thread: str, beginning: str, text: str) -> None:
        """Ann presses the button."""
        (post, *_) = await self.until(
            lambda: [m for m in self.posts(thread) if m.text.startswith(beginning)]
        )
        await self.press(post.channel, post.ts, text=text)

    async def correct(self, thread: str, message: str, text: str) -> None:
        """Ann changes what she said, and Slack knows that we heard."""
        await self.slack.edit(self.channel(thread), message, text)
        await self._all_acked(
            "message_changed", lambda event: bool(event["message"]["ts"] == message)
        )

    async def take_back(self, thread: str, message: str) -> None:
        """Ann deletes what she said, and Slack knows that we heard."""
        await self.slack.delete(self.channel(thread), message)
        await self._all_acked("message_deleted", lambda event: bool(event["deleted_ts"] == message))

    async def _all_acked(self, subtype: str, mine: Callable[[dict[str, Any]], bool]) -> None:
        told = [e for e in self.slack.envelopes if subtype in str(e.payload)]
        events = [e for e in told if mine(e.payload["event"])]
        await self.until(lambda: all(e.acked for e in events))

    async def acked(self, ts: str) -> None:
        """What was told of the message is acknowledged: from now on it must not be lost."""
        events = [e for e in self.slack.envelopes if _is_about(e.payload, ts)]
        await self.until(lambda: all(e.acked for e in events))

    async def press(self, channel: str, ts: str, **button: str) -> None:
        """Ann presses a button until Slack shows no warning, or it is gone: then it was heard."""
        while True:
            try:
                pressed = await self.slack.click(channel, ts, self.ann, **button)  # type: ignore[arg-type]  # only texts are given
            except LookupError:
                return
            if pressed.acked:
                return
            await asyncio.sleep(0.05)

    # -- what Slack shows --------------------------------------------------------------------

    def channel(self, thread: str) -> str:
        """Where a thread is."""
        return self._channels.get(thread, self.stage.channel)

    def posts(self, thread: str, *, channel: str = "") -> list[SimulatedMessage]:
        """What the bridge shows in a thread."""
        told = self.slack.messages(channel or self.channel(thread), thread)
        return [m for m in told if m.bot_id == self.slack.bot_id and not m.deleted]

    def told(self, thread: str) -> list[str]:
        """What the bridge shows in a thread, without the buttons' words."""
        return self.stage.told(thread, channel=self.channel(thread))

    def versions(self, thread: str) -> Sequence[str]:
        """What each message has shown, one after the other."""
        posts = self.posts(thread)
        return [text for post in posts for text in self.slack.texts(post.channel, post.ts)]

    def unfinished(self, thread: str) -> list[str]:
        """Streams that nobody ended."""
        posts = self.posts(thread)
        return [p.text for p in posts if p.streaming_state is StreamState.IN_PROGRESS]

    def taken_back(self) -> list[str]:
        """What we deleted of our own, everywhere."""
        places = [self.slack.messages(channel) for channel in self.slack.channels]
        roots = [(m.channel, m.ts) for place in places for m in place]
        every = [m for root in roots for m in self.slack.messages(*root)]
        gone = [m.text or m.ts for m in every if m.deleted and not m.user]
        return gone + [m.ts for m in every if m.deleted and m.user == self.slack.bot_user_id]


def _is_about(payload: dict[str, object], ts: str) -> bool:
    event = payload.get("event")
    return isinstance(event, dict) and event.get("ts") == ts


@asynccontextmanager
async def set_up(
    directory: Path, forks: Forks, door: str, *, fault: str = ""
) -> AsyncIterator[SlackScene]:
    """Both simulators running; `door`: "socket" or "http"."""
    polyai = agent()
    slack = SlackSimulator(
        clock=SystemClock(),
        ids=RandomIds(),
        ladder=(timedelta(milliseconds=200),) * 300,
        ack_deadline=timedelta(seconds=1),
        limits=RateLimits.off(),
    )
    leaks.played(slack)
    async with polyai, slack:
        stage = Stage(polyai, slack, directory)
        stage.configure(echo_timeout='"1s"', reconnect_max='"500ms"', edits='"correct"')
        open_door(stage, door)
        async with SlackScene(stage, forks, fault).played() as scene:
            yield scene


def open_door(stage: Stage, door: str) -> None:
    """Configure the bridge for "socket" or "http", and tell Slack so."""
    text = stage.config.read_text().replace('"700ms"', '"200ms"')
    text += 'stream_pace = "50ms"\n'
    if door == "http":
        port = _free_port()
        text = text.replace("port = 0", f"port = {port}")
        reached = f"http://127.0.0.1:{port}"
        keys = f'mode = "http"\nsigning_secret = "{SECRET}"\npublic_url = "{reached}"'
        text = text.replace('app_token = "xapp-simulated"', keys)
        stage.slack.send_requests_to(f"{reached}/slack/events", SECRET)
    stage.config.write_text(text)


def _free_port() -> int:
    """One that nobody gets by asking for any: those begin higher up."""
    for port in _PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")
