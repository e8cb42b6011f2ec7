"""How is each act done? People write, press and wait for Slack; the agent speaks by itself."""

import asyncio
from collections.abc import Awaitable, Callable

from adapters.slack.reading.interactions import SHORTCUT
from bridge.simulators.polyai import SimulatedSession
from bridge.simulators.polyai_agent import ORDER_QUESTION
from bridge.simulators.slack_workspace import SimulatedMessage
from tests.chaos.model.program import is_direct
from tests.chaos.model.records import Place, sessions_of
from tests.chaos.model.talk import ANSWER, Act, texts
from tests.chaos.slack_scene import SlackScene

_PACE = 0.06  #: between two chunks, in seconds


class Acting:
    """Everybody but the bridge. An act is done once Slack knows that we heard all of it."""

    def __init__(self, scene: SlackScene) -> None:
        slack = scene.slack
        self._scene = scene
        self._people = [scene.stage.ann, scene.stage.ben, slack.add_user("Cleo")]
        self._channels: dict[int, str] = {}
        self._said: dict[str, str] = {}  #: the ts of what was said, by its act's name
        self.places: dict[int, Place] = {}

    async def do(self, act: Act) -> None:
        """Do it, whether the bridge lives or not.

        Raises:
            AssertionError: it was not heard in time.
        """
        deeds: dict[str, Callable[[Act], Awaitable[None]]] = {
            "open": self._open,
            "edit": self._edit,
            "choose": self._choose,
            "shortcut": self._shortcut,
            "end": self._end,
            "stream": self._stream,
        }
        if act.kind in deeds:
            await deeds[act.kind](act)
        elif act.kind == "news":
            self._scene.polyai.agent_says(self._session(act).id, texts(act)[0])
        elif act.kind == "lose":
            self._scene.polyai.expire_session(self._session(act).id)
        elif act.kind == "cut":
            self._scene.polyai.end_session(self._session(act).id)
        else:
            await self._write(act)

    # -- people ------------------------------------------------------------------------------

    async def _open(self, act: Act) -> None:
        (text,), person = texts(act), self._people[act.person]
        slack = self._scene.slack
        if is_direct(act.thread):
            channel = slack.direct_channel(person)
            ts = await slack.direct_message(person, text)
        else:
            channel = slack.add_channel(f"help-{act.thread}")
            ts = await slack.say(channel, person, f"<@{slack.bot_user_id}> {text}")
        self.places[act.thread] = Place(channel, ts)
        await self._scene.acked(ts)

    async def _write(self, act: Act) -> None:
        place, people = self.places[act.thread], self._people
        # A burst in a channel comes from everybody at once.
        others = 0 if is_direct(act.thread) else 1
        told = [
            await self._scene.slack.say(
                place.channel,
                people[(act.person + number * others) % len(people)],
                text,
                thread_ts=place.ts,
            )
            for number, text in enumerate(texts(act))
        ]
        self._said[act.name] = told[0]
        for ts in told:
            await self._scene.acked(ts)

    async def _edit(self, act: Act) -> None:
        slack, place = self._scene.slack, self.places[act.thread]
        before = len(slack.envelopes)
        await slack.edit(place.channel, self._said[act.of], texts(act)[0])
        mine = [e for e in slack.envelopes[before:] if place.channel in str(e.payload)]
        await self._scene.until(lambda: all(e.acked for e in mine))

    async def _choose(self, act: Act) -> None:
        await self._write(act)
        place = self.places[act.thread]
        beginning = ORDER_QUESTION[:10]
        (*_, post) = await self._scene.until(
            lambda: [
                m
                for m in self._scene.posts(place.ts, channel=place.channel)
                if m.text.startswith(beginning) and _offers(m)
            ]
        )
        await self._press(act, place.channel, post.ts, text=ANSWER)

    async def _shortcut(self, act: Act) -> None:
        place, person = self.places[act.thread], self._people[act.person]
        slack = self._scene.slack
        while not (await slack.use_shortcut(place.channel, place.ts, person, SHORTCUT)).acked:
            await asyncio.sleep(_PACE)

    async def _end(self, act: Act) -> None:
        slack, place = self._scene.slack, self.places[act.thread]
        before = len(slack.ephemerals)
        while not (shown := self._alone(act, before)):
            await self._shortcut(act)
            await asyncio.sleep(0.3)  # what only one person sees is shown best effort
        await self._press(act, place.channel, shown[0].ts, action_id="polyai_end")

    def _alone(self, act: Act, before: int) -> list[SimulatedMessage]:
        place, person = self.places[act.thread], self._people[act.person]
        shown = self._scene.slack.ephemerals[before:]
        return [m for m in shown if m.channel == place.channel and m.user == person]

    async def _press(self, act: Act, channel: str, ts: str, **button: str) -> None:
        """Until Slack shows no warning, or the button is gone: then it was heard."""
        person = self._people[act.person]
        while True:
            try:
                pressed = await self._scene.slack.click(channel, ts, person, **button)  # type: ignore[arg-type]  # only texts are given
            except LookupError:
                return
            if pressed.acked:
                return
            await asyncio.sleep(_PACE)

    # -- the agent ---------------------------------------------------------------------------

    def _session(self, act: Act) -> SimulatedSession:
        """The one that is open in this thread."""
        return sessions_of(self._scene, act.thread)[-1]

    async def _stream(self, act: Act) -> None:
        (text,), session = texts(act), self._session(act)
        third = len(text) // 3 + 1
        for start in range(0, len(text), third):
            chunk = {"text": text[start : start + third], "is_complete": start + third >= len(text)}
            self._scene.polyai.stream_chunks(session.id, [chunk], message_id=act.name)
            await asyncio.sleep(_PACE)


def _offers(message: SimulatedMessage) -> bool:
    """Whether its buttons are still there."""
    elements = [e for block in message.blocks for e in block.get("elements", ())]
    return any(e.get("type") == "button" and e["text"]["text"] == ANSWER for e in elements)
