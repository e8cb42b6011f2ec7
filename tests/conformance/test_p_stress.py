"""P. A thousand conversations, and every trouble at once."""

import resource
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bridge.simulators import polyai_frames as frames
from bridge.simulators.polyai_agent import Act, Emit, Party, Pause, Say
from tests.conformance.stage import GREETING, ConformanceStage, seconds, staged

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]

MANY = 1000
#: Both ends of every socket are in this process, and Slack's and the database's files beside them.
FILES = 2 * MANY + 1000


@pytest.fixture(autouse=True)
def _enough_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    assert most >= FILES, "this machine allows too few open files for this test"


class PlainAgent:
    """Greets and repeats what it hears, without thinking or suggesting."""

    def greet(self, party: Party) -> Sequence[Act]:
        return [Emit(frames.JOINED, {"agent_name": "Ava"}), Say(GREETING)]

    def answer(self, party: Party, text: str) -> Sequence[Act]:
        return [Pause(), Say(f"You said: {text}")]


def busiest_second(instants: list[datetime]) -> int:
    """The most of them in any one second."""
    times = sorted(seconds(instant) for instant in instants)
    first, most = 0, 0
    for last, time in enumerate(times):
        while time - times[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def memory() -> int:
    """What this process holds, in KiB."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize() // 1024


async def test_100_a_thousand_conversations(directory: Path) -> None:
    """Given a thousand conversations in the middle of an exchange, all sockets cut at once, 30 % of
    the handshakes refused with 503 for ten seconds, replays that overlap, and the bridge killed and
    started again in the middle of it: each message of a person is accepted exactly once, each of
    the agent's posted exactly once and in order, with one greeting and in one session. The
    handshakes are spread, memory is bounded, heartbeats are not in step."""
    async with staged(directory, agent=PlainAgent()) as stage:
        await stage.start()
        await _every_trouble_at_once(stage)


async def _every_trouble_at_once(stage: ConformanceStage) -> None:
    held = memory()
    # Over many channels: in each Slack takes about one post a second.
    channels = [stage.slack.add_channel(f"channel-{n}") for n in range(MANY // 10)] * 10
    threads = [(await stage.mention("", channel=channel), channel) for channel in channels]
    await stage.until(lambda: len(stage.slack.posts) == MANY, within=timedelta(minutes=10))
    calm = stage.now

    for n, (thread, channel) in list(enumerate(threads))[::2]:
        await stage.reply(thread, f"message {n}", channel=channel)
    await stage.wait(timedelta(milliseconds=20))
    assert len(stage.heard()) == MANY // 2, "half of them are heard"
    assert len(stage.slack.posts) == MANY, "and not answered yet"
    for n, (thread, channel) in list(enumerate(threads))[1::2]:
        await stage.reply(thread, f"message {n}", channel=channel)
    stage.polyai.refuse("handshake", 503, n=None, share=0.3, seconds=10)
    for _ in range(50):
        stage.polyai.overlap_replay(3)
    stage.polyai.drop_sockets()
    await stage.wait(timedelta(seconds=6))
    assert len(stage.slack.posts) < 2 * MANY, "it is killed in the middle of it"
    await stage.crash()
    await stage.wait(timedelta(seconds=1))
    await stage.start()
    await stage.until(lambda: len(stage.slack.posts) >= 2 * MANY, within=timedelta(minutes=10))
    await stage.settled(timedelta(seconds=31))

    assert len(stage.sessions) == MANY
    assert sorted(stage.heard()) == sorted(f"message {n}" for n in range(MANY))
    for session in stage.sessions:
        assert (len(session.accepted), session.joins, session.greetings) == (1, 1, 1)
    for n, (thread, channel) in enumerate(threads):
        assert stage.told(thread, channel=channel) == [GREETING, f"You said: message {n}"]
    assert len(stage.slack.posts) == 2 * MANY

    shakes = [call.at for call in stage.calls("/ws", since=calm)]
    refused = Counter(call.status for call in stage.calls("/ws", since=calm))
    assert refused[503] > 0
    assert busiest_second(shakes) <= 62, "fifty a second, and a burst of ten"
    beats = [
        at
        for session in stage.sessions
        for at in session.record.heartbeats
        if stage.now - seconds(at) <= 30
    ]
    assert len(beats) == pytest.approx(MANY, rel=0.1)
    assert busiest_second(beats) < MANY // 5
    assert (memory() - held) / MANY < 400, "KiB a conversation, both simulators' share included"
