"""What is owed to threads is sent in order, once each, whatever the platform does."""

import asyncio
from datetime import timedelta
from functools import partial

import msgspec
import pytest

from bridge.core import events as e
from bridge.core.effects import Show
from bridge.errors import (
    CredentialsRefused,
    MaybeDelivered,
    NeedsPerson,
    Rejected,
    RetryLater,
    ThreadClosed,
    Unreachable,
)
from bridge.model.delivery import (
    Announce,
    Outbound,
    Post,
    Receipt,
    Replace,
    Retire,
    ThreadBody,
)
from bridge.model.ids import AdapterName, ConversationId, DeliveryId
from bridge.model.messages import (
    AgentReply,
    Author,
    AuthorKind,
    Choice,
    Notice,
    NoticeKind,
    Suggestion,
)
from bridge.plugin import Signal, SignalKind
from bridge.runtime.delivering.signals import SOON
from bridge.store import Attempt
from bridge.testing.builders import ANN
from bridge.testing.clock import NOON
from tests.unit.runtime.house import Desk, Full, Plain
from tests.unit.runtime.office import Office
from tests.unit.store.given import SLACK, opened, reply

TEAMS = AdapterName("teams")
BUSY = RetryLater("busy", after=timedelta(seconds=7))


def offering(text: str, *suggestions: str) -> Post:
    """The agent says it and offers these."""
    author = Author(AuthorKind.AGENT)
    return Post(
        AgentReply(author=author, text=text, suggestions=tuple(map(Suggestion, suggestions)))
    )


async def test_deliveries_of_a_conversation_arrive_in_order_once_each(office: Office) -> None:
    office.connect()
    await office.owe(await opened(office.house.store), *(reply(f"{n}") for n in range(12)))

    await office.idle()

    assert office.texts == [f"{n}" for n in range(12)]
    assert set(office.house.states().values()) == {"sent"}
    assert office.count("sent") == 12


async def test_a_thread_in_which_only_a_person_can_help_is_known_until_it_goes_on(
    office: Office,
) -> None:
    office.platform.faults = [NeedsPerson("not in the channel", after=timedelta(minutes=1))]
    office.connect()
    conversation = await opened(office.house.store)
    await office.owe(conversation, reply("hi"))

    await office.house.until(lambda: office.house.clock.sleepers, winding=False)
    assert office.dispatcher.needs_person(conversation.id)
    await office.idle()

    assert office.texts == ["hi"]
    assert not office.dispatcher.needs_person(conversation.id)


async def test_an_attempt_is_committed_before_the_send_and_its_outcome_after(
    office: Office,
) -> None:
    office.connect()
    await office.owe(await opened(office.house.store), reply("hi"))

    await office.idle()

    assert office.platform.seen_states == ["sending"]
    assert office.house.states() == {"c1.1": "sent"}
    assert office.house.passed == ["after-attempt", "after-send", "after-settle"]
    (row,) = office.house.rows("SELECT attempts, reference FROM deliveries")
    assert row == (1, "at c1.1")


@pytest.mark.parametrize(
    ("fault", "pause"),
    [
        (BUSY, 7),
        (Unreachable("away"), 1),
        (CredentialsRefused("revoked"), 60),
        (RetryLater("at once", after=timedelta(0)), 1),
        (RetryLater("yesterday", after=timedelta(days=-1)), 1),
    ],
    ids=["later", "unreachable", "refused", "at once", "in the past"],
)
async def test_what_was_certainly_not_posted_is_posted_again_without_looking(
    office: Office, fault: Exception, pause: float
) -> None:
    office.platform.faults = [fault]
    office.connect()
    await office.owe(await opened(office.house.store), reply("hi"), reply("ho"))

    await office.idle()

    assert office.texts == ["hi", "ho"]
    assert office.platform.looked == []
    assert office.platform.attempted[:2] == [("c1.1", 0), ("c1.1", pause)]
    told = (office.count(word) for word in ("later", "unreachable", "credentials_refused"))
    assert sum(count or 0 for count in told) == 1


async def test_what_is_rejected_is_dead_visibly_and_blocks_nothing(office: Office) -> None:
    office.platform.faults = [Rejected("too long")]
    office.connect()
    await office.owe(await opened(office.house.store), reply("hi"), reply("ho"))

    await office.idle()

    assert office.texts == ["ho"]
    rows = office.house.rows("SELECT state, reason FROM deliveries ORDER BY number")
    assert rows == [("dead", "too long"), ("sent", None)]


@pytest.mark.parametrize("fault", [MaybeDelivered("reset"), KeyError("a bug"), TimeoutError()])
async def test_what_was_posted_after_all_is_found_and_not_repeated(
    office: Office, fault: Exception
) -> None:
    office.platform.landed_faults = [fault]
    office.connect()
    await office.owe(await opened(office.house.store), reply("hi"))

    await office.idle()

    assert office.texts == ["hi"]
    assert office.platform.looked == [("c1.1", 0)]
    assert office.house.rows("SELECT state, reference FROM deliveries") == [("sent", "found c1.1")]


async def test_what_is_not_found_is_posted_again_and_looked_for_since_then(
    office: Office,
) -> None:
    office.platform.faults = [MaybeDelivered("reset"), MaybeDelivered("reset")]
    office.platform.finding_faults = [RetryLater("too early", after=timedelta(seconds=4))]
    office.connect()
    await office.owe(await opened(office.house.store), reply("hi"))

    await office.idle()

    assert office.texts == ["hi"]
    assert office.platform.looked == [("c1.1", 0), ("c1.1", 0), ("c1.1", 5)]


async def test_one_found_in_doubt_at_the_start_is_looked_for_first(office: Office) -> None:
    sent, lost = await office.owed(await opened(office.house.store), reply("hi"), reply("ho"))
    for delivery in (sent, lost):
        await office.house.store.write(Attempt(id=delivery.id, at=NOON - timedelta(seconds=3)))
    office.platform.posted.append((sent.id, "hi"))
    office.connect()

    await office.dispatcher.recover()
    await office.idle()

    assert office.texts == ["hi", "ho"]
    assert office.platform.looked == [("c1.1", -3), ("c1.2", -3)]
    assert office.house.states() == {"c1.1": "sent", "c1.2": "sent"}


async def test_an_attempt_in_the_future_of_a_clock_set_back_counts_from_now(office: Office) -> None:
    (lost,) = await office.owed(await opened(office.house.store), reply("hi"))
    await office.house.store.write(Attempt(id=lost.id, at=NOON + timedelta(hours=1)))
    office.connect()

    await office.dispatcher.recover()
    await office.idle()

    assert office.platform.looked == [("c1.1", 0)]
    assert office.texts == ["hi"]


async def test_where_nobody_can_look_it_is_held_and_the_rest_goes_on(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    plain = Plain(office.house)
    plain.faults = [MaybeDelivered("reset")]
    office.connect(plain)
    await office.owe(await opened(office.house.store), reply("hi"), reply("ho"))

    await office.idle()

    assert plain.posted == [("c1.2", "ho")]
    assert office.house.states() == {"c1.1": "sending", "c1.2": "sent"}
    assert any("in_doubt" in record.getMessage() for record in caplog.records)
    assert (await office.house.store.census()).owed == {"step": 0}  # what is held is not owed

    await (again := office.restarted()).recover()
    await office.house.until(lambda: not again.owed)
    assert plain.posted == [("c1.2", "ho")]


@pytest.mark.parametrize("body", [reply("hi"), Announce("C9", Notice(NoticeKind.HANDOFF_CALL))])
async def test_where_the_platform_can_never_tell_it_is_held_with_the_reason(
    office: Office, body: ThreadBody
) -> None:
    office.platform = Desk(office.house)
    office.platform.faults = [MaybeDelivered("reset")]
    office.platform.finding_faults = [MaybeDelivered("nobody saw it")]
    office.connect()
    await office.owe(await opened(office.house.store), body, reply("ho"))

    await office.idle()

    assert office.texts == ["ho"]
    assert office.house.rows("SELECT state, reason, settled_at FROM deliveries")[0] == (
        "sending",
        "in doubt: nobody saw it",
        None,
    )
    held = office.status.metrics.registry.get_sample_value(
        "polyai_bridge_deliveries_in_doubt", {"adapter": "slack"}
    )
    assert held == 1
    assert office.told == []


async def test_a_new_connection_is_used_as_soon_as_there_is_one(office: Office) -> None:
    """An adapter that was left must not be asked again, whatever it was being asked."""
    conversation = await opened(office.house.store)
    old, new = office.platform, Full(office.house)
    away = [Unreachable("closed") for _ in range(1000)]
    old.faults, old.landed_faults = [], [MaybeDelivered("reset")]
    old.finding_faults, old.revising_faults = list(away), list(away)
    office.connect(old)
    await office.owe(conversation, reply("hi"), Replace(DeliveryId("c1.1"), reply("ho").content))
    await office.house.until(lambda: len(old.looked) > 2)

    office.adapters.left(SLACK)
    new.posted = old.posted
    new.revising_faults = [Unreachable("closed")]
    office.connect(new)
    await office.idle()

    assert office.house.states() == {"c1.1": "sent", "c1.2": "sent"}
    assert new.revised == [("c1.1", "found c1.1", "ho")]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("where", "end"),
    [
        ("faults", ["dead", "sent"]),
        ("finding_faults", ["sending", "sent"]),
        ("revising_faults", ["sent", "dead"]),
    ],
)
async def test_an_adapter_that_only_ever_breaks_blocks_for_a_bounded_time(
    office: Office, where: str, end: list[str]
) -> None:
    """Law 4: a poisoned message blocks its own conversation at most, not for ever, visibly."""
    breaks: list[Exception] = [ZeroDivisionError() for _ in range(500)]
    setattr(office.platform, where, breaks)
    if where == "finding_faults":
        office.platform.faults = [MaybeDelivered("reset")]
    change = Replace(DeliveryId("c1.1"), reply("ho").content)
    second = change if where == "revising_faults" else reply("ho")
    office.connect()
    await office.owe(await opened(office.house.store), reply("hi"), second)

    first = "c1.2" if where == "revising_faults" else "c1.1"
    states = office.house.states
    if where != "finding_faults":
        await office.house.until(lambda: states()[first] == "dead", by=timedelta(seconds=30))
        breaks.clear()
    await office.idle(by=timedelta(seconds=30))

    assert list(office.house.states().values()) == end
    assert 75 * 60 <= office.house.seconds(office.house.clock.now()) < 80 * 60


async def test_a_conversation_whose_platform_is_away_blocks_no_other(office: Office) -> None:
    away = msgspec.structs.replace(await opened(office.house.store, "c1"), adapter=TEAMS)
    office.house.damage("UPDATE conversations SET adapter = 'teams'")
    office.connect()
    await office.owe(away, reply("waits"))
    await office.owe(await opened(office.house.store, "c2"), reply("hi"))

    await office.house.until(lambda: office.texts == ["hi"] and office.dispatcher.owed == 1)

    office.adapters.arrived(TEAMS, office.platform)
    await office.idle()
    assert office.texts == ["hi", "waits"]


async def test_a_thread_that_is_slow_blocks_no_other(office: Office) -> None:
    slow, fast = [await opened(office.house.store, name) for name in ("c1", "c2")]
    office.platform.blocked[slow.thread] = asyncio.Event()
    office.connect()
    await office.owe(slow, reply("slow"), reply("after it"))
    await office.owe(fast, reply("fast"))

    await office.house.until(lambda: office.texts == ["fast"])
    office.platform.blocked[slow.thread].set()
    await office.idle()

    assert office.texts == ["fast", "slow", "after it"]


async def test_only_the_last_of_several_changes_is_made(office: Office) -> None:
    conversation, first = await opened(office.house.store), DeliveryId("c1.1")
    changes = [Replace(first, reply(f"now {n}").content) for n in range(3)]
    await office.owe(conversation, reply("hi"), *changes, reply("and"))
    office.connect()

    await office.idle()

    assert office.platform.revised == [("c1.1", "at c1.1", "now 2")]
    assert list(office.house.states().values()) == ["sent", "dropped", "dropped", "sent", "sent"]


async def test_suggestions_are_taken_away_and_the_choice_is_named(office: Office) -> None:
    conversation = await opened(office.house.store)
    office.connect()
    asked = offering("Tea?", "Yes", "No")
    await office.owe(conversation, asked)
    await office.idle()

    assert isinstance(asked.content, AgentReply)
    await office.owe(conversation, Retire(DeliveryId("c1.1"), Choice("Yes", ANN), asked.content))
    await office.idle()

    assert office.texts == ["Tea? [Yes/No]"]
    assert office.platform.revised == [("c1.1", "at c1.1", "Tea? <Yes>")]


async def test_of_changes_owed_to_a_platform_without_edits_what_the_agent_says_is_told_anew(
    office: Office,
) -> None:
    plain, first = Plain(office.house), DeliveryId("c1.1")
    office.connect(plain)
    conversation = await opened(office.house.store)
    await office.owe(
        conversation,
        offering("Tea?", "Yes"),
        Retire(first),
        Replace(first, Notice(NoticeKind.WITHDRAWN)),
    )
    await office.idle()

    assert [text for _, text in plain.posted] == ["Tea? [Yes]"]
    assert set(office.house.states().values()) == {"sent", "dropped"}

    await office.owe(conversation, Replace(first, reply("Coffee?").content))
    await office.idle()

    assert [text for _, text in plain.posted] == ["Tea? [Yes]", "Coffee?"]
    assert office.house.states()["c1.4"] == "sent"


async def test_a_change_of_what_never_arrived_is_dropped(office: Office) -> None:
    office.platform.faults = [Rejected("no")]
    office.connect()
    await office.owe(
        await opened(office.house.store), offering("Tea?", "Yes"), Retire(DeliveryId("c1.1"))
    )
    await office.idle()

    assert office.house.states() == {"c1.1": "dead", "c1.2": "dropped"}
    assert office.platform.revised == []


async def test_a_database_that_fails_delays_a_delivery_and_does_not_double_it(
    office: Office,
) -> None:
    await office.owe(await opened(office.house.store), reply("hi"))
    office.house.damage("ALTER TABLE deliveries RENAME TO hidden")
    office.connect()
    await office.house.until(lambda: office.house.clock.sleepers, winding=False)
    assert office.texts == []

    office.house.damage("ALTER TABLE hidden RENAME TO deliveries")
    await office.idle()

    assert office.texts == ["hi"]
    assert office.house.states() == {"c1.1": "sent"}


async def test_refused_credentials_are_a_trouble_until_a_delivery_succeeds(
    office: Office,
) -> None:
    office.status.adapter(SLACK, connected=True)
    office.platform.faults = [CredentialsRefused("revoked", remedy="renew it")]
    office.connect()
    await office.owe(await opened(office.house.store), reply("hi"))
    await office.house.until(lambda: office.house.clock.sleepers, winding=False)
    assert office.status.causes == ["adapter slack: refuses deliveries: revoked (renew it)"]

    await office.idle()

    assert office.status.causes == []


HELP = Announce("C9", Notice(NoticeKind.HANDOFF_CALL))


async def test_a_call_for_help_is_announced_in_its_turn_and_settled_like_a_post(
    office: Office,
) -> None:
    desk = Desk(office.house)
    office.connect(desk)
    await office.owe(await opened(office.house.store), reply("hi"), HELP, reply("ho"))

    await office.idle()

    assert desk.posted == [("c1.1", "hi"), ("c1.2", "in C9: handoff_call"), ("c1.3", "ho")]
    assert set(office.house.states().values()) == {"sent"}
    assert desk.seen_states == ["sending"] * 3
    rows = await office.house.store.list_deliveries(ConversationId("c1"))
    assert [row.kind for row in rows] == ["post", "announce", "post"]


async def test_a_call_for_help_in_doubt_is_looked_for_in_its_place(office: Office) -> None:
    desk = Desk(office.house)
    desk.landed_faults = [MaybeDelivered("reset")]
    office.connect(desk)
    await office.owe(await opened(office.house.store), HELP)

    await office.idle()

    assert desk.looked == [("c1.1", 0)]
    assert desk.places == ["C9"]
    assert desk.posted == [("c1.1", "in C9: handoff_call")]
    assert office.house.states() == {"c1.1": "sent"}


async def test_a_call_for_help_that_is_refused_stops_nothing_else(office: Office) -> None:
    desk = Desk(office.house)
    desk.faults = [Rejected("not in that channel")]
    office.connect(desk)
    await office.owe(await opened(office.house.store), HELP, reply("ho"))

    await office.idle()

    rows = office.house.rows("SELECT state, reason FROM deliveries ORDER BY number")
    assert rows == [("dead", "not in that channel"), ("sent", None)]
    assert desk.posted == [("c1.2", "ho")]
    assert office.told == [
        ("c1", e.HelpersNotCalled(DeliveryId("c1.1")), ["sending", "pending"])
    ], "told before it is settled: a crash repeats it"


async def test_where_nobody_can_be_called_that_is_said_and_nothing_is_posted(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.connect()
    await office.owe(await opened(office.house.store), HELP, reply("ho"))

    await office.idle()

    assert office.texts == ["ho"]
    (called, _) = office.house.rows("SELECT state, reason FROM deliveries ORDER BY number")
    assert called[0] == "dead"
    assert "cannot call anybody" in called[1]
    assert any("delivery.dead" in record.getMessage() for record in caplog.records)


async def test_signs_of_life_are_shown_where_somebody_can_or_not_at_all(office: Office) -> None:
    conversation = await opened(office.house.store)
    typing = Show(Signal(SignalKind.TYPING))
    office.dispatcher.show(conversation, typing)  # nobody is connected
    office.connect(Plain(office.house))
    office.dispatcher.show(conversation, typing)  # nobody can
    office.connect()
    office.dispatcher.show(conversation, typing)
    await office.house.quiet()

    assert office.platform.signals == [f"{conversation.thread}: typing"]


async def test_while_something_is_posted_signs_of_life_wait(office: Office) -> None:
    conversation = await opened(office.house.store)
    office.platform.blocked[conversation.thread] = asyncio.Event()
    office.connect()
    await office.owe(conversation, reply("hi"))
    await office.house.until(lambda: office.platform.attempted)

    office.dispatcher.show(conversation, Show(Signal(SignalKind.THINKING)))
    office.dispatcher.show(conversation, Show(Signal(SignalKind.TYPING)))
    await office.house.quiet()
    assert office.platform.signals == []

    office.platform.blocked[conversation.thread].set()
    await office.idle()
    await office.house.quiet()
    assert office.platform.signals == [f"{conversation.thread}: typing"]


async def test_a_sign_of_life_is_taken_away_after_the_message_that_ends_it(office: Office) -> None:
    conversation = await opened(office.house.store)
    office.connect()
    office.dispatcher.show(conversation, Show(Signal(SignalKind.THINKING)))
    await office.house.clock.advance(SOON)
    await office.house.quiet()

    await office.owe(conversation, reply("hi"))
    office.dispatcher.show(conversation, Show(Signal(SignalKind.CLEAR)))
    await office.idle()
    await office.house.quiet()

    assert [signal.rpartition(" ")[2] for signal in office.platform.signals] == [
        "thinking",
        "clear",
    ]
    assert office.texts == ["hi"]


async def test_a_closed_thread_is_told_of_and_takes_nothing_more(office: Office) -> None:
    conversation = await opened(office.house.store)
    office.platform.faults = [ThreadClosed("archived")]
    rows = await office.owed(conversation, reply("hi"), reply("ho"), HELP, reply("bye"))
    office.then_owed = rows[3:]
    office.platform = desk = Desk(office.house)
    desk.faults = [ThreadClosed("archived")]
    office.connect()
    for row in rows[:3]:
        office.dispatcher.owe(row)

    await office.idle()

    assert office.told == [("c1", e.ThreadLost(), ["sending", "pending", "pending", "pending"])], (
        "told before it is settled: a crash repeats it"
    )
    assert list(office.house.states().values()) == ["dead", "dropped", "sent", "dropped"]
    assert [identity for identity, _ in desk.attempted] == ["c1.1", "c1.3"]


async def test_a_thread_that_was_closed_is_tried_again_later(office: Office) -> None:
    conversation = await opened(office.house.store)
    office.platform.faults = [ThreadClosed("archived")]
    office.connect()
    await office.owe(conversation, reply("hi"))
    await office.idle()
    await office.house.quiet()

    await office.owe(conversation, reply("ho"))
    await office.idle()

    assert office.texts == ["ho"]


class Picky(Full):
    """A platform that never shows one change."""

    async def revise(self, outbound: Outbound, receipt: Receipt) -> None:
        if outbound.id == "c1.1":
            raise Unreachable("it answered 500")
        await super().revise(outbound, receipt)


@pytest.mark.parametrize("others", [True, False])
async def test_a_change_that_fails_is_given_up_only_where_others_go_through(
    office: Office, others: bool
) -> None:
    """Then what follows in its thread goes out; in an outage all of it waits."""
    office.platform = platform = Picky(office.house)
    office.connect()
    poisoned, other = await opened(office.house.store), await opened(office.house.store, "c2")
    change = Replace(DeliveryId("c1.1"), reply("poison").content)
    await office.owe(poisoned, reply("hi"), change, reply("after"))
    await office.owe(other, reply("ho"))
    for number in range(14):
        if others:
            await office.owe(other, Replace(DeliveryId("c2.1"), reply(f"ho {number}").content))
            await office.house.until(partial(lambda so: so < len(platform.revised), number))
        await office.house.quiet()
        await office.house.clock.advance(timedelta(minutes=7))
    await office.house.quiet()

    states = [office.house.states()[f"c1.{number}"] for number in (1, 2, 3)]
    if not others:
        assert states == ["sent", "sending", "pending"]
        return
    assert states == ["sent", "dead", "sent"]
    ((_, event, _),) = office.told
    assert isinstance(event, e.GivenUp)
    assert event.delivery == "c1.2"
    assert "it answered 500" in event.reason
    assert "redrive" in event.remedy
