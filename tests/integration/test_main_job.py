"""The main job, with the real process between the simulators: what a user must see."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.stage import Stage, staged

pytestmark = pytest.mark.integration

GREETING = "Hello, I am Ava. How can I help you today?"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The bridge, running."""
    async with staged(tmp_path) as running:
        await running.started()
        yield running


async def test_a_mention_is_answered_in_its_thread_and_the_channel_stays_quiet(
    stage: Stage,
) -> None:
    thread = await stage.mention("say it works")
    await stage.until(lambda: "it works" in stage.told(thread))

    assert stage.told(thread) == [GREETING, "it works"]
    assert stage.heard() == ["say it works"]
    assert [m.ts for m in stage.slack.messages(stage.channel)] == [thread]


async def test_replies_go_on_without_a_mention_in_order(stage: Stage) -> None:
    thread = await stage.mention("say one")
    for text in ("say two", "say three", "say four"):
        await stage.reply(thread, text)
    await stage.until(lambda: "four" in stage.told(thread))

    assert stage.told(thread) == [GREETING, "one", "two", "three", "four"]
    assert stage.heard() == ["say one", "say two", "say three", "say four"]
    assert len(stage.sessions) == 1


async def test_threads_never_mix_nor_touch_one_that_is_not_ours(stage: Stage) -> None:
    stranger = await stage.slack.say(stage.channel, stage.ben, "lunch?")
    await stage.slack.say(stage.channel, stage.ann, "yes", thread_ts=stranger)
    threads = [await stage.mention(f"say {n}") for n in range(5)]
    await stage.until(lambda: all(len(stage.told(t)) == 2 for t in threads))

    assert [stage.told(t) for t in threads] == [[GREETING, str(n)] for n in range(5)]
    assert stage.told(stranger) == []
    assert len({s.id for s in stage.sessions}) == 5
    assert len({s.token for s in stage.sessions}) == 5


async def test_a_direct_message_opens_a_conversation(stage: Stage) -> None:
    thread = await stage.slack.direct_message(stage.ben, "say hi")
    channel = stage.slack.direct_channel(stage.ben)
    await stage.until(lambda: "hi" in stage.told(thread, channel=channel))

    assert stage.told(thread, channel=channel) == [GREETING, "hi"]


async def test_two_clicks_at_once_send_one_message_and_retire_the_buttons(stage: Stage) -> None:
    thread = await stage.mention("")
    (greeting,) = await stage.until(
        lambda: [
            m for m in stage.slack.messages(stage.channel, thread) if m.text.startswith(GREETING)
        ]
    )
    await stage.slack.click(stage.channel, greeting.ts, stage.ann, text="Opening hours")
    await stage.slack.click(stage.channel, greeting.ts, stage.ben, text="Opening hours")
    await stage.until(lambda: len(stage.told(thread)) == 2)
    await stage.quiet()

    assert stage.heard() == ["Opening hours"]
    shown = next(m for m in stage.slack.messages(stage.channel, thread) if m.ts == greeting.ts)
    assert not [b for b in shown.blocks if b["type"] == "actions"]
    assert f"<@{stage.ann}>" in str(shown.blocks)


async def test_a_streamed_answer_is_one_message(stage: Stage) -> None:
    thread = await stage.mention("1234")
    await stage.until(lambda: len(stage.told(thread)) == 2)
    await stage.quiet()

    answer = stage.told(thread)[1]
    assert answer.startswith("Order 1234 left our warehouse yesterday")
    assert len(stage.told(thread)) == 2


async def test_a_handoff_shows_its_queue_in_one_message_and_the_persons_name(
    stage: Stage,
) -> None:
    thread = await stage.mention("talk to a person")
    await stage.until(lambda: any("Sam" in text for text in stage.told(thread)))
    await stage.reply(thread, "is it you?")
    live = await stage.until(
        lambda: [m for m in stage.slack.messages(stage.channel, thread) if m.username == "Sam"]
    )
    waits = [t for t in stage.told(thread) if "Connecting you" in t or "wait for a person" in t]
    told = [m.text for m in stage.slack.updates]

    assert live[0].icon_url
    assert waits == ["The wait for a person is over."]
    assert [text for text in told if "You are number 1 in the queue" in text]


async def test_an_end_is_said_and_writing_starts_a_new_session(stage: Stage) -> None:
    thread = await stage.mention("say hi")
    await stage.until(lambda: "hi" in stage.told(thread))
    await stage.reply(thread, "bye")
    await stage.until(lambda: any("has ended" in text for text in stage.told(thread)))
    await stage.reply(thread, "say again")
    await stage.until(lambda: "again" in stage.told(thread))

    assert [s.ended for s in stage.sessions] == ["REASON_NATURAL_END", None]
    assert [s.greetings for s in stage.sessions] == [1, 1]
    assert stage.sessions[0].token != stage.sessions[1].token


async def test_the_button_of_an_end_starts_a_new_session_once(stage: Stage) -> None:
    thread = await stage.mention("bye")
    (end,) = await stage.until(
        lambda: [m for m in stage.slack.messages(stage.channel, thread) if "has ended" in m.text]
    )
    await asyncio.gather(
        *(
            stage.slack.click(stage.channel, end.ts, person, text="Start again")
            for person in (stage.ann, stage.ben)  # both see the button, which soon gives way
        )
    )
    await stage.until(lambda: stage.told(thread).count(GREETING) == 2)
    await stage.quiet()

    assert len(stage.sessions) == 2


async def test_a_kill_between_question_and_answer_costs_nothing(stage: Stage) -> None:
    thread = await stage.mention("say first")
    await stage.until(lambda: "first" in stage.told(thread))
    await stage.reply(thread, "slow")
    await stage.until(lambda: "slow" in stage.heard())
    await stage.kill()
    await stage.started()
    await stage.until(lambda: len(stage.told(thread)) == 3)
    await stage.reply(thread, "say last")
    await stage.until(lambda: "last" in stage.told(thread))

    (session,) = stage.sessions
    assert stage.heard() == ["say first", "slow", "say last"]
    assert stage.told(thread).count(GREETING) == 1
    assert len(stage.told(thread)) == 4
    assert session.joins == session.greetings == 1
    assert session.handshakes[0] in (None, 0, "0")
    assert int(session.handshakes[-1] or 0) > 0


async def test_downtime_longer_than_a_session_lives_is_told_and_loses_nothing(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, session_life=timedelta(seconds=2)) as stage:
        await stage.started()
        thread = await stage.mention("say before")
        await stage.until(lambda: "before" in stage.told(thread))
        await stage.kill()
        await stage.reply(thread, "say after")
        await stage.until(lambda: stage.sessions[0].ended or stage.sessions[0].gone)
        await stage.started()
        await stage.until(lambda: "after" in stage.told(thread))
        await stage.quiet()

        told = stage.told(thread)
        assert [t for t in told if t.startswith("This is a new conversation")]
        assert told.count("after") == 1
        assert stage.sessions[-1].accepted[0].text == "say after"
        assert len(stage.sessions) == 2


async def test_a_clean_stop_drains_and_exits_with_0(stage: Stage) -> None:
    thread = await stage.mention("say hi")
    await stage.until(lambda: "hi" in stage.told(thread))

    assert await stage.stop() == 0
    assert "Traceback" not in stage.log.read_text()


async def test_no_secret_and_no_message_text_reaches_the_log_or_the_database_in_clear(
    stage: Stage,
) -> None:
    thread = await stage.mention("say tangerine-7")
    await stage.until(lambda: "tangerine-7" in stage.told(thread))
    await stage.stop()
    log, database = stage.log.read_bytes(), stage.database.read_bytes()
    wal = stage.database.with_name("bridge.db-wal")
    database += wal.read_bytes() if wal.exists() else b""
    secrets = [b"xoxb-simulated", b"xapp-simulated", b"simulated-connector-token"]
    secrets += [session.token.encode() for session in stage.sessions]

    assert not [s for s in secrets if s in log]
    assert not [s for s in secrets if s in database]
    assert b"tangerine" not in log


async def test_hostile_text_of_the_agent_is_harmless(stage: Stage) -> None:
    thread = await stage.mention("ping me")
    await stage.until(lambda: len(stage.told(thread)) == 2)
    shown = str([m.blocks for m in stage.slack.messages(stage.channel, thread)])
    shown += str(stage.told(thread))

    assert "<!channel" not in shown
    assert "<@U123" not in shown
    assert "<javascript:" not in shown


async def test_slack_markup_reaches_the_agent_as_plain_text(stage: Stage) -> None:
    thread = await stage.mention(
        f"say <@{stage.ben}> in <#C1|general> &amp; <https://example.com|there> &lt;b&gt;"
    )
    await stage.until(lambda: len(stage.told(thread)) == 2)

    (heard,) = stage.heard()
    assert heard == f"say @{stage.ben} in #general & there (https://example.com) <b>"


async def test_an_empty_mention_only_opens_and_a_monster_is_refused_politely(
    stage: Stage,
) -> None:
    thread = await stage.mention("")
    await stage.until(lambda: stage.told(thread) == [GREETING])
    await stage.reply(thread, "💥" * 39_000)
    await stage.until(lambda: any("too long" in text for text in stage.told(thread)))

    assert stage.heard() == []
