"""Somebody is forgotten: no trace of their words is left in anything that is ours."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from bridge.simulators import polyai_frames as frames
from tests.stage import Stage, staged

pytestmark = pytest.mark.integration

#: With what JSON escapes and what encodings write in several ways.
SECRET = "Füchsin»7🦊«"


def forms(word: str) -> Iterator[bytes]:
    """Every way in which a word may stand in a file."""
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le"):
        yield word.encode(encoding)
    yield json.dumps(word)[1:-1].encode()
    yield word.encode("unicode_escape")
    for part in (word[:7], word[1:7]):
        yield part.encode()
        yield part.encode("utf-16-le")


def traces(stage: Stage, *answers: str) -> list[str]:
    """Where anything of it stands: database, log beside it, backups, logs, answers."""
    found = []
    for file in sorted(path for path in stage.directory.rglob("*") if path.is_file()):
        held = file.read_bytes()
        found += [f"{file.name}: {form!r}" for form in forms(SECRET) if form in held]
    for answer in answers:
        found += [f"an answer: {form!r}" for form in forms(SECRET) if form in answer.encode()]
    return found


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """With everything in the log that can be."""
    async with staged(tmp_path) as running:
        running.configure(echo_timeout='"1s"', reconnect_max='"1s"')
        text = running.config.read_text().replace('level = "info"', 'level = "debug"')
        running.config.write_text(text)
        await running.started()
        yield running


class Thread(NamedTuple):
    """One that is answered, in a channel of its own: in each a message a second is posted."""

    stage: Stage
    channel: str
    ts: str

    async def told(self, words: str) -> None:
        """Wait until the bridge has posted them."""
        shown = partial(self.stage.told, self.ts, channel=self.channel)
        await self.stage.until(lambda: any(words in text for text in shown()))

    async def say(self, person: str, text: str) -> None:
        await self.stage.slack.say(self.channel, person, text, thread_ts=self.ts)


async def thread_of(stage: Stage, person: str, text: str) -> Thread:
    """A thread that `person` begins, answered."""
    channel = stage.slack.add_channel(f"c{len(stage.slack.channels)}")
    said = f"<@{stage.slack.bot_user_id}> say {text}"
    thread = Thread(stage, channel, await stage.slack.say(channel, person, said))
    await thread.told(text)
    return thread


def rows(stage: Stage, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(stage.database)) as connection:
        return connection.execute(query).fetchall()


async def lived(stage: Stage) -> Thread:
    """Ann's words in every state in which they are kept; and a thread of Ben's, which it gives."""
    answered = await thread_of(stage, stage.ann, f"one {SECRET}")
    await answered.say(stage.ben, f"say oh {SECRET}")
    await answered.told(f"oh {SECRET}")
    ben = await thread_of(stage, stage.ben, "Ben is here")
    failed = await thread_of(stage, stage.ann, f"two {SECRET}")
    words = {"level": "error", "message": "Sorry, I encountered an error. Please try again."}
    await failed.say(stage.ann, f"say lost {SECRET}")
    stage.polyai.emit(stage.sessions[-1].id, frames.SYSTEM_MESSAGE, words)
    await failed.told("again")
    await handed_over(stage)
    stage.slack.fail("chat.postMessage", "invalid_blocks", 50)
    await stage.mention(f"say three {SECRET}")
    await stage.until(lambda: rows(stage, "SELECT 1 FROM deliveries WHERE state = 'dead'"))
    stage.slack.forget_faults()
    return ben


async def handed_over(stage: Stage) -> None:
    """A live agent's words, and an answer that is not at its end yet."""
    live = await thread_of(stage, stage.ann, f"four {SECRET}")
    session = stage.sessions[-1].id
    person = {"agent": {"id": "sam", "name": f"Sam {SECRET}"}}
    stage.polyai.emit(session, frames.LIVE_JOINED, person)
    said = {"message_id": "m", "text": f"live {SECRET}", "agent_id": "sam"}
    stage.polyai.emit(session, frames.LIVE_MESSAGE, said)
    await live.told(f"live {SECRET}")
    growing = await thread_of(stage, stage.ann, f"five {SECRET}")
    stage.polyai.stream_chunks(stage.sessions[-1].id, [f"growing {SECRET} and more, and more"])
    await growing.told("growing")


async def test_no_trace_of_an_erased_person_is_left_and_the_other_goes_on(stage: Stage) -> None:
    """Also of what is on its way to Slack, and of an answer that grows, at that instant."""
    ben = await lived(stage)
    backup = stage.directory / "copies"
    backup.mkdir()
    code, _, told = await stage.run_command("backup", str(backup))
    assert code == 0, told
    document = stage.directory / "ann.json"
    code, _, told = await stage.run_command(
        "export", "--user", f"slack:{stage.ann}", "--to", str(document)
    )
    assert code == 0, told
    assert len(json.loads(document.read_bytes())["conversations"]) == 5
    document.unlink()
    assert len(traces(stage)) > 1, "the test sees what is there"
    stage.slack.slow("chat.postMessage", timedelta(seconds=5))
    await stage.mention(f"say six {SECRET}")
    await stage.until(lambda: rows(stage, "SELECT 1 FROM deliveries WHERE state = 'sending'"))

    code, out, told = await stage.run_command(
        "erase", "--user", f"slack:{stage.ann}", "--yes", "--json"
    )

    assert code == 0, told
    report = json.loads(out)
    assert len(report["conversations"]) == 6
    assert {one["polyai"] for one in report["conversations"]} == {"told"}
    assert any(one["holding"]["unsent"] for one in report["conversations"])
    assert [one["problem"] for one in report["backups"]] == [""]
    assert [one["conversations"] for one in report["backups"]] == [5]
    assert traces(stage, out) == []
    await ben.say(stage.ben, "say and stays")
    await ben.told("and stays")
    assert await stage.stop() == 0
    assert traces(stage) == []


async def test_what_is_told_again_or_comes_late_brings_nothing_back(stage: Stage) -> None:
    answered = await thread_of(stage, stage.ann, f"one {SECRET}")
    code, _, told = await stage.run_command("erase", "--user", f"slack:{stage.ann}", "--yes")
    assert code == 0, told
    heard = stage.heard()

    for envelope in [one for one in stage.slack.envelopes if one.event_id]:
        stage.slack.redeliver(envelope.event_id)
    await stage.quiet()
    await stage.kill()
    await stage.started()
    await stage.quiet()

    assert stage.heard() == heard
    assert traces(stage) == []
    await answered.say(stage.ann, "say hello again")
    await answered.told("hello again")


async def test_an_erasure_that_was_killed_is_done_again(stage: Stage) -> None:
    for number in range(3):
        await stage.mention(f"say {number} {SECRET}")
    await stage.until(lambda: len(stage.heard()) == 3)
    asked = asyncio.ensure_future(
        stage.run_command("erase", "--user", f"slack:{stage.ann}", "--yes")
    )
    begun = "SELECT 1 FROM erasures"
    with suppress(sqlite3.OperationalError):
        await stage.until(lambda: rows(stage, begun) or asked.done())
    await stage.kill()
    await asked

    code, _, told = await stage.run_command("erase", "--user", f"slack:{stage.ann}", "--yes")

    assert code in {0, 2}, told  # the one that was broken off may have done it without the bridge
    assert traces(stage) == []


def test_the_search_finds_a_word_in_whatever_way_it_is_written() -> None:
    assert len(set(forms(SECRET))) > 8
    assert any(form in json.dumps({"x": SECRET}).encode() for form in forms(SECRET))
