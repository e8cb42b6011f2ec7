"""The stage of the conformance scenarios: the real bridge between the simulators, in virtual time.

How to write a scenario
=======================

1. A test takes the fixture `stage`: the simulators listen, the bridge is configured and running.
   (`cold_stage` is the same with the bridge not started: plan faults first, then `await
   stage.start()`.) Its name carries the number: `async def test_018_resumes_with_a_plain_cursor`.
   Its docstring says what is given and what is expected, in our own words.
2. People act with `mention` (opens a thread; gives its ts), `reply`, `press` (a button by its
   words; `buttons` are those of a post), and an operator with `command`. What the agent heard is
   `heard()`, what a thread was told `told(thread)`; `sessions` are PolyAI's, oldest first.
3. Faults are verbs of `stage.polyai` and `stage.slack`; raw frames go in by `deliver(frame, …)` and
   `deliver_batch(event, …)`, made with `event(type, payload, sequence=…)`.
4. Time: `await stage.wait(timedelta(hours=1))` returns when everything due by then has been done;
   `await stage.until(lambda: …, within=…)` returns at the very instant the condition holds, with
   its value; `await stage.quiet()` lets this instant come to rest. Nothing sleeps for real, and
   instants are exact: `stage.now`, `stage.calls("/ws")[0].at`, `seconds(of=…)`.
5. Ends: `stop()` drains; `crash()` kills; `die_at("after-step")` kills at a named point; `start()`
   starts again on the same database. `configure(echo_timeout='"5s"')` before a start.
6. `stage.log.of("session.opened")` are the bridge's log events with their virtual times.

At the end the stage asserts that the simulator was never treated against the protocol
(`stage.polyai.violations`), unless the scenario emptied or looked at the list itself.
A scenario that holds nothing up takes about 0.2 s of real time; one virtual hour about 2 s.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from click.testing import CliRunner

from bridge.cli import cli
from bridge.simulators.polyai import Call, PolyAISimulator, SimulatedSession
from bridge.simulators.polyai_agent import Agent
from bridge.simulators.slack import SimulatedMessage, SlackSimulator
from bridge.simulators.slack_limits import RateLimits
from bridge.testing.clock import NOON
from bridge.testing.virtual import LoopClock, VirtualLoop
from tests.conformance.heard_log import HeardLog, hearing
from tests.conformance.running import Counted, RunningBridge
from tests.unit.store.given import made

T = TypeVar("T")
Json = dict[str, Any]

#: How much virtual time anything may take before a scenario gives up.
PATIENCE = timedelta(minutes=2)
GREETING = "Hello, I am Ava. How can I help you today?"
_PREFIX = "EVENT_TYPE_"


def seconds(instant: datetime) -> float:
    """Virtual seconds since the scenario began."""
    return (instant - NOON).total_seconds()


def event(kind: str, payload: Json | None = None, **fields: object) -> Json:
    """An event as PolyAI sends it: `sequence`, `id`, `timestamp`, `metadata` as given.

    Without `id` it gets one of its own; `EVENT_TYPE_` may be left out.
    """
    event.count += 1  # type: ignore[attr-defined]
    made_up: Json = {"id": f"event-{event.count}", "timestamp": "2030-01-01T12:00:00.000Z"}  # type: ignore[attr-defined]
    full = kind if kind.startswith(_PREFIX) else _PREFIX + kind
    return {**made_up, "sequence": None, "type": full, "payload": payload or {}, **fields}


event.count = 0  # type: ignore[attr-defined]


def buttons(message: SimulatedMessage) -> list[str]:
    """The words on a message's buttons, those that open an address too, in order."""
    parts = [[*block.get("elements", ()), block.get("accessory")] for block in message.blocks]
    found = [part for block in parts for part in block if part and part["type"] == "button"]
    return [str(button["text"]["text"]) for button in found]


class ConformanceStage:
    """Everything a scenario needs to play a conversation and to ask what was seen."""

    def __init__(
        self, polyai: PolyAISimulator, slack: SlackSimulator, directory: Path, log: HeardLog
    ) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.loop = loop
        self.polyai = polyai
        self.slack = slack
        self.log = log
        self.database = directory / "bridge.db"
        self.channel = slack.add_channel("help")
        self.ann = slack.add_user("Ann")
        self.ben = slack.add_user("Ben")
        self.bridge = RunningBridge(directory / "bridge.toml", loop, seed=1)
        made(directory)
        self.configure()

    # -- the bridge ----------------------------------------------------------------------------

    def configure(self, **agent: str) -> None:
        """Write the configuration; `agent` are further keys of the agent, as TOML values."""
        further = "\n".join(f"{key} = {value}" for key, value in agent.items())
        self.bridge.config.write_text(
            f"""
[database]
url = "sqlite+aiosqlite:///{self.database}"
[http]
port = 0
[intake]
person_rate = "off"
[agents.default]
base_url = "{self.polyai.base_url}"
connector_token = "simulated-connector-token"
host = "https://demo.example"
{further}
[adapters.slack]
type = "slack"
bot_token = "xoxb-simulated"
app_token = "xapp-simulated"
api_url = "{self.slack.api_url}"
"""
        )

    async def start(self) -> None:
        """Start the bridge and wait until Slack has a socket to it."""
        self.bridge.start()
        await self.until(lambda: self.slack.sockets)
        await self.quiet()

    async def stop(self) -> None:
        """SIGTERM: drain and end."""
        await self.bridge.stop()
        await self.quiet()

    async def crash(self) -> None:
        """`kill -9`: no outcome written, no goodbye said."""
        await self.bridge.crash()
        await self.quiet()

    async def died(self) -> None:
        """Wait for the death that was built in with `bridge.die_at`."""
        await self.until(lambda: self.bridge.dead, dying=True)

    def cut_off(self, trouble: OSError | None) -> None:
        """From now on connecting to PolyAI ends in this trouble; None: it succeeds again."""
        port = int(self.polyai.base_url.rpartition(":")[2])
        self.loop.unreachable = {} if trouble is None else {port: trouble}

    # -- time ----------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Virtual seconds since the scenario began."""
        return self.loop.time()

    async def wait(self, duration: timedelta) -> None:
        """Let time pass; returns when everything due by then has been done."""
        await asyncio.sleep(duration.total_seconds())
        await self.quiet()

    async def quiet(self) -> None:
        """Let this instant come to rest; no time passes."""
        await self.loop.quiet()

    async def until(
        self, seen: Callable[[], T], *, within: timedelta = PATIENCE, dying: bool = False
    ) -> T:
        """Wait until `seen` gives something true, and give it: at the very instant it does."""
        deadline = self.now + within.total_seconds()
        alarm = self.loop.call_at(deadline, lambda: None)
        try:
            while not (value := seen()):
                if self.bridge.dead and self.bridge.failure and not dying:
                    raise AssertionError(
                        f"the bridge died:\n{self.tail()}"
                    ) from self.bridge.failure
                if self.now >= deadline:
                    raise AssertionError(f"never seen within {within}:\n{self.tail()}")
                await self.loop.change()
        finally:
            alarm.cancel()
        return value

    async def settled(self, lasting: timedelta = timedelta(minutes=1)) -> None:
        """Let time pass in which a double, or a word too many, would come."""
        await self.wait(lasting)

    # -- people --------------------------------------------------------------------------------

    async def mention(self, text: str, *, channel: str | None = None) -> str:
        """Ann calls the bot at the top of the channel; the thread's ts."""
        said = f"<@{self.slack.bot_user_id}> {text}".strip()
        return await self.slack.say(channel or self.channel, self.ann, said)

    async def reply(
        self, thread: str, text: str, *, user: str | None = None, channel: str | None = None
    ) -> str:
        """Ann, or `user`, writes in the thread."""
        where = channel or self.channel
        return await self.slack.say(where, user or self.ann, text, thread_ts=thread)

    async def press(self, thread: str, words: str, *, user: str | None = None) -> str:
        """Ann, or `user`, presses the newest button with these words in a thread; its post's ts.

        Raises:
            LookupError: no post of the thread has such a button.
        """
        offering = [post.ts for post in self.posts(thread) if words in buttons(post)]
        if not offering:
            raise LookupError(f"no button {words!r} in {[buttons(p) for p in self.posts(thread)]}")
        await self.slack.click(self.channel, offering[-1], user or self.ann, text=words)
        return offering[-1]

    async def command(self, *words: str) -> str:
        """An operator gives a command (`conversations`, `end`, …) beside the bridge; its output."""
        self.bridge.expect_operator()
        arguments = [*words, "--config", str(self.bridge.config)]
        given = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
        assert given.exit_code == 0, given.output
        return given.output

    async def greeted(self, text: str = "") -> str:
        """A new thread in which the agent has just greeted; with `text` it has answered, too."""
        thread = await self.mention(text)
        before = len(self.posts(thread))
        await self.until(lambda: len(self.posts(thread)) >= before + (2 if text else 1))
        await self.until(lambda: GREETING in self.told(thread))
        await self.wait(timedelta(seconds=2))
        return thread

    # -- what was seen -------------------------------------------------------------------------

    def posts(self, thread: str, *, channel: str | None = None) -> list[SimulatedMessage]:
        """The bridge's messages in a thread as they stand, in order."""
        ours = self.slack.bot_id
        return [
            m
            for m in self.slack.messages(channel or self.channel, thread)
            if m.bot_id == ours and not m.deleted
        ]

    def told(self, thread: str, *, channel: str | None = None) -> list[str]:
        """What the bridge's messages in a thread say, in order, without the buttons' words."""
        texts = (message.text for message in self.posts(thread, channel=channel))
        return [text.partition("\nChoose: ")[0].partition("\n✓ ")[0] for text in texts]

    def notices(self, thread: str, words: str) -> list[str]:
        """Those of the thread's messages that hold these words."""
        return [text for text in self.told(thread) if words in text]

    def heard(self) -> list[str]:
        """What the agent has accepted, over all sessions, in order."""
        return [m.text for session in self.sessions for m in session.accepted]

    @property
    def sessions(self) -> list[SimulatedSession]:
        """PolyAI's sessions, the oldest first."""
        return list(self.polyai.sessions.values())

    @property
    def session(self) -> SimulatedSession:
        """PolyAI's newest session."""
        return self.sessions[-1]

    def calls(self, path: str, since: float = 0.0) -> list[Call]:
        """The bridge's calls of PolyAI whose path ends so (`access-token`, `sessions`, `/ws`)."""
        return [c for c in self.polyai.calls if c.path.endswith(path) and seconds(c.at) >= since]

    def frames(self, kind: str = "", session: SimulatedSession | None = None) -> list[Json]:
        """The frames the bridge sent in a session (the newest), of one type if it is named."""
        sent = [json.loads(raw) for raw in (session or self.session).received]
        return [frame for frame in sent if frame["type"].removeprefix(_PREFIX) == kind or not kind]

    def tail(self) -> str:
        """The end of the bridge's log, and what PolyAI was asked last."""
        asked = "\n".join(
            f"{seconds(c.at):10.3f}  {c.method} {c.path} {c.status} {c.query}"
            for c in self.polyai.calls[-12:]
        )
        return f"{self.log.tail()}\nPolyAI's last calls:\n{asked}"

    # -- what PolyAI sends ---------------------------------------------------------------------

    def deliver(self, *frames: Json, session: SimulatedSession | None = None) -> None:
        """Put these frames on a session's open sockets, as they are and beside its journal."""
        for frame in frames:
            self.polyai.send_raw((session or self.session).id, json.dumps(frame))

    def deliver_batch(self, *events: object, session: SimulatedSession | None = None) -> None:
        """Put one EVENT_BATCH with these events on a session's open sockets."""
        batch = {"type": _PREFIX + "EVENT_BATCH", "payload": {"events": list(events)}}
        self.deliver(batch, session=session)

    def next_sequence(self, session: SimulatedSession | None = None) -> int:
        """The number after the last one in a session's journal."""
        journal = (session or self.session).journal
        return journal[-1].sequence + 1 if journal else 1


@asynccontextmanager
async def staged(directory: Path, *, agent: Agent | None = None) -> AsyncIterator[ConformanceStage]:
    """Both simulators running and the bridge configured, not yet started."""
    clock, ids = LoopClock(), Counted("s")
    loop = asyncio.get_running_loop()
    polyai = PolyAISimulator(clock=clock, ids=ids, agent=agent)
    slack = SlackSimulator(clock=clock, ids=ids, limits=RateLimits.off())
    with hearing(loop.time) as log:
        async with polyai, slack:
            stage = ConformanceStage(polyai, slack, directory, log)
            try:
                yield stage
            finally:
                if not stage.bridge.dead:
                    await stage.bridge.crash()
    surprises = [logged for logged in log.all if logged.event.endswith((".surprise", ".poisoned"))]
    assert not surprises, f"the bridge surprised itself:\n{log.tail()}"
    assert polyai.violations == [], polyai.violations
