"""Is everybody answered who presses, chooses, types or looks? Against the simulated Slack."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from adapters.slack import ids, limits
from adapters.slack.client import SlackClient
from adapters.slack.connection import connect
from adapters.slack.logs import LOG
from adapters.slack.reading.interactions import SHORTCUT
from adapters.slack.settings import SlackSettings
from bridge.clock import RandomIds, SystemClock
from bridge.errors import DatabaseFailed
from bridge.model.delivery import Outbound
from bridge.model.ids import AgentName, DeliveryId, PersonId, ThreadKey
from bridge.model.inbound import (
    EndAsked,
    Inbound,
    InboundBody,
    PersonAsked,
    Said,
    StartAsked,
    StatusAsked,
)
from bridge.model.messages import Control, Notice, NoticeKind
from bridge.plugin import Accepted, Glimpse
from bridge.simulators.slack import RateLimits, SlackSimulator
from bridge.testing.clock import FakeClock
from bridge.testing.host import PlayedHost


class Host(PlayedHost):
    """A host to whom nothing belongs once it is `ignoring`, and who cannot look once `blind`."""

    clock: FakeClock
    ignoring = False
    blind = False

    async def accept(self, inbound: Inbound) -> Accepted:
        accepted = await super().accept(inbound)
        return Accepted.IGNORED if self.ignoring else accepted

    async def conversations_of(self, person: PersonId) -> list[Glimpse]:
        if self.blind:
            raise DatabaseFailed("locked")
        return await super().conversations_of(person)

    @property
    def bodies(self) -> list[InboundBody]:
        return [inbound.body for inbound in self.accepted]


async def eventually(condition: Callable[[], object]) -> None:
    """Wait, in real time, for what loopback traffic brings."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


@pytest.fixture
async def slack() -> AsyncIterator[SlackSimulator]:
    simulator = SlackSimulator(clock=SystemClock(), ids=RandomIds(), limits=RateLimits.off())
    async with simulator:
        yield simulator


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    async with aiohttp.ClientSession() as http:
        yield Host(FakeClock(), http)


def settings(slack: SlackSimulator, **changes: object) -> SlackSettings:
    tokens = {"bot_token": "xoxb-simulated", "app_token": "xapp-simulated"}
    return SlackSettings.model_validate({**tokens, "api_url": slack.api_url, **changes})


@pytest.fixture
async def adapter(slack: SlackSimulator, host: Host) -> AsyncIterator[SlackClient]:
    async with connect(settings(slack), host) as client:
        yield client


@pytest.fixture
def channel(slack: SlackSimulator) -> str:
    return slack.add_channel("support")


@pytest.fixture
def ann(slack: SlackSimulator) -> str:
    return slack.add_user("ann")


def glimpse(slack: SlackSimulator, channel: str, root: str) -> Glimpse:
    now = SystemClock().now()
    thread = ThreadKey(f"{slack.team_id}:{channel}:{root}")
    return Glimpse(thread=thread, agent=AgentName("default"), opened_at=now, touched_at=now)


def told(slack: SlackSimulator, person: str) -> list[str]:
    return [shown.text for shown in slack.ephemerals if shown.user == person]


def status(slack: SlackSimulator, channel: str, root: str, person: str) -> Outbound:
    controls = (Control.PERSON, Control.END, Control.START)
    return Outbound(
        id=DeliveryId("c1.1"),
        thread=ThreadKey(f"{slack.team_id}:{channel}:{root}"),
        content=Notice(NoticeKind.STATUS, controls=controls),
        owed_at=SystemClock().now(),
        only_for=PersonId(person),
    )


# Words


@pytest.mark.parametrize(
    ("text", "body", "opens"),
    [
        ("End!", EndAsked(), False),
        ("what is going on?", StatusAsked(), False),
        ("Human", PersonAsked(), True),
        ("start again", StartAsked(), True),
        ("start again tomorrow", Said("start again tomorrow"), True),
    ],
)
@pytest.mark.usefixtures("adapter")
async def test_a_word_after_a_mention_is_a_wish(
    slack: SlackSimulator,
    host: Host,
    channel: str,
    ann: str,
    text: str,
    body: InboundBody,
    *,
    opens: bool,
) -> None:
    await slack.say(channel, ann, f"<@{slack.bot_user_id}> {text}")

    await eventually(lambda: len(host.accepted) == 2)  # each mention comes as two events
    assert {(inbound.body, inbound.opens) for inbound in host.accepted} == {(body, opens)}


@pytest.mark.usefixtures("adapter")
async def test_a_word_without_a_mention_is_for_the_agent(
    slack: SlackSimulator, host: Host, ann: str
) -> None:
    await slack.direct_message(ann, "end")
    await slack.direct_message(ann, f"<@{slack.bot_user_id}> end")

    await eventually(lambda: len(host.accepted) == 2)
    assert host.bodies == [Said("end"), EndAsked()]


@pytest.mark.usefixtures("adapter")
async def test_a_wish_where_no_conversation_is_gets_a_polite_answer(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    host.ignoring = True
    root = await slack.say(channel, ann, "people talk here")
    await slack.say(channel, ann, f"<@{slack.bot_user_id}> status", thread_ts=root)

    await eventually(lambda: told(slack, ann))
    assert slack.ephemerals[0].thread_ts == root
    assert "no conversation" in told(slack, ann)[0]


@pytest.mark.usefixtures("adapter")
async def test_what_people_say_in_threads_of_their_own_is_answered_by_nobody(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    host.ignoring = True
    root = await slack.say(channel, ann, "people talk here")
    await slack.say(channel, ann, "and go on", thread_ts=root)
    await slack.say(channel, ann, f"<@{slack.bot_user_id}> end", thread_ts=root)

    await eventually(lambda: told(slack, ann))
    assert len(told(slack, ann)) <= 2  # never one for what was merely said
    assert all("conversation" in text for text in told(slack, ann))


# What one person is shown


async def test_controls_that_one_person_is_shown_know_their_thread(
    slack: SlackSimulator, host: Host, adapter: SlackClient, channel: str, ann: str
) -> None:
    root = await slack.say(channel, ann, f"<@{slack.bot_user_id}> hello")
    await adapter.deliver(status(slack, channel, root, ann))
    (shown,) = slack.ephemerals

    result = await slack.click(channel, shown.ts, ann, text="End the conversation")

    assert result.acked
    pressed = host.accepted[-1]
    assert (pressed.body, pressed.thread) == (EndAsked(), f"{slack.team_id}:{channel}:{root}")


# Buttons of long ago


@pytest.mark.usefixtures("adapter")
@pytest.mark.parametrize("value", ["from another age", '{"d":"c9.9","t":"T0ELSE","i":0}', "{}"])
async def test_a_button_that_cannot_be_read_is_answered_politely(
    slack: SlackSimulator, host: Host, channel: str, ann: str, value: str
) -> None:
    ts = await _posted_button(slack, channel, "polyai_end", value)

    assert (await slack.click(channel, ts, ann)).acked

    await eventually(lambda: told(slack, ann))
    assert "long over" in told(slack, ann)[0]
    assert host.accepted == []


@pytest.mark.usefixtures("adapter")
async def test_a_button_of_no_conversation_is_answered_politely(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    host.ignoring = True
    value = ids.encode_button(ids.ButtonValue("c1.1", slack.team_id))
    ts = await _posted_button(slack, channel, "polyai_suggestion:0", value)

    assert (await slack.click(channel, ts, ann)).acked

    await eventually(lambda: told(slack, ann))
    assert len(host.accepted) == 1


@pytest.mark.usefixtures("adapter")
async def test_a_button_that_opens_an_address_is_acked_and_that_is_all(
    slack: SlackSimulator, channel: str, ann: str
) -> None:
    ts = await _posted_button(slack, channel, ids.open_action(1), "")
    assert (await slack.click(channel, ts, ann)).acked
    await slack.command(channel, ann, "/agent", "help")

    assert len(told(slack, ann)) == 1  # the help alone


@pytest.mark.usefixtures("adapter")
async def test_without_a_working_response_url_the_channel_is_tried(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    host.ignoring = True
    slack.close_responses()
    ts = await _posted_button(slack, channel, "polyai_end", "from another age")

    assert (await slack.click(channel, ts, ann)).acked

    await eventually(lambda: told(slack, ann))
    assert [call.method for call in slack.calls].count("chat.postEphemeral") == 1


async def test_whoever_is_not_let_in_is_told_nothing(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    ts = await _posted_button(slack, channel, "polyai_end", "from another age")
    async with connect(settings(slack, deny_people=[ann]), host):
        assert (await slack.click(channel, ts, ann)).acked
        assert (await slack.command(channel, ann, "/agent")).response is None
        await slack.open_home(ann)
        assert (await slack.use_shortcut(channel, ts, ann, SHORTCUT)).acked

    assert (told(slack, ann), slack.homes, host.accepted) == ([], [], [])


# The shortcut


@pytest.mark.usefixtures("adapter")
async def test_the_shortcut_asks_in_the_thread_of_its_message(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    root = await slack.say(channel, ann, "a thread")
    reply = await slack.say(channel, ann, "a reply", thread_ts=root)

    assert (await slack.use_shortcut(channel, reply, ann, SHORTCUT)).acked

    assert host.accepted[-1].body == StatusAsked()
    assert host.accepted[-1].thread == f"{slack.team_id}:{channel}:{root}"


@pytest.mark.usefixtures("adapter")
async def test_the_shortcut_on_any_message_is_answered_politely(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    host.ignoring = True
    said = await slack.say(channel, ann, "not for you")

    assert (await slack.use_shortcut(channel, said, ann, SHORTCUT)).acked
    assert (await slack.use_shortcut(channel, said, ann, "another")).acked

    await eventually(lambda: told(slack, ann))
    assert len(told(slack, ann)) == 1


@pytest.mark.thorough
@pytest.mark.usefixtures("adapter")
async def test_what_is_not_stored_is_not_acked(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    said = await slack.say(channel, ann, "a message")
    host.failing = 1

    result = await asyncio.wait_for(slack.use_shortcut(channel, said, ann, SHORTCUT), 10)

    assert not result.acked


# The command


async def typed(slack: SlackSimulator, channel: str, person: str, text: str = "") -> dict[str, Any]:
    result = await slack.command(channel, person, "/agent", text)
    assert (result.acked, result.problems) == (True, ())
    assert result.response is not None
    return result.response


@pytest.mark.usefixtures("adapter")
async def test_the_command_lists_conversations_with_buttons_that_work(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    elsewhere = slack.add_channel("elsewhere")
    one, two = (
        glimpse(slack, channel, "1772366400.000100"),
        glimpse(slack, elsewhere, "1772366401.1"),
    )
    host.glimpses[PersonId(ann)] = [one, two]

    answer = await typed(slack, elsewhere, ann)
    assert answer["response_type"] == "ephemeral"
    assert limits.violations(answer["text"], answer["blocks"]) == []
    (shown,) = slack.ephemerals
    await slack.click(elsewhere, shown.ts, ann, text="Talk to a person", index=0)
    await slack.click(elsewhere, shown.ts, ann, text="End the conversation", index=1)

    assert [(i.thread, i.body) for i in host.accepted] == [
        (one.thread, PersonAsked()),
        (two.thread, EndAsked()),
    ]
    await eventually(lambda: len(told(slack, ann)) == 3)  # away from the threads, they are told
    assert "asked for a person" in told(slack, ann)[1]
    assert "being ended" in told(slack, ann)[2]


@pytest.mark.usefixtures("adapter")
async def test_the_only_conversation_is_ended_by_command_once_that_is_stored(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    only = glimpse(slack, channel, "1772366400.000100")
    host.glimpses[PersonId(ann)] = [only]

    answer = await typed(slack, channel, ann, "end")

    assert "being ended" in answer["text"]
    (stored,) = host.accepted
    assert (stored.thread, stored.body, stored.opens) == (only.thread, EndAsked(), False)
    assert stored.identities[0].startswith(f"command:{slack.team_id}:{ann}:")


@pytest.mark.usefixtures("adapter")
async def test_of_several_conversations_the_command_asks_which(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    found = [glimpse(slack, channel, f"177236640{n}.000100") for n in range(2)]
    host.glimpses[PersonId(ann)] = found

    answer = await typed(slack, channel, ann, "Stop!")

    assert answer["text"].startswith("Which one")
    assert host.accepted == []


@pytest.mark.usefixtures("adapter")
@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "no open conversation"),
        ("status", "no open conversation"),
        ("end", "no open conversation"),
        ("help", "Mention <@"),
        ("sing", "Mention <@"),
    ],
)
async def test_the_command_answers_whatever_is_typed(
    slack: SlackSimulator, channel: str, ann: str, text: str, part: str
) -> None:
    assert part in (await typed(slack, channel, ann, text))["text"]


@pytest.mark.usefixtures("adapter")
async def test_a_command_that_cannot_be_served_says_so(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    host.blind = True
    assert "try again" in (await typed(slack, channel, ann))["text"]

    host.blind, host.failing = False, 1
    host.glimpses[PersonId(ann)] = [glimpse(slack, channel, "1772366400.000100")]
    assert "try again" in (await typed(slack, channel, ann, "end"))["text"]
    assert host.accepted == []


@pytest.mark.usefixtures("adapter")
async def test_an_end_by_command_that_came_too_late_says_so(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    host.ignoring = True
    host.glimpses[PersonId(ann)] = [glimpse(slack, channel, "1772366400.000100")]

    assert "over already" in (await typed(slack, channel, ann, "end"))["text"]


async def test_without_a_command_configured_it_is_acked_in_silence(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    async with connect(settings(slack, command=""), host):
        result = await slack.command(channel, ann, "/agent")
    assert (result.acked, result.response) == (True, None)


# The Home tab


@pytest.mark.usefixtures("adapter")
async def test_the_home_tab_shows_conversations_when_it_is_opened(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    host.glimpses[PersonId(ann)] = [glimpse(slack, channel, "1772366400.000100")]

    await slack.open_home(ann)

    await eventually(lambda: slack.home(ann))
    assert f"<#{channel}>" in json.dumps(slack.home(ann))


@pytest.mark.usefixtures("adapter")
async def test_a_press_in_the_home_tab_is_taken_told_and_then_what_became_of_it(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    one = glimpse(slack, channel, "1772366400.000100")
    host.glimpses[PersonId(ann)] = [one]
    await slack.open_home(ann)
    await eventually(lambda: slack.home(ann))

    assert (await slack.press_home(ann, text="End the conversation")).acked
    (pressed,) = host.accepted
    assert (pressed.thread, pressed.body) == (one.thread, EndAsked())
    assert pressed.identities[0].startswith(f"click:{slack.team_id}:home:{ann}:")
    await eventually(lambda: len(slack.homes) == 2)
    assert "being ended" in json.dumps(slack.home(ann))
    assert f"<#{channel}>" not in json.dumps(slack.home(ann))

    host.glimpses[PersonId(ann)] = []
    await eventually(lambda: host.clock.sleepers)
    await host.clock.advance(timedelta(seconds=3))
    await eventually(lambda: len(slack.homes) == 3)
    assert "being ended" not in json.dumps(slack.home(ann))


@pytest.mark.usefixtures("adapter")
async def test_a_press_for_what_is_gone_shows_how_things_are(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    host.glimpses[PersonId(ann)] = [glimpse(slack, channel, "1772366400.000100")]
    await slack.open_home(ann)
    await eventually(lambda: slack.home(ann))
    host.ignoring, host.glimpses = True, {}

    assert (await slack.press_home(ann, text="Talk to a person")).acked

    await eventually(lambda: len(slack.homes) == 2)
    assert "no open conversation" in json.dumps(slack.home(ann))
    assert told(slack, ann) == []


@pytest.mark.usefixtures("adapter")
async def test_a_home_tab_that_cannot_be_published_harms_nobody(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    slack.fail("views.publish", "internal_error")
    await slack.open_home(ann)
    await eventually(lambda: [c for c in slack.calls if c.method == "views.publish"])
    host.blind = True
    await slack.open_home(ann)
    await eventually(lambda: all(envelope.acked for envelope in slack.envelopes))

    host.blind = False
    await slack.open_home(ann)
    await eventually(lambda: slack.home(ann))
    assert (await slack.command(channel, ann, "/agent")).acked


async def test_there_is_no_home_tab_unless_it_is_wanted(
    slack: SlackSimulator, host: Host, ann: str
) -> None:
    async with connect(settings(slack, home_tab=False), host):
        await slack.open_home(ann)
        await eventually(lambda: slack.envelopes and slack.envelopes[-1].acked)
    assert slack.homes == []


async def test_leaving_ends_what_is_still_being_told(
    slack: SlackSimulator, host: Host, channel: str, ann: str
) -> None:
    host.glimpses[PersonId(ann)] = [glimpse(slack, channel, "1772366400.000100")]
    async with connect(settings(slack), host):
        await slack.open_home(ann)
        await eventually(lambda: slack.home(ann))
        await slack.press_home(ann, text="Talk to a person")
        await eventually(lambda: len(slack.homes) == 2)
    left = [task for task in asyncio.all_tasks() if task.get_name() == "slack-aside"]
    assert left == []


# Secrets


async def test_no_response_url_reaches_the_log(
    slack: SlackSimulator, host: Host, channel: str, ann: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger=LOG.name)  # another test may have set it
    ts = await _posted_button(slack, channel, "polyai_end", "from another age")
    slack.close_responses()
    async with connect(settings(slack), host):
        await slack.click(channel, ts, ann)
        await eventually(lambda: told(slack, ann))
    ours = [r for r in caplog.records if r.name.startswith(("polyai_bridge", "slack"))]
    assert "slack.response_url_failed" in [record.msg for record in ours]
    assert not any("/response/" in f"{record.getMessage()} {vars(record)}" for record in ours)


async def _posted_button(slack: SlackSimulator, channel: str, action: str, value: str) -> str:
    """A message of the app's with one button, as an older version may have left it; its ts."""
    text = {"type": "plain_text", "text": "Press"}
    button: dict[str, Any] = {"type": "button", "text": text, "action_id": action}
    button |= {"value": value} if value else {"url": "https://example.com/"}
    blocks = [{"type": "actions", "elements": [button]}]
    headers = {"Authorization": "Bearer xoxb-simulated"}
    async with aiohttp.ClientSession(headers=headers) as http:
        body = {"channel": channel, "text": "old", "blocks": blocks}
        async with http.post(f"{slack.api_url}chat.postMessage", json=body) as response:
            answer = await response.json()
    assert answer["ok"], answer
    return str(answer["ts"])
