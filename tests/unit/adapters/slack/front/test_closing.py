"""Is it understood which places are closed, and is every conversation there told?"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from adapters.slack.front.closing import Closed, attend, close, places_closed, renumbered
from adapters.slack.front.reception import Reception
from adapters.slack.identity import BotIdentity
from adapters.slack.settings import SlackSettings
from adapters.slack.web.calls import Calls, web_client
from adapters.slack.workspaces import OneWorkspace, Workspace
from bridge.clock import SystemClock
from bridge.errors import DatabaseFailed
from bridge.model.ids import ThreadKey
from bridge.model.inbound import Inbound, ThreadGone
from bridge.testing.host import PlayedHost

BOT = BotIdentity(team="T1", user="UBOT", bot="BBOT")
AT = "1772366500.000300"
ROOTS = ("1772366400.000100", "1772366400.000200")


def event(kind: str, **fields: object) -> dict[str, Any]:
    return {
        "type": "event_callback",
        "team_id": "T1",
        "event_time": 1772366500,
        "event": {"type": kind, "channel": "C1", "event_ts": AT, **fields},
        "authorizations": [{"team_id": "T1"}],
    }


def closed(kind: str, channel: str = "C1", ts: str = AT) -> Closed:
    return Closed(team="T1", channel=channel, why=kind, ts=ts)


@pytest.fixture
def host() -> PlayedHost:
    host = PlayedHost(SystemClock())
    host.threads = [ThreadKey(f"T1:C1:{root}") for root in ROOTS]
    host.threads += [ThreadKey(f"T1:C2:{ROOTS[0]}"), ThreadKey(f"T2:C1:{ROOTS[0]}")]
    return host


def told(host: PlayedHost) -> set[str]:
    return {inbound.thread for inbound in host.accepted}


@pytest.mark.parametrize(
    "kind",
    [
        "channel_archive",
        "channel_deleted",
        "channel_left",
        "group_archive",
        "group_deleted",
        "group_left",
    ],
)
def test_a_channel_that_is_closed_is_named(kind: str) -> None:
    assert places_closed(event(kind), BOT) == closed(kind)


def test_only_our_own_leaving_closes_a_channel() -> None:
    assert places_closed(event("member_left_channel", user="U1"), BOT) is None
    assert places_closed(event("member_left_channel", user="UBOT"), BOT) is not None


def test_an_uninstalled_app_is_out_of_the_whole_workspace() -> None:
    payload = event("app_uninstalled") | {"event": {"type": "app_uninstalled"}}
    found = places_closed(payload, BOT)
    assert found == closed("app_uninstalled", "", "1772366500.000000")
    assert found is not None
    assert found.whole


@pytest.mark.parametrize(
    ("tokens", "ours"),
    [
        ({"bot": ["UBOT"]}, True),
        ({"oauth": ["U1"], "bot": ["U7", "UBOT"]}, True),
        ({"oauth": ["UBOT"]}, False),
        ({"bot": "UBOT"}, False),
        (None, False),
    ],
)
def test_only_the_bots_own_token_counts(tokens: object, *, ours: bool) -> None:
    found = places_closed(event("tokens_revoked", tokens=tokens), BOT)
    assert (found is not None) is ours


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        {"event": "channel_archive"},
        event("message"),
        event("channel_unarchive"),
        event("channel_archive", channel={"id": "C1"}),
        event("channel_archive", channel="?"),
        event("channel_archive") | {"authorizations": None, "team_id": None},
        event("channel_archive", event_ts=None) | {"event_time": "soon"},
        event("channel_id_changed"),
    ],
)
def test_anything_else_closes_nothing(payload: object) -> None:
    assert places_closed(payload, BOT) is None


async def test_every_thread_of_a_channel_is_told_and_no_other(host: PlayedHost) -> None:
    await close(closed("channel_archive"), host)
    assert told(host) == {f"T1:C1:{root}" for root in ROOTS}
    first = host.accepted[0]
    assert first == Inbound(
        thread=ThreadKey(f"T1:C1:{ROOTS[0]}"),
        identities=(f"gone:T1:C1:{AT}:{ROOTS[0]}",),
        order="001772366500.000300",
        person=first.person,
        at=datetime(2026, 3, 1, 12, 1, 40, 300, tzinfo=UTC),
        body=ThreadGone(),
        place="C1",
        account="T1",
    )


async def test_every_thread_of_a_workspace_is_told_and_the_log_says_of_which(
    host: PlayedHost, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "polyai_bridge")
    await close(closed("app_uninstalled", ""), host)
    assert told(host) == {key for key in host.threads if key.startswith("T1:")}
    assert [(record.msg, vars(record)["team"]) for record in caplog.records] == [
        ("slack.place_closed", "T1")
    ]


async def test_told_twice_is_known(host: PlayedHost) -> None:
    await close(closed("channel_left"), host)
    await close(closed("channel_left"), host)
    names = [inbound.identities for inbound in host.accepted]
    assert names[:2] == names[2:]


async def test_what_cannot_be_stored_is_not_taken_as_done(host: PlayedHost) -> None:
    host.failing = 1
    with pytest.raises(DatabaseFailed):
        await close(closed("channel_archive"), host)


async def test_many_threads_are_told_in_portions(host: PlayedHost) -> None:
    host.threads = [ThreadKey(f"T1:C1:1772366400.{n:06}") for n in range(120)]
    await close(closed("channel_archive"), host)
    assert len(told(host)) == 120


async def test_a_key_that_is_not_ours_is_passed_over(host: PlayedHost) -> None:
    host.threads = [ThreadKey("T1:C1:x"), ThreadKey(f"T1:C1:{ROOTS[0]}")]
    await close(closed("channel_archive"), host)
    assert told(host) == {f"T1:C1:{ROOTS[0]}"}


async def test_an_event_is_attended_to(host: PlayedHost) -> None:
    assert await attend(event("channel_archive"), BOT, host) == closed("channel_archive")
    assert len(host.accepted) == 2
    assert await attend(event("message"), BOT, host) is None
    assert len(host.accepted) == 2


async def test_a_new_number_is_noted_and_closes_nothing(
    host: PlayedHost, caplog: pytest.LogCaptureFixture
) -> None:
    payload = event("channel_id_changed", old_channel_id="G1", new_channel_id="C7")
    assert renumbered(payload) == ("G1", "C7")
    assert renumbered(event("channel_id_changed", old_channel_id="G1")) is None
    await attend(payload, BOT, host)
    assert [record.msg for record in caplog.records] == ["slack.channel_renumbered"]
    assert host.accepted == []


@pytest.fixture
async def reception(host: PlayedHost) -> AsyncIterator[Reception]:
    settings = SlackSettings.model_validate({"bot_token": "xoxb-1", "app_token": "xapp-1"})
    async with aiohttp.ClientSession() as session:
        # Nothing is called: the address is nobody's.
        web = web_client("xoxb-1", "http://127.0.0.1:9/api/", session, local=True)
        reception = Reception(OneWorkspace(Workspace(BOT, Calls(web))), host, settings)
        yield reception
        await reception.close()


async def test_it_is_acknowledged_only_once_everybody_is_told(
    host: PlayedHost, reception: Reception
) -> None:
    host.failing = 1
    assert (await reception.take(event("channel_archive"))).status == 500
    assert (await reception.take(event("channel_archive"))).status == 200
    assert told(host) == {f"T1:C1:{root}" for root in ROOTS}


async def test_another_workspaces_closing_is_none_of_ours(
    host: PlayedHost, reception: Reception
) -> None:
    payload = event("channel_archive") | {"authorizations": [{"team_id": "T2"}]}
    assert (await reception.take(payload)).status == 200
    assert host.accepted == []
