"""L. PolyAI's own words about what went wrong: every text of the catalogue, and others."""

from datetime import timedelta
from itertools import pairwise

import pytest

from bridge.simulators.polyai_catalogue import SYSTEM_TEXTS
from tests.conformance.stage import GREETING, ConformanceStage, buttons, seconds

pytestmark = pytest.mark.conformance

NEW_CONVERSATION = "This is a new conversation"
NOT_DELIVERED = "This message did not reach the agent: “{}”."
UNAVAILABLE = "cannot be reached at the moment"
RETRY = ["Try again"]
ANSWERED = [GREETING, "You said: hello"]

#: What is shown at once when PolyAI says it of nothing in particular.
SHOWN = [
    "turn_failed",
    "stream_failed",
    "no_agent",
    "not_forwarded",
    "no_handoff",
    "unknown_warning",
    "unknown_error",
]
#: What is for the operator, at the level of an error.
ALERTS = ["bad_format", "not_allowed", "no_handoff", "no_connector"]
#: What asks for more than words.
ACTED_ON = [
    "high_load",
    "cannot_start",
    "session_not_found",
    "session_unavailable",
    "no_connector",
    "no_conversation",
    "no_conversation_id",
]


def text_of(name: str) -> str:
    """PolyAI's words, as they are."""
    return SYSTEM_TEXTS[name][1]


def troubles(stage: ConformanceStage, thread: str) -> list[str]:
    """What was told after the first exchange; a sentence may have been given its full stop."""
    known = {f"{text}.": text for _, text in SYSTEM_TEXTS.values() if not text.endswith(".")}
    assert stage.told(thread)[:2] == ANSWERED
    return [known.get(text, text) for text in stage.told(thread)[2:]]


def test_093_every_text_has_its_place() -> None:
    """The tables above and the tests below leave out no text of the catalogue."""
    quiet = {"bad_format", "not_allowed", "unknown_info"}
    assert {*SHOWN, *ACTED_ON, *quiet} == set(SYSTEM_TEXTS)


@pytest.mark.parametrize("name", SHOWN)
async def test_093_what_people_can_use_is_shown(stage: ConformanceStage, name: str) -> None:
    """Given a text that people can use, although everything that was said has been answered: it is
    shown once, in PolyAI's words, at once, with nothing to send again. Nothing is sent by itself,
    and the socket stays."""
    thread = await stage.greeted("hello")
    said_at = stage.now

    stage.polyai.complain(None, name)
    await stage.until(lambda: len(stage.posts(thread)) == 3)
    assert stage.now - said_at < 0.5
    await stage.settled()

    assert troubles(stage, thread) == [text_of(name)]
    assert buttons(stage.posts(thread)[2]) == []
    assert stage.heard() == ["hello"]
    assert len(stage.frames("USER_MESSAGE")) == 1
    assert stage.session.joins == 1
    assert len(stage.calls("/ws")) == 1
    await stage.reply(thread, "and now?")
    await stage.until(lambda: "You said: and now?" in stage.told(thread))


@pytest.mark.parametrize("name", ["bad_format", "not_allowed"])
async def test_093_our_own_faults_are_not_shown(stage: ConformanceStage, name: str) -> None:
    """Given PolyAI complains of a frame of ours: the operator is alerted, nobody else sees it, and
    the socket stays."""
    thread = await stage.greeted("hello")

    stage.polyai.complain(None, name)
    await stage.settled()

    assert stage.told(thread) == ANSWERED
    assert len(stage.log.of("agent.fault")) == 1
    assert stage.log.of("agent.fault")[0].level == "error"
    assert len(stage.calls("/ws")) == 1


@pytest.mark.parametrize("name", ["bad_format", "not_allowed"])
async def test_093_a_message_refused_as_our_fault_is_told(
    stage: ConformanceStage, name: str
) -> None:
    """Given the complaint names a message: it is not sent again by itself, as that would not help;
    its writer is told that it did not arrive, in our words and not in PolyAI's."""
    thread = await stage.greeted("hello")
    stage.polyai.refuse_messages(name)

    await stage.reply(thread, "yes")
    await stage.settled(timedelta(minutes=2))

    assert len(stage.frames("USER_MESSAGE")) == 2
    assert stage.told(thread) == [*ANSWERED, NOT_DELIVERED.format("yes")]
    assert len(stage.log.of("agent.fault")) == 1
    assert len(stage.calls("/ws")) == 1


@pytest.mark.parametrize("name", ALERTS)
async def test_093_what_a_person_must_mend_is_an_alert(stage: ConformanceStage, name: str) -> None:
    """Given a text that only an operator can do something about: one error in the log, without what
    anybody said."""
    await stage.greeted("hello")

    stage.polyai.complain(None, name)
    await stage.settled(timedelta(seconds=30))

    (alert,) = stage.log.of("agent.fault")
    assert alert.level == "error"
    assert "hello" not in str(alert)


@pytest.mark.parametrize("level", ["INFO", "FATAL", None])
async def test_093_information_asks_for_nothing(stage: ConformanceStage, level: str | None) -> None:
    """Given each of the texts as information, at a level nobody knows, or at none: nothing is
    shown, sent, joined or closed, and no operator is woken."""
    thread = await stage.greeted("hello")
    sent = len(stage.frames())
    at = {} if level is None else {"level": f"SYSTEM_MESSAGE_LEVEL_{level}"}

    for _, text in SYSTEM_TEXTS.values():
        stage.polyai.emit(None, "SYSTEM_MESSAGE", at | {"message": text}, transient=True)
        await stage.wait(timedelta(seconds=1))
    await stage.settled(timedelta(seconds=20))

    assert stage.told(thread) == ANSWERED
    assert [f for f in stage.frames()[sent:] if "HEARTBEAT" not in f["type"]] == []
    assert len(stage.calls("/ws")) == 1
    assert stage.log.at_level("error") == []


async def test_093_a_warning_is_only_shown(stage: ConformanceStage) -> None:
    """Given each of the texts as a warning: it is shown, and nothing else follows from it."""
    thread = await stage.greeted("hello")
    sent = len(stage.frames())

    for name in SYSTEM_TEXTS:
        stage.polyai.complain(None, name, level="warning")
        await stage.wait(timedelta(seconds=1))
    await stage.settled(timedelta(seconds=20))

    assert troubles(stage, thread) == [text_of(name) for name in SYSTEM_TEXTS]
    assert [f for f in stage.frames()[sent:] if "HEARTBEAT" not in f["type"]] == []
    assert len(stage.calls("/ws")) == 1
    assert len(stage.sessions) == 1


async def test_093_texts_are_known_however_they_are_written(stage: ConformanceStage) -> None:
    """Given a known text in capitals, with more words around it: it is still known."""
    thread = await stage.greeted("hello")
    stage.polyai.refuse_messages("[42] ERROR: CONVERSATION NOT FOUND!")

    await stage.reply(thread, "yes")
    await stage.until(lambda: "You said: yes" in stage.told(thread))
    await stage.settled()

    assert stage.session.joins == 2
    assert stage.heard() == ["hello", "yes"]
    assert stage.notices(thread, "CONVERSATION") == []


# -- high load -------------------------------------------------------------------------------------


async def test_093_high_load_is_shown_after_a_grace(stage: ConformanceStage) -> None:
    """Given "high load" in answer to a message: it is shown after two to five seconds, once, with a
    button; the message is not sent again by itself, but by the button."""
    thread = await stage.greeted("hello")
    stage.polyai.refuse_messages("high_load")

    await stage.reply(thread, "yes")
    await stage.until(lambda: len(stage.frames("USER_MESSAGE")) == 2)
    said_at = stage.now
    await stage.until(lambda: len(stage.posts(thread)) == 3)
    assert 2 <= stage.now - said_at <= 5
    await stage.settled()
    assert stage.told(thread)[2:] == [text_of("high_load")]
    assert len(stage.frames("USER_MESSAGE")) == 2
    assert len(stage.calls("/ws")) == 1

    await stage.press(thread, "Try again")
    await stage.until(lambda: "You said: yes" in stage.told(thread))
    await stage.settled()
    assert stage.heard() == ["hello", "yes"]
    assert len(stage.frames("USER_MESSAGE")) == 3


async def test_093_nothing_shortens_the_grace(stage: ConformanceStage) -> None:
    """Given "high load" while the agent is shown as thinking, which lapses a second later: the
    grace is no shorter for that."""
    thread = await stage.greeted("hello")
    stage.polyai.emit(None, "POLY_AGENT_THINKING")
    await stage.wait(timedelta(seconds=9))

    stage.polyai.complain(None, "high_load")
    said_at = stage.now
    await stage.until(lambda: len(stage.posts(thread)) == 3)

    assert 2 <= stage.now - said_at <= 5
    assert troubles(stage, thread) == [text_of("high_load")]


async def test_093_high_load_that_passes_is_not_shown(stage: ConformanceStage) -> None:
    """Given "high load" three times, and the answer a second later all the same: nobody hears of
    the trouble."""
    thread = await stage.greeted("hello")
    for _ in range(3):
        stage.polyai.complain(None, "high_load")
    await stage.wait(timedelta(seconds=1))
    stage.polyai.agent_says(None, "Here I am.")
    await stage.settled()

    assert stage.told(thread) == [*ANSWERED, "Here I am."]


# -- the person may send again ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["turn_failed", "stream_failed"])
async def test_093_a_failed_turn_can_be_tried_again(stage: ConformanceStage, name: str) -> None:
    """Given the agent cannot answer a message that it received: that is shown with a button, the
    message is not sent again by itself; pressed, it is, once, and the button is gone."""
    thread = await stage.greeted("hello")
    stage.polyai.refuse_messages(name)

    await stage.reply(thread, "yes")
    await stage.settled(timedelta(minutes=2))
    assert len(stage.frames("USER_MESSAGE")) == 2
    assert stage.told(thread)[2:] == [text_of(name)]

    notice = await stage.press(thread, "Try again")
    await stage.until(lambda: "You said: yes" in stage.told(thread))
    await stage.settled()
    assert stage.heard() == ["hello", "yes"]
    assert [buttons(post) for post in stage.posts(thread) if post.ts == notice] == [[]]
    assert len(stage.sessions) == 1


@pytest.mark.parametrize("name", ["turn_failed", "stream_failed"])
async def test_093_a_failed_turn_without_a_name(stage: ConformanceStage, name: str) -> None:
    """Given the same, but PolyAI does not say which message it means, and one is unanswered: that
    is the one that the button sends again."""
    thread = await stage.greeted("hello")
    await stage.reply(thread, "slow")
    await stage.until(lambda: len(stage.heard()) == 2)
    await stage.wait(timedelta(seconds=1))

    stage.polyai.complain(None, name)
    await stage.until(lambda: len(stage.posts(thread)) == 3)
    assert stage.told(thread)[2:] == [text_of(name)]
    assert buttons(stage.posts(thread)[2]) == RETRY
    await stage.press(thread, "Try again")
    await stage.settled()
    assert stage.heard() == ["hello", "slow", "slow"]


async def test_093_a_broken_stream_is_closed(stage: ConformanceStage) -> None:
    """Given "I encountered an error" in the middle of a streamed answer: what came of it is posted
    first, then the trouble; nothing waits for the rest."""
    thread = await stage.greeted("hello")
    stage.polyai.spoil_stream(2, "break")

    stage.polyai.agent_says(None, "An answer that breaks off in its middle.", streamed=True)
    await stage.until(lambda: len(stage.posts(thread)) == 4, within=timedelta(seconds=3))
    await stage.settled(timedelta(minutes=2))

    part, trouble = stage.told(thread)[2:]
    assert part
    assert "An answer that breaks off in its middle.".startswith(part)
    assert trouble == text_of("stream_failed")


async def test_093_what_a_live_agent_did_not_get_is_told(stage: ConformanceStage) -> None:
    """Given a message could not be forwarded to the live agent: its writer is told, with a button
    that sends it again."""
    thread = await stage.greeted("hello")
    stage.polyai.hand_off(None)
    await stage.wait(timedelta(seconds=5))
    stage.polyai.refuse_messages("not_forwarded")

    await stage.reply(thread, "my order is late")
    await stage.settled()
    assert buttons(stage.posts(thread)[-1]) == RETRY
    assert "my order is late" in stage.told(thread)[-1]
    assert len(stage.frames("USER_MESSAGE")) == 2

    await stage.press(thread, "Try again")
    await stage.until(lambda: "my order is late" in stage.heard())
    await stage.settled()
    assert stage.heard() == ["hello", "my order is late"]
    assert len(stage.sessions) == 1


# -- joins and sessions ----------------------------------------------------------------------------


async def test_093_a_refused_start_is_shown_and_tried_again(stage: ConformanceStage) -> None:
    """Given "unable to start a conversation" in answer to the first join: it is shown, the join is
    repeated after two to five seconds, and then the message goes through."""
    stage.polyai.spoil_join("refuse")

    thread = await stage.mention("hello")
    await stage.until(lambda: "You said: hello" in stage.told(thread))
    await stage.settled()

    first, second = map(seconds, stage.session.record.joined_at)
    assert 2 <= second - first <= 5
    assert stage.told(thread) == [text_of("cannot_start"), *ANSWERED]
    assert stage.heard() == ["hello"]
    assert len(stage.sessions) == 1
    assert len(stage.calls("/ws")) == 1


@pytest.mark.parametrize("name", ["cannot_start", "no_conversation", "no_conversation_id"])
async def test_093_joins_are_bounded(stage: ConformanceStage, name: str) -> None:
    """Given every join is refused for ever: at most three in a session, two to five seconds apart;
    few sessions, and in the end the person knows that the message did not arrive."""
    stage.polyai.spoil_join("refuse", None, text=name)

    thread = await stage.mention("hello")
    await stage.settled(timedelta(minutes=10))

    assert [session.joins for session in stage.sessions if session.joins > 3] == []
    for session in stage.sessions:
        joins = [seconds(at) for at in session.record.joined_at]
        waits = [later - earlier for earlier, later in pairwise(joins)]
        assert [wait for wait in waits if not 2 <= wait <= 5] == []
    assert 1 <= len(stage.sessions) <= 3
    assert stage.heard() == []
    told = " ".join(stage.told(thread))
    assert NOT_DELIVERED.format("hello") in told or UNAVAILABLE in told
    shown = stage.notices(thread, text_of("cannot_start"))
    assert len(shown) == (len(stage.sessions) if name == "cannot_start" else 0)


@pytest.mark.parametrize("name", ["no_conversation", "no_conversation_id"])
async def test_093_a_lost_conversation_is_joined_again(stage: ConformanceStage, name: str) -> None:
    """Given there is no conversation any more for a message: the agent is asked to join once more,
    and the message sent once more, in the same session; nothing of it is shown."""
    thread = await stage.greeted("hello")
    stage.polyai.refuse_messages(name)

    await stage.reply(thread, "yes")
    await stage.until(lambda: "You said: yes" in stage.told(thread))
    await stage.settled()

    assert stage.session.joins == 2
    assert stage.heard() == ["hello", "yes"]
    assert stage.notices(thread, "not found") == []
    assert len(stage.sessions) == 1
    assert len(stage.calls("/ws")) == 1


@pytest.mark.parametrize("name", ["no_conversation", "no_conversation_id"])
async def test_093_if_that_does_not_help_a_new_session_does(
    stage: ConformanceStage, name: str
) -> None:
    """Given a session in which no join ever helps: after three the message is carried into a new
    session and arrives there, once."""
    thread = await stage.greeted("hello")
    old = stage.session
    stage.polyai.refuse_messages(name, None, session_id=old.id)

    await stage.reply(thread, "yes")
    await stage.until(lambda: "You said: yes" in stage.told(thread))
    await stage.settled()

    assert old.joins <= 3
    assert len(stage.sessions) == 2
    assert stage.session.joins == 1
    assert stage.heard() == ["hello", "yes"]
    assert len(stage.notices(thread, NEW_CONVERSATION)) == 1


async def test_093_a_session_not_found_is_replaced(stage: ConformanceStage) -> None:
    """Given "session not found" in answer to a message: a new session with a new token, into which
    the message is carried, once; that it is a new conversation is told, PolyAI's words are not."""
    thread = await stage.greeted("hello")
    old = stage.session
    stage.polyai.refuse_messages("session_not_found", None, session_id=old.id)

    await stage.reply(thread, "yes")
    await stage.until(lambda: "You said: yes" in stage.told(thread))
    await stage.settled()

    assert len(old.accepted) == 1
    assert [m.text for m in stage.session.accepted] == ["yes"]
    assert len(stage.frames("USER_MESSAGE")) == 1
    assert len(stage.sessions) == 2
    assert stage.session.token != old.token
    assert len(stage.notices(thread, NEW_CONVERSATION)) == 1
    assert stage.notices(thread, "Session not found") == []
    assert old.sockets == []


async def test_093_a_message_is_carried_only_once(stage: ConformanceStage) -> None:
    """Given every session says "session not found" to the same message: it is carried into a second
    one and no further; then its writer is told."""
    thread = await stage.greeted("hello")
    stage.polyai.refuse_messages("session_not_found", None)

    await stage.reply(thread, "yes")
    await stage.settled(timedelta(minutes=10))

    sent = [f for s in stage.sessions for f in stage.frames("USER_MESSAGE", s)]
    assert [frame["payload"]["text"] for frame in sent] == ["hello", "yes", "yes"]
    assert len(stage.sessions) == 2
    assert len(stage.notices(thread, NOT_DELIVERED.format("yes"))) == 1


async def test_093_a_session_not_found_out_of_the_blue(stage: ConformanceStage) -> None:
    """Given "session not found" when nothing is under way: nobody is troubled; the next message
    goes to a new session, and that is told."""
    thread = await stage.greeted("hello")
    stage.polyai.complain(None, "session_not_found")
    await stage.settled()
    assert stage.told(thread) == ANSWERED

    await stage.reply(thread, "yes")
    await stage.until(lambda: "You said: yes" in stage.told(thread))
    assert len(stage.sessions) == 2
    assert len(stage.notices(thread, NEW_CONVERSATION)) == 1


async def test_093_a_failed_lookup_passes(stage: ConformanceStage) -> None:
    """Given "unable to retrieve session" in answer to a message, once: the message is sent again in
    the same session, and nothing of it is shown."""
    thread = await stage.greeted("hello")
    stage.polyai.refuse_messages("session_unavailable")

    await stage.reply(thread, "yes")
    await stage.until(lambda: "You said: yes" in stage.told(thread))
    await stage.settled()

    assert len(stage.sessions) == 1
    assert stage.heard() == ["hello", "yes"]
    first, again = stage.frames("USER_MESSAGE")[1:]
    assert first == again
    assert stage.told(thread) == [*ANSWERED, "You said: yes"]


async def test_093_a_lookup_that_goes_on_failing_costs_the_session(
    stage: ConformanceStage,
) -> None:
    """Given the same every time in this session: after a few tries a new session, with the message,
    once."""
    thread = await stage.greeted("hello")
    old = stage.session
    stage.polyai.refuse_messages("session_unavailable", None, session_id=old.id)

    await stage.reply(thread, "yes")
    await stage.until(lambda: "You said: yes" in stage.told(thread))
    await stage.settled()

    assert 2 <= len(stage.frames("USER_MESSAGE", old)) - 1 <= 4
    assert len(stage.sessions) == 2
    assert stage.heard() == ["hello", "yes"]
    assert len(stage.notices(thread, NEW_CONVERSATION)) == 1


async def test_093_a_missing_connector_is_no_loop(stage: ConformanceStage) -> None:
    """Given "connector not found" in answer to every message: the operator is alerted, the thread
    is told once, and nothing is tried over and over; once it is mended, the message arrives,
    once."""
    thread = await stage.greeted("hello")
    stage.polyai.refuse_messages("no_connector", None)

    await stage.reply(thread, "yes")
    await stage.settled(timedelta(minutes=4))
    assert len(stage.sessions) == 1
    assert len(stage.frames("USER_MESSAGE")) == 2
    assert len(stage.log.of("agent.fault")) == 1
    assert len(stage.told(thread)) == 3
    assert UNAVAILABLE in stage.told(thread)[2]

    stage.polyai.heal()
    await stage.until(lambda: "You said: yes" in stage.told(thread), within=timedelta(minutes=10))
    await stage.settled()
    assert stage.heard() == ["hello", "yes"]


@pytest.mark.parametrize("name", ["turn_failed", "stream_failed", "no_handoff", "unknown_error"])
async def test_093_an_error_that_ends_the_session(stage: ConformanceStage, name: str) -> None:
    """Given an error that PolyAI follows by SESSION_END: both are told, once each, in order."""
    thread = await stage.greeted("hello")

    stage.polyai.complain(None, name, ends=True)
    await stage.settled(timedelta(minutes=2))

    trouble, end = troubles(stage, thread)
    assert trouble == text_of(name)
    assert "has ended" in end
    assert len(stage.sessions) == 1
