"""How a conversation comes by a session: who may ask, how soon again, and what is said of it."""

import logging
from datetime import timedelta

import pytest

from bridge.core import events as e
from bridge.model.ids import ConversationId
from bridge.polyai.refusals import ConnectorRefused, NoSession, SessionRefused, TryLater
from bridge.testing.clock import NOON
from tests.unit.runtime.far_end import FarEnd, opened, played

REFUSALS: list[NoSession] = [
    ConnectorRefused("bad token id-1", remedy="check it", correlation_id="id-1"),
    SessionRefused("bad request id-1", remedy="report it", correlation_id="id-1"),
]


def later(status: int = 500, after: float | None = None) -> TryLater:
    wait = None if after is None else timedelta(seconds=after)
    return TryLater("not now", after=wait, status=status, correlation_id="their-1")


def told(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, object]]:
    return [
        record.msg
        for record in caplog.records
        if isinstance(record.msg, dict) and record.msg["event"] == event
    ]


async def test_a_session_is_told_with_its_tokens_life_and_its_correlation_id(
    far: FarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fresh = opened("s1")
    far.calls.plan = [
        type(fresh)(
            session_id="s1",
            token=fresh.token,
            expires_at=NOON + timedelta(days=1),
            correlation_id="their-9",
        )
    ]
    await far.say()
    await far.passes(1)
    assert far.told(e.SessionOpened) == [e.SessionOpened(1, NOON + timedelta(days=1))]
    (logged,) = told(caplog, "session.opened")
    assert (logged["number"], logged["correlation_id"]) == (1, "their-9")


async def test_trouble_is_waited_out_with_growing_pauses_and_one_session_is_used(
    far: FarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    far.calls.plan = [later(), later(503), later(0), None]
    await far.say()
    await far.passes(30)
    assert far.calls.at == pytest.approx([0, 1, 3, 7], abs=0.1)
    assert [type(event) for event in far.told(e.SessionOpened)] == [e.SessionOpened]
    assert far.told(e.SessionUnavailable) == []
    (logged,) = told(caplog, "session.not_opened")
    assert (logged["status"], logged["correlation_id"]) == (500, "their-1")


async def test_after_four_failures_the_thread_is_told_and_the_tries_go_on(far: FarEnd) -> None:
    far.calls.plan = [later()]
    await far.say()
    await far.passes(10)
    assert far.told(e.SessionUnavailable) != []
    assert far.status.causes == ["agent default: not now"]
    far.calls.plan = [None]
    await far.passes(30)
    assert far.status.causes == []
    assert len(far.told(e.SessionOpened)) == 1


@pytest.mark.parametrize("seconds", [7.0, 1.5, 0.25])
async def test_a_rate_limit_keeps_everybody_from_asking(far: FarEnd, seconds: float) -> None:
    """The whole door, not only the one conversation that was told."""
    far.calls.plan = [later(429, after=seconds), None]
    names = [ConversationId(f"c{number}") for number in range(5)]
    await far.say(identity=names[0])
    for name in names[1:]:
        await far.say(identity=name)
    assert len(far.calls.at) == 1
    await far.passes(seconds - 0.01)
    assert len(far.calls.at) == 1
    await far.passes(2)
    assert len(far.calls.at) == 6
    assert all(at >= seconds for at in far.calls.at[1:])
    assert len(far.told(e.SessionOpened)) == 5


async def test_a_rate_limit_that_is_over_at_once_is_not_hammered(far: FarEnd) -> None:
    far.calls.plan = [later(429, after=0)]
    await far.say()
    await far.passes(120)
    assert 5 < len(far.calls.at) < 12


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: type(each).__name__)
async def test_after_a_refusal_one_conversation_asks_each_minute(
    far: FarEnd, refusal: NoSession, caplog: pytest.LogCaptureFixture
) -> None:
    """However many wait; each is told, and a person is alerted once."""
    far.calls.plan = [refusal]
    for number in range(20):
        await far.say(identity=ConversationId(f"c{number}"))
    await far.passes(299)
    assert len(far.calls.at) == 5
    assert {name for name, event in far.desk.told if isinstance(event, e.SessionUnavailable)} == {
        f"c{number}" for number in range(20)
    }
    assert len(told(caplog, "agent.unavailable")) == 1
    assert told(caplog, "agent.unavailable")[0]["correlation_id"] == "id-1"

    far.calls.plan = [None]
    await far.passes(125)
    assert len(far.told(e.SessionOpened)) == 20
    assert far.status.causes == []


async def test_the_same_refusal_under_another_correlation_id_is_no_news(
    far: FarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    def refusal(identity: str) -> ConnectorRefused:
        return ConnectorRefused(f"bad token {identity}", remedy="", correlation_id=identity)

    far.calls.plan = [refusal("id-1"), refusal("id-2"), refusal("id-3")]
    await far.say()
    await far.passes(200)
    assert len(told(caplog, "agent.unavailable")) == 1
    assert far.status.causes == ["agent default: bad token id-3"]


async def test_whoever_waited_for_a_turn_learns_what_happened_meanwhile() -> None:
    """A thousand that stood in line when the first was refused do not ask all the same."""
    async with played(per_second=10.0) as far:
        far.calls.plan = [REFUSALS[0]]
        far.calls.takes = timedelta(seconds=1)
        for number in range(100):
            await far.say(identity=ConversationId(f"c{number}"))
        await far.passes(50)
        assert 10 <= len(far.calls.at) < 25
        await far.passes(50)
        assert len(far.calls.at) < 26
