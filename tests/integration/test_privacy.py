"""Somebody is forgotten: no trace of their words is left in anything that is ours."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from bridge.simulators import polyai_frames as frames
from tests.stage import Stage

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


async def served(stage: Stage, level: str = "debug") -> None:
    """Again, with everything in the log that can be."""
    await stage.stop()
    stage.configure(echo_timeout='"1s"', reconnect_max='"1s"')
    text = stage.config.read_text().replace('level = "info"', f'level = "{level}"')
    stage.config.write_text(text)
    await stage.started()


async def thread_of(stage: Stage, person: str, text: str) -> str:
    """A thread that `person` begins, answered."""
    said = f"<@{stage.slack.bot_user_id}> say {text}"
    thread = await stage.slack.say(stage.channel, person, said)
    await stage.until(lambda: text in stage.told(thread))
    return thread


def rows(stage: Stage, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(stage.database)) as connection:
        return connection.execute(query).fetchall()


async def lived(stage: Stage) -> str:
    """Ann's words in every state in which they are kept; and a thread of Ben's, which it gives."""
    answered = await thread_of(stage, stage.ann, f"one {SECRET}")
    await stage.slack.say(stage.channel, stage.ben, f"say oh {SECRET}", thread_ts=answered)
    await stage.until(lambda: any(f"oh {SECRET}" in text for text in stage.told(answered)))
    ben = await thread_of(stage, stage.ben, "Ben is here")
    failed = await thread_of(stage, stage.ann, f"two {SECRET}")
    words = {"level": "error", "message": "Sorry, I encountered an error. Please try again."}
    await stage.reply(failed, f"say lost {SECRET}")
    stage.polyai.emit(stage.sessions[-1].id, frames.SYSTEM_MESSAGE, words)
    await stage.until(lambda: any("again" in text for text in stage.told(failed)))
    stage.slack.fail("chat.postMessage", "invalid_blocks", 50)
    await stage.mention(f"say three {SECRET}")
    await stage.until(lambda: rows(stage, "SELECT 1 FROM deliveries WHERE state = 'dead'"))
    stage.slack.forget_faults()
    return ben


async def test_no_trace_of_an_erased_person_is_left_and_the_other_goes_on(stage: Stage) -> None:
    await served(stage)
    ben = await lived(stage)
    backup = stage.directory / "copies"
    backup.mkdir()
    code, _, told = await stage.run_command("backup", str(backup))
    assert code == 0, told
    assert len(traces(stage)) > 1, "the test sees what is there"

    code, dry, told = await stage.run_command(
        "erase", "--user", f"slack:{stage.ann}", "--dry-run", "--json"
    )
    assert code == 0, told
    assert json.loads(dry)["dry_run"]
    assert rows(stage, "SELECT 1 FROM deliveries WHERE state = 'dead'"), "nothing is gone yet"
    code, out, told = await stage.run_command(
        "erase", "--user", f"slack:{stage.ann}", "--yes", "--json"
    )

    assert code == 0, told
    report = json.loads(out)
    assert len(report["conversations"]) == 3
    assert {one["polyai"] for one in report["conversations"]} == {"told"}
    assert [one["problem"] for one in report["backups"]] == [""]
    assert [one["conversations"] for one in report["backups"]] == [3]
    _, conversations, _ = await stage.run_command("conversations", "list", "--all", "--json")
    assert traces(stage, dry, out, conversations) == []
    await stage.slack.say(stage.channel, stage.ben, "say and stays", thread_ts=ben)
    await stage.until(lambda: "and stays" in stage.told(ben))
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
    await stage.reply(answered, "say hello again")
    await stage.until(lambda: "hello again" in stage.told(answered))


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

    assert code == 0, told
    assert traces(stage) == []
    await stage.started()
    await stage.quiet()
    assert traces(stage) == []


def test_the_search_finds_a_word_in_whatever_way_it_is_written() -> None:
    assert len(set(forms(SECRET))) > 8
    assert any(form in json.dumps({"x": SECRET}).encode() for form in forms(SECRET))
