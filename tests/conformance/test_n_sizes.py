"""N. How large a message may be: counted in bytes of the whole frame."""

from datetime import timedelta

import pytest

from tests.conformance.stage import GREETING, ConformanceStage, buttons

pytestmark = pytest.mark.conformance

#: What PolyAI documents, and what counts wherever a session names nothing of use.
BUILT_IN = 131_072
#: The most characters of a person's message that Slack lets stand, and its adapter reads: whatever
#: is to be longer in bytes needs letters of several.
SLACK_TAKES = 40_000
TOO_LONG = "That message is too long for the agent (the limit is {} bytes)"
ANSWERED = [GREETING, "You said: ok"]


def largest(stage: ConformanceStage, limit: int, letter: str) -> str:
    """The longest text whose frame is within the limit, of this letter where it fits.

    The frame around it is that of the last message that went out, whose id is as long.
    """
    last = stage.frames("USER_MESSAGE")[-1]["payload"]["text"]
    (raw,) = [r for r in stage.session.received if f'"text":"{last}"' in r]
    room = limit - (len(raw.encode()) - len(last.encode()))
    count, rest = divmod(room, len(letter.encode()))
    assert count + rest < SLACK_TAKES, "Slack would cut it"
    return letter * count + "x" * rest


def size_of_last(stage: ConformanceStage) -> int:
    """How many bytes the last USER_MESSAGE had on the wire."""
    return len([r for r in stage.session.received if "USER_MESSAGE" in r][-1].encode())


async def spoken_to(stage: ConformanceStage, capability: object) -> str:
    """A greeted thread in a session that says so much of its largest message."""
    stage.polyai.options.max_message_bytes = None
    named = {} if capability is None else {"max_message_size_bytes": capability}
    stage.polyai.options.capabilities = named
    await stage.start()
    return await stage.greeted("ok")


@pytest.mark.parametrize(
    ("letter", "limit"), [("x", 32_768), ("é", 65_536), ("東", 65_536), ("🙂", 65_536)]
)
async def test_096_the_limit_is_exact(
    cold_stage: ConformanceStage, letter: str, limit: int
) -> None:
    """Given a session that takes so many bytes: a message whose frame has exactly so many passes,
    in whatever letters; one byte more is refused here, with one notice that names the limit and no
    frame, and what is said after that goes through."""
    stage = cold_stage
    stage.polyai.configure(size_limit=limit)
    thread = await spoken_to(stage, limit)
    text = largest(stage, limit, letter)

    await stage.reply(thread, text + "x")
    await stage.settled()
    assert len(stage.frames("USER_MESSAGE")) == 1
    assert stage.told(thread)[:2] == ANSWERED
    (notice,) = stage.told(thread)[2:]
    assert notice.startswith(TOO_LONG.format(limit))
    assert buttons(stage.posts(thread)[2]) == []

    await stage.reply(thread, text)
    await stage.until(lambda: len(stage.heard()) == 2)
    assert size_of_last(stage) == limit
    assert stage.heard() == ["ok", text]
    await stage.settled()
    assert len(stage.notices(thread, "too long")) == 1
    assert len(stage.frames("USER_MESSAGE")) == 2
    assert len(stage.calls("/ws")) == 1


@pytest.mark.parametrize("capability", [0, None, -1, "lots", 1_048_576])
async def test_096_without_a_limit_of_use_there_is_one_built_in(
    cold_stage: ConformanceStage, capability: object
) -> None:
    """Given a session that says 0, nothing, nonsense, or more than is documented: 131,072 bytes
    pass, one more is refused here with a notice and no frame."""
    stage = cold_stage
    thread = await spoken_to(stage, capability)
    text = largest(stage, BUILT_IN, "🙂")

    await stage.reply(thread, text + "x")
    await stage.settled()
    assert len(stage.frames("USER_MESSAGE")) == 1
    assert len(stage.notices(thread, TOO_LONG.format(BUILT_IN))) == 1

    await stage.reply(thread, text)
    await stage.until(lambda: len(stage.heard()) == 2)
    assert size_of_last(stage) == BUILT_IN
    assert stage.heard() == ["ok", text]


async def test_096_the_limit_counts_for_what_was_said_before_it_was_known(
    cold_stage: ConformanceStage,
) -> None:
    """Given the very first message is longer than the session will turn out to take, and one that
    is not comes after it: the first is refused with a notice as soon as that is known, the second
    sent."""
    stage = cold_stage
    stage.polyai.configure(max_message_bytes=1000, size_limit=1000)
    await stage.start()

    thread = await stage.mention("x" * 2000)
    await stage.reply(thread, "and this")
    await stage.until(lambda: "You said: and this" in stage.told(thread))
    await stage.settled()

    assert stage.heard() == ["and this"]
    assert len(stage.frames("USER_MESSAGE")) == 1
    assert len(stage.notices(thread, TOO_LONG.format(1000))) == 1


async def test_096_a_session_has_its_own_limit(cold_stage: ConformanceStage) -> None:
    """Given a session that takes 1,000 bytes and after it one that names no limit: what was too
    long for the first passes in the second."""
    stage = cold_stage
    thread = await spoken_to(stage, 1000)
    await stage.reply(thread, "x" * 2000)
    await stage.until(lambda: stage.notices(thread, TOO_LONG.format(1000)))

    stage.polyai.options.capabilities = {}
    stage.polyai.end_session()
    await stage.wait(timedelta(seconds=5))
    await stage.reply(thread, "y" * 2000)
    await stage.until(lambda: stage.heard() == ["ok", "y" * 2000])
    assert len(stage.notices(thread, "too long")) == 1


async def test_096_a_message_that_closes_the_socket(cold_stage: ConformanceStage) -> None:
    """Given a service that takes less than its session says and closes with 1009: the message is
    not sent again, its writer is told, once; the session goes on over the next socket."""
    stage = cold_stage
    thread = await spoken_to(stage, 65_536)
    stage.polyai.configure(size_limit=10_000, oversized="close")

    await stage.reply(thread, "x" * 20_000)
    await stage.settled(timedelta(minutes=3))
    assert len(stage.frames("USER_MESSAGE")) == 2
    (notice,) = stage.told(thread)[2:]
    assert "too long" in notice

    await stage.reply(thread, "and this")
    await stage.until(lambda: "You said: and this" in stage.told(thread))
    await stage.settled()
    assert stage.heard() == ["ok", "and this"]
    assert len(stage.calls("/ws")) == 2
    assert len(stage.sessions) == 1
    stage.polyai.violations.clear()  # it is the service that does not keep to its word


@pytest.mark.parametrize("how", ["error", "drop"])
async def test_096_a_message_that_is_too_long_all_the_same(
    cold_stage: ConformanceStage, how: str
) -> None:
    """Given the same service, which complains without saying of what, or says nothing: four frames
    at most, then its writer is told, once, and not in PolyAI's words; the session goes on."""
    stage = cold_stage
    thread = await spoken_to(stage, 65_536)
    stage.polyai.configure(size_limit=10_000, oversized=how)

    await stage.reply(thread, "x" * 20_000)
    await stage.settled(timedelta(minutes=3))
    assert 1 <= len(stage.frames("USER_MESSAGE")) - 1 <= 4
    (notice,) = stage.told(thread)[2:]
    assert "did not reach the agent" in notice or "too long" in notice

    await stage.reply(thread, "and this")
    await stage.until(lambda: "You said: and this" in stage.told(thread))
    await stage.settled()
    assert stage.heard() == ["ok", "and this"]
    assert len(stage.sessions) == 1
    stage.polyai.violations.clear()  # it is the service that does not keep to its word


async def test_096_what_comes_in_may_be_large(stage: ConformanceStage) -> None:
    """Given half a megabyte of text from the agent, and all of it again in the history after a
    drop: it is posted in order and once, in as many posts as it takes, and the socket stays."""
    thread = await stage.greeted("ok")
    lines = [f"Line {n} of a very long text." for n in range(16_000)]

    stage.polyai.agent_says(None, "\n".join(lines))
    await stage.settled(timedelta(minutes=5))
    assert "\n".join(stage.told(thread)[2:]) == "\n".join(lines)
    posts = len(stage.slack.posts)
    assert len(stage.calls("/ws")) == 1

    stage.polyai.overlap_replay(10_000)
    stage.polyai.drop_sockets()
    await stage.settled(timedelta(minutes=2))
    assert len(stage.slack.posts) == posts
    assert len(stage.calls("/ws")) == 2
    assert len(stage.sessions) == 1
