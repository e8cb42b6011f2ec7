"""Does the simulated Slack take and refuse an app's answers and Home tabs as Slack does?"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bridge.clock import RandomIds
from bridge.simulators.slack import RateLimits, SlackSimulator
from bridge.testing.clock import FakeClock

Json = dict[str, Any]
WORDS: Json = {"type": "plain_text", "text": "a"}
LONG: Json = {"type": "plain_text", "text": "x" * 31}
SECTION: Json = {"type": "section", "text": {"type": "mrkdwn", "text": "Hello"}}


def button(**more: object) -> Json:
    return {"type": "button", "text": WORDS, "action_id": "a", "value": "v", **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def confirm(**more: object) -> Json:
    return {"title": WORDS, "text": WORDS, "confirm": WORDS, "deny": WORDS, **more}


class Far:
    """An app on a socket: it acks everything, with `answer` where an answer may go along."""

    def __init__(self, slack: SlackSimulator, http: aiohttp.ClientSession) -> None:
        self._slack = slack
        self._http = http
        self.heard: list[Json] = []
        self.answer: Json | None = None

    async def call(self, method: str, **arguments: object) -> Json:
        token = "xapp-simulated" if method.startswith("apps.") else "xoxb-simulated"
        headers = {"Authorization": f"Bearer {token}"}
        address = f"{self._slack.api_url}{method}"
        async with self._http.post(address, json=arguments, headers=headers) as response:
            told: Json = await response.json()
        return told

    async def respond(self, body: object, *, number: int = -1) -> tuple[int, str]:
        """Answer at the response_url of what was heard."""
        url = self.heard[number]["response_url"]
        async with self._http.post(url, json=body) as response:
            return response.status, await response.text()

    async def listen(self) -> None:
        address = (await self.call("apps.connections.open"))["url"]
        async with self._http.ws_connect(address) as socket:
            async for message in socket:
                frame = message.json()
                if "envelope_id" not in frame:
                    continue
                self.heard.append(frame["payload"])
                ack: Json = {"envelope_id": frame["envelope_id"]}
                if frame["accepts_response_payload"] and self.answer is not None:
                    ack["payload"] = self.answer
                await socket.send_json(ack)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def slack(clock: FakeClock) -> AsyncIterator[SlackSimulator]:
    simulator = SlackSimulator(clock=clock, ids=RandomIds(), limits=RateLimits.off())
    async with simulator:
        yield simulator


@pytest.fixture
async def app(slack: SlackSimulator) -> AsyncIterator[Far]:
    async with aiohttp.ClientSession() as http:
        far = Far(slack, http)
        listening = asyncio.create_task(far.listen())
        await slack.connected()
        yield far
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


@pytest.fixture
def ann(slack: SlackSimulator) -> str:
    return slack.add_user("ann")


@pytest.fixture
def channel(slack: SlackSimulator) -> str:
    return slack.add_channel("help")


async def test_a_commands_answer_is_shown_to_one_person_and_can_be_pressed(
    slack: SlackSimulator, app: Far, channel: str, ann: str
) -> None:
    app.answer = {"response_type": "ephemeral", "text": "Hi", "blocks": [actions(button())]}

    result = await slack.command(channel, ann, "/agent", "x")
    (shown,) = slack.ephemerals
    await slack.click(channel, shown.ts, ann, text="a")

    assert (result.acked, result.problems, shown.user) == (True, (), ann)
    typed, pressed = app.heard
    assert (typed["command"], typed["text"], typed["channel_id"]) == ("/agent", "x", channel)
    assert pressed["container"] == {
        "type": "message",
        "message_ts": shown.ts,
        "channel_id": channel,
        "is_ephemeral": True,
    }
    assert "message" not in pressed
    with pytest.raises(LookupError):
        await slack.click(channel, shown.ts, slack.add_user("ben"), text="a")


@pytest.mark.parametrize(
    "answer",
    [
        {"text": ""},
        {"text": "Hi", "response_type": "secret"},
        {"text": "Hi", "colour": "red"},
        {"text": "Hi", "blocks": [actions(button(confirm={"title": WORDS}))]},
        {"text": "Hi", "blocks": [actions(button(confirm="sure?"))]},
        {
            "text": "Hi",
            "blocks": [actions(button(confirm=confirm(deny={**WORDS, "text": "x" * 31})))],
        },
    ],
)
async def test_an_answer_that_slack_would_not_take_is_a_failure_to_the_person(
    slack: SlackSimulator, app: Far, channel: str, ann: str, answer: Json
) -> None:
    app.answer = answer

    result = await slack.command(channel, ann, "/agent")

    assert not result.acked
    assert result.problems
    assert slack.ephemerals == []


async def test_a_response_url_takes_five_answers(
    slack: SlackSimulator, app: Far, channel: str, ann: str
) -> None:
    await slack.command(channel, ann, "/agent")

    answers = [await app.respond({"text": str(number)}) for number in range(6)]

    assert answers[:5] == [(200, "ok")] * 5
    assert (answers[5][0], "used_url" in answers[5][1]) == (404, True)
    assert [shown.text for shown in slack.ephemerals] == ["0", "1", "2", "3", "4"]


async def test_a_response_url_lasts_half_an_hour(
    slack: SlackSimulator, clock: FakeClock, app: Far, channel: str, ann: str
) -> None:
    await slack.command(channel, ann, "/agent")
    await clock.advance(timedelta(minutes=30))
    status, words = await app.respond({"text": "late"})
    assert (status, "expired_url" in words) == (404, True)

    await slack.command(channel, ann, "/agent")
    slack.close_responses()
    assert (await app.respond({"text": "too late"}))[0] == 404
    assert slack.ephemerals == []


async def test_a_response_url_works_where_the_app_is_no_member_and_may_speak_to_all(
    slack: SlackSimulator, app: Far, ann: str
) -> None:
    channel = slack.add_channel("others", member=False)
    root = await slack.say(channel, ann, "hello")
    await slack.use_shortcut(channel, root, ann, "mine")

    assert await app.respond({"text": "Hi", "response_type": "in_channel", "thread_ts": root}) == (
        200,
        "ok",
    )
    assert [message.text for message in slack.messages(channel, root)] == ["hello", "Hi"]


@pytest.mark.parametrize("body", [["text"], {"text": "Hi", "blocks": [{"type": "nonsense"}]}])
async def test_a_response_url_refuses_what_makes_no_sense(
    slack: SlackSimulator, app: Far, channel: str, ann: str, body: object
) -> None:
    await slack.command(channel, ann, "/agent")
    assert (await app.respond(body))[0] == 400


async def test_a_home_tab_is_published_seen_and_pressed(
    slack: SlackSimulator, app: Far, ann: str
) -> None:
    assert slack.home(ann) is None
    await slack.open_home(ann)
    buttons = actions(button(confirm=confirm()), button(action_id="b"))
    view = {"type": "home", "blocks": [SECTION, buttons]}
    published = await app.call("views.publish", user_id=ann, view=view)

    await slack.press_home(ann, index=1)

    assert published["ok"]
    assert slack.home(ann) == published["view"] == slack.homes[0][1]
    opened, pressed = app.heard
    assert (
        opened["event"] | {"type": "app_home_opened", "user": ann, "tab": "home"} == opened["event"]
    )
    assert pressed["container"] == {"type": "view", "view_id": published["view"]["id"]}
    assert pressed["actions"][0]["action_id"] == "b"
    assert not {"channel", "message", "response_url"} & set(pressed)


async def test_an_older_home_tab_is_not_published_over_a_newer(
    slack: SlackSimulator, app: Far, ann: str
) -> None:
    view = {"type": "home", "blocks": [SECTION]}
    first = await app.call("views.publish", user_id=ann, view=view)
    second = await app.call("views.publish", user_id=ann, view=view, hash=first["view"]["hash"])
    third = await app.call("views.publish", user_id=ann, view=view, hash=first["view"]["hash"])

    assert second["view"]["id"] == first["view"]["id"]
    assert third == {"ok": False, "error": "hash_conflict"}


@pytest.mark.parametrize(
    "view",
    [
        None,
        "home",
        {"type": "modal", "blocks": [SECTION]},
        {"type": "home"},
        {"type": "home", "blocks": [SECTION] * 101},
        {"type": "home", "blocks": [SECTION], "title": WORDS},
        {"type": "home", "blocks": [SECTION], "callback_id": "x" * 256},
    ],
)
async def test_a_home_tab_beyond_slacks_limits_is_refused(
    slack: SlackSimulator, app: Far, ann: str, view: object
) -> None:
    assert (await app.call("views.publish", user_id=ann, view=view))["error"] == "invalid_arguments"
    assert slack.homes == []
    with pytest.raises(LookupError):
        await slack.press_home(ann)


async def test_a_home_tab_is_for_somebody_and_not_too_large(
    slack: SlackSimulator, app: Far, ann: str
) -> None:
    large = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2999}}
    view = {"type": "home", "blocks": [large] * 100}
    assert (await app.call("views.publish", user_id=ann, view=view))["error"] == "view_too_large"
    nobody = await app.call(
        "views.publish", user_id="U0", view={"type": "home", "blocks": [SECTION]}
    )
    assert nobody["error"] == "invalid_arguments"
    assert slack.homes == []
