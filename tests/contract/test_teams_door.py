"""Does the Teams adapter believe Microsoft alone, and only about the service that a token names?"""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters.teams.connection import connect
from adapters.teams.settings import TeamsSettings
from bridge.errors import ThreadClosed
from bridge.model.ids import ThreadKey
from bridge.testing.host import PlayedHost
from tests.contract.slack_front import fronted
from tests.contract.teams_stage import ShiftedClock, TeamsStage, outbound, teams_stage


@pytest.fixture
async def stage() -> AsyncIterator[TeamsStage]:
    async with teams_stage() as everybody:
        yield everybody


def activity(stage: TeamsStage, **parts: object) -> dict[str, Any]:
    thread = "a:personal-chat"
    stage.microsoft.conversations.setdefault(thread, {})
    made = stage.teams._activity("message", stage.teams._number(), thread, "ada", text="hi")
    return made | parts


async def test_a_good_token_opens_the_door(stage: TeamsStage) -> None:
    assert await stage.teams.bring(activity(stage)) == 200
    assert len(stage.host.accepted) == 1


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"aud": "another-app"}, 401),
        ({"aud": []}, 401),
        ({"aud": None}, 401),
        ({"iss": "https://evil.example"}, 401),
        ({"iss": "https://api.botframework.com/"}, 401),
        ({"exp": None}, 401),
        ({"exp": True}, 401),
        ({"exp": 1}, 401),
        ({"exp": "soon"}, 401),
        ({"nbf": 99_999_999_999}, 401),
        ({"serviceurl": "https://evil.example/"}, 403),
        ({"serviceurl": None}, 403),
    ],
)
async def test_what_a_token_must_not_say(
    stage: TeamsStage, claims: dict[str, object], status: int
) -> None:
    token = stage.microsoft.signed(**claims)

    assert await stage.teams.bring(activity(stage), token) == status
    assert stage.host.accepted == []


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(0, 200), (3600 + 240, 200), (3600 + 330, 401), (-240, 200), (-330, 401)],
)
async def test_a_token_is_good_in_its_time_and_five_minutes_around_it(
    stage: TeamsStage, seconds: int, status: int
) -> None:
    token = stage.microsoft.signed()
    stage.clock.shift = timedelta(seconds=seconds)

    assert await stage.teams.bring(activity(stage), token) == status


async def test_nobody_is_believed_without_a_token_of_the_announced_keys(stage: TeamsStage) -> None:
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    good = stage.microsoft.signed()
    claims = jwt.decode(good, options={"verify_signature": False})
    name = jwt.get_unverified_header(good)["kid"]
    forged = jwt.encode(claims, foreign, algorithm="RS256", headers={"kid": name})
    weak = jwt.encode(claims, "x" * 32, algorithm="HS256", headers={"kid": name})
    unsigned = jwt.encode(claims, "", algorithm="none", headers={"kid": name})

    for token in (
        "",
        "x",
        "a.b.c",
        "\udcff.b.c",
        forged,
        weak,
        unsigned,
        f"{good[:-4]}AAAA",
        "y" * 8_100,
    ):
        assert await stage.teams.bring(activity(stage), token) == 401
    assert stage.host.accepted == []


async def test_a_key_signs_only_for_the_channels_it_is_endorsed_for(stage: TeamsStage) -> None:
    assert await stage.teams.bring(activity(stage, channelId="directline")) == 403


async def test_a_service_that_is_not_trusted_gets_no_answer_of_ours(stage: TeamsStage) -> None:
    elsewhere = "https://connector.evil.example/"
    token = stage.microsoft.signed(serviceurl=elsewhere)

    assert await stage.teams.bring(activity(stage, serviceUrl=elsewhere), token) == 403
    with pytest.raises(ThreadClosed):
        await stage.client.deliver(outbound(ThreadKey("a:personal-chat"), "hello"))


async def test_a_service_remembered_but_not_trusted_any_more_gets_no_token(
    stage: TeamsStage,
) -> None:
    stage.host.memory.kept["service/a:old"] = "https://connector.evil.example"

    with pytest.raises(ThreadClosed):
        await stage.client.deliver(outbound(ThreadKey("a:old"), "hello"))


async def test_new_keys_are_asked_for_and_made_up_ones_not_again_and_again(
    stage: TeamsStage,
) -> None:
    assert await stage.teams.bring(activity(stage)) == 200
    stage.microsoft.renew_key()
    for _ in range(3):
        assert await stage.teams.bring(activity(stage)) == 401
    assert stage.microsoft.keys_asked == 1

    stage.clock.shift += timedelta(minutes=1)

    assert await stage.teams.bring(activity(stage)) == 200
    assert stage.microsoft.keys_asked == 2


async def test_known_keys_do_for_a_day_while_nobody_announces_any(stage: TeamsStage) -> None:
    assert await stage.teams.bring(activity(stage)) == 200
    await stage.microsoft.close()
    stage.clock.shift += timedelta(hours=23)
    late = stage.microsoft.signed(exp=99_999_999_999)
    assert await stage.teams.bring(activity(stage), late) == 200

    stage.clock.shift += timedelta(hours=1)

    assert await stage.teams.bring(activity(stage), late) == 503
    await stage.microsoft.open()


async def test_the_log_says_once_why_somebody_was_not_believed(
    stage: TeamsStage, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = "https://connector.evil.example/"
    token = stage.microsoft.signed(serviceurl=elsewhere)
    for _ in range(2):
        await stage.teams.bring(activity(stage), "x")
        await stage.teams.bring(activity(stage), token)
        await stage.teams.bring(activity(stage, serviceUrl=elsewhere), token)
    stage.clock.shift = timedelta(days=2)
    await stage.microsoft.close()
    await stage.teams.bring(activity(stage), token)
    await stage.microsoft.open()

    told = [vars(one)["reason"] for one in caplog.records if one.msg == "teams.request_refused"]
    assert told == ["token", "service", "host", "keys"]
    assert token not in caplog.text


async def test_what_is_not_stored_is_not_acknowledged(stage: TeamsStage) -> None:
    said = activity(stage)
    stage.host.failing = 1

    assert await stage.teams.bring(said) == 503
    assert stage.host.memory.kept == {"service/a:personal-chat": stage.microsoft.service}
    assert await stage.teams.bring(said) == 200


@pytest.mark.parametrize(
    "parts", [{"conversation": None}, {"conversation": {"id": "x" * 600}}, {"text": 5}]
)
async def test_what_makes_no_sense_is_refused_and_not_logged(
    stage: TeamsStage, parts: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    assert await stage.teams.bring(activity(stage, **parts)) == 400
    assert [one.msg for one in caplog.records] == ["teams.request_refused"]
    assert "hi" not in str([vars(one) for one in caplog.records])


@pytest.mark.parametrize("kind", ["typing", "conversationUpdate", "messageReaction", "event"])
async def test_what_nobody_has_to_know_is_acknowledged_and_left_out(
    stage: TeamsStage, kind: str
) -> None:
    assert await stage.teams.bring(activity(stage, type=kind)) == 200
    assert stage.host.accepted == []


async def test_an_invocation_that_nothing_comes_of_is_not_implemented(stage: TeamsStage) -> None:
    assert await stage.teams.bring(activity(stage, type="invoke", name="task/fetch")) == 501


EMULATOR = "http://127.0.0.1:56150/_connector"


@pytest.fixture
async def emulated() -> AsyncIterator[tuple[PlayedHost, str]]:
    """A host in whose place of Teams the emulator stands, and the address of its door."""
    settings = TeamsSettings.model_validate({"emulator": EMULATOR})
    async with fronted(ShiftedClock()) as front, connect(settings, front.host):
        yield front.host, f"{front.url}/slack/messages"


async def brought(url: str, service: str, **headers: str) -> int:
    said = {
        "type": "message",
        "id": "1",
        "text": "hi",
        "serviceUrl": service,
        "from": {"id": "user"},
        "conversation": {"id": "chat"},
    }
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, data=json.dumps(said), headers=headers) as answer,
    ):
        return answer.status


async def test_the_emulator_needs_no_token_but_has_to_be_on_this_machine(
    emulated: tuple[PlayedHost, str],
) -> None:
    host, url = emulated

    assert await brought(url, EMULATOR.replace("127.0.0.1", "localhost")) == 200
    assert len(host.accepted) == 1


@pytest.mark.parametrize(
    ("service", "headers", "status"),
    [
        ("https://smba.trafficmanager.net/emea/", {}, 403),
        ("http://127.0.0.1:80/_connector", {}, 403),
        (EMULATOR, {"X-Forwarded-For": "203.0.113.7"}, 401),
        (EMULATOR, {"Forwarded": "for=203.0.113.7"}, 401),
        (EMULATOR, {"X-Forwarded-Host": "bridge.example"}, 401),
        (EMULATOR, {"Origin": "https://page.example"}, 401),
        (EMULATOR, {"Sec-Fetch-Site": "same-origin"}, 401),
        (EMULATOR, {"Host": "rebound.example:8080"}, 401),
        (EMULATOR, {"Host": "[1"}, 401),
    ],
)
async def test_with_the_emulator_nobody_else_comes_in(
    emulated: tuple[PlayedHost, str], service: str, headers: dict[str, str], status: int
) -> None:
    host, url = emulated

    assert await brought(url, service, **headers) == status
    assert host.accepted == []
