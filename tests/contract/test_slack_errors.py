"""What does the adapter make of each error of Slack's? Row by row (slack.md, part 8)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count

import aiohttp
import msgspec
import pytest

from adapters.slack import ids
from adapters.slack.client import SlackClient
from adapters.slack.identity import BotIdentity
from adapters.slack.people.absences import KEPT_FOR, Absences
from adapters.slack.web.calls import Calls, web_client
from adapters.slack.web.governor import governing
from adapters.slack.workspaces import OneWorkspace, Workspace
from bridge.errors import (
    BridgeError,
    CredentialsRefused,
    DeliveryFailed,
    MaybeDelivered,
    Rejected,
    RetryLater,
    ThreadClosed,
    Unreachable,
)
from bridge.model.delivery import Outbound, Urgency
from bridge.model.ids import DeliveryId, PersonId, ThreadKey
from bridge.model.messages import AgentReply, Author, AuthorKind, Suggestion
from bridge.plugin import Signal, SignalKind
from bridge.simulators.slack import RateLimits, SlackSimulator
from bridge.testing.clock import NOON, FakeClock
from bridge.testing.host import PlayedHost

POST = "chat.postMessage"
MINUTE = timedelta(minutes=1)

LATER = (
    "ratelimited",
    "rate_limited",
    "message_limit_exceeded",
    "request_timeout",
    "team_added_to_org",
)
UNCLEAR = ("internal_error", "fatal_error", "service_unavailable")
CLOSED = (
    "is_archived",
    "thread_not_found",
    "cannot_reply_to_message",
    "restricted_action",
    "restricted_action_read_only_channel",
    "restricted_action_thread_locked",
    "restricted_action_thread_only_channel",
    "restricted_action_non_threadable_channel",
    "messages_tab_disabled",
    "user_not_found",
    "cannot_dm_bot",
)
AWAY = ("not_in_channel", "channel_not_found")
PLAINER = (
    "invalid_blocks",
    "msg_blocks_too_long",
    "msg_too_long",
    "markdown_text_conflict",
    "invalid_metadata_format",
    "metadata_too_large",
    "invalid_arguments",
)
LACKING = ("unknown_method", "feature_not_enabled", "channel_type_not_supported")
TOKEN = (
    "account_inactive",
    "token_revoked",
    "invalid_auth",
    "not_authed",
    "team_access_not_granted",
    "org_login_required",
    "access_denied",
    "ekm_access_denied",
    "token_expired",
)
OPERATOR = ("missing_scope", "not_allowed_token_type", "no_permission")


class Numbers:
    """n0, n1, n2 …"""

    def __init__(self) -> None:
        self._numbers = count()

    def new(self) -> str:
        return f"n{next(self._numbers)}"


class Played:
    """An adapter's verbs over a simulated workspace, with one thread."""

    def __init__(
        self, slack: SlackSimulator, client: SlackClient, workspace: Workspace, clock: FakeClock
    ) -> None:
        self.slack, self.client, self.clock = slack, client, clock
        self.workspace = workspace
        self.channel, self.ann = slack.add_channel("help"), slack.add_user("Ann")
        self.root = ""
        self.numbers = count(1)

    @property
    def thread(self) -> ThreadKey:
        return ThreadKey(f"{self.slack.team_id}:{self.channel}:{self.root}")

    def owed(self, *, place: str = "", only_for: str | None = None) -> Outbound:
        words = AgentReply(Author(AuthorKind.AGENT), "Which?", suggestions=(Suggestion("Left"),))
        return Outbound(
            id=DeliveryId(f"c1.{next(self.numbers)}"),
            thread=self.thread,
            content=words,
            owed_at=NOON,
            place=place,
            only_for=PersonId(only_for) if only_for else None,
        )

    def calls(self, method: str = POST) -> int:
        return sum(call.method == method for call in self.slack.calls)

    async def outcome(self, outbound: Outbound | None = None) -> BridgeError | None:
        """What becomes of a delivery: the error, or None for success."""
        try:
            await self.client.deliver(outbound or self.owed())
        except BridgeError as error:
            return error
        return None

    def told(self) -> list[str]:
        """What was said to Ann directly."""
        return [post.text for post in self.slack.posts if post.channel.startswith("D")]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def host(clock: FakeClock) -> PlayedHost:
    return PlayedHost(clock)


@pytest.fixture
async def played(clock: FakeClock, host: PlayedHost) -> AsyncIterator[Played]:
    limits = RateLimits.off()
    async with (
        SlackSimulator(clock=clock, ids=Numbers(), limits=limits) as slack,
        aiohttp.ClientSession() as http,
        governing(host) as governor,
    ):
        bot = BotIdentity(team=slack.team_id, user=slack.bot_user_id, bot=slack.bot_id)
        web = web_client("xoxb-simulated", slack.api_url, http, local=True)
        workspace = Workspace(bot, Calls(web, governor.of(bot.team)))
        client = SlackClient(OneWorkspace(workspace), clock, timedelta(seconds=30))
        made = Played(slack, client, workspace, clock)
        made.root = await slack.say(made.channel, made.ann, "hello")
        workspace.absences.heard(made.thread, PersonId(made.ann))
        yield made


@pytest.mark.parametrize("error", LATER)
async def test_wait_and_retry(played: Played, error: str) -> None:
    played.slack.fail(POST, error)
    assert isinstance(await played.outcome(), RetryLater)
    await played.clock.advance(timedelta(seconds=30))
    assert await played.outcome() is None


@pytest.mark.parametrize("error", UNCLEAR)
async def test_look_before_repeating(played: Played, error: str) -> None:
    played.slack.fail(POST, error)
    assert isinstance(await played.outcome(), MaybeDelivered)
    played.slack.fail("conversations.replies", error)
    with pytest.raises(Unreachable):
        await played.client.find(played.owed(), since=NOON)


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_servers_error_leaves_a_post_open(played: Played, status: int) -> None:
    played.slack.http_error(POST, status)
    assert isinstance(await played.outcome(), MaybeDelivered)


@pytest.mark.parametrize("error", CLOSED)
async def test_the_thread_is_closed(played: Played, error: str) -> None:
    played.slack.fail(POST, error)
    assert isinstance(await played.outcome(), ThreadClosed)
    assert played.calls() == 1


@pytest.mark.parametrize("error", [*CLOSED, *AWAY])
async def test_a_place_beside_the_thread_closes_nothing(played: Played, error: str) -> None:
    played.slack.fail(POST, error)
    with pytest.raises(Rejected) as refused:
        await played.client.announce(played.owed(place="C0123456789"))
    assert type(refused.value) is Rejected


async def test_a_person_who_is_gone_closes_nothing(played: Played) -> None:
    played.slack.fail("chat.postEphemeral", "user_not_found")
    outcome = await played.outcome(played.owed(only_for=played.ann))
    assert type(outcome) is Rejected


async def test_a_message_that_somebody_deleted_stays_deleted(played: Played) -> None:
    owed = played.owed()
    receipt = await played.client.deliver(owed)
    await played.slack.delete(played.channel, receipt.reference.partition(":")[2])
    with pytest.raises(Rejected) as refused:
        await played.client.revise(owed, receipt)
    assert type(refused.value) is Rejected
    assert played.calls() == 1


@pytest.mark.parametrize("error", AWAY)
async def test_somebody_is_told_once_an_hour_and_the_answer_is_kept(
    played: Played, host: PlayedHost, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        played.slack.fail(POST, error)
        outcome = await played.outcome()
        assert isinstance(outcome, RetryLater)
        assert outcome.after == MINUTE
        await played.clock.advance(MINUTE)
    assert len(played.told()) == 1
    assert f"<#{played.channel}>" in played.told()[0]
    assert [r.getMessage() for r in caplog.records] == ["slack.not_in_channel"]
    assert list(host.memory.kept) == [f"absent:{played.slack.team_id}:{played.channel}"]
    assert await played.outcome() is None


async def test_after_a_restart_nobody_is_told_twice_and_the_hour_goes_on(played: Played) -> None:
    played.slack.fail(POST, "not_in_channel")
    await played.outcome()
    for minutes in (4, 4):
        await played.clock.advance(minutes * MINUTE)
        played.workspace.absences = Absences(played.workspace.team, played.workspace.calls)
        played.workspace.absences.heard(played.thread, PersonId(played.ann))
        played.slack.fail(POST, "not_in_channel")
        assert isinstance(await played.outcome(), RetryLater)
    assert len(played.told()) == 1


async def test_whoever_is_not_known_is_not_told(played: Played) -> None:
    played.root = "1772366400.000100"
    played.slack.fail(POST, "not_in_channel")
    assert isinstance(await played.outcome(), RetryLater)
    assert (played.calls(), played.told()) == (1, [])


async def test_what_was_noted_unreadably_counts_for_nothing(
    played: Played, host: PlayedHost
) -> None:
    host.memory.kept[f"absent:{played.slack.team_id}:{played.channel}"] = "{"
    played.slack.fail(POST, "not_in_channel")
    assert isinstance(await played.outcome(), RetryLater)
    assert len(played.told()) == 1


@pytest.mark.parametrize("trouble", ["lost", "refused"])
async def test_a_stray_that_may_still_stand_is_owned_up_to(
    played: Played, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    await played.slack.delete(played.channel, played.root)
    if trouble == "lost":
        played.slack.lose_response("chat.delete")
    else:
        played.slack.fail("chat.delete", "cant_delete_message")
    outcome = await played.outcome()
    assert isinstance(outcome, ThreadClosed)
    assert "by hand" in outcome.remedy
    assert [record.getMessage() for record in caplog.records] == ["slack.stray_left"]


async def test_an_invitation_is_waited_for_an_hour(played: Played) -> None:
    for _ in range(KEPT_FOR // MINUTE):
        played.slack.fail(POST, "not_in_channel")
        assert isinstance(await played.outcome(), RetryLater)
        await played.clock.advance(MINUTE)
    played.slack.fail(POST, "not_in_channel")
    assert isinstance(await played.outcome(), ThreadClosed)
    # What comes after a while is a new absence.
    await played.clock.advance(10 * MINUTE)
    played.slack.fail(POST, "not_in_channel")
    assert isinstance(await played.outcome(), RetryLater)


async def test_who_cannot_be_told_is_not_told_in_a_loop(played: Played) -> None:
    played.slack.fail(POST, "not_in_channel", n=2)
    assert isinstance(await played.outcome(), RetryLater)
    assert (played.calls(), played.told()) == (2, [])


async def test_a_read_back_where_we_are_not_is_waited_for_as_well(played: Played) -> None:
    played.slack.remove_bot(played.channel)
    with pytest.raises(RetryLater):
        await played.client.find(played.owed(), since=NOON)


async def test_nobody_can_invite_us_into_a_direct_conversation(played: Played) -> None:
    root = await played.slack.direct_message(played.ann, "hello")
    played.channel, played.root = played.slack.direct_channel(played.ann), root
    played.slack.fail(POST, "channel_not_found")
    assert isinstance(await played.outcome(), ThreadClosed)


@pytest.mark.parametrize("error", PLAINER)
async def test_the_same_words_are_shown_plainly_and_found_again(played: Played, error: str) -> None:
    owed = played.owed()
    played.slack.fail(POST, error)
    receipt = await played.client.deliver(owed)
    (shown,) = played.slack.posts
    assert shown.text == "Which?\nChoose: Left"
    assert bool(shown.blocks) == ("metadata" in error)
    assert await played.client.find(owed, since=NOON) == receipt


@pytest.mark.parametrize("error", PLAINER)
async def test_they_are_simplified_once_only(played: Played, error: str) -> None:
    played.slack.fail(POST, error, n=2)
    assert type(await played.outcome()) is Rejected
    assert played.calls() == 2


@pytest.mark.parametrize("error", PLAINER)
async def test_a_change_is_simplified_too(played: Played, error: str) -> None:
    owed = played.owed()
    receipt = await played.client.deliver(owed)
    played.slack.fail("chat.update", error)
    await played.client.revise(owed, receipt)
    (shown,) = played.slack.updates
    assert bool(shown.blocks) == ("metadata" in error)


@pytest.mark.parametrize("error", LACKING)
async def test_what_a_workspace_lacks_is_not_tried_for_an_hour(played: Played, error: str) -> None:
    status = "assistant.threads.setStatus"
    played.slack.fail(status, error)
    for _ in range(2):
        await played.client.signal(played.thread, Signal(SignalKind.THINKING))
    assert played.calls(status) == 1
    await played.clock.advance(timedelta(hours=1))
    await played.client.signal(played.thread, Signal(SignalKind.THINKING))
    assert played.calls(status) == 2


@pytest.mark.parametrize("error", TOKEN)
async def test_a_refused_token_is_not_tried_for_a_minute(played: Played, error: str) -> None:
    played.slack.revoke_token(error)
    for _ in range(3):
        outcome = await played.outcome()
        assert isinstance(outcome, CredentialsRefused)
        assert error in outcome.message
    assert played.calls() == 1
    await played.clock.advance(MINUTE)
    played.slack.restore_token()
    assert await played.outcome() is None
    assert await played.outcome() is None


@pytest.mark.parametrize("error", OPERATOR)
async def test_a_fault_of_the_operators_keeps_what_is_owed(played: Played, error: str) -> None:
    played.slack.fail(POST, error)
    outcome = await played.outcome()
    assert isinstance(outcome, CredentialsRefused)
    assert not isinstance(outcome, DeliveryFailed)
    assert await played.outcome() is None


async def test_a_pause_is_obeyed_by_every_call_of_its_method(played: Played) -> None:
    played.slack.rate_limit(POST, after=timedelta(seconds=7))
    outcome = await played.outcome()
    assert isinstance(outcome, RetryLater)
    assert outcome.after == timedelta(seconds=7)
    owed = played.owed()
    turn = asyncio.create_task(played.client.turn(owed))
    await played.clock.advance(timedelta(seconds=6))
    assert not turn.done()
    await played.clock.advance(timedelta(seconds=1))
    assert turn.done()
    assert await played.outcome(owed) is None
    assert played.calls() == 2


async def test_private_words_in_a_direct_message_wait_for_the_turn_of_a_post(
    played: Played,
) -> None:
    played.root = await played.slack.direct_message(played.ann, "hello")
    played.channel = played.slack.direct_channel(played.ann)
    played.slack.rate_limit(POST, after=timedelta(seconds=7))
    assert isinstance(await played.outcome(), RetryLater)
    owed = played.owed(only_for=played.ann)
    turn = asyncio.create_task(played.client.turn(owed))
    await played.clock.advance(timedelta(seconds=6))
    assert not turn.done()  # it would be attempted, and wait in doubt
    await played.clock.advance(timedelta(seconds=1))
    assert turn.done()
    assert await played.outcome(owed) is None


async def test_after_a_pause_the_answer_goes_first_and_growth_never(played: Played) -> None:
    rising = [Urgency.GROWTH, Urgency.SUGGESTIONS, Urgency.NEWS, Urgency.ANSWER]
    owed = [msgspec.structs.replace(played.owed(), urgency=urgency) for urgency in rising]
    spots = {}
    for one in owed:
        await played.clock.advance(timedelta(seconds=2))
        spots[one.urgency] = await played.client.deliver(one)
    played.slack.rate_limit("chat.update", after=timedelta(seconds=1))
    with pytest.raises(RetryLater):
        await played.client.revise(owed[-1], spots[Urgency.ANSWER])

    growth, *changes = [
        asyncio.create_task(
            played.client.grow(one, spots[one.urgency])
            if one.urgency is Urgency.GROWTH
            else played.client.revise(one, spots[one.urgency])
        )
        for one in owed
    ]
    await asyncio.sleep(0)
    await played.clock.advance(timedelta(seconds=1))
    while not all(change.done() for change in changes):
        await asyncio.sleep(0.005)
        await played.clock.advance(timedelta(milliseconds=200))
    with pytest.raises(RetryLater):
        await growth

    assert [update.ts for update in played.slack.updates] == [
        ids.Spot.parse(spots[urgency]).ts for urgency in reversed(rising[1:])
    ]
