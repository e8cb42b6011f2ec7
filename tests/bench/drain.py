"""How long does it take to say what is owed? The real bridge at a simulated Slack's exact limits.

Everything is owed when the bridge starts, as after an outage. Time is virtual, so that the figure
is one of the limits and of the governor, and the same on every machine.
"""

import asyncio
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bridge.model.delivery import Post
from bridge.model.ids import ConversationId, ThreadKey
from bridge.model.messages import Notice, NoticeKind
from bridge.simulators.polyai import PolyAISimulator
from bridge.simulators.slack import SlackSimulator
from bridge.simulators.slack_limits import METHODS, PER_CHANNEL, Allowance
from bridge.store import TakeStep, open_store
from bridge.testing.clock import NOON
from bridge.testing.virtual import LoopClock, VirtualLoop
from tests.conformance.running import Counted, RunningBridge
from tests.unit.store.given import accept, entries, made, owing, reply, said

POST = "chat.postMessage"


@dataclass(frozen=True, slots=True)
class Posted:
    """One post that Slack took: in which channel, after how many seconds, and what it said."""

    channel: str
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Drained:
    """What came of it."""

    posts: tuple[Posted, ...]
    excesses: int  #: how often Slack had to say 429

    @property
    def seconds(self) -> float:
        """From the first post to the last."""
        return self.posts[-1].at - self.posts[0].at

    @property
    def unfairness(self) -> float:
        """How much longer the last channel was at it than the first."""
        last: dict[str, float] = {post.channel: post.at for post in self.posts}
        return max(last.values()) / min(last.values())


def fewest_seconds(channels: int, each: int) -> float:
    """The shortest time in which Slack's limits let so many posts through."""
    return max(_seconds(METHODS[POST], channels * each), _seconds(PER_CHANNEL[POST], each))


def _seconds(allowance: Allowance, calls: int) -> float:
    return max(0, calls - allowance.burst) * allowance.pause.total_seconds()


def drained(channels: int, answers: int, news: int = 0, *, threads: int = 1) -> Drained:
    """Let the bridge say in each channel so many answers in so many threads, and news apart."""
    with (
        tempfile.TemporaryDirectory() as directory,
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
    ):
        return runner.run(_drained(Path(directory), channels, answers, news, threads))


async def _drained(
    directory: Path, channels: int, answers: int, news: int, threads: int
) -> Drained:
    clock, ids = LoopClock(), Counted("s")
    polyai, slack = PolyAISimulator(clock=clock, ids=ids), SlackSimulator(clock=clock, ids=ids)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    async with polyai, slack:
        url = made(directory)
        for number in range(channels):
            channel = slack.add_channel(f"channel-{number}")
            # The news first: if it goes last, then by its urgency.
            for _ in range(news):
                await _owe(url, slack, channel, [Post(Notice(NoticeKind.HANDOFF_FOUND))])
            for _ in range(threads):
                words = [reply(f"Answer {n}") for n in range(answers // threads)]
                await _owe(url, slack, channel, words)
        bridge = RunningBridge(_configured(directory, url, polyai, slack), loop, seed=1)
        bridge.start()
        while len(slack.posts) < channels * (answers + news):
            await asyncio.sleep(1)
            assert not bridge.dead, bridge.failure
        await bridge.stop()
        return _told(slack)


async def _owe(url: str, slack: SlackSimulator, channel: str, words: list[Post]) -> None:
    """A thread in which something is to be said, by a bridge that is not running yet."""
    root = await slack.say_as_other_bot(channel, "What about this?")
    thread = ThreadKey(f"{slack.team_id}:{channel}:{root}")
    name = f"c{channel}{root.replace('.', '')}"
    async with open_store(url) as store:
        first = await store.write(accept(said("hello", thread=thread, opens=True), new_id=name))
        conversation = await store.conversation(ConversationId(name))
        assert conversation is not None
        await store.write(TakeStep(conversation=conversation, at=NOON, done=entries(first)))
        await store.write(owing(conversation, *enumerate(words, 1)))


def _configured(directory: Path, url: str, polyai: PolyAISimulator, slack: SlackSimulator) -> Path:
    config = directory / "bridge.toml"
    config.write_text(
        f"""
[database]
url = "{url}"
[http]
port = 0
[agents.default]
base_url = "{polyai.base_url}"
connector_token = "simulated-connector-token"
host = "https://demo.example"
[adapters.slack]
type = "slack"
bot_token = "xoxb-simulated"
app_token = "xapp-simulated"
api_url = "{slack.api_url}"
"""
    )
    return config


def _told(slack: SlackSimulator) -> Drained:
    calls = [call for call in slack.calls if call.method == POST and call.outcome == "ok"]
    begun: datetime = calls[0].at
    posts = tuple(
        Posted(
            str(call.arguments["channel"]),
            (call.at - begun).total_seconds(),
            str(call.arguments["text"]),
        )
        for call in calls
    )
    return Drained(posts, slack.excesses.total())
