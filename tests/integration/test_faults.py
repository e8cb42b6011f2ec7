"""The real process between the simulators while they misbehave."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.stage import Stage, staged

pytestmark = pytest.mark.integration


async def opened(stage: Stage) -> str:
    """A conversation that has begun."""
    thread = await stage.mention("say hello")
    await stage.until(lambda: "hello" in stage.told(thread))
    return thread


async def test_a_lost_echo_is_found_in_the_replay_and_nothing_is_sent_twice(stage: Stage) -> None:
    thread = await opened(stage)
    stage.polyai.lose_echo(1)
    await stage.reply(thread, "say once")
    await stage.until(lambda: len(stage.sessions[0].handshakes) == 2)
    await stage.reply(thread, "say next")
    await stage.until(lambda: "next" in stage.told(thread))

    assert stage.heard() == ["say hello", "say once", "say next"]
    assert stage.told(thread)[1:] == ["hello", "once", "next"]


async def test_a_swallowed_message_is_sent_again_with_the_same_id(stage: Stage) -> None:
    thread = await opened(stage)
    stage.polyai.swallow_messages(2)
    await stage.reply(thread, "say insistent")
    await stage.until(lambda: "insistent" in stage.told(thread))

    assert stage.heard() == ["say hello", "say insistent"]


@pytest.mark.parametrize("before_echo", [True, False])
async def test_a_socket_lost_around_a_message_loses_and_doubles_nothing(
    stage: Stage, before_echo: bool
) -> None:
    thread = await opened(stage)
    stage.polyai.drop_after_next_message(before_echo=before_echo)
    await stage.reply(thread, "say survivor")
    await stage.until(lambda: "survivor" in stage.told(thread))
    await stage.quiet()

    assert stage.heard() == ["say hello", "say survivor"]
    assert stage.told(thread)[1:] == ["hello", "survivor"]
    assert len(stage.sessions) == 1


async def test_a_stream_cut_in_the_middle_comes_whole_and_once(stage: Stage) -> None:
    thread = await opened(stage)
    stage.polyai.drop_after_chunks(2)
    await stage.reply(thread, "1234")
    whole = "Order 1234 left our warehouse yesterday"
    await stage.until(lambda: any(text.startswith(whole) for text in stage.told(thread)))
    await stage.quiet()

    assert len(stage.told(thread)) == 3
    assert stage.told(thread)[2].startswith(whole)


async def test_repeated_and_reordered_frames_change_nothing(stage: Stage) -> None:
    thread = await opened(stage)
    stage.polyai.repeat_frames(6)
    await stage.reply(thread, "count 5")
    await stage.until(lambda: len(stage.told(thread)) == 7)
    stage.polyai.reorder_next()
    await stage.reply(thread, "count 4")
    await stage.until(lambda: len(stage.told(thread)) == 11)
    await stage.quiet()

    told = stage.told(thread)[2:]
    assert len(told) == 9
    assert told[:5] == sorted(told[:5])
    assert told[5:] == sorted(told[5:])


async def test_garbage_frames_are_survived(stage: Stage) -> None:
    thread = await opened(stage)
    session = stage.sessions[0]
    for text in ("{", "[]", '"x"', '{"type":5}', '{"type":"EVENT_TYPE_EVENT_BATCH"}', "\x00"):
        stage.polyai.send_raw(session.id, text)
    stage.slack.deliver_garbage('{"type": "nonsense"')
    await stage.reply(thread, "say still here")
    await stage.until(lambda: "still here" in stage.told(thread))

    assert len(session.handshakes) == 1


async def test_a_lost_response_of_a_post_is_looked_up_and_not_posted_again(stage: Stage) -> None:
    thread = await opened(stage)
    stage.slack.lose_response("chat.postMessage", 1)
    await stage.reply(thread, "say unique")
    await stage.until(lambda: "unique" in stage.told(thread))
    await stage.reply(thread, "say after")
    await stage.until(lambda: "after" in stage.told(thread))
    await stage.quiet()

    assert stage.told(thread)[1:] == ["hello", "unique", "after"]


async def test_a_lost_request_of_a_post_is_posted_once_after_a_look(stage: Stage) -> None:
    thread = await opened(stage)
    stage.slack.lose_request("chat.postMessage", 1)
    await stage.reply(thread, "say late")
    await stage.until(lambda: "late" in stage.told(thread))
    await stage.quiet()

    assert stage.told(thread)[1:] == ["hello", "late"]


async def test_a_rate_limit_is_obeyed(stage: Stage) -> None:
    thread = await opened(stage)
    stage.slack.rate_limit("chat.postMessage", 1, timedelta(seconds=1))
    await stage.reply(thread, "say patient")
    await stage.until(lambda: "patient" in stage.told(thread))

    calls = [c for c in stage.slack.calls if c.method == "chat.postMessage"]
    limited = next(i for i, c in enumerate(calls) if c.outcome != "ok")
    assert calls[limited + 1].at - calls[limited].at >= timedelta(seconds=1)


async def test_envelopes_delivered_twice_or_again_are_one_message(stage: Stage) -> None:
    thread = await opened(stage)
    stage.slack.duplicate_next(2)
    await stage.reply(thread, "say single")
    await stage.until(lambda: "single" in stage.told(thread))
    stage.slack.redeliver(stage.slack.envelopes[-1].event_id or "")
    await stage.quiet()

    assert stage.heard() == ["say hello", "say single"]


async def test_socket_mode_comes_back_after_a_disconnect(stage: Stage) -> None:
    thread = await opened(stage)
    stage.slack.drop_sockets()
    await stage.reply(thread, "say back")
    await stage.until(lambda: "back" in stage.told(thread))

    assert stage.heard() == ["say hello", "say back"]


async def test_edits_and_deletions_and_bots_reach_nobody(stage: Stage) -> None:
    thread = await opened(stage)
    said = await stage.reply(thread, "say original")
    await stage.until(lambda: "original" in stage.told(thread))
    await stage.slack.edit(stage.channel, said, "say changed")
    await stage.slack.delete(stage.channel, said)
    await stage.slack.say_as_other_bot(stage.channel, "say beep", thread_ts=thread)
    await stage.quiet()

    assert stage.heard() == ["say hello", "say original"]


async def test_an_outage_of_polyai_keeps_what_was_said(stage: Stage) -> None:
    stage.polyai.refuse_tokens(500, 3, "Failed to create access token")
    stage.polyai.refuse_handshakes(503, 2, "away")
    thread = await stage.mention("say eventually")
    await stage.until(lambda: "eventually" in stage.told(thread))

    assert stage.heard() == ["say eventually"]
    assert stage.sessions[-1].greetings == 1


async def test_a_clean_close_without_an_end_ends_the_conversation(stage: Stage) -> None:
    thread = await opened(stage)
    stage.polyai.close_cleanly(stage.sessions[0].id)
    await stage.until(lambda: any("has ended" in text for text in stage.told(thread)))
    await stage.reply(thread, "say anew")
    await stage.until(lambda: "anew" in stage.told(thread))

    assert len(stage.sessions) == 2


async def test_an_expired_session_is_replaced_and_the_message_told_once(stage: Stage) -> None:
    thread = await opened(stage)
    stage.polyai.expire_session(stage.sessions[0].id)
    await stage.reply(thread, "say resumed")
    await stage.until(lambda: "resumed" in stage.told(thread))
    await stage.quiet()

    assert stage.told(thread).count("resumed") == 1
    assert any(text.startswith("This is a new conversation") for text in stage.told(thread))


async def test_a_quiet_conversation_lets_its_socket_go_and_resumes_the_same_session(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        stage.configure(idle_timeout='"1s"')
        await stage.started()
        thread = await opened(stage)
        await stage.until(lambda: not stage.sessions[0].sockets)
        await stage.reply(thread, "say again")
        await stage.until(lambda: "again" in stage.told(thread))

        assert len(stage.sessions) == 1
        assert stage.told(thread).count("again") == 1


async def test_thinking_is_shown_while_the_agent_prepares_an_answer(stage: Stage) -> None:
    thread = await opened(stage)
    await stage.reply(thread, "slow")
    shown = await stage.until(lambda: [s.status for s in stage.slack.statuses if s.status])

    assert "think" in shown[-1]


async def test_refused_credentials_are_told_once_and_not_asked_about_again_and_again(
    stage: Stage,
) -> None:
    await opened(stage)
    stage.polyai.refuse_tokens(401, 1000, "Connector token does not exist")
    before = len([c for c in stage.polyai.calls if c.path.endswith("access-token")])
    threads = [await stage.mention(f"say {n}") for n in range(8)]
    await stage.until(lambda: all(len(stage.told(t)) == 1 for t in threads))
    await stage.quiet(1.5)
    asked = len([c for c in stage.polyai.calls if c.path.endswith("access-token")]) - before

    assert all("cannot be reached" in stage.told(t)[0] for t in threads)
    assert asked <= 8


async def test_a_message_around_the_end_of_a_session_is_carried_into_the_next(
    stage: Stage,
) -> None:
    thread = await opened(stage)
    stage.polyai.swallow_messages(1)
    await stage.reply(thread, "say carried")
    await stage.until(lambda: stage.sessions[0].received[-1].count("carried"))
    stage.polyai.end_session(stage.sessions[0].id, "REASON_NATURAL_END")
    await stage.until(lambda: "carried" in stage.told(thread))

    assert stage.heard() == ["say hello", "say carried"]
    assert len(stage.sessions) == 2
