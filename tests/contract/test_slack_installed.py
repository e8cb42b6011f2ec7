"""Does an app that many workspaces install serve each with its own token, and none without?"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from adapters.slack.client import SlackClient
from adapters.slack.connection import connect
from adapters.slack.installs.proving import prove
from adapters.slack.settings import SlackSettings
from bridge.clock import RandomIds, SystemClock
from bridge.errors import CredentialsRefused
from bridge.model.delivery import Outbound
from bridge.model.ids import DeliveryId, ThreadKey
from bridge.model.inbound import Said, ThreadGone
from bridge.model.messages import AgentReply, Author, AuthorKind
from bridge.simulators.slack import SlackSimulator
from bridge.simulators.slack_town import SlackTown
from tests.contract.slack_front import Front, fronted

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
CLOCK = SystemClock()
ACME, BOLT = "T0ACME", "T0BOLT"


@pytest.fixture
async def town() -> AsyncIterator[SlackTown]:
    async with SlackTown(clock=CLOCK, ids=RandomIds()) as simulator:
        yield simulator


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    async with fronted(CLOCK) as served:
        yield served


def settings_of(town: SlackTown, front: Front, **more: object) -> SlackSettings:
    return SlackSettings.model_validate(
        {
            "mode": "http",
            "client_id": "1.2",
            "client_secret": "simulated",
            "signing_secret": SECRET,
            "public_url": front.url,
            "api_url": town.api_url,
            **more,
        }
    )


@pytest.fixture
async def adapter(town: SlackTown, front: Front) -> AsyncIterator[SlackClient]:
    async with connect(settings_of(town, front), front.host) as client:
        yield client


async def workspace(
    town: SlackTown, front: Front, team: str, organisation: str = ""
) -> SlackSimulator:
    slack = await town.add_workspace(team, organisation)
    slack.send_requests_to(front.events, SECRET)
    return slack


async def visit(front: Front, path: str = "/slack/install", **query: str) -> tuple[int, str]:
    """What a browser that allows cookies sees in the end."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        aiohttp.ClientSession(cookie_jar=jar) as http,
        http.get(front.url + path, params=query) as response,
    ):
        return response.status, await response.text()


async def install(town: SlackTown, front: Front, place: str) -> str:
    town.consents = place
    status, page = await visit(front)
    assert status == 200
    return page


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


def answer(slack: SlackSimulator, channel: str, root: str) -> Outbound:
    return Outbound(
        id=DeliveryId(f"c-{slack.team_id}.1"),
        thread=ThreadKey(f"{slack.team_id}:{channel}:{root}"),
        content=AgentReply(Author(AuthorKind.AGENT), "Hello back"),
        owed_at=datetime(2026, 3, 1, tzinfo=UTC),
    )


async def talked(slack: SlackSimulator, front: Front, adapter: SlackClient) -> str:
    """Somebody asks, it is heard, and the answer stands in that workspace; its channel."""
    channel, ann = slack.add_channel("help"), slack.add_user("ann")
    before = len(front.host.accepted)
    root = await slack.say(channel, ann, f"<@{slack.bot_user_id}> hello")
    await eventually(lambda: len(front.host.accepted) >= before + 2)
    inbound = front.host.accepted[-1]
    assert (inbound.body, inbound.account) == (Said("hello"), slack.team_id)
    await adapter.deliver(answer(slack, channel, root))
    assert [message.text for message in slack.messages(channel, root)][1:] == ["Hello back"]
    return channel


async def test_each_workspace_is_served_with_its_own_token(
    town: SlackTown, front: Front, adapter: SlackClient
) -> None:
    acme, bolt = await workspace(town, front, ACME), await workspace(town, front, BOLT)
    assert "Installed" in await install(town, front, ACME)
    await install(town, front, BOLT)
    await talked(acme, front, adapter)
    await talked(bolt, front, adapter)
    assert (len(acme.posts), len(bolt.posts)) == (1, 1)


async def test_who_did_not_install_it_is_not_heard_and_not_answered(
    town: SlackTown, front: Front, adapter: SlackClient
) -> None:
    acme = await workspace(town, front, ACME)
    ann = acme.add_user("ann")
    await acme.direct_message(ann, "hello")
    await eventually(lambda: acme.envelopes[0].acked)
    assert front.host.accepted == []
    with pytest.raises(CredentialsRefused, match="not installed in the workspace T0ACME"):
        await adapter.deliver(answer(acme, "C1", "1772366400.000100"))


async def test_tokens_are_kept_sealed_and_survive_a_restart(town: SlackTown, front: Front) -> None:
    settings = settings_of(town, front)
    acme = await workspace(town, front, ACME)
    async with connect(settings, front.host):
        await install(town, front, ACME)
    kept = {key for key in front.host.memory.kept if "T0ACME" in key}
    assert kept == {"installation:T0ACME"} == kept & front.host.memory.secrets
    front.host.routes.clear()
    async with connect(settings, front.host) as adapter:
        await talked(acme, front, adapter)


async def test_one_installation_serves_a_whole_organisation(town: SlackTown, front: Front) -> None:
    settings = settings_of(town, front)
    acme = await workspace(town, front, ACME, "E0CORP")
    bolt = await workspace(town, front, BOLT, "E0CORP")
    async with connect(settings, front.host) as adapter:
        await install(town, front, "E0CORP")
        await talked(acme, front, adapter)
        await talked(bolt, front, adapter)
    front.host.routes.clear()
    async with connect(settings, front.host) as adapter:
        # A conversation begun before the restart is answered before anything comes from there.
        channel, ann = bolt.add_channel("later"), bolt.add_user("ann")
        root = await bolt.say(channel, ann, "hello")
        await adapter.deliver(answer(bolt, channel, root))
        assert len(bolt.messages(channel, root)) == 2


async def test_an_app_taken_out_is_forgotten_with_all_its_conversations(
    town: SlackTown, front: Front, adapter: SlackClient
) -> None:
    acme = await workspace(town, front, ACME)
    await install(town, front, ACME)
    channel = await talked(acme, front, adapter)
    thread = ThreadKey(f"{ACME}:{channel}:1772366400.000100")
    front.host.threads = [thread, ThreadKey(f"{BOLT}:C1:1772366400.000100")]
    town.uninstall(ACME)
    await eventually(lambda: not front.host.memory.kept.keys() & {"installation:T0ACME"})
    gone = [inbound for inbound in front.host.accepted if inbound.body == ThreadGone()]
    assert {inbound.thread for inbound in gone} == {thread}
    with pytest.raises(CredentialsRefused):
        await adapter.deliver(answer(acme, channel, "1772366400.000100"))
    await install(town, front, ACME)
    await talked(acme, front, adapter)


async def test_tokens_that_expire_are_renewed_by_one_hand() -> None:
    clock = SystemClock()
    async with (
        SlackTown(clock=clock, ids=RandomIds(), token_life=timedelta(minutes=90)) as town,
        fronted(clock) as front,
    ):
        settings = settings_of(town, front, token_rotation=True)
        acme = await workspace(town, front, ACME)
        async with connect(settings, front.host):
            await install(town, front, ACME)
            first = front.host.memory.kept["installation:T0ACME"]
        front.host.routes.clear()
        async with connect(settings, front.host) as adapter:
            await eventually(lambda: town.renewals)
            await eventually(lambda: front.host.memory.kept["installation:T0ACME"] != first)
            await talked(acme, front, adapter)
        assert town.renewals == 1


@pytest.mark.thorough  # it waits in real time
async def test_what_ran_out_while_nobody_was_here_is_renewed_before_anything_is_sent() -> None:
    clock = SystemClock()
    async with (
        SlackTown(clock=clock, ids=RandomIds(), token_life=timedelta(seconds=3)) as town,
        fronted(clock) as front,
    ):
        settings = settings_of(town, front, token_rotation=True)
        acme = await workspace(town, front, ACME)
        async with connect(settings, front.host):
            await install(town, front, ACME)
        front.host.routes.clear()
        await asyncio.sleep(3)
        channel = acme.add_channel("help")
        root = await acme.say(channel, acme.add_user("Ann"), "hello")
        async with connect(settings, front.host) as adapter:
            await adapter.deliver(answer(acme, channel, root))
        assert town.renewals == 1


async def test_nobody_is_led_to_install_by_a_stranger(town: SlackTown, front: Front) -> None:
    async with connect(settings_of(town, front), front.host):
        for query in (
            {},
            {"code": "x"},
            {"code": "x", "state": "1.2.3"},
            {"code": "x", "state": "é"},
        ):
            status, page = await visit(front, "/slack/oauth_redirect", **query)
            assert status == 400
            assert "start the installation again" in page
    assert not any(key.startswith("installation:") for key in front.host.memory.kept)


async def test_who_says_no_has_installed_nothing(
    town: SlackTown, front: Front, adapter: SlackClient
) -> None:
    del adapter
    town.consents = ""
    status, page = await visit(front)
    assert (status, "Nothing was installed" in page) == (200, True)


async def test_a_workspace_that_is_not_allowed_cannot_install(
    town: SlackTown, front: Front
) -> None:
    await workspace(town, front, ACME)
    async with connect(settings_of(town, front, deny_workspaces=[ACME]), front.host):
        town.consents = ACME
        status, page = await visit(front)
    assert (status, "may not use" in page) == (403, True)
    assert front.host.memory.secrets == set()


async def test_the_app_is_proved_without_an_installation(town: SlackTown, front: Front) -> None:
    settings = settings_of(town, front)
    assert "app 1.2" in await prove(settings, front.host.http)
    wrong = settings_of(town, front, client_secret="wrong")
    with pytest.raises(CredentialsRefused, match="bad_client_secret"):
        await prove(wrong, front.host.http)
